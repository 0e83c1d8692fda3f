//! Outcomes and ends put into words: what happened in one sentence, and the command that mends it.
//!
//! The one place where the table of Entra's numbers is read, and only to choose words: a hint names the app, the tenant and
//! the switch, so that it can be sent to an administrator as it is.

use entra_proto::aadsts::{Explanation, Mender, Names, explain};
use entra_proto::cloud::Cloud;
use entra_proto::error::{ErrorBody, ErrorCode};

use super::identity::{WRONG_APP, WRONG_TENANT};
use super::poll::SignInEnd;
use super::remedies::{self, is_misconfigured};
use super::target::known_name;
use crate::account::outcome::{Failure, FailureKind, Fault};

/// What the request was about, for the placeholders of a remedy.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The app registration.
    pub client_id: &'a str,
    /// The cloud, whose administrators have a page of their own.
    pub cloud: Cloud,
    /// The origin of the sign-in host.
    pub origin: &'a str,
    /// The tenant asked.
    pub tenant: &'a str,
    /// The resource, or the scopes, asked for.
    pub resource: &'a str,
    /// The profile, for the commands named.
    pub profile: &'a str,
}

impl About<'_> {
    /// The command that signs in under the profile, without backticks.
    #[must_use]
    pub fn login(&self) -> String {
        if self.profile == DEFAULT_PROFILE {
            "entra login".to_owned()
        } else {
            format!("entra login --profile {}", self.profile)
        }
    }

    /// A table's remedy about this request.
    fn remedy(&self, known: Explanation) -> String {
        let app = known_name(self.client_id)
            .map_or_else(|| self.client_id.to_owned(), |name| format!("{name} ({})", self.client_id));
        let is_shared = SHARED_TENANTS.contains(&self.tenant);
        let names = Names {
            admin_center: admin_center(self.cloud),
            app: &app,
            // Of the administrator's own tenant, where the request named none (Microsoft: grant tenant-wide admin consent).
            consent_page: &format!(
                "{}/{}/adminconsent?client_id={}",
                self.origin,
                if is_shared { "organizations" } else { self.tenant },
                self.client_id
            ),
            resource: self.resource,
            tenant: if is_shared { "your organisation" } else { self.tenant },
        };
        known.remedy_for(&names).replace("`entra login", &format!("`{}", self.login()))
    }
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
                // Tried again like any outage, since the next network may do without; here a person must act.
                error if is_misconfigured(error) => ErrorCode::Misconfigured,
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
    let failure = match end {
        SignInEnd::Granted(_) => return None,
        SignInEnd::Declined(fault) => {
            return Some(put(for_others(&fault, ErrorCode::SignInCancelled), &fault, about));
        }
        SignInEnd::Expired(fault) => return Some(put(ErrorCode::SignInExpired, &fault, about)),
        SignInEnd::GrantedOnce { fault, .. } => return Some(put(ErrorCode::Misconfigured, &fault, about)),
        SignInEnd::Failed(outcome) => outcome.into_result().err()?,
    };
    Some(match failure.kind {
        FailureKind::Misconfigured if failure.fault.error == WRONG_TENANT => {
            put(ErrorCode::AccountMismatch, &failure.fault, about)
        }
        FailureKind::Dead | FailureKind::SignInNeeded if failure.fault.own.is_none() => {
            put(for_others(&failure.fault, ErrorCode::SignInNeeded), &failure.fault, about)
        }
        _ => error_body(&failure, about),
    })
}

/// The error of a sign-in by browser that nobody came back from.
#[must_use]
pub fn unanswered(minutes: u64, about: &About<'_>) -> ErrorBody {
    let login = about.login();
    ErrorBody::new(ErrorCode::SignInExpired, format!("No browser came back within {minutes} minutes."))
        .with_hint(format!(
            "{AT_THE_PAGE} Run `{login}` again; `{login} --device-code` needs no browser here."
        ))
}

