//! The two ways of signing in, each from its beginning to the account that is taken in.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::account::{AccountInfo, Flow};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::BROWSER_TIMEOUT;
use entra_proto::sign_in::{AuthorizationShown, CodeShown};
use tokio::sync::watch;
use tokio::time::timeout;

use super::sign_in::Plan;
use super::{Broker, sign_ins};
use crate::access::neighbour;
use crate::entra::browser::Authorization;
use crate::entra::device::DeviceCode;
use crate::entra::poll::{SignInEnd, Step};
use crate::entra::redirect::Redirect;
use crate::entra::words;

impl Broker {
    /// By a code that a person types on Microsoft's page (RFC 8628).
    pub(super) async fn by_code(
        self: &Arc<Self>,
        plan: &Plan,
        told: &watch::Sender<sign_ins::State>,
    ) -> Result<AccountInfo, ErrorBody> {
        let code = self.parts.entra.request_code(&plan.target, &plan.scopes, plan.claims.as_ref(), false);
        let code = code.await.map_err(|outcome| plan.failed(SignInEnd::Failed(outcome)))?;
        let expires_on = self.parts.clock.now().wall.saturating_add(code.expires_in).as_secs();
        sign_ins::show_code(told, code_shown(plan, &code, expires_on));
        let mut poll = self.parts.entra.poll(code);
        let grant = loop {
            match poll.next().await {
                Step::Waiting { notice } => sign_ins::wait(told, expires_on, notice),
                Step::Ended(SignInEnd::Granted(grant)) => break grant,
                Step::Ended(end) => return Err(plan.failed(end)),
            }
        };
        self.admit(plan, *grant, Flow::DeviceCode).await
    }

    /// By a page in a browser on this machine (RFC 8252). The port is open before anybody is told the page.
    pub(super) async fn by_browser(
        self: &Arc<Self>,
        plan: &Plan,
        told: &watch::Sender<sign_ins::State>,
    ) -> Result<AccountInfo, ErrorBody> {
        let redirect = Redirect::open().await.map_err(|error| {
            let sentence = format!("No port can be opened for the browser's answer: {error}.");
            ErrorBody::new(ErrorCode::Unavailable, sentence)
                .with_hint(format!("Try again, or run `{} --device-code`.", plan.login()))
        })?;
        let authorization = self.parts.entra.authorization(
            &plan.target,
            &plan.scopes,
            plan.claims.as_ref(),
            false,
            plan.hint.as_deref(),
            redirect.port(),
        );
        let expires_on = self.parts.clock.now().wall.saturating_add(BROWSER_TIMEOUT).as_secs();
        sign_ins::show_authorization(told, authorization_shown(plan, &authorization, expires_on));
        let answer = redirect.answer(authorization.state(), neighbour::stranger);
        let Ok(mut arrived) = timeout(BROWSER_TIMEOUT, answer).await else {
            return Err(words::unanswered(
                BROWSER_TIMEOUT.as_secs() / 60,
                &plan.about(&plan.scopes.to_string()),
            ));
        };
        let end = self.parts.entra.redeem(authorization, arrived.take()).await;
        let admitted = match end {
            SignInEnd::Granted(grant) => self.admit(plan, *grant, Flow::Browser).await,
            end => Err(plan.failed(end)),
        };
        let (title, sentence) = match &admitted {
            Ok(account) => {
                ("Signed in", format!("You are signed in as {}. You can close this page.", account.username))
            }
            Err(error) => {
                let hint = error.hint.as_deref().unwrap_or_default();
                ("Not signed in", format!("{} {hint}", error.message))
            }
        };
        // In a task of its own: whoever waits for the sign-in need not wait for a browser.
        tokio::spawn(async move { timeout(LAST_PAGE, arrived.show(title, &sentence)).await });
        admitted
    }
}

fn code_shown(plan: &Plan, code: &DeviceCode, expires_on: u64) -> CodeShown {
    CodeShown {
        user_code: code.user_code.clone(),
        verification_uri: code.verification_uri.clone(),
        is_trusted_uri: code.is_trusted_uri,
        expires_on,
        expires_in: code.expires_in.as_secs(),
        message: code.message.clone(),
        flow: Flow::DeviceCode,
        profile: plan.profile.clone(),
        cloud: plan.target.authority.cloud(),
        tenant: plan.target.authority.tenant().to_owned(),
        client_id: plan.target.client_id.as_str().to_owned(),
        app_name: plan.target.client_id.known_name().map(str::to_owned),
        program: plan.program.clone(),
        scopes: plan.scopes.clone().into(),
        correlation_id: code.correlation_id.clone(),
    }
}

fn authorization_shown(plan: &Plan, authorization: &Authorization, expires_on: u64) -> AuthorizationShown {
    AuthorizationShown {
        url: authorization.url.clone(),
        expires_on,
        expires_in: BROWSER_TIMEOUT.as_secs(),
        profile: plan.profile.clone(),
        cloud: plan.target.authority.cloud(),
        tenant: plan.target.authority.tenant().to_owned(),
        client_id: plan.target.client_id.as_str().to_owned(),
        app_name: plan.target.client_id.known_name().map(str::to_owned),
        program: plan.program.clone(),
        scopes: plan.scopes.clone().into(),
        correlation_id: authorization.correlation_id.clone(),
    }
}

/// A browser that reads its last page takes milliseconds.
const LAST_PAGE: Duration = Duration::from_secs(5);
