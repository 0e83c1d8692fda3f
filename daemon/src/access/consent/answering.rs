//! Who may give a person's word: a program of this machine that speaks for nobody else.
//!
//! It cannot be told from the person's own hand: a program that runs as they do can start `entra`. So this keeps out whoever is
//! from elsewhere, is an agent, was lent a right, or asked the question itself; what hides from all of that, it does not stop.

use entra_proto::error::{ErrorBody, ErrorCode};

use crate::access::agent::Agents;
use crate::access::caller::Caller;
use crate::access::lease::{Leases, process};

/// The caller's process and those above it, also those between our client and who started it: each its id and its mark.
///
/// # Errors
/// `refused` for whoever may not give a person's word.
pub(super) async fn line_of(
    caller: &Caller,
    leases: &Leases,
    agents: &Agents,
) -> Result<Vec<(u32, u64)>, ErrorBody> {
    let look = caller.look(false).await;
    if look.facts.forwarded || look.facts.container {
        return Err(refused("one of another machine or container, or one that is not known"));
    }
    // What leases declare is known once they were read.
    leases.know_agents().await;
    if agents.label(caller).is_some() {
        return Err(refused("an AI agent or a program below one"));
    }
    let mark = |pid: u32| Some((pid, process::mark(pid)?));
    let line: Vec<_> = caller.line().await.into_iter().filter_map(mark).collect();
    if line.is_empty() {
        return Err(refused("one that could not be looked at"));
    }
    if leases.are_of_any(&line).await? {
        return Err(refused("one that runs on a lease (`entra run`)"));
    }
    Ok(line)
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
