//! A token answer, checked and turned into a grant.

use std::collections::BTreeSet;
use std::time::Duration;

use entra_proto::scope::{OPENID_SCOPES, Scopes};
use entra_proto::secret::AccessToken;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::answer::{self, Refusal};
use super::lenient::{Lenient, secret};
use super::no_reply::NoReply;
use super::reply::Reply;
use super::target::Target;
use super::{identity, sort};
use crate::account::outcome::{Fault, Grant, Outcome, Reach, Trace};
use crate::account::refresh_token::RefreshToken;

/// What was asked, to read the answer by.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// As what and where.
    pub(super) target: &'a Target,
    /// For what.
    pub(super) scopes: &'a Scopes,
    /// The `client-request-id`.
    pub(super) correlation_id: &'a str,
}

/// Reads the reply to a token request: the grant, the refusal unsorted, or why an apparent success is none.
pub(super) fn read(reply: Result<Reply, NoReply>, asked: Asked<'_>) -> Result<Grant, NoGrant> {
    let status = reply.as_ref().ok().map(|reply| reply.status);
    let answer: TokenBody = answer::read(reply, asked.target.authority.host(), asked.correlation_id)?;
    let fault = |error: &str, description: String| Fault {
        error: error.to_owned(),
        description,
        correlation_id: Some(asked.correlation_id.to_owned()),
        status,
        ..Fault::default()
    };
    let unusable = |what: &str| {
        let fault = fault("unusable_answer", format!("The token answer cannot be used: {what}."));
        NoGrant::Ended(Box::new(Outcome::RetryAfter { fault, after: None, reach: Reach::Key }))
    };
    if !answer.token_type.clone().text().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(unusable("its token_type is not Bearer"));
    }
    let access_token = answer.access_token.filter(|token| is_token(token.expose()));
    let access_token = access_token.ok_or_else(|| unusable("it has no access_token that can be sent"))?;
    let expires_in = answer.expires_in.number().ok_or_else(|| unusable("it has no expires_in"))?;
    let expires_in = Duration::from_secs(expires_in).min(MAX_LIFE);
    let refresh_in = answer.refresh_in.number().map(Duration::from_secs);
    let (id_token, client_info) = (answer.id_token.as_deref(), answer.client_info.as_deref());
    let identity =
        identity::read(asked.target, id_token.map(String::as_str), client_info.map(String::as_str)).map_err(
            |error| NoGrant::Ended(Box::new(Outcome::Misconfigured(fault(error.word(), error.to_string())))),
        )?;
    let trace = Trace { uti: uti(&access_token), correlation_id: Some(asked.correlation_id.to_owned()) };
    Ok(Grant {
        access_token,
        refresh_token: answer.refresh_token.filter(|token| is_token(token.expose())),
        expires_in,
        refresh_in: refresh_in.filter(|refresh_in| !refresh_in.is_zero() && *refresh_in < expires_in),
        scopes: granted_scopes(answer.scope.text(), asked.scopes),
        identity,
        trace,
    })
}

/// The token's own id (Microsoft: access token claims, `uti`). The token is its resource's to read: one that is encrypted, or of
/// another form, has none for us.
pub(super) fn uti(token: &AccessToken) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        uti: String,
    }
    let Claims { uti } = identity::decode(identity::payload(token.expose())?)?;
    let is_id =
        uti.len() <= MAX_UTI && uti.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_id.then_some(uti)
}

/// They have 22 characters.
const MAX_UTI: usize = 64;

/// A token request without a grant.
#[derive(Debug)]
pub(super) enum NoGrant {
    /// It looked like one and is not.
    Ended(Box<Outcome>),
    /// The refusal, unsorted: a poll reads it otherwise than a refresh.
    Refused(Box<Refusal>),
}

impl NoGrant {
    /// Sorted as for a refresh.
    pub(super) fn sorted(self) -> Outcome {
        match self {
            Self::Ended(outcome) => *outcome,
            Self::Refused(refusal) => sort::sort(*refusal),
        }
    }
}

