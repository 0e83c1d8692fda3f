//! The one error type, and the one table from error code to HTTP status to exit status.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What every refusal and failure looks like on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ErrorBody {
    /// The kind, from the closed table.
    pub code: ErrorCode,
    /// What happened, in one full sentence.
    pub message: String,
    /// What to do about it: a sentence that names the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Seconds after which asking again may help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Entra's error number, as in `AADSTS50076`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aadsts: Option<u32>,
    /// Entra's finer classification of `invalid_grant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suberror: Option<String>,
    /// Entra's id of the operation, which an administrator finds in the sign-in logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Entra's id of the single request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Give this to the sign-in that follows: the daemon keeps the claims challenge behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims_handle: Option<String>,
    /// The rule of the policy that refused: its text and where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl ErrorBody {
    /// An error with a sentence and nothing else.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            retry_after: None,
            aadsts: None,
            suberror: None,
            correlation_id: None,
            trace_id: None,
            claims_handle: None,
            rule: None,
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with the rule that refused.
    #[must_use]
    pub fn with_rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// The same with the seconds after which asking again may help.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// The exit statuses of `entra`, in one place.
pub mod exit {
    /// All went well.
    pub const GOOD: u8 = 0;
    /// A defect, or the machine failed us.
    pub const INTERNAL: u8 = 1;
    /// The command line or request was wrong.
    pub const USAGE: u8 = 2;
    /// A person must sign in.
    pub const SIGN_IN_NEEDED: u8 = 3;
    /// Refused by policy, by a lease, or by the daemon's guard.
    pub const REFUSED: u8 = 4;
    /// Misconfigured, or for an administrator.
    pub const MISCONFIGURED: u8 = 5;
    /// Try again later.
    pub const LATER: u8 = 6;
    /// No daemon answers.
    pub const NO_DAEMON: u8 = 7;
    /// The person cancelled.
    pub const CANCELLED: u8 = 8;
}

/// One row of the table.
#[derive(Debug)]
pub struct Row {
    /// The code.
    pub code: ErrorCode,
    /// Its name on the wire.
    pub name: &'static str,
    /// The HTTP status it travels under.
    pub status: u16,
    /// The exit status of `entra`.
    pub exit: u8,
    /// What it means, for PROTOCOL.md and `--help`.
    pub meaning: &'static str,
}

macro_rules! table {
    ($($variant:ident $name:literal $status:literal $exit:ident $meaning:literal;)*) => {
        /// The kind of an error. A name this build does not know is kept as [`ErrorCode::Unknown`].
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum ErrorCode {
            $(#[doc = $meaning] $variant,)*
            /// A code of a newer daemon.
            Unknown(String),
        }

        /// Every code with its HTTP status, exit status and meaning, by name.
        pub const TABLE: &[Row] = &[
            $(Row { code: ErrorCode::$variant, name: $name, status: $status, exit: exit::$exit, meaning: $meaning },)*
        ];
    };
}

table! {
    AccountMismatch "account_mismatch" 409 REFUSED "Another account or tenant signed in than was asked for; its tokens were dropped.";
    AccountNeeded "account_needed" 409 USAGE "Several accounts fit; name one.";
    AskAdmin "ask_admin" 403 MISCONFIGURED "Entra refuses until an administrator changes something.";
    BadRequest "bad_request" 400 USAGE "The request does not parse or asks for something impossible.";
    Busy "busy" 503 LATER "Too many sign-ins are open.";
    ClientIdNeeded "client_id_needed" 400 MISCONFIGURED "No app registration is configured for the profile.";
    Internal "internal" 500 INTERNAL "A defect in entrad; the log has more.";
    Locked "locked" 503 LATER "entrad is locked; `entra unlock` opens it.";
    MethodNotAllowed "method_not_allowed" 405 USAGE "The route exists, not with this method.";
    Misconfigured "misconfigured" 400 MISCONFIGURED "The app registration, tenant, scope or configuration is wrong.";
    NotFound "not_found" 404 USAGE "No such route, account or sign-in.";
    Refused "refused" 403 REFUSED "The caller may not ask for this.";
    SignInCancelled "sign_in_cancelled" 409 CANCELLED "The person, or the program that started it, cancelled the sign-in.";
    SignInExpired "sign_in_expired" 410 SIGN_IN_NEEDED "The code expired before the person finished.";
    SignInNeeded "sign_in_needed" 401 SIGN_IN_NEEDED "A person must sign in.";
    StoreDamaged "store_damaged" 500 MISCONFIGURED "The sealed file cannot be read; it was set aside.";
    StoreLocked "store_locked" 503 LATER "The key's home is locked.";
    StoreUnavailable "store_unavailable" 503 MISCONFIGURED "No safe home for the key can be used.";
    Throttled "throttled" 429 LATER "Entra, or entrad's own budget, asks for a pause.";
    TimedOut "timed_out" 504 LATER "The work took longer than its limit.";
    TooLarge "too_large" 413 USAGE "The request is over a size limit.";
    Unavailable "unavailable" 503 LATER "Entra cannot be reached or answers with an outage.";
}

impl ErrorCode {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Unknown(name) => name,
            known => known.row().map_or("internal", |row| row.name),
        }
    }

    /// The HTTP status it travels under; 500 for an unknown one.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.row().map_or(500, |row| row.status)
    }

    /// The exit status of `entra`; internal for an unknown one.
    #[must_use]
    pub fn exit(&self) -> u8 {
        self.row().map_or(exit::INTERNAL, |row| row.exit)
    }

    fn row(&self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.code == *self)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let row = TABLE.iter().find(|row| row.name == name);
        Ok(row.map_or(Self::Unknown(name), |row| row.code.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_row_of_its_own_in_order() {
        assert!(TABLE.windows(2).all(|pair| pair[0].name < pair[1].name));
        for row in TABLE {
            assert_eq!(row.code.name(), row.name);
            assert!((400..600).contains(&row.status), "{}", row.name);
            assert!((1..=8).contains(&row.exit), "{}", row.name);
            assert!(row.meaning.ends_with('.'), "{}", row.name);
        }
    }

    #[test]
    fn an_unknown_code_survives_a_round_trip() {
        let json = r#"{"code":"from_the_future","message":"Soon."}"#;
        let error: ErrorBody = serde_json::from_str(json).unwrap();
        assert_eq!(error.code, ErrorCode::Unknown("from_the_future".to_owned()));
        assert_eq!(serde_json::to_string(&error).unwrap(), json);
        assert_eq!(error.code.exit(), exit::INTERNAL);
    }
}
