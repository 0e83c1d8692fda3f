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
use super::no_reply::NoReply;

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

/// Longest body read. The longest honest one is a token answer of some 20 KiB; Microsoft's .NET library
/// draws the same line.
pub(super) const MAX_BODY: usize = 1024 * 1024;
