//! The authorization-code flow in the system browser (RFC 6749 §4.1) with PKCE (RFC 7636) and a redirect to loopback
//! (RFC 8252 §7.3).
//!
//! What comes back through the browser proves nothing by itself: its `state` ties it to this sign-in, and only the verifier,
//! which never leaves this process but to Entra, makes its code worth anything.

use std::fmt;

use entra_proto::scope::Scopes;
use entra_proto::secret::AuthorizationUrl;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Entra;
use super::answer::{Refusal, Voice};
use super::claims::{self, Claims};
use super::form::{Form, PageRequest, page_url};
use super::grant::{self, Asked};
use super::poll::{self, SignInEnd};
use super::redirect::Returned;
use super::reply::Ask;
use super::target::Target;
use super::text::plain;
use crate::account::outcome::Fault;

/// A sign-in that a browser can be sent to.
pub struct Authorization {
    /// The page. Whoever knows it can end the sign-in with an account of their own.
    pub url: AuthorizationUrl,
    /// `client-request-id` of the page and of the request for tokens.
    pub correlation_id: String,
    state: Zeroizing<String>,
    verifier: Zeroizing<String>,
    redirect_uri: String,
    target: Target,
    scopes: Scopes,
    claims: Option<String>,
}

impl Entra {
    /// Makes the page's address. Nothing is sent.
    ///
    /// `port` is where the browser will be sent back to, on loopback; `hint` the user name that is expected, without which
    /// the page has the person choose. `claims` is the challenge that the sign-in is to meet; `cae` says that the callers it
    /// is for handle challenges.
    #[must_use]
    pub fn authorization(
        &self,
        target: &Target,
        scopes: &Scopes,
        claims: Option<&Claims>,
        cae: bool,
        hint: Option<&str>,
        port: u16,
    ) -> Authorization {
        let correlation_id = Uuid::new_v4().to_string();
        let claims = claims::parameter(claims, cae);
        // Registered as `http://localhost`, whose port Entra does not compare (Microsoft: redirect URI restrictions).
        let redirect_uri = format!("http://localhost:{port}");
        let request = PageRequest {
            redirect_uri: &redirect_uri,
            scopes,
            claims: claims.as_deref(),
            hint,
            correlation_id: &correlation_id,
        };
        let page = page_url(target, &request);
        Authorization {
            url: AuthorizationUrl::new(page.url),
            correlation_id,
            state: page.state,
            verifier: page.verifier,
            redirect_uri,
            target: target.clone(),
            scopes: scopes.clone(),
            claims,
        }
    }

    /// Redeems what the browser brought back (RFC 6749 §4.1.3). Ends within 30 seconds.
    pub async fn redeem(&self, authorization: Authorization, returned: Returned) -> SignInEnd {
        let correlation_id = authorization.correlation_id;
        let code = match returned {
            Returned::Code(code) => code,
            Returned::Error { error, description } => {
                let description = plain(&description, MAX_DESCRIPTION);
                let codes = numbers(&description);
                let fault = Fault {
                    error: plain(&error, MAX_WORD),
                    description,
                    codes,
                    correlation_id: Some(correlation_id),
                    ..Fault::default()
                };
                return poll::end(Refusal { fault, retry_after: None, voice: Voice::Entra });
            }
        };
        let (target, scopes) = (&authorization.target, &authorization.scopes);
        let form = Form::authorization_code(
            target,
            &code,
            &authorization.verifier,
            &authorization.redirect_uri,
            scopes,
            authorization.claims.as_deref(),
        );
        let url = target.authority.token_endpoint();
        let ask = Ask { url, form, correlation_id: correlation_id.clone(), anchor: None };
        // Never twice: a code is good for one request.
        let reply = self.exchange.post(ask).await;
        let asked = Asked { target, scopes, correlation_id: &correlation_id };
        match grant::read(reply, asked) {
            Ok(grant) => poll::granted(grant, correlation_id),
            Err(no_grant) => match no_grant {
                grant::NoGrant::Ended(outcome) => SignInEnd::Failed(*outcome),
                grant::NoGrant::Refused(refusal) => poll::end(*refusal),
            },
        }
    }
}

impl Authorization {
    /// What the browser must bring back with the code.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("correlation_id", &self.correlation_id)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

/// The numbers of an error that came as text alone: `AADSTS65004: …`.
fn numbers(description: &str) -> Vec<u32> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    description
        .match_indices("AADSTS")
        .map(|(at, name)| &description[at + name.len()..])
        .filter_map(|rest| rest[..digits(rest)].parse().ok())
        .take(MOST_NUMBERS)
        .collect()
}

