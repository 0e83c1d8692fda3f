//! Outcomes and ends put into words: what happened in one sentence, and the command that mends it.
//!
//! The one place where the table of Entra's numbers is read, and only to choose words.

use entra_proto::aadsts::{Explanation, explain};
use entra_proto::error::{ErrorBody, ErrorCode};

use super::poll::SignInEnd;
use super::target::known_name;
use crate::account::outcome::{Failure, FailureKind, Fault, PROXY_AUTHENTICATION};

/// What the request was about, for the placeholders of a remedy.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The app registration.
    pub client_id: &'a str,
    /// The tenant asked.
    pub tenant: &'a str,
    /// The resource, or the scopes, asked for.
    pub resource: &'a str,
    /// The profile, for the commands named.
    pub profile: &'a str,
}

/// The error that a caller gets for a failure.
#[must_use]
pub fn error_body(failure: &Failure, about: &About<'_>) -> ErrorBody {
    if let Some(own) = &failure.fault.own {
        return (**own).clone();
    }
    let fault = &failure.fault;
    let code = match failure.kind {
        FailureKind::AskAdmin => ErrorCode::AskAdmin,
        FailureKind::Misconfigured => ErrorCode::Misconfigured,
        FailureKind::SignInNeeded | FailureKind::Dead => ErrorCode::SignInNeeded,
        FailureKind::RetryAfter { .. } => {
            let is_throttle = fault.status == Some(429) || fault.codes.contains(&LOOP_DETECTED);
            match fault.error.as_str() {
                _ if is_throttle => ErrorCode::Throttled,
                // Tried again like any outage, since the next network may have none; here a person must act.
                PROXY_AUTHENTICATION => ErrorCode::Misconfigured,
                _ => ErrorCode::Unavailable,
            }
        }
    };
    let mut body = put(code, fault, about);
    if let FailureKind::RetryAfter { after, .. } = failure.kind {
        body.retry_after = after.map(|after| after.as_secs());
    }
    body
}

/// The error that whoever started a sign-in gets for its end; `None` for a full grant.
#[must_use]
pub fn sign_in_error(end: SignInEnd, about: &About<'_>) -> Option<ErrorBody> {
    match end {
        SignInEnd::Granted(_) => None,
        SignInEnd::Declined(fault) => Some(put(ErrorCode::SignInCancelled, &fault, about)),
        SignInEnd::Expired(fault) => Some(put(ErrorCode::SignInExpired, &fault, about)),
        SignInEnd::GrantedOnce { fault, .. } => Some(put(ErrorCode::Misconfigured, &fault, about)),
        SignInEnd::Failed(outcome) => outcome.into_result().err().map(|failure| error_body(&failure, about)),
    }
}

fn put(code: ErrorCode, fault: &Fault, about: &About<'_>) -> ErrorBody {
    let known = number(fault).and_then(explain);
    let hint = hint(&code, fault, known, about);
    ErrorBody {
        aadsts: number(fault),
        suberror: fault.suberror.clone(),
        correlation_id: fault.correlation_id.clone(),
        trace_id: fault.trace_id.clone(),
        ..ErrorBody::new(code, message(fault, known)).with_hint(hint)
    }
}

/// The number to explain: the first that the table knows, else the first. Where a proxy dropped the list,
/// the one in the description.
fn number(fault: &Fault) -> Option<u32> {
    let known = fault.codes.iter().find(|code| explain(**code).is_some());
    known.or(fault.codes.first()).copied().or_else(|| {
        let (_, rest) = fault.description.split_once("AADSTS")?;
        let digits = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    })
}

fn message(fault: &Fault, known: Option<Explanation>) -> String {
    if let Some(known) = known {
        return format!("{} (AADSTS{}).", known.cause, known.code);
    }
    let sentence = first_sentence(&fault.description);
    match (number(fault), sentence.is_empty()) {
        (Some(number), true) => format!("Entra refused with AADSTS{number}."),
        (Some(number), false) => format!("{} (AADSTS{number}).", sentence.trim_end_matches('.')),
        (None, true) => format!("Entra answered with the error `{}`.", fault.error),
        (None, false) => sentence,
    }
}

/// Entra's sentence without its number in front and its ids behind.
fn first_sentence(description: &str) -> String {
    let text = match description.split_once(": ") {
        Some((number, text)) if number.starts_with("AADSTS") => text,
        _ => description,
    };
    let text = text.split(" Trace ID:").next().unwrap_or_default();
    text.split_inclusive(". ").next().unwrap_or_default().trim().to_owned()
}

