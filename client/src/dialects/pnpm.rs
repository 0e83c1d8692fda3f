//! `pnpm-token-entra`, which pnpm calls to learn what it sends to a feed of Azure Artifacts.
//!
//! pnpm (`tokenHelper` in the user's `.npmrc`) calls it without a word and takes standard output for the whole value of
//! `Authorization`. It does not say for which feed: the person who writes the line does.

use std::ffi::OsString;

use entra_proto::error::exit;
use zeroize::Zeroizing;

use super::{ask, hosts, pipes};
use crate::failure::Failure;
use crate::print;

pub(crate) fn run(words: &[OsString]) -> u8 {
    match answer(words) {
        Ok(()) => exit::GOOD,
        Err(failure) => pipes::complain(&failure),
    }
}

fn answer(words: &[OsString]) -> Result<(), Failure> {
    if !words.is_empty() {
        let failure = Failure::new(exit::USAGE, "bad_input", "pnpm-token-entra takes no words.");
        return Err(failure.hint("Name its absolute path alone in `tokenHelper` of your .npmrc."));
    }
    let answer = ask::token(hosts::devops(None))?;
    let token = answer.access_token.expose();
    let mut line = Zeroizing::new(Vec::with_capacity(token.len() + 16));
    for part in ["Bearer ", token, "\n"] {
        line.extend_from_slice(part.as_bytes());
    }
    print::write_output(&line)
}
