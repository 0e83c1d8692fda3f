//! A look at a caller, on systems that tell its program and who signed that.
//!
//! Its script and its container are not asked there, and no system of these says yet who started it.

use super::ancestry;
use super::look::{Doubt, Look};
use super::process::Process;
use crate::access::facts::Facts;
use crate::access::interpreter;

/// Looks at who connected.
pub(super) fn look(process: &Process) -> Look {
    let Some(pid) = process.pid.filter(|_| process.mark.is_some()) else {
        return Look::unknown(process.pid, Doubt::NO_NUMBER);
    };
    let mut doubts = Vec::new();
    if process.became().is_some() {
        doubts.push(Doubt::CHANGED);
    }
    let (above, are_all_parents) = ancestry::above(pid);
    let mut facts = Facts::of_nobody();
    facts.are_all_parents = are_all_parents;
    facts.parents = above.iter().map(|ancestor| ancestor.program.clone()).collect();
    facts.program = process.program.as_ref().map(|program| program.path.clone());
    match facts.program.as_deref() {
        None => doubts.push(Doubt::own_word(None)),
        Some(program) if interpreter::is_interpreter(program) => doubts.push(Doubt::interpreter(program)),
        Some(_) => {}
    }
    if !process.is_vouched {
        doubts.push(Doubt::BY_NUMBER);
    }
    let signer = process.signer();
    if signer.is_none() {
        // Without a signature only its path speaks for it, and that can be anybody's.
        doubts.push(Doubt::OWN_FILE);
    }
    if !process.is_still_there() {
        return Look::unknown(Some(pid), Doubt::GONE);
    }
    Look { signer, above, ..Look::new(Some(pid), facts, doubts) }
}
