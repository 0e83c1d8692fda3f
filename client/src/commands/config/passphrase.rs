//! `entra config passphrase`: hands the passphrase of the client certificate's key to the daemon, which keeps it sealed.
//!
//! It comes from the terminal or from standard input, never from an argument, which every program of the machine can read.

use std::io::{IsTerminal, Read};

use entra_proto::config::PassphraseRequest;
use entra_proto::error::exit;
use entra_proto::secret::Passphrase;
use zeroize::Zeroizing;

use crate::args::PassphraseArgs;
use crate::commands::heard;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::Stream;

/// Asks for it, hands it over, and says what is kept.
pub(crate) fn run(socket: &Socket, args: &PassphraseArgs) -> Result<(), Failure> {
    let answer = if args.remove {
        heard(socket.connect()?.forget_key_passphrase()?)?
    } else {
        let request = PassphraseRequest { passphrase: typed()? };
        heard(socket.connect()?.keep_key_passphrase(&request)?)?
    };
    let line: &[u8] = if answer.is_kept {
        b"The passphrase is kept, and taken at the next request to Entra.\n"
    } else {
        b"No passphrase is kept.\n"
    };
    Stream::output().write(line)
}

fn typed() -> Result<Passphrase, Failure> {
    let unread = |error: std::io::Error| {
        Failure::new(exit::USAGE, "usage", "The passphrase could not be read.")
            .because(&error)
            .hint("Type it at a terminal, or give it on standard input.")
    };
    let input = std::io::stdin();
    if input.is_terminal() {
        return rpassword::prompt_password("Passphrase of the client key: ")
            .map(Passphrase::new)
            .map_err(unread);
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
