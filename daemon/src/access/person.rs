//! Whether what a caller does may be taken for a person's own doing: it is of this machine, no AI agent, and runs on no lease.
//!
//! It cannot be told from the person's own hand: a program that runs as they do can start `entra`. So this keeps out whoever is
//! from elsewhere, is an agent or was lent a right; what hides from all of that, it does not stop.

use entra_proto::error::ErrorBody;

use super::agent::Agents;
use super::caller::Caller;
use super::lease::{Leases, process};

/// The caller's process and those above it, also those between our client and who started it: each its id and its mark.
///
/// # Errors
/// What `refused` makes of whoever may not act for a person: it is told who that is. The vault's error where leases cannot be read,
/// since it is not known then who runs on one.
pub async fn line_of(
    caller: &Caller,
    leases: &Leases,
    agents: &Agents,
    refused: fn(&str) -> ErrorBody,
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
