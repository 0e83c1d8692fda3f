//! `entra status`: what the daemon holds, what it will do next, and what went wrong last.
//!
//! Warnings come first, since they are what a person came for.

mod account;
mod short;

use entra_proto::error::{ErrorBody, exit};
use entra_proto::limits::ANSWER_TIMEOUT;
use entra_proto::lock::{LockState, LockStatus};
use entra_proto::prompt::Prompt;
use entra_proto::status::{MetricsStatus, StatusAnswer};

use super::heard;
use crate::args::StatusArgs;
use crate::connect::Socket;
use crate::failure::{Failure, support_line};
use crate::print::{self, Stream};
use crate::text::plain;
use crate::when::{relative, rough};

/// Asks and prints, and says which status the program ends with.
pub(crate) fn run(
    socket: impl FnOnce() -> Result<Socket, Failure>,
    args: &StatusArgs,
) -> Result<u8, Failure> {
    if args.short {
        return short::run(socket, args.json);
    }
    let socket = socket()?;
    let answer = heard(socket.connect()?.status()?)?;
    if args.json {
        print::write_json(&answer, JSON_ROOM)?;
        return Ok(exit::GOOD);
    }
    let prompts = if answer.accounts.is_empty() { Vec::new() } else { prompts(&socket) };
    let stream = Stream::output();
    let report = Report { stream: &stream, now: crate::when::now(), prompts: &prompts, lines: String::new() };
    stream.write(report.of(&answer).as_bytes())?;
    Ok(exit::GOOD)
}

/// What is asked of a person; nothing where it cannot be had, since the rest of the report is as true without.
fn prompts(socket: &Socket) -> Vec<Prompt> {
    let client = socket.connect_within(ANSWER_TIMEOUT, ANSWER_TIMEOUT);
    let said = client.ok().and_then(|client| client.prompts().ok());
    said.and_then(|said| said.result.ok()).map(|answer| answer.prompts).unwrap_or_default()
}

/// The report as it grows.
struct Report<'a> {
    stream: &'a Stream,
    now: u64,
    prompts: &'a [Prompt],
    lines: String,
}

impl Report<'_> {
    fn of(mut self, answer: &StatusAnswer) -> String {
        for warning in &answer.warnings {
            self.line(0, &format!("{} {}", self.stream.caution("Warning:"), plain(warning)));
        }
        if let Some(lock) = &answer.lock {
            self.lock(lock);
        }
        self.daemon(answer);
        if answer.accounts.is_empty() && answer.lock.is_none() {
            self.lines.push('\n');
            self.line(0, "No account is signed in; run `entra login`.");
        }
        for account in &answer.accounts {
            self.account(account);
        }
        if !answer.accounts.is_empty() {
            self.lines.push('\n');
            for sentence in PROMISE {
                self.line(0, &self.stream.dim(sentence));
            }
        }
        self.lines
    }

    fn lock(&mut self, lock: &LockStatus) {
        let word = match lock.state {
            LockState::Closing => "Locking",
            LockState::Locked => "Locked",
        };
        let since = format!("since {} ({})", relative(self.now, lock.since), lock.by);
        self.line(0, &format!("{} {since}: nothing is served.", self.stream.alarm(word)));
        self.line(2, &format!("{} Run `entra unlock`.", self.stream.bold("Hint:")));
    }

    fn daemon(&mut self, answer: &StatusAnswer) {
        let since = relative(self.now, answer.started_on);
        let (version, socket) = (plain(&answer.version), plain(&answer.socket));
        self.line(0, &format!("entrad {version}, process {}, started {since}, serves {socket}", answer.pid));
        let state =
            if answer.store.is_open { self.stream.success("open") } else { self.stream.alarm("not open") };
        // Before the first sign-in there is no key yet, and nothing is wrong with that.
        if answer.store.is_open && answer.store.home == "none" {
            self.line(0, "Key store: chosen at the first sign-in");
        } else {
            self.line(0, &format!("Key store: {}, {state}", plain(&answer.store.home)));
        }
        if let Some(error) = answer.store.error.as_ref().filter(|_| answer.lock.is_none()) {
            self.error(2, "", error);
        }
        match answer.loopback.as_ref().map(|loopback| (loopback.port, &loopback.fault)) {
            Some((_, Some(fault))) => {
                self.line(0, &format!("{} {}", self.stream.alarm("Tools' port:"), plain(fault)));
            }
            Some((Some(port), None)) => self.line(0, &format!("Tools ask on 127.0.0.1:{port}")),
            Some((None, None)) | None => {}
        }
        if let Some(metrics) = &answer.metrics {
            self.line(0, &counted(metrics));
        }
        if answer.open_sign_ins > 0 {
            self.line(0, &format!("Sign-ins that wait for a person: {}", answer.open_sign_ins));
        }
        if let Some(skew) = answer.clock_skew.filter(|skew| skew.unsigned_abs() > SKEW_WORTH_TELLING) {
            let side = if skew > 0 { "behind" } else { "ahead of" };
            self.line(0, &format!("This machine's clock is {} {side} Entra's", rough(skew.unsigned_abs())));
        }
    }

    fn error(&mut self, indent: usize, before: &str, error: &ErrorBody) {
        self.line(indent, &format!("{before}{}", plain(&error.message)));
        if let Some(hint) = &error.hint {
            self.line(indent, &format!("{} {}", self.stream.bold("Hint:"), plain(hint)));
        }
        if let Some(support) = support_line(error) {
            self.line(indent, &self.stream.dim(&support));
        }
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.lines.push_str(&self.stream.flow(indent, text));
    }
}

