//! One exchange with Entra: a form goes out, a bounded reply comes back, or the reason why none did.
//!
//! The [`Exchange`] is the seam between what is said to Entra and how bytes travel, so that schedules can be
//! tested without a network.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use url::Url;
use zeroize::Zeroizing;

use super::form::Form;
use crate::account::outcome::{Fault, PROXY_AUTHENTICATION};

/// Sends a form and reads the reply.
pub(super) trait Exchange: Send + Sync {
    /// One POST, bounded in time and size, redirects not followed. Dropping the future ends it.
    fn post(&self, ask: Ask) -> Pin<Box<dyn Future<Output = Result<Reply, NoReply>> + Send + '_>>;
}

/// A request.
pub(super) struct Ask {
    /// Where to.
    pub(super) url: Url,
    /// What.
    pub(super) form: Form,
    /// `client-request-id`: the operation's, in the sign-in logs.
    pub(super) correlation_id: String,
    /// `X-AnchorMailbox`: routes to the account's region and its backup authentication service.
    pub(super) anchor: Option<String>,
}

/// A reply, whatever it says.
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) status: u16,
    /// `Retry-After`, at most an hour.
    pub(super) retry_after: Option<Duration>,
    /// `x-ms-request-id`, which is the trace id.
    pub(super) request_id: Option<String>,
    /// The body: may hold tokens.
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {} bytes)", self.status, self.body.len())
    }
}

/// Why no reply came. Holds no text of a third party: such errors can carry addresses and bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoReply {
    /// The connection broke before the reply was complete.
    Broken,
    /// The HTTP client cannot be built: no certificates, or proxy settings that do not parse.
    Client,
    /// No connection: no network, no such name, or nobody listens.
    Connect,
    /// The proxy wants credentials (407).
    Proxy,
    /// The time limit passed.
    TimeOut,
    /// The certificate or the protocol was refused.
    Tls,
    /// The body is over the limit.
    TooLarge,
}

impl NoReply {
    /// Whether one more try at once may help.
    pub(super) fn is_brief(self) -> bool {
        matches!(self, Self::Broken | Self::Connect | Self::TimeOut)
    }

    /// The same as data for the account's machine.
    pub(super) fn fault(self, host: &str, correlation_id: &str) -> Fault {
        let (error, description) = match self {
            Self::Broken => ("network", format!("The connection to {host} broke before the answer was complete.")),
            Self::Client => (
                "http_client",
                "The HTTP client cannot be set up: no trusted certificates were found on this system, or its \
                 proxy settings cannot be read."
                    .to_owned(),
            ),
            Self::Connect => ("network", format!("No connection to {host}.")),
            Self::Proxy => (PROXY_AUTHENTICATION, "The proxy asks for a user name and password.".to_owned()),
            Self::TimeOut => ("time_out", format!("{host} did not answer in time.")),
            Self::Tls => ("tls", format!("No safe connection to {host}: its certificate is not trusted here.")),
            Self::TooLarge => ("too_large", format!("The answer of {host} is over {MAX_BODY} bytes.")),
        };
        let correlation_id = Some(correlation_id.to_owned());
        let may_have_arrived = matches!(self, Self::Broken | Self::TimeOut | Self::TooLarge);
        Fault { error: error.to_owned(), description, correlation_id, may_have_arrived, ..Fault::default() }
    }
}

/// Longest body read. The longest honest one is a token answer of some 20 KiB; Microsoft's .NET library
/// draws the same line.
pub(super) const MAX_BODY: usize = 1024 * 1024;