impl From<Box<Refusal>> for NoGrant {
    fn from(refusal: Box<Refusal>) -> Self {
        Self::Refused(refusal)
    }
}

/// A token answer (RFC 6749 §5.1; Microsoft: token response). `ext_expires_in` and `foci` are not used.
#[derive(Deserialize)]
struct TokenBody {
    #[serde(default)]
    access_token: Option<AccessToken>,
    #[serde(default)]
    token_type: Lenient,
    #[serde(default)]
    expires_in: Lenient,
    #[serde(default)]
    refresh_in: Lenient,
    #[serde(default)]
    scope: Lenient,
    #[serde(default, deserialize_with = "refresh_token")]
    refresh_token: Option<RefreshToken>,
    #[serde(default, deserialize_with = "secret")]
    id_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "secret")]
    client_info: Option<Zeroizing<String>>,
}

/// The refresh token has no serde of its own, so that no other answer can ever carry one.
fn refresh_token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RefreshToken>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(RefreshToken::new))
}

/// The granted scopes without OpenID's and without repeats; those asked for where the answer names none
/// (RFC 6749 §5.1).
fn granted_scopes(scope: Option<String>, asked: &Scopes) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let granted: Vec<String> = scope
        .unwrap_or_default()
        .split(' ')
        .filter(|scope| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic()))
        .filter(|scope| !OPENID_SCOPES.iter().any(|openid| openid.eq_ignore_ascii_case(scope)))
        .filter(|scope| seen.insert(scope.to_ascii_lowercase()))
        .map(str::to_owned)
        .collect();
    if granted.is_empty() { asked.iter().map(str::to_owned).collect() } else { granted }
}

