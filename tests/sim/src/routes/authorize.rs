//! The authorization endpoint
//! (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>).
//!
//! A problem with the client or its redirect URI is shown to the person; every other one goes back to the client.

use std::time::Duration;

use url::Url;
use url::form_urlencoded::Serializer;

use super::{declares_cp1, registered_client};
use crate::directory::Realm;
use crate::errors::EntraError;
use crate::form::Form;
use crate::issue::client_info;
use crate::jwt::{SECRET_MARK, base64url, noise, unique};
use crate::page;
use crate::reply::Reply;
use crate::request::Request;
use crate::scope::Scopes;
use crate::state::{AuthorizationCode, State};
use crate::view::ControlError;

/// Shows the account picker, or answers the client with what the person picked.
pub(super) fn answer(state: &mut State, request: &Request) -> Reply {
    let form = if request.method == "POST" { &request.form } else { &request.query };
    let to = match ReturnAddress::of(state, form) {
        Ok(to) => to,
        Err(error) => {
            let text = error.description(&request.trace, &request.correlation, state.now());
            return Reply {
                code: error.code,
                ..Reply::html(error.status, page::message("Sign-in failed", &text))
            };
        }
    };
    let wanted = match Wanted::of(state, request.tenant(), form) {
        Ok(wanted) => wanted,
        Err(error) => return to.refuse(&error, request, state),
    };
    match (form.one(page::USER), form.one(page::DECLINE)) {
        (Some(username), None) => match wanted.approve(state, &to, username) {
            Ok(fields) => to.send(fields),
            Err(error) => to.refuse(&error, request, state),
        },
        (_, Some(_)) => to.refuse(&EntraError::consent_declined(), request, state),
        (None, None) => {
            let page = page::pick_account(state.directory.users(), form, &to.client_id, &wanted.scopes.text);
            Reply::html(200, page)
        }
    }
}

/// Does what a person does at an authorization URL, and returns where the browser is sent.
pub(crate) fn pick_account(state: &mut State, url: &str, username: &str) -> Result<String, ControlError> {
    let refused = |error: EntraError| ControlError::Refused { code: error.code, text: error.text };
    let url = Url::parse(url).map_err(|_| ControlError::NotAUrl)?;
    let form = Form::parse(url.query().unwrap_or_default().as_bytes());
    let tenant = url.path_segments().and_then(|mut path| path.next()).unwrap_or_default().to_owned();
    let to = ReturnAddress::of(state, &form).map_err(refused)?;
    let wanted = Wanted::of(state, &tenant, &form).map_err(refused)?;
    let fields = wanted.approve(state, &to, username).map_err(refused)?;
    Ok(to.location(&fields))
}

/// Where the answer goes.
struct ReturnAddress {
    client_id: String,
    redirect_uri: String,
    mode: Mode,
    state: Option<String>,
}

#[derive(Clone, Copy)]
enum Mode {
    FormPost,
    Fragment,
    Query,
}

impl ReturnAddress {
    fn of(state: &State, form: &Form) -> Result<Self, EntraError> {
        let client_id = registered_client(state, form)?;
        let redirect_uri = form.one("redirect_uri").ok_or_else(|| EntraError::missing("redirect_uri"))?;
        if !state.redirect_uris.iter().any(|registered| is_same_redirect(registered, redirect_uri)) {
            return Err(EntraError::redirect_not_registered(redirect_uri));
        }
        let mode = match form.one("response_mode") {
            None | Some("query") => Mode::Query,
            Some("fragment") => Mode::Fragment,
            Some("form_post") => Mode::FormPost,
            Some(_) => return Err(EntraError::malformed()),
        };
        let state = form.one("state").map(str::to_owned);
        Ok(Self { client_id, redirect_uri: redirect_uri.to_owned(), mode, state })
    }

