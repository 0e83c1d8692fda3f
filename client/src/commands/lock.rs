//! `entra lock` and `entra unlock`: stop serving, and serve again.

use entra_proto::client::Said;
use entra_proto::error::{ErrorCode, exit};
use entra_proto::lock::{LockStatus, Opener, UnlockAnswer, UnlockRequest};

use super::heard;
use super::passphrase::typed;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;
use crate::when::utc;

/// Locks, and says what that did.
pub(crate) fn lock(socket: &Socket) -> Result<(), Failure> {
    let answer = heard(socket.connect()?.lock()?)?;
    warn_of(&answer.warnings);
    let stream = Stream::output();
    stream.write(stream.flow(0, LOCKED).as_bytes())?;
    stream.write(stream.flow(0, opens(answer.lock)).as_bytes())
}

/// Unlocks, by the passphrase where it takes that.
pub(crate) fn unlock(socket: &Socket) -> Result<(), Failure> {
    let status = heard(socket.connect()?.status()?)?;
    let stream = Stream::output();
    let Some(lock) = status.lock else {
        return stream.write(b"entrad is not locked.\n");
    };
    let mut said = match lock.opened_by {
        Opener::Store => ask(socket, UnlockRequest::default())?,
        Opener::Passphrase => ask(socket, with_passphrase()?)?,
    };
    // A lock that was just closing does not know yet what opens it.
    if lock.opened_by == Opener::Store
        && said.result.as_ref().is_err_and(|error| error.code == ErrorCode::Locked)
    {
        said = ask(socket, with_passphrase()?)?;
    }
    let answer = heard(said)?;
    warn_of(&answer.warnings);
    let since = format!("entrad is unlocked; it was locked on {} ({}).", utc(lock.since), lock.by);
    stream.write(stream.flow(0, &since).as_bytes())
}

fn ask(socket: &Socket, request: UnlockRequest) -> Result<Said<UnlockAnswer>, Failure> {
    Ok(socket.connect()?.unlock(&request)?)
}

fn with_passphrase() -> Result<UnlockRequest, Failure> {
    let passphrase = typed("Passphrase of entrad's vault: ")?;
    if passphrase.expose().is_empty() {
        let failure = Failure::new(exit::USAGE, "usage", "No passphrase was given.");
        return Err(failure.hint("Type it at a terminal, or give it on standard input."));
    }
    Ok(UnlockRequest { passphrase: Some(passphrase) })
}

fn opens(lock: LockStatus) -> &'static str {
    match lock.opened_by {
        Opener::Passphrase => "`entra unlock` opens it; it asks for the vault's passphrase.",
        Opener::Store => {
            "`entra unlock` opens it, where the key store hands out the key: lock that too where others may type here."
        }
    }
}

pub(super) fn warn_of(warnings: &[String]) {
    warnings.iter().for_each(|warning| print::warn(&plain(warning)));
}

/// What a lock is, and is not.
const LOCKED: &str = "entrad is locked: it serves nothing, and tokens and keys have left its memory. Access tokens \
    that were handed out before work until they expire.";