/// The number to explain: the first that the table knows, else the first. Where a proxy dropped the list,
/// the one in the description.
#[must_use]
pub fn number(fault: &Fault) -> Option<u32> {
    let known = fault.codes.iter().find(|code| explain(**code).is_some());
    known.or(fault.codes.first()).copied().or_else(|| {
        let (_, rest) = fault.description.split_once("AADSTS")?;
        let digits = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    })
}

/// What a person who has just tried to sign in is told instead of "sign in", where somebody else must act first.
fn for_others(fault: &Fault, code: ErrorCode) -> ErrorCode {
    match number(fault).and_then(explain).map(|known| known.mender) {
        Some(Mender::Admin) => ErrorCode::AskAdmin,
        Some(Mender::Configuration) => ErrorCode::Misconfigured,
        _ => code,
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
    let login = about.login();
    let command = match (code, known) {
        (ErrorCode::SignInNeeded | ErrorCode::SignInCancelled, _) => format!("Run `{login}`."),
        (ErrorCode::SignInExpired, Some(_)) => AT_THE_PAGE.to_owned(),
        (ErrorCode::SignInExpired, None) => format!("{AT_THE_PAGE} Run `{login}` for a new code."),
        (ErrorCode::Throttled | ErrorCode::Unavailable, _) => {
            "entrad tries again by itself; `entra status` shows when.".to_owned()
        }
        (_, Some(known)) => format!("`entra explain {}` says more.", known.code),
        (_, None) => {
            "An administrator finds the cause by the correlation id; `entra status` shows what entrad holds."
                .to_owned()
        }
    };
    let Some(known) = known else { return own_remedy(&fault.error, about).unwrap_or(command) };
    let remedy = about.remedy(known);
    let is_enough = remedy.contains("`entra ") && *code != ErrorCode::SignInExpired;
    if is_enough { remedy } else { format!("{remedy} {command}") }
}

/// What mends the faults that are not Entra's words but ours.
fn own_remedy(error: &str, about: &About<'_>) -> Option<String> {
    let login = about.login();
    let remedy = match error {
        "no_refresh_token" => {
            return Some(format!(
                "In {}, under Entra ID > App registrations > All applications > {} > API permissions, add the delegated \
                 permission offline_access of Microsoft Graph; then run `{login}`.",
                admin_center(about.cloud),
                about.client_id
            ));
        }
        "redirected" => {
            "Open any page in a browser and sign in to the network; `entra status` shows when entrad gets through."
        }
        WRONG_APP => return Some(format!("Check `client_id` of the profile, then run `{login}`.")),
        WRONG_TENANT => {
            let tenant = about.tenant;
            return Some(format!(
                "Run `{login}` with an account of the tenant {tenant}, or set `tenant` of the profile to the one meant."
            ));
        }
        _ => remedies::remedy(error)?,
    };
    Some(remedy.to_owned())
}

/// Where administrators of a cloud work (Microsoft: Entra FAQ, which addresses to admit).
fn admin_center(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::China => "the Microsoft Entra admin center (https://entra.microsoftonline.cn)",
        Cloud::Public => "the Microsoft Entra admin center (https://entra.microsoft.com)",
        Cloud::UsGovernment => "the Microsoft Entra admin center (https://entra.microsoft.us)",
    }
}

/// For a wait that ended without a word: some refusals are shown in the browser alone.
const AT_THE_PAGE: &str = "If Microsoft's page showed an error, it names a number such as AADSTS53003: `entra explain 53003` \
    says what it means, who can mend it and how.";

/// Names for whichever tenant the account is of.
const SHARED_TENANTS: [&str; 3] = ["common", "consumers", "organizations"];

/// See [`super::sort`].
const LOOP_DETECTED: u32 = 50196;

/// The profile that commands mean when they name none.
const DEFAULT_PROFILE: &str = "default";

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