/// Entra's longest error words are some 30 characters.
const MAX_WORD: usize = 128;

/// Some hundred bytes have been seen.
const MAX_DESCRIPTION: usize = 4096;

/// One is usual.
const MOST_NUMBERS: usize = 16;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use url::Url;

    use super::super::script::{SUCCESS, Script, target};
    use super::*;

    fn scopes() -> Scopes {
        Scopes::of_resource("https://graph.microsoft.com").unwrap()
    }

    fn pairs(url: &str) -> BTreeMap<String, String> {
        Url::parse(url).unwrap().query_pairs().into_owned().collect()
    }

    #[test]
    fn the_page_is_asked_with_everything_that_ties_its_answer_to_us() {
        let entra = Entra::new();
        let claims = Claims::parse(r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#).unwrap();
        let one =
            entra.authorization(&target(), &scopes(), Some(&claims), false, Some("ada@contoso.com"), 4711);
        let asked = pairs(one.url.expose());
        assert!(
            one.url
                .expose()
                .starts_with("https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?")
        );
        for (name, value) in [
            ("response_type", "code"),
            ("response_mode", "form_post"),
            ("redirect_uri", "http://localhost:4711"),
            ("code_challenge_method", "S256"),
            ("scope", "https://graph.microsoft.com/.default openid profile offline_access"),
            ("client_info", "1"),
            ("login_hint", "ada@contoso.com"),
            ("state", one.state()),
            ("client-request-id", &one.correlation_id),
        ] {
            assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(asked["claims"].contains("acrs") && !asked.contains_key("prompt"));
        assert!(asked["code_challenge"].len() == 43 && one.state().len() >= 22);
        let other = entra.authorization(&target(), &scopes(), None, false, None, 4711);
        let asked_again = pairs(other.url.expose());
        assert_eq!(asked_again["prompt"], "select_account");
        assert!(asked_again["state"] != asked["state"]);
        assert!(asked_again["code_challenge"] != asked["code_challenge"]);
        assert!(!format!("{one:?}").contains(one.state()));
    }

    #[tokio::test]
    async fn a_code_is_redeemed_once_with_its_verifier() {
        let script = Script::new();
        script.json(200, SUCCESS);
        let entra = Entra::over(script.clone());
        let authorization = entra.authorization(&target(), &scopes(), None, false, None, 4711);
        let verifier = authorization.verifier.clone();
        let code = Returned::Code(Zeroizing::new("code-secret".to_owned()));
        assert!(matches!(entra.redeem(authorization, code).await, SignInEnd::Granted(_)));
        let asked = script.asked();
        assert_eq!(asked.len(), 1);
        let form = &asked[0].form;
        assert_eq!(form["grant_type"], "authorization_code");
        assert_eq!(
            (form["code"].as_str(), form["code_verifier"].as_str()),
            ("code-secret", verifier.as_str())
        );
        assert_eq!(
            (form["redirect_uri"].as_str(), form["client_info"].as_str()),
            ("http://localhost:4711", "1")
        );
        assert!((43..=128).contains(&verifier.len()));
    }

    #[tokio::test]
    async fn an_error_of_the_page_is_sorted_by_its_number() {
        let script = Script::new();
        let entra = Entra::over(script.clone());
        let end = |error: &str, description: &str| {
            let authorization = entra.authorization(&target(), &scopes(), None, false, None, 1);
            let returned = Returned::Error { error: error.to_owned(), description: description.to_owned() };
            let entra = entra.clone();
            async move { entra.redeem(authorization, returned).await }
        };
        let declined = end("access_denied", "AADSTS65004: User declined to consent.").await;
        assert!(matches!(declined, SignInEnd::Declined(fault) if fault.codes == [65004]));
        let blocked = end("interaction_required", "AADSTS53003: Access has been blocked.").await;
        assert!(matches!(blocked, SignInEnd::Failed(_)));
        assert!(script.asked().is_empty());
    }

    #[test]
    fn numbers_are_found_in_a_sentence() {
        assert_eq!(numbers("AADSTS50105: x AADSTS7000218."), [50105, 7_000_218]);
        assert_eq!(numbers("AADSTS: none, AADSTS99999999999999"), [0_u32; 0]);
    }
}