/// What was counted since the start, in a line.
fn counted(metrics: &MetricsStatus) -> String {
    let share = metrics.cache_percent().map(|percent| format!(", {percent} % of the tokens from memory"));
    let failed = match metrics.refreshes_failed {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    let asked = match metrics.prompts {
        0 => String::new(),
        prompts => format!("; asked {} to sign in", some(prompts, "time")),
    };
    format!(
        "Since the start: {}{}; {}{failed}{asked}",
        some(metrics.requests, "token request"),
        share.unwrap_or_default(),
        some(metrics.refreshed.saturating_add(metrics.refreshes_failed), "refresh"),
    )
}

fn some(count: u64, what: &str) -> String {
    let end = match count {
        1 => "",
        _ if what.ends_with("sh") => "es",
        _ => "s",
    };
    format!("{count} {what}{end}")
}

/// What is promised, and what cannot be; SECURITY.md says more.
const PROMISE: [&str; 2] = [
    "Promised: a token that lives is served whatever happens to the network; a new refresh token is on disk before \
     its access token is served; only Entra's proven refusal signs an account out.",
    "Not promised: an identity server that voids a refresh token at its first use (Entra does not) can cost the \
     sign-in, if entrad or the network dies in the moment between its answer and the disk.",
];

/// Seconds of clock difference below which nothing suffers: tokens are refreshed minutes early.
const SKEW_WORTH_TELLING: u64 = 60;

/// A few accounts with a few tokens each.
const JSON_ROOM: usize = 8192;

#[cfg(test)]
mod tests {
    use entra_proto::status::StoreStatus;

    use super::*;

    pub(super) fn answer() -> StatusAnswer {
        StatusAnswer {
            version: "0.1.0".to_owned(),
            pid: 42,
            socket: "/run/user/7/entrad/entrad.sock".to_owned(),
            loopback: None,
            started_on: 0,
            store: StoreStatus { home: "secret-service".to_owned(), is_open: true, error: None },
            accounts: Vec::new(),
            open_sign_ins: 0,
            clock_skew: None,
            warnings: Vec::new(),
            lock: None,
            metrics: None,
        }
    }

    fn report(answer: &StatusAnswer, now: u64) -> String {
        Report { stream: &Stream::plain(), now, prompts: &[], lines: String::new() }.of(answer)
    }

    #[test]
    fn an_empty_daemon_names_the_next_command() {
        assert_eq!(
            report(&answer(), 7200),
            "entrad 0.1.0, process 42, started 2 h ago, serves /run/user/7/entrad/entrad.sock\n\
             Key store: secret-service, open\n\nNo account is signed in; run `entra login`.\n"
        );
    }

    #[test]
    fn what_was_counted_is_one_line() {
        let metrics = MetricsStatus {
            requests: 1_009,
            from_cache: 990,
            by_refresh: 10,
            refused: 8,
            refreshed: 12,
            refreshes_failed: 3,
            prompts: 2,
            sign_ins: 1,
        };
        assert_eq!(
            counted(&metrics),
            "Since the start: 1009 token requests, 99 % of the tokens from memory; 15 refreshes, 3 failed; asked 2 times to sign in"
        );
        let one = MetricsStatus {
            requests: 1,
            from_cache: 0,
            by_refresh: 0,
            refreshed: 1,
            ..MetricsStatus::default()
        };
        assert_eq!(counted(&one), "Since the start: 1 token request; 1 refresh");
        let with = StatusAnswer { metrics: Some(one), ..answer() };
        assert!(
            report(&with, 0).contains("\nSince the start: 1 token request; 1 refresh\n"),
            "{}",
            report(&with, 0)
        );
    }

    #[test]
    fn before_the_first_sign_in_no_store_is_named() {
        let mut answer = answer();
        answer.store.home = "none".to_owned();
        assert!(report(&answer, 7200).contains("Key store: chosen at the first sign-in\n"));
    }

    #[test]
    fn warnings_come_first() {
        let mut answer = answer();
        answer.warnings.push("The key lives in memory.".to_owned());
        answer.clock_skew = Some(-300);
        let report = report(&answer, 0);
        assert!(report.starts_with("Warning: The key lives in memory.\nentrad "), "{report}");
        assert!(report.contains("clock is 5 min ahead of Entra's"), "{report}");
    }
}
