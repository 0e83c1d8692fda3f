//! A passphrase from the terminal or from standard input, never from an argument, which every program of the machine can read.

use std::io::{IsTerminal, Read};

use entra_proto::error::exit;
use entra_proto::secret::Passphrase;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Asks for it by this prompt, or reads it where there is no terminal.
pub(super) fn typed(prompt: &str) -> Result<Passphrase, Failure> {
    let unread = |error: std::io::Error| {
        Failure::new(exit::USAGE, "usage", "The passphrase could not be read.")
            .because(&error)
            .hint("Type it at a terminal, or give it on standard input.")
    };
    let input = std::io::stdin();
    if input.is_terminal() {
        return rpassword::prompt_password(prompt).map(Passphrase::new).map_err(unread);
    }
    // Room for all of it from the start: a text that grows leaves a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_READ));
    input.lock().take(MAX_READ as u64).read_to_string(&mut text).map_err(unread)?;
    let length = text.trim_end_matches(['\n', '\r']).len();
    text.truncate(length);
    Ok(Passphrase::new(std::mem::take(&mut *text)))
}

/// More than the daemon takes, which says so.
const MAX_READ: usize = 2048;