    fn send(&self, fields: Vec<(&'static str, String)>) -> Reply {
        match self.mode {
            Mode::FormPost => {
                Reply::html(200, page::form_post(&self.redirect_uri, &self.with_state(&fields)))
            }
            Mode::Fragment | Mode::Query => Reply::redirect(self.location(&fields)),
        }
    }

    fn refuse(&self, error: &EntraError, request: &Request, state: &State) -> Reply {
        let description = error.description(&request.trace, &request.correlation, state.now());
        let fields = vec![("error", error.error.clone()), ("error_description", description)];
        Reply { code: error.code, ..self.send(fields) }
    }

    fn location(&self, fields: &[(&'static str, String)]) -> String {
        let text = Serializer::new(String::new()).extend_pairs(self.with_state(fields)).finish();
        let joint = if self.redirect_uri.contains('?') { '&' } else { '?' };
        match self.mode {
            Mode::Fragment => format!("{}#{text}", self.redirect_uri),
            // Entra ends the address with an empty fragment, so that none of the page before stays.
            Mode::FormPost | Mode::Query => format!("{}{joint}{text}#", self.redirect_uri),
        }
    }

    fn with_state(&self, fields: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
        let state = self.state.iter().map(|state| ("state", state.clone()));
        fields.iter().cloned().chain(state).collect()
    }
}

/// What the client wants.
struct Wanted {
    realm: Realm,
    scopes: Scopes,
    challenge: Option<String>,
    nonce: Option<String>,
    cae: bool,
    client_info: bool,
}

impl Wanted {
    fn of(state: &State, tenant: &str, form: &Form) -> Result<Self, EntraError> {
        if let Some(name) = form.duplicate() {
            return Err(EntraError::duplicate(name));
        }
        if form.one("response_type") != Some("code") {
            return Err(EntraError::response_type_unsupported());
        }
        let realm = state.directory.realm(tenant)?;
        let scopes = Scopes::parse(form.one("scope").unwrap_or_default())?;
        let challenge = form.one("code_challenge").map(str::to_owned);
        let is_s256 = form.one("code_challenge_method") == Some("S256");
        if challenge.as_ref().is_some_and(|challenge| challenge.len() != CHALLENGE_LENGTH || !is_s256) {
            return Err(EntraError::challenge_malformed());
        }
        Ok(Self {
            realm,
            scopes,
            challenge,
            nonce: form.one("nonce").map(str::to_owned),
            cae: declares_cp1(form)?,
            client_info: form.one("client_info") == Some("1"),
        })
    }

    fn approve(
        self,
        state: &mut State,
        to: &ReturnAddress,
        username: &str,
    ) -> Result<Vec<(&'static str, String)>, EntraError> {
        let user =
            state.directory.user(username).ok_or_else(|| EntraError::user_not_in_tenant(username))?.clone();
        self.realm.seat(&user)?;
        let code = format!("1.A{SECRET_MARK}{}", base64url(noise(&unique(), 600)));
        let mut fields = vec![("code", code.clone())];
        if self.client_info {
            fields.push(("client_info", client_info(&user)));
        }
        fields.push(("session_state", uuid::Uuid::new_v4().to_string()));
        state.authorization_codes.push(AuthorizationCode {
            code,
            client_id: to.client_id.clone(),
            redirect_uri: to.redirect_uri.clone(),
            challenge: self.challenge,
            nonce: self.nonce,
            realm: self.realm,
            scopes: self.scopes,
            cae: self.cae,
            username: user.username,
            expires_at: state.now() + state.rules.authorization_code_life.max(Duration::from_secs(1)),
            redeemed: false,
        });
        Ok(fields)
    }
}

/// Whether a redirect URI is a registered one; for `localhost` any port will do, and an empty path is `/`.
fn is_same_redirect(registered: &str, asked: &str) -> bool {
    let (Ok(registered), Ok(asked)) = (Url::parse(registered), Url::parse(asked)) else { return false };
    let any_port = registered.host_str() == Some("localhost") && registered.scheme() == "http";
    registered.scheme() == asked.scheme()
        && registered.host_str() == asked.host_str()
        && registered.path() == asked.path()
        && asked.fragment().is_none()
        && (any_port || registered.port_or_known_default() == asked.port_or_known_default())
}

/// A SHA-256 hash in base64url (RFC 7636, section 4.2).
const CHALLENGE_LENGTH: usize = 43;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_port_of_localhost_is_free() {
        for (registered, asked, same) in [
            ("http://localhost", "http://localhost:4711", true),
            ("http://localhost", "http://localhost:4711/", true),
            ("http://localhost", "http://localhost:4711/callback", false),
            ("http://localhost", "https://localhost:4711", false),
            ("http://localhost", "http://127.0.0.1:4711", false),
            ("http://127.0.0.1:1", "http://127.0.0.1:2", false),
            ("http://localhost", "http://localhost.evil.example", false),
        ] {
            assert_eq!(is_same_redirect(registered, asked), same, "{registered} {asked}");
        }
    }
}
