//! Who may give a person's word: whoever may act for a person, but for who asked the question itself.

use entra_proto::error::{ErrorBody, ErrorCode};

use crate::access::agent::Agents;
use crate::access::caller::Caller;
use crate::access::lease::Leases;
use crate::access::person;

/// The caller's process and those above it, also those between our client and who started it: each its id and its mark.
///
/// # Errors
/// `refused` for whoever may not give a person's word.
pub(super) async fn line_of(
    caller: &Caller,
    leases: &Leases,
    agents: &Agents,
) -> Result<Vec<(u32, u64)>, ErrorBody> {
    person::line_of(caller, leases, agents, refused).await
}

/// The refusal of a page whose reader is not seen.
pub(super) fn unseen() -> ErrorBody {
    refused("one that entrad cannot see")
}

/// The refusal of whoever would answer itself.
pub(super) fn itself() -> ErrorBody {
    refused("the one that asks, or one that it started")
}

fn refused(who: &str) -> ErrorBody {
    let sentence = format!("A person's word is not taken from this program: it is {who}.");
    ErrorBody::new(ErrorCode::Refused, sentence)
        .with_hint("Run `entra consent` in another terminal, on the machine where entrad runs.")
}
