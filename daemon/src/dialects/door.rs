//! What every dialect does once it knows what is asked: see the lease, see that it covers the scopes, and answer within a
//! second.
//!
//! SDKs wait little and retry what looks like an outage for minutes. So nobody waits here for longer than [`PATIENCE`]: a
//! request to Entra that takes longer goes on without its caller, and the next call finds its token.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::scope::Scopes;
use entra_proto::secret::LeaseSecret;
use entra_proto::token::{TokenAnswer, TokenRequest};
use tokio::time::timeout;

use crate::access::lease::{Admitted, Leases};
use crate::broker::Broker;

/// What the dialects stand on. Clones share it.
#[derive(Clone)]
pub struct Door {
    broker: Arc<Broker>,
    leases: Arc<Leases>,
}

impl Door {
    /// Both are the daemon's own.
    #[must_use]
    pub fn new(broker: Arc<Broker>, leases: Arc<Leases>) -> Self {
        Self { broker, leases }
    }

    /// The lease of this secret.
    pub(super) async fn admit(&self, secret: Option<LeaseSecret>) -> Result<Admitted, ErrorBody> {
        let Some(secret) = secret else {
            let error = ErrorBody::new(ErrorCode::Refused, "The request presents no lease's secret.");
            return Err(error.with_hint("Start the program by `entra run`, or set it up by `entra setup`."));
        };
        self.leases.admit(&secret).await
    }

    /// A token for these scopes, if the lease covers them. One with some life left is better than a newer one later.
    pub(super) async fn token(
        &self,
        lease: &Admitted,
        scopes: &Scopes,
        tenant: Option<String>,
    ) -> Result<TokenAnswer, ErrorBody> {
        if !lease.allowed.covers(scopes) {
            return Err(not_covered(lease, scopes));
        }
        let request = TokenRequest {
            scopes: Some(scopes.iter().map(str::to_owned).collect()),
            account: lease.account.as_ref().map(|account| account.as_str().to_owned()),
            profile: lease.profile.clone(),
            tenant,
            min_validity: Some(WANTED.as_secs()),
            ..TokenRequest::default()
        };
        if let Ok(answer) = timeout(PATIENCE, self.broker.token(request.clone())).await {
            return answer;
        }
        // What there is: a token that lives is never withheld because a newer one takes its time.
        let held = TokenRequest { min_validity: None, ..request };
        match timeout(GLANCE, self.broker.token(held)).await {
            Ok(answer) => answer,
            Err(_) => Err(ErrorBody::new(ErrorCode::Unavailable, "Entra has not answered yet.")
                .with_hint("Try again in a moment; `entra status` shows what is under way.")),
        }
    }
}

fn not_covered(lease: &Admitted, scopes: &Scopes) -> ErrorBody {
    let sentence = format!("The lease `{}` is not for {scopes}.", lease.name);
    ErrorBody::new(ErrorCode::Refused, sentence)
        .with_hint("`entra lease ls` shows what it is for; make another by `entra run --resource` or `entra setup`.")
}

/// SDKs ask again for each call when a token has less than five minutes; this leaves them ten more.
const WANTED: Duration = Duration::from_secs(15 * 60);

/// With the glance after it, below the second that the most impatient SDK waits.
const PATIENCE: Duration = Duration::from_millis(800);
const GLANCE: Duration = Duration::from_millis(100);