/// The table's remedy with its places filled, and always a command.
fn hint(code: &ErrorCode, fault: &Fault, known: Option<Explanation>, about: &About<'_>) -> String {
    let login = if about.profile == DEFAULT_PROFILE {
        "entra login".to_owned()
    } else {
        format!("entra login --profile {}", about.profile)
    };
    let command = match (code, known) {
        (ErrorCode::SignInNeeded | ErrorCode::SignInCancelled | ErrorCode::SignInExpired, _) => {
            format!("Run `{login}`.")
        }
        (ErrorCode::Throttled | ErrorCode::Unavailable, _) => {
            "entrad tries again by itself; `entra status` shows when.".to_owned()
        }
        (_, Some(known)) => format!("`entra explain {}` says more.", known.code),
        (_, None) => {
            "An administrator finds the cause by the correlation id; `entra status` shows what entrad holds."
                .to_owned()
        }
    };
    let Some(known) = known else { return own_remedy(&fault.error, &login).unwrap_or(command) };
    let app = known_name(about.client_id).unwrap_or(about.client_id);
    let remedy = known
        .remedy
        .replace("`entra login", &format!("`{login}"))
        .replace("{app}", app)
        .replace("{resource}", about.resource)
        .replace("{tenant}", about.tenant);
    if remedy.contains("`entra ") { remedy } else { format!("{remedy} {command}") }
}

/// What mends the faults that are not Entra's words but ours.
fn own_remedy(error: &str, login: &str) -> Option<String> {
    let remedy = match error {
        "http_client" => {
            "Install the system's trusted certificates (the package ca-certificates on Linux) and check \
             HTTPS_PROXY, then restart entrad; `entra status` shows when it gets through."
        }
        "no_refresh_token" => return Some(format!("Add it, then run `{login}`.")),
        PROXY_AUTHENTICATION => {
            "Name the proxy with its user name and password in HTTPS_PROXY, restart entrad, then \
             ask again: `entra token`."
        }
        "redirected" => {
            "Open any page in a browser and sign in to the network; `entra status` shows when entrad gets through."
        }
        "tls" => {
            "A network that inspects traffic needs its certificate among this system's trusted ones, and this \
             machine's clock must be right; `entra status` shows when entrad gets through."
        }
        "wrong_identity" => {
            return Some(format!("Check `tenant` and `client_id` of the profile, then run `{login}`."));
        }
        _ => return None,
    };
    Some(remedy.to_owned())
}

/// See [`super::sort`].
const LOOP_DETECTED: u32 = 50196;