/// Both kinds are visible characters (RFC 6749 A.12, A.17): anything else could break out of a header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Entra's longest access tokens live 28 hours; more would be a mistake of the other end, which is bounded
/// rather than believed.
const MAX_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::super::script::{SUCCESS, target};
    use super::*;

    fn read_body(status: u16, body: &[u8]) -> Result<Grant, NoGrant> {
        let (target, scopes) = (target(), Scopes::new(["s/write"]).unwrap());
        let body = Zeroizing::new(body.to_vec());
        let reply = Reply { status, retry_after: None, request_id: Some("r-1".to_owned()), body };
        read(Ok(reply), Asked { target: &target, scopes: &scopes, correlation_id: "c-1" })
    }

    fn fault(no_grant: NoGrant) -> Fault {
        match no_grant.sorted() {
            Outcome::RetryAfter { fault, .. } | Outcome::Misconfigured(fault) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_grant_names_what_was_granted() {
        let grant = read_body(200, SUCCESS.as_bytes()).unwrap();
        assert_eq!(grant.scopes, ["s/read"]);
        assert_eq!(grant.expires_in.as_secs(), 5302);
        assert_eq!((grant.refresh_in, grant.identity), (None, None));
        assert_eq!(grant.trace, Trace { uti: None, correlation_id: Some("c-1".to_owned()) });
        let silent = read_body(200, SUCCESS.replace("\"scope\"", "\"nothing\"").as_bytes()).unwrap();
        assert_eq!(silent.scopes, ["s/write"]);
    }

    #[test]
    fn the_id_of_a_token_is_read_where_it_is_one() {
        for (claims, expected) in [
            (r#"{"uti":"AbC-_9"}"#, Some("AbC-_9")),
            (r#"{"uti":"a b"}"#, None),
            (r#"{"uti":7}"#, None),
            ("{}", None),
            ("nonsense", None),
        ] {
            let payload = BASE64_URL_SAFE_NO_PAD.encode(claims);
            let token = AccessToken::new(format!("e30.{payload}.c2ln"));
            assert_eq!(uti(&token).as_deref(), expected, "{claims}");
        }
        assert_eq!(uti(&AccessToken::new("opaque".to_owned())), None);
    }

    #[test]
    fn refresh_in_counts_only_inside_the_life() {
        for (refresh_in, kept) in [("0", None), ("5302", None), ("9999", None), ("\"2651\"", Some(2651))] {
            let body = SUCCESS
                .replace("\"expires_in\":5302", &format!("\"expires_in\":5302,\"refresh_in\":{refresh_in}"));
            let grant = read_body(200, body.as_bytes()).unwrap();
            assert_eq!(grant.refresh_in, kept.map(Duration::from_secs), "{refresh_in}");
        }
    }

    #[test]
    fn what_looks_like_a_grant_and_is_none_is_refused_without_its_tokens() {
        for (from, to) in [
            ("Bearer", "pop"),
            ("\"token_type\":\"Bearer\"", "\"x\":1"),
            ("5302", "\"soon\""),
            ("\"expires_in\":5302", "\"x\":1"),
            ("at-secret", ""),
            ("at-secret", "at-secret\\r\\nx: y"),
            ("\"access_token\":\"at-secret\"", "\"access_token\":[\"at-secret\"]"),
            ("{", "{\"error\":{\"code\":\"at-secret\"},"),
            ("{", "{\"error\":\"a\",\"error\":null,"),
            ("{", "["),
        ] {
            let no_grant = read_body(200, SUCCESS.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(!format!("{no_grant:?}").contains("secret"), "{to}");
            let fault = fault(no_grant);
            assert!(!fault.description.contains("secret") && !fault.description.is_empty());
            assert_eq!(fault.correlation_id.as_deref(), Some("c-1"));
        }
    }

    #[test]
    fn an_error_under_200_wins_over_a_token() {
        let body = SUCCESS.replacen('{', "{\"error\":\"invalid_client\",", 1);
        assert_eq!(fault(read_body(200, body.as_bytes()).unwrap_err()).error, "invalid_client");
    }

    #[test]
    fn only_200_is_a_success() {
        for status in [201, 204, 301, 302, 400, 500] {
            let fault = fault(read_body(status, SUCCESS.as_bytes()).unwrap_err());
            assert_eq!((fault.status, fault.trace_id.as_deref()), (Some(status), Some("r-1")));
            assert!(!fault.description.contains("secret"));
        }
    }

    #[test]
    fn a_grant_for_another_app_is_refused() {
        let target = target();
        let token = "e30.eyJhdWQiOiJvdGhlciJ9.";
        assert_eq!(identity::read(&target, Some(token), None), Err(identity::IdentityError::OtherApp));
        let body = SUCCESS.replacen('{', &format!("{{\"id_token\":\"{token}\","), 1);
        assert_eq!(fault(read_body(200, body.as_bytes()).unwrap_err()).error, identity::WRONG_APP);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_never_a_grant(status in 100_u16..600, body in proptest::collection::vec(any::<u8>(), 0..512)) {
            let no_grant = read_body(status, &body).unwrap_err();
            prop_assert!(!matches!(no_grant.sorted(), Outcome::Dead(_) | Outcome::Refreshed(_)));
        }

        #[test]
        fn a_grant_cut_short_is_none(length in 0..SUCCESS.len()) {
            let no_grant = read_body(200, &SUCCESS.as_bytes()[..length]).unwrap_err();
            let text = format!("{no_grant:?}");
            prop_assert!(!text.contains("secret"));
        }

        #[test]
        fn any_json_is_read_or_refused(error in ".*", description in ".*", code in any::<i64>()) {
            let body = serde_json::json!({"error": error, "error_description": description, "error_codes": [code]});
            let outcome = read_body(400, body.to_string().as_bytes()).unwrap_err().sorted();
            let text = format!("{outcome:?}");
            let has_escape = text.contains('\u{1b}');
            prop_assert!(!has_escape);
        }
    }
}
