//! `entra config passphrase`: hands the passphrase of the client certificate's key to the daemon, which keeps it sealed.

use entra_proto::config::PassphraseRequest;

use crate::args::PassphraseArgs;
use crate::commands::heard;
use crate::commands::passphrase::typed;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::Stream;

/// Asks for it, hands it over, and says what is kept.
pub(crate) fn run(socket: &Socket, args: &PassphraseArgs) -> Result<(), Failure> {
    let answer = if args.remove {
        heard(socket.connect()?.forget_key_passphrase()?)?
    } else {
        let request = PassphraseRequest { passphrase: typed("Passphrase of the client key: ")? };
        heard(socket.connect()?.keep_key_passphrase(&request)?)?
    };
    let line: &[u8] = if answer.is_kept {
        b"The passphrase is kept, and taken at the next request to Entra.\n"
    } else {
        b"No passphrase is kept.\n"
    };
    Stream::output().write(line)
}
