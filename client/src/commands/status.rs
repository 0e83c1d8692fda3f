//! `entra status`: what the daemon holds, what it will do next, and what went wrong last.
//!
//! Warnings come first, since they are what a person came for.

use entra_proto::account::{Flow, Health};
use entra_proto::error::ErrorBody;
use entra_proto::status::{AccountStatus, StatusAnswer, TokenStatus};

use super::heard;
use crate::connect::Socket;
use crate::failure::{Failure, support_line};
use crate::print::{self, Stream};
use crate::text::plain;
use crate::when::{relative, rough, utc};

/// Asks and prints.
pub(crate) fn run(socket: &Socket, json: bool) -> Result<(), Failure> {
    let answer = heard(socket.connect()?.status()?)?;
    if json {
        return print::write_json(&answer, JSON_ROOM);
    }
    let stream = Stream::output();
    let report = Report { stream: &stream, now: crate::when::now(), lines: String::new() };
    stream.write(report.of(&answer).as_bytes())
}

/// The report as it grows.
struct Report<'a> {
    stream: &'a Stream,
    now: u64,
    lines: String,
}

impl Report<'_> {
    fn of(mut self, answer: &StatusAnswer) -> String {
        for warning in &answer.warnings {
            self.line(0, &format!("{} {}", self.stream.caution("Warning:"), plain(warning)));
        }
        self.daemon(answer);
        if answer.accounts.is_empty() {
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
        if let Some(error) = &answer.store.error {
            self.error(2, "", error);
        }
        match answer.loopback.as_ref().map(|loopback| (loopback.port, &loopback.fault)) {
            Some((_, Some(fault))) => {
                self.line(0, &format!("{} {}", self.stream.alarm("Tools' port:"), plain(fault)));
            }
            Some((Some(port), None)) => self.line(0, &format!("Tools ask on 127.0.0.1:{port}")),
            Some((None, None)) | None => {}
        }
        if answer.open_sign_ins > 0 {
            self.line(0, &format!("Sign-ins that wait for a person: {}", answer.open_sign_ins));
        }
        if let Some(skew) = answer.clock_skew.filter(|skew| skew.unsigned_abs() > SKEW_WORTH_TELLING) {
            let side = if skew > 0 { "behind" } else { "ahead of" };
            self.line(0, &format!("This machine's clock is {} {side} Entra's", rough(skew.unsigned_abs())));
        }
    }

    fn account(&mut self, status: &AccountStatus) {
        let account = &status.account;
        let name = self.stream.bold(&plain(&account.username));
        let health = match &account.health {
            Health::Good => self.stream.success("good"),
            Health::SignInNeeded { .. } => self.stream.alarm("sign-in needed"),
        };
        self.lines.push('\n');
        self.line(0, &format!("{name}: {health}"));
        if let Health::SignInNeeded { error, since } = &account.health {
            self.error(2, &format!("since {}: ", utc(*since)), error);
        }
        let (profile, tenant) = (plain(&account.profile), plain(&account.tenant));
        self.line(2, &format!("profile {profile}, tenant {tenant}, {} cloud", account.cloud));
        self.line(2, &format!("id {}", account.id));
        self.line(2, &format!("app registration {}", plain(&account.client_id)));
        let provenance = &account.provenance;
        let signed_in =
            format!("signed in with {} on {}", provenance.flow.describe(), utc(provenance.signed_in_on));
        self.line(2, &format!("{signed_in} ({})", relative(self.now, provenance.signed_in_on)));
        if provenance.flow == Flow::DeviceCode {
            self.line(2, &self.stream.dim(CODE_ROOTED));
        }
        self.refresh_token(status);
        for token in &status.tokens {
            self.token(token, &status.account.tenant);
        }
    }

    fn refresh_token(&mut self, status: &AccountStatus) {
        let dies = relative(self.now, status.refresh_token_dies_on);
        let used = status
            .refreshed_on
            .map(|on| format!(", last used {}", relative(self.now, on)))
            .unwrap_or_default();
        self.line(
            2,
            &format!("refresh token dies {dies} ({}) unless used{used}", utc(status.refresh_token_dies_on)),
        );
        if let Some(on) = status.exercise_due_on {
            self.line(2, &format!("entrad uses it by itself {} if nobody else does", relative(self.now, on)));
        }
    }

    fn token(&mut self, token: &TokenStatus, home: &str) {
        let scopes = token.scopes.iter().map(|scope| plain(scope)).collect::<Vec<_>>().join(" ");
        let elsewhere =
            if token.tenant == home { String::new() } else { format!(", tenant {}", plain(&token.tenant)) };
        let revocable = if token.cae { ", revocable" } else { "" };
        self.line(2, &format!("token {scopes}{elsewhere}{revocable}"));
        let held = match token.expires_on {
            Some(on) if on <= self.now => format!("expired {}", relative(self.now, on)),
            Some(on) => format!("expires {}", relative(self.now, on)),
            None => "none held".to_owned(),
        };
        let reason = plain(&token.refresh_reason);
        let next = match (token.is_refreshing, token.refresh_due_on) {
            (true, _) => "being refreshed now".to_owned(),
            (false, Some(on)) => format!("next refresh {} ({reason})", relative(self.now, on)),
            (false, None) => format!("no refresh planned ({reason})"),
        };
        self.line(4, &format!("{held}, {next}"));
        if let Some(until) = token.blocked_until.filter(|until| *until > self.now) {
            self.line(
                4,
                &format!("no request to Entra before {} ({})", utc(until), relative(self.now, until)),
            );
        }
        let ended = token.last_outcome_on.map(|on| relative(self.now, on)).unwrap_or_default();
        match &token.last_error {
            Some(error) if ended.is_empty() => self.error(4, "last error: ", error),
            Some(error) => self.error(4, &format!("last refresh {ended} failed: "), error),
            None if ended.is_empty() => {}
            None => self.line(4, &format!("last refresh {ended}: good")),
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

/// What a policy on authentication flows does to such a sign-in (Microsoft: "Protocol tracking").
const CODE_ROOTED: &str = "A policy may end a sign-in with a code at any time (AADSTS530036); `entra login --reroot` moves it to the browser.";

#[cfg(test)]
mod tests {
    use entra_proto::error::ErrorCode;
    use entra_proto::status::StoreStatus;

    use super::super::accounts::tests::account;
    use super::*;

    fn answer() -> StatusAnswer {
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
        }
    }

    fn report(answer: &StatusAnswer, now: u64) -> String {
        Report { stream: &Stream::plain(), now, lines: String::new() }.of(answer)
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

    #[test]
    fn an_account_shows_its_root_its_end_and_each_token() {
        let mut error = ErrorBody::new(ErrorCode::Throttled, "Entra asks for a pause.");
        error.aadsts = Some(50196);
        let token = TokenStatus {
            scopes: vec!["https://ai.azure.com/.default".to_owned()],
            tenant: "contoso.com".to_owned(),
            cae: true,
            expires_on: Some(4200),
            refresh_due_on: Some(2400),
            refresh_reason: "half of its life".to_owned(),
            is_refreshing: false,
            blocked_until: Some(180),
            last_outcome_on: Some(30),
            last_error: Some(Box::new(error)),
        };
        let mut answer = answer();
        answer.accounts.push(AccountStatus {
            account: account("ada@contoso.com", "default"),
            refreshed_on: Some(0),
            refresh_token_dies_on: 7_776_000,
            exercise_due_on: Some(259_200),
            expectation: None,
            tokens: vec![token],
        });
        let report = report(&answer, 60);
        let account = report.split("\n\n").nth(1).unwrap().to_owned() + "\n";
        assert_eq!(
            account,
            "ada@contoso.com: good\n\
             \x20 profile default, tenant contoso.com, public cloud\n\
             \x20 id ada.t-1\n\
             \x20 app registration 04b07795-8ddb-461a-bbee-02f9e1bf7b46\n\
             \x20 signed in with device code on 1970-01-01 00:00 UTC (60 s ago)\n\
             \x20 A policy may end a sign-in with a code at any time (AADSTS530036); `entra login --reroot` moves it to the browser.\n\
             \x20 refresh token dies in 89 days (1970-04-01 00:00 UTC) unless used, last used 60 s ago\n\
             \x20 entrad uses it by itself in 2 days if nobody else does\n\
             \x20 token https://ai.azure.com/.default, revocable\n\
             \x20   expires in 69 min, next refresh in 39 min (half of its life)\n\
             \x20   no request to Entra before 1970-01-01 00:03 UTC (in 2 min)\n\
             \x20   last refresh 30 s ago failed: Entra asks for a pause.\n\
             \x20   AADSTS50196\n"
        );
        assert!(report.split("\n\n").last().unwrap().starts_with("Promised: a token that lives"), "{report}");
        answer.accounts[0].tokens[0].last_error = None;
        assert!(self::report(&answer, 60).contains("\n    last refresh 30 s ago: good\n"));
    }
}
