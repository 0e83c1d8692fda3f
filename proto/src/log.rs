//! `GET /v1/log`: the audit log, which says who got what, and never a token.

use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::token::Source;

/// One line of the audit log. `hash` is of the line without it, so that it holds `previous`, the line before, and all lines before
/// that: a change, a removal and another order are seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Counts from 1, without a gap.
    pub sequence: u64,
    /// When, in milliseconds since 1970 by this machine's clock.
    pub time: u64,
    /// What happened.
    pub event: LogEvent,
    /// Who asked; nothing where the daemon acted by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<LogCaller>,
    /// The lease by its id or name, where one was presented or is spoken of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// The AI agent that asked, by its name, or that is spoken of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The account, by its id (`uid.utid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The tenant that the token is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The resource that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The scopes that were asked for or granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// From memory, or by a request to Entra.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The access token's own id, where it can be read (`uti`, base64url).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uti: Option<String>,
    /// Entra's id of the operation, which an administrator finds in the sign-in logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Why it was refused or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorCode>,
    /// Entra's error number, as in `AADSTS50076`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aadsts: Option<u32>,
    /// The rule of the policy that let it pass or refused it: its text and where it stands. Nothing where no rule was written
    /// that fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What else there is to say, in a sentence: the keys that changed, the flow of a sign-in, how many entries were lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Of [`LogEvent::Rotated`]: the first entry that is kept from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_from: Option<u64>,
    /// SHA-256 of the line before, in hexadecimal; 64 zeros in the first.
    pub previous: String,
    /// SHA-256 of this line without this field, in hexadecimal.
    pub hash: String,
}

impl LogEntry {
    /// An event of this time, in milliseconds since 1970, of which nothing else is known, and which has no place in a log.
    #[must_use]
    pub fn new(event: LogEvent, time: u64) -> Self {
        Self {
            sequence: 0,
            time,
            event,
            caller: None,
            lease: None,
            agent: None,
            profile: None,
            account: None,
            tenant: None,
            resource: None,
            scopes: Vec::new(),
            source: None,
            uti: None,
            correlation_id: None,
            error: None,
            aadsts: None,
            rule: None,
            detail: None,
            kept_from: None,
            previous: String::new(),
            hash: String::new(),
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogEvent {
    /// The daemon started; `detail` has its version.
    Started,
    /// The daemon stopped as it was told.
    Stopped,
    /// An access token was handed out.
    Issued,
    /// A request for one was refused or failed.
    Refused,
    /// Somebody signed in.
    SignedIn,
    /// A sign-in failed.
    SignInFailed,
    /// An account signed out.
    SignedOut,
    /// Entra declared a refresh token dead.
    RefreshTokenDied,
    /// A dead refresh token was tried again at a person's word, and lives.
    RefreshTokenRevived,
    /// A lease was made.
    LeaseMade,
    /// A lease was revoked.
    LeaseRevoked,
    /// A lease ended by itself, with its process or its time.
    LeaseEnded,
    /// AI agents were stopped, all or the one that is named.
    AgentsStopped,
    /// They may ask again.
    AgentsResumed,
    /// A person was asked whether a request may be made; `detail` has the question.
    ConsentAsked,
    /// A question was answered, or nobody answered it; `detail` says what was said.
    ConsentAnswered,
    /// A decision was revoked; `detail` says which.
    ConsentRevoked,
    /// The daemon was locked; `detail` says by what.
    Locked,
    /// It was unlocked.
    Unlocked,
    /// Somebody tried to unlock it in vain.
    UnlockFailed,
    /// Everything was dropped and erased; `detail` says what.
    Panicked,
    /// Settings changed while the daemon ran.
    ConfigurationChanged,
    /// Settings were refused; the former stay in force.
    ConfigurationRefused,
    /// Entries could not be written and are not there; `detail` says how many.
    Lost,
    /// The daemon began or went on in another file; the entries before `kept_from` are deleted.
    Rotated,
    /// The end of the log was torn, as a kill leaves it, and is whole again; `detail` says what was cut off.
    Repaired,
    /// The log was found not as it was left; `detail` says how.
    Damaged,
    /// What only a newer entrad knows, by its name there.
    #[serde(untagged)]
    Unknown(String),
}

/// Who asked, by what the kernel vouches for at that moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCaller {
    /// Its program's path, as it was when it connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The program that started it, where it is our own client: the tool that the token is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<String>,
    /// What it ran once it had its answer, where that was another program by then: `program` is the one that connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub became: Option<String>,
    /// Its process id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Its user: a number on Linux and macOS, a security identifier on Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// `GET /v1/log/verification`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// How many entries were read.
    pub entries: u64,
    /// The first and last of them, by their sequence numbers; earlier ones may have been rotated away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(u64, u64)>,
    /// What is wrong; nothing when all is whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<LogFault>,
}

/// Something wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFault {
    /// The file.
    pub file: String,
    /// The line in it, from 1, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What is wrong, in a sentence.
    pub what: String,
}
