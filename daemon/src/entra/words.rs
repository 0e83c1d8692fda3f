//! Outcomes and ends put into words: what happened in one sentence, and the command that mends it.
//!
//! The one place where the table of Entra's numbers is read, and only to choose words.

use entra_proto::aadsts::{Explanation, explain};
use entra_proto::error::{ErrorBody, ErrorCode};

use super::poll::SignInEnd;
use super::target::known_name;
use crate::account::outcome::{Failure, FailureKind, Fault};

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
            if is_throttle { ErrorCode::Throttled } else { ErrorCode::Unavailable }
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
    let Some(known) = known else {
        let is_cut_off = fault.error == "no_refresh_token";
        return if is_cut_off { format!("Add it, then run `{login}`.") } else { command };
    };
    let app = known_name(about.client_id).unwrap_or(about.client_id);
    let remedy = known
        .remedy
        .replace("`entra login", &format!("`{login}"))
        .replace("{app}", app)
        .replace("{resource}", about.resource)
        .replace("{tenant}", about.tenant);
    if remedy.contains("`entra ") { remedy } else { format!("{remedy} {command}") }
}

/// See [`super::sort`].
const LOOP_DETECTED: u32 = 50196;

/// The profile that commands mean when they name none.
const DEFAULT_PROFILE: &str = "default";
