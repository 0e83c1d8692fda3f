//! `entra panic`: drops and erases everything, once a person has said so twice.

use std::io::{BufRead, IsTerminal};

use entra_proto::error::exit;
use entra_proto::lock::{PanicAnswer, PanicRequest, PanickedAccount, Revocation};

use super::heard;
use super::lock::warn_of;
use crate::args::PanicArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::Stream;
use crate::text::plain;
use crate::when::{now, relative, utc};

/// Asks, does it, and says what is left.
pub(crate) fn run(socket: &Socket, args: &PanicArgs) -> Result<(), Failure> {
    if !args.yes {
        confirm()?;
    }
    let request = PanicRequest { revoke_sessions: args.revoke_sessions };
    let answer = heard(socket.connect()?.panic(&request)?)?;
    warn_of(&answer.warnings);
    let stream = Stream::output();
    for line in said(&answer, args.revoke_sessions, now()) {
        stream.write(stream.flow(0, &line).as_bytes())?;
    }
    Ok(())
}

fn confirm() -> Result<(), Failure> {
    let unasked = || {
        Failure::new(exit::USAGE, "usage", "Nobody confirmed it; nothing was done.")
            .hint("Give `--yes`, or run it at a terminal and type `panic`.")
    };
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(unasked());
    }
    let stream = Stream::errors();
    stream.write(stream.flow(0, QUESTION).as_bytes())?;
    let mut line = String::new();
    input.lock().read_line(&mut line).map_err(|_| unasked())?;
    if line.trim() == "panic" { Ok(()) } else { Err(unasked()) }
}

fn said(answer: &PanicAnswer, is_revoked: bool, now: u64) -> Vec<String> {
    let mut lines = vec![
        "Everything left memory, every lease is void, and entrad is locked.".to_owned(),
        if answer.erased.is_empty() {
            "No sealed file was there to erase.".to_owned()
        } else {
            format!(
                "Erased: {}.",
                answer.erased.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ")
            )
        },
    ];
    lines.extend(answer.accounts.iter().map(|account| of(account, now)));
    if !is_revoked {
        lines.push(NOT_REVOKED.to_owned());
    }
    lines.push("The audit log is kept. `entra unlock`, then `entra login` begins anew.".to_owned());
    lines
}

fn of(account: &PanickedAccount, now: u64) -> String {
    let tokens = match account.tokens_end_on.filter(|end| *end > now) {
        Some(end) => {
            format!("access tokens that were handed out work until {} ({})", utc(end), relative(now, end))
        }
        None => "no access token of it was in memory".to_owned(),
    };
    let sessions = match &account.revocation {
        None => String::new(),
        Some(Revocation::Revoked) => {
            "; Entra revoked its sessions, which may take some minutes to be heard of everywhere".to_owned()
        }
        Some(Revocation::Failed { reason }) => format!("; its sessions at Entra STAND: {}", plain(reason)),
    };
    let name = format!("{} (profile {})", plain(&account.username), plain(&account.profile));
    format!("{name}: {tokens}{sessions}").trim_end_matches('.').to_owned() + "."
}

const QUESTION: &str = "This signs everybody out on this workstation: tokens, refresh tokens and leases are dropped \
    and erased, and cannot be brought back. Type `panic` and Enter to go on:";

/// Microsoft: "Revoke user access in Microsoft Entra ID"; the My Account portal.
const NOT_REVOKED: &str = "Sessions at Entra stand: a copy of a refresh token would still work. `--revoke-sessions` asks \
    Entra to revoke them while it can; now use \"Sign out everywhere\" on https://myaccount.microsoft.com, or ask an \
    administrator.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_still_works_is_said_plainly() {
        let account = PanickedAccount {
            username: "ada@example.com".to_owned(),
            profile: "default".to_owned(),
            tokens_end_on: Some(4000),
            revocation: Some(Revocation::Failed { reason: "Nobody answered.".to_owned() }),
        };
        let said = of(&account, 400);
        assert!(said.contains("work until") && said.contains("STAND: Nobody answered."), "{said}");
        let said = of(&PanickedAccount { revocation: Some(Revocation::Revoked), ..account }, 5000);
        assert!(said.contains("no access token") && said.contains("revoked its sessions"), "{said}");
    }
}
