//! `entra log`: the audit log as a table, as JSON lines, or whether it is whole.

use entra_proto::account::AccountInfo;
use entra_proto::error::exit;
use entra_proto::log::{LogCaller, LogEntry, LogEvent, Verification};
use entra_proto::token::Source;

use super::heard;
use crate::args::LogArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;
use crate::when;

/// Asks and prints. The status says whether the log is whole, where that was asked.
pub(crate) fn run(socket: &Socket, args: &LogArgs) -> Result<u8, Failure> {
    if args.verify {
        return verify(socket, args.json);
    }
    let since = args.since.map(|since| since.millis(when::now()));
    // An entry knows its account by an id that no person does.
    let accounts = if args.json { Vec::new() } else { known_accounts(socket) };
    let said = socket.connect()?.log(since, args.program.as_deref(), args.account.as_deref())?;
    let mut entries = heard(said)?;
    let stream = Stream::output();
    let mut is_first = true;
    while let Some(entry) = entries.next_event()? {
        if args.json {
            print::write_json(&entry, JSON_ROOM)?;
            continue;
        }
        if std::mem::take(&mut is_first) {
            stream.write(format!("{}\n", stream.bold(&line(HEADINGS.map(str::to_owned)))).as_bytes())?;
        }
        stream.write(format!("{}\n", line(row(&entry, &accounts))).as_bytes())?;
    }
    if is_first && !args.json {
        stream.write(b"There is no such entry.\n")?;
    }
    Ok(exit::GOOD)
}

fn known_accounts(socket: &Socket) -> Vec<AccountInfo> {
    // Where they cannot be had, as with a locked keyring, entries are shown with ids.
    let answer = socket.connect().and_then(|client| heard(client.accounts()?));
    answer.map(|answer| answer.accounts).unwrap_or_default()
}

fn verify(socket: &Socket, json: bool) -> Result<u8, Failure> {
    let verification = heard(socket.connect()?.verify_log()?)?;
    let status = if verification.faults.is_empty() { exit::GOOD } else { exit::INTERNAL };
    if json {
        print::write_json(&verification, JSON_ROOM)?;
        return Ok(status);
    }
    let stream = Stream::output();
    stream.write(told(&stream, &verification).as_bytes())?;
    Ok(status)
}

fn told(stream: &Stream, verification: &Verification) -> String {
    let range = match verification.range {
        Some((first, last)) => format!("{} entries, {first} to {last}", verification.entries),
        None => "no entry".to_owned(),
    };
    if verification.faults.is_empty() {
        return stream.flow(0, &format!("{} The log has {range}, and is whole.", stream.success("Good:")));
    }
    let count = verification.faults.len();
    let faults = if count == 1 { "1 fault".to_owned() } else { format!("{count} faults") };
    let mut text = stream.flow(0, &format!("{} The log has {range}, and {faults}.", stream.alarm("Bad:")));
    for fault in &verification.faults {
        let line = fault.line.map(|line| format!(":{line}")).unwrap_or_default();
        text.push_str(&stream.flow(2, &format!("{}{line}: {}", plain(&fault.file), plain(&fault.what))));
    }
    text
}

fn row(entry: &LogEntry, accounts: &[AccountInfo]) -> [String; 6] {
    let account = entry.account.as_ref().map(|id| {
        let known = accounts.iter().find(|account| account.id.as_str().eq_ignore_ascii_case(id));
        known.map_or(id.as_str(), |account| &account.username)
    });
    let resource = entry.resource.clone().unwrap_or_else(|| entry.scopes.join(" "));
    [
        when::rfc3339(entry.time / 1000),
        name(&entry.event),
        program(entry),
        cell(account.unwrap_or_default()),
        cell(&resource),
        outcome(entry),
    ]
}

/// The tool that the token is for, or what presented a lease.
fn program(entry: &LogEntry) -> String {
    let file = |path: &String| {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        cell(name)
    };
    match (&entry.caller, &entry.lease) {
        (Some(LogCaller { program: Some(path), became: Some(other), .. }), _) => {
            format!("{}, now {}", file(path), file(other))
        }
        (Some(LogCaller { behind: Some(path), .. } | LogCaller { program: Some(path), .. }), _) => file(path),
        (Some(LogCaller { pid: Some(pid), .. }), _) => format!("process {pid}"),
        (_, Some(lease)) => format!("lease {}", cell(lease)),
        (_, None) => NOTHING.to_owned(),
    }
}

fn outcome(entry: &LogEntry) -> String {
    let source = entry.source.map(|source| match source {
        Source::Cache => "from memory",
        Source::Refresh => "from Entra",
    });
    let error = entry.error.as_ref().map(|code| code.name().replace('_', " "));
    let number = entry.aadsts.map(|number| format!("AADSTS{number}"));
    let rule = entry.rule.as_deref().map(|rule| format!("by {}", plain(rule)));
    let agent = entry.agent.as_deref().map(|agent| format!("agent {}", plain(agent)));
    let detail = entry.detail.as_deref().map(|detail| plain(detail).into_owned());
    let parts = [source.map(str::to_owned), agent, error, number, rule, detail];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn name(event: &LogEvent) -> String {
    let name = match event {
        LogEvent::Started => "started",
        LogEvent::Stopped => "stopped",
        LogEvent::Issued => "issued",
        LogEvent::Refused => "refused",
        LogEvent::SignedIn => "signed in",
        LogEvent::SignInFailed => "sign-in failed",
        LogEvent::SignedOut => "signed out",
        LogEvent::RefreshTokenDied => "refresh token died",
        LogEvent::RefreshTokenRevived => "refresh token revived",
        LogEvent::LeaseMade => "lease made",
        LogEvent::LeaseRevoked => "lease revoked",
        LogEvent::LeaseEnded => "lease ended",
        LogEvent::AgentsStopped => "agents stopped",
        LogEvent::AgentsResumed => "agents resumed",
        LogEvent::ConsentAsked => "consent asked",
        LogEvent::ConsentAnswered => "consent answered",
        LogEvent::ConsentRevoked => "consent revoked",
        LogEvent::Locked => "locked",
        LogEvent::Unlocked => "unlocked",
        LogEvent::UnlockFailed => "unlock failed",
        LogEvent::Panicked => "PANIC",
        LogEvent::ConfigurationChanged => "settings changed",
        LogEvent::ConfigurationRefused => "settings refused",
        LogEvent::Lost => "entries lost",
        LogEvent::Rotated => "rotated",
        LogEvent::Repaired => "repaired",
        LogEvent::Damaged => "DAMAGED",
        LogEvent::Unknown(name) => return cell(&name.replace('_', " ")),
    };
    name.to_owned()
}

fn cell(text: &str) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { plain(text).into_owned() }
}

/// Columns of a fixed width, since a log may be longer than memory: a longer cell moves the rest of its line.
fn line(cells: [String; 6]) -> String {
    let padded: Vec<String> =
        cells.iter().zip(WIDTHS).map(|(cell, width)| format!("{cell:<width$}")).collect();
    padded.join("  ").trim_end().to_owned()
}

const HEADINGS: [&str; 6] = ["TIME", "EVENT", "PROGRAM", "ACCOUNT", "RESOURCE", "HOW"];
const WIDTHS: [usize; 6] = [20, 14, 14, 22, 28, 0];

const NOTHING: &str = "-";

/// An entry is some 600 bytes.
const JSON_ROOM: usize = 1024;
