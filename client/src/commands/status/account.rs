//! An account in the report: who, how well, what is asked of its person, and its tokens.

use entra_proto::account::{Flow, Health};
use entra_proto::prompt::{Need, Prompt};
use entra_proto::status::{AccountStatus, Expectation, TokenStatus};

use super::Report;
use crate::prompt_words::{standing, times};
use crate::text::plain;
use crate::when::{relative, utc};

impl Report<'_> {
    pub(super) fn account(&mut self, status: &AccountStatus) {
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
        for prompt in self.prompts {
            if prompt.account == account.id && prompt.profile == account.profile {
                self.prompt(prompt, &account.health);
            }
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
        if let Some(expected) = &status.expectation {
            self.expectation(expected);
        }
        for past in &status.past_demands {
            let (reason, times) = (plain(&past.reason), times(u64::from(past.seen)));
            self.line(
                2,
                &format!("asked before: {} Seen {times}, last {}", reason, relative(self.now, past.last_on)),
            );
        }
        for token in &status.tokens {
            self.token(token, &status.account.tenant);
        }
    }

    fn prompt(&mut self, prompt: &Prompt, health: &Health) {
        // A single resource may want a person while the refresh token lives, and then nobody has said why.
        if *health == Health::Good {
            let need = match prompt.need {
                Need::Expected => self.stream.caution("A sign-in is due."),
                Need::Now => self.stream.alarm("A sign-in is needed."),
            };
            self.line(2, &format!("{need} {}", plain(&prompt.reason)));
        }
        for line in standing(prompt, self.now) {
            self.line(2, &line);
        }
    }

    fn expectation(&mut self, expected: &Expectation) {
        let verb = if expected.on < self.now { "was" } else { "is" };
        let when = format!("{} ({})", utc(expected.on), relative(self.now, expected.on));
        let (reason, times) = (plain(&expected.reason), times(u64::from(expected.seen)));
        let reason = reason.trim_end_matches('.');
        self.line(2, &format!("a new sign-in {verb} expected around {when}: {reason}, seen {times}"));
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
}

/// What a policy on authentication flows does to such a sign-in (Microsoft: "Protocol tracking").
const CODE_ROOTED: &str = "A policy may end a sign-in with a code at any time (AADSTS530036); `entra login --reroot` moves it to the browser.";

#[cfg(test)]
mod tests {
    use entra_proto::error::{ErrorBody, ErrorCode};
    use entra_proto::status::{PastDemand, StatusAnswer};

    use super::super::super::accounts::tests::account;
    use super::super::tests::answer;
    use super::*;
    use crate::print::Stream;
    use crate::prompt_words::tests::prompt;

    fn report(answer: &StatusAnswer, prompts: &[Prompt], now: u64) -> String {
        Report { stream: &Stream::plain(), now, prompts, lines: String::new() }.of(answer)
    }

    fn of_ada(tokens: Vec<TokenStatus>) -> StatusAnswer {
        let mut answer = answer();
        answer.accounts.push(AccountStatus {
            account: account("ada@contoso.com", "default"),
            refreshed_on: Some(0),
            refresh_token_dies_on: 7_776_000,
            exercise_due_on: Some(259_200),
            expectation: None,
            past_demands: Vec::new(),
            tokens,
        });
        answer
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
        let mut answer = of_ada(vec![token]);
        let report = report(&answer, &[], 60);
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
        assert!(self::report(&answer, &[], 60).contains("\n    last refresh 30 s ago: good\n"));
    }

    #[test]
    fn what_is_asked_and_expected_stands_with_its_account() {
        let mut answer = of_ada(Vec::new());
        answer.accounts[0].expectation = Some(Expectation {
            on: 432_060,
            aadsts: 70043,
            reason: "The organisation asks for a new sign-in every 7 days.".to_owned(),
            seen: 3,
        });
        answer.accounts[0].past_demands = vec![PastDemand {
            aadsts: 50173,
            reason: "The sign-in was revoked.".to_owned(),
            seen: 2,
            last_on: 0,
        }];
        let mine = Prompt { account: "ada.t-1".parse().unwrap(), ..prompt(Need::Now) };
        let other =
            Prompt { profile: "work".to_owned(), wanted: Some("elsewhere".to_owned()), ..mine.clone() };
        let report = report(&answer, &[mine, other], 60);
        assert!(
            report.contains(
                "\n  a new sign-in is expected around 1970-01-06 00:01 UTC (in 5 days): The organisation asks for a \
                 new sign-in every 7 days, seen 3 times\n"
            ),
            "{report}"
        );
        assert!(report.contains(
                "ada@contoso.com: good\n  A sign-in is needed. The password was changed.\n  first asked for by /usr/bin/git"
            ), "{report}");
        assert!(!report.contains("elsewhere"), "{report}");
        let past = "\n  asked before: The sign-in was revoked. Seen 2 times, last 60 s ago\n";
        assert!(report.contains(past), "{report}");
        assert!(self::report(&answer, &[], 500_000).contains("was expected around"));
    }
}