/// The profile that commands mean when they name none.
const DEFAULT_PROFILE: &str = "default";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::account::outcome::Outcome;

    fn failed(outcome: Outcome) -> Failure {
        outcome.into_result().unwrap_err()
    }
    use crate::account::outcome::Reach;

    const ABOUT: About<'_> = About {
        client_id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        tenant: "contoso.com",
        resource: "https://vault.azure.net",
        profile: "default",
    };

    fn fault(codes: &[u32], description: &str) -> Fault {
        Fault {
            error: "invalid_grant".to_owned(),
            description: description.to_owned(),
            codes: codes.to_vec(),
            suberror: Some("basic_action".to_owned()),
            correlation_id: Some("c-1".to_owned()),
            trace_id: Some("t-1".to_owned()),
            ..Fault::default()
        }
    }

    #[test]
    fn a_known_number_speaks_by_the_table() {
        let body = error_body(&failed(Outcome::SignInNeeded(fault(&[50076], "AADSTS50076: x."))), &ABOUT);
        assert_eq!(body.code, ErrorCode::SignInNeeded);
        assert_eq!(
            body.message,
            "A second factor is required by policy or for the place you are at (AADSTS50076)."
        );
        assert_eq!(
            body.hint.as_deref(),
            Some("Run `entra login` and pass the second factor that https://vault.azure.net wants.")
        );
        assert_eq!((body.aadsts, body.suberror.as_deref()), (Some(50076), Some("basic_action")));
        assert_eq!((body.correlation_id.as_deref(), body.trace_id.as_deref()), (Some("c-1"), Some("t-1")));
    }

    #[test]
    fn commands_name_the_profile() {
        let about = About { profile: "work", ..ABOUT };
        for (code, command) in
            [(50076, "`entra login --profile work`"), (530_036, "`entra login --profile work`")]
        {
            let body = error_body(&failed(Outcome::Dead(fault(&[code], ""))), &about);
            assert!(body.hint.unwrap().contains(command), "{code}");
        }
        let body = error_body(&failed(Outcome::SignInNeeded(fault(&[], "Something new."))), &about);
        assert_eq!(body.hint.as_deref(), Some("Run `entra login --profile work`."));
    }

    #[test]
    fn an_unknown_number_speaks_by_entras_first_sentence() {
        let description =
            "AADSTS123456: This is new. And this is more. Trace ID: t Correlation ID: c Timestamp: now";
        for codes in [&[123_456][..], &[]] {
            let body = error_body(&failed(Outcome::AskAdmin(fault(codes, description))), &ABOUT);
            assert_eq!(body.message, "This is new (AADSTS123456).");
            assert_eq!(body.aadsts, Some(123_456));
            assert!(body.hint.unwrap().contains("`entra "));
        }
        let body = error_body(&failed(Outcome::Misconfigured(fault(&[], ""))), &ABOUT);
        assert_eq!(body.message, "Entra answered with the error `invalid_grant`.");
        let body = error_body(&failed(Outcome::Misconfigured(fault(&[7], ""))), &ABOUT);
        assert_eq!(body.message, "Entra refused with AADSTS7.");
    }

    #[rstest]
    #[case(Some(429), &[], ErrorCode::Throttled)]
    #[case(Some(400), &[50196], ErrorCode::Throttled)]
    #[case(Some(503), &[], ErrorCode::Unavailable)]
    #[case(None, &[], ErrorCode::Unavailable)]
    fn a_pause_is_a_throttle_or_an_outage(
        #[case] status: Option<u16>,
        #[case] codes: &[u32],
        #[case] code: ErrorCode,
    ) {
        let fault = Fault { status, ..fault(codes, "No connection to login.microsoftonline.com.") };
        let outcome = Outcome::RetryAfter { fault, after: Some(Duration::from_secs(120)), reach: Reach::Key };
        let body = error_body(&failed(outcome), &ABOUT);
        assert_eq!((body.code, body.retry_after), (code, Some(120)));
    }

    #[test]
    fn a_proxy_that_wants_a_password_is_misconfigured_and_worth_another_try() {
        let fault = Fault { error: "proxy_authentication".to_owned(), ..Fault::default() };
        let after = Some(Duration::from_secs(5));
        let outcome = Outcome::RetryAfter { fault, after, reach: Reach::Key };
        let body = error_body(&failed(outcome), &ABOUT);
        assert_eq!((body.code, body.retry_after), (ErrorCode::Misconfigured, Some(5)));
    }

    #[test]
    fn the_ends_of_a_sign_in_have_their_own_codes() {
        let fault = || fault(&[], "The code expired before the sign-in was finished.");
        for (end, code) in [
            (SignInEnd::Declined(fault()), ErrorCode::SignInCancelled),
            (SignInEnd::Expired(fault()), ErrorCode::SignInExpired),
            (SignInEnd::Failed(Outcome::AskAdmin(fault())), ErrorCode::AskAdmin),
        ] {
            let body = sign_in_error(end, &ABOUT).unwrap();
            assert_eq!(body.code, code);
            assert!(body.hint.unwrap().contains("`entra "));
        }
    }

    #[rstest]
    #[case("tls", "certificate")]
    #[case("redirected", "sign in to the network")]
    #[case("proxy_authentication", "HTTPS_PROXY")]
    #[case("http_client", "ca-certificates")]
    #[case("no_refresh_token", "Add it")]
    #[case("wrong_identity", "`tenant`")]
    #[case("network", "tries again by itself")]
    fn our_own_faults_have_their_own_remedies(#[case] error: &str, #[case] words: &str) {
        let fault = Fault { error: error.to_owned(), ..Fault::default() };
        let outcome = Outcome::RetryAfter { fault, after: None, reach: Reach::Key };
        let hint = error_body(&failed(outcome), &ABOUT).hint.unwrap();
        assert!(hint.contains(words) && hint.contains("`entra "), "{hint}");
    }

    #[test]
    fn every_explanation_makes_a_message_and_a_hint_with_a_command() {
        for row in entra_proto::aadsts::explanations() {
            let body = error_body(&failed(Outcome::Misconfigured(fault(&[row.code], ""))), &ABOUT);
            assert!(body.message.ends_with(&format!("(AADSTS{}).", row.code)));
            let hint = body.hint.unwrap();
            assert!(hint.contains("`entra ") && !hint.contains('{'), "{}: {hint}", row.code);
        }
    }
}
