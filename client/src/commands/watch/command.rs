//! The person's command, run for each prompt and each question of consent: one at a time, each for so long, and what becomes of it
//! only told.
//!
//! What is asked reaches the command by its environment, and no shell reads it. Of an account that asks again before its turn, the
//! last prompt is run.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use entra_proto::account::AccountId;
use entra_proto::consent::ConsentQuestion;
use entra_proto::prompt::{Need, Prompt};

use super::Happening;
use crate::platform::{end, located, set_apart, until_ended};
use crate::print;
use crate::text::plain;

/// The command's runs: the one there is and those to come.
#[derive(Debug)]
pub(super) struct Runs {
    program: OsString,
    words: Vec<OsString>,
    tell: Sender<Happening>,
    waiting: VecDeque<Cause>,
    running: Option<Run>,
    count: u64,
}

/// What it is run for.
#[derive(Debug)]
struct Cause {
    of: Of,
    variables: [(&'static str, String); 7],
}

/// Whose there is one at most.
#[derive(Debug, PartialEq, Eq)]
enum Of {
    Account(AccountId, String),
    Question(String),
}

#[derive(Debug)]
struct Run {
    child: Child,
    /// When it is ended; it has been when there is none.
    until: Option<Instant>,
}

impl Runs {
    /// None yet of this program with its words.
    pub(super) fn new(words: Vec<OsString>, tell: Sender<Happening>) -> Self {
        let mut words = words.into_iter();
        let program = words.next().unwrap_or_default();
        let (waiting, running) = (VecDeque::new(), None);
        Self { program, words: words.collect(), tell, waiting, running, count: 0 }
    }

    /// Runs it for this prompt, in its turn.
    pub(super) fn add(&mut self, prompt: &Prompt) {
        let of = Of::Account(prompt.account.clone(), prompt.profile.clone());
        self.add_cause(Cause { of, variables: variables(prompt) });
    }

    /// Runs it for this question, in its turn.
    pub(super) fn add_question(&mut self, question: &ConsentQuestion) {
        let of = Of::Question(question.id.clone());
        self.add_cause(Cause { of, variables: variables_of_question(question) });
    }

    /// Does not run it for this account any more, if it has not begun.
    pub(super) fn forget(&mut self, account: &AccountId, profile: &str) {
        self.forget_cause(&Of::Account(account.clone(), profile.to_owned()));
    }

    /// Does not run it for this question any more, if it has not begun.
    pub(super) fn forget_question(&mut self, id: &str) {
        self.forget_cause(&Of::Question(id.to_owned()));
    }

    fn add_cause(&mut self, cause: Cause) {
        self.forget_cause(&cause.of);
        self.waiting.push_back(cause);
        self.start_next();
    }

    fn forget_cause(&mut self, of: &Of) {
        self.waiting.retain(|waiting| waiting.of != *of);
    }

    /// When [`Runs::end_overdue`] is to be called.
    pub(super) fn until(&self) -> Option<Instant> {
        self.running.as_ref()?.until
    }

    /// Ends the run that took too long. Its end is told like any other.
    pub(super) fn end_overdue(&mut self) {
        if let Some(run) =
            self.running.as_mut().filter(|run| run.until.is_some_and(|on| on <= Instant::now()))
        {
            run.until = None;
            end(&mut run.child);
        }
    }

    /// The run of this number has ended.
    pub(super) fn ended(&mut self, number: u64) {
        if number != self.count {
            return;
        }
        if let Some(mut run) = self.running.take() {
            let is_overdue = run.until.is_none();
            self.report(is_overdue, run.child.wait());
        }
        self.start_next();
    }

    fn start_next(&mut self) {
        while self.running.is_none() {
            let Some(cause) = self.waiting.pop_front() else { return };
            match self.start(cause) {
                Ok(run) => self.running = Some(run),
                Err(error) => {
                    print::warn(&format!("The command {} could not be started: {error}.", self.name()));
                }
            }
        }
    }

    fn start(&mut self, cause: Cause) -> io::Result<Run> {
        let mut command = Command::new(located(&self.program));
        command.args(&self.words).envs(cause.variables);
        // Standard output is ours alone: with --json, a program reads it.
        command.stdin(Stdio::null()).stdout(io::stderr()).stderr(Stdio::inherit());
        set_apart(&mut command);
        let mut child = command.spawn()?;
        let wait = match until_ended(&child) {
            Ok(wait) => wait,
            Err(error) => {
                end(&mut child);
                return Err(error);
            }
        };
        self.count += 1;
        let (tell, number) = (self.tell.clone(), self.count);
        thread::spawn(move || {
            wait();
            let _ = tell.send(Happening::RunEnded(number));
        });
        Ok(Run { child, until: Some(Instant::now() + LIMIT) })
    }

    fn report(&self, is_overdue: bool, ended: io::Result<ExitStatus>) {
        let name = self.name();
        match ended {
            _ if is_overdue => {
                print::warn(&format!(
                    "The command {name} was ended: it took longer than {} s.",
                    LIMIT.as_secs()
                ));
            }
            Ok(status) if status.success() => {}
            Ok(status) => print::warn(&format!("The command {name} failed ({status}).")),
            Err(error) => print::warn(&format!("The end of the command {name} is not known: {error}.")),
        }
    }

    fn name(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }
}

/// Nothing runs on once nobody watches it.
impl Drop for Runs {
    fn drop(&mut self) {
        if let Some(run) = &mut self.running {
            end(&mut run.child);
        }
    }
}

/// What the command finds in its environment. All of them are there each time, so that none is left from elsewhere.
fn variables(prompt: &Prompt) -> [(&'static str, String); 7] {
    let need = match prompt.need {
        Need::Expected => "expected",
        Need::Now => "now",
    };
    [
        ("ENTRA_PROMPT_ACCOUNT", plain(&prompt.username).into_owned()),
        ("ENTRA_PROMPT_PROFILE", plain(&prompt.profile).into_owned()),
        ("ENTRA_PROMPT_NEED", need.to_owned()),
        ("ENTRA_PROMPT_REASON", plain(&prompt.reason).into_owned()),
        ("ENTRA_PROMPT_PROGRAM", plain(prompt.program.as_deref().unwrap_or_default()).into_owned()),
        ("ENTRA_PROMPT_WANTED", plain(prompt.wanted.as_deref().unwrap_or_default()).into_owned()),
        ("ENTRA_PROMPT_QUESTION", String::new()),
    ]
}

/// The same of a question: a command that knows of none says who wants what, and why.
fn variables_of_question(question: &ConsentQuestion) -> [(&'static str, String); 7] {
    let matter = &question.matter;
    let known = |text: &Option<String>| plain(text.as_deref().unwrap_or_default()).into_owned();
    [
        ("ENTRA_PROMPT_ACCOUNT", known(&matter.username)),
        ("ENTRA_PROMPT_PROFILE", known(&matter.profile)),
        ("ENTRA_PROMPT_NEED", "consent".to_owned()),
        ("ENTRA_PROMPT_REASON", format!("Asked by the rule {}.", plain(&question.rule))),
        ("ENTRA_PROMPT_PROGRAM", plain(&question.who).into_owned()),
        ("ENTRA_PROMPT_WANTED", plain(&question.wanted).into_owned()),
        ("ENTRA_PROMPT_QUESTION", plain(&question.id).into_owned()),
    ]
}

/// Longer than it takes to send a message. A command that waits for a person keeps the next prompt from theirs.
const LIMIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::consent_words::tests::question;
    use crate::prompt_words::tests::prompt;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn runs(words: &[&str]) -> (Runs, Receiver<Happening>) {
        let (tell, hear) = channel();
        let own = std::env::current_exe().unwrap().into_os_string();
        (Runs::new([own].into_iter().chain(words.iter().map(OsString::from)).collect(), tell), hear)
    }

    fn end_of(hear: &Receiver<Happening>) -> u64 {
        match hear.recv_timeout(PATIENCE).unwrap() {
            Happening::RunEnded(number) => number,
            other => panic!("{other:?}"),
        }
    }

    fn of(profile: &str) -> Prompt {
        Prompt { profile: profile.to_owned(), ..prompt(Need::Now) }
    }

    #[test]
    fn one_runs_at_a_time_and_each_account_once() {
        let (mut runs, hear) = runs(&["--list", "no-such-test"]);
        runs.add(&of("a"));
        for profile in ["b", "c", "b"] {
            runs.add(&of(profile));
        }
        let waiting: Vec<&str> = runs.waiting.iter().map(|cause| cause.variables[1].1.as_str()).collect();
        assert_eq!(waiting, ["c", "b"]);
        runs.forget(&"u.t".parse().unwrap(), "c");
        assert_eq!(end_of(&hear), 1);
        runs.ended(1);
        assert!(runs.waiting.is_empty() && runs.running.is_some());
        runs.ended(1);
        assert!(runs.running.is_some(), "another one's end");
        assert_eq!(end_of(&hear), 2);
        runs.ended(2);
        assert!(runs.running.is_none());
    }

    #[test]
    fn one_that_takes_too_long_is_ended() {
        // A test of this very program, which waits for longer than this one does.
        let (mut runs, hear) = runs(&["--ignored", "--exact", SLEEPER]);
        runs.add(&of("a"));
        runs.end_overdue();
        assert!(runs.until().is_some(), "its time is not over");
        runs.running.as_mut().unwrap().until = Some(Instant::now());
        runs.end_overdue();
        assert_eq!(runs.until(), None);
        assert_eq!(end_of(&hear), 1);
        let mut run = runs.running.take().unwrap();
        assert!(!run.child.wait().unwrap().success());
    }

    const SLEEPER: &str = "commands::watch::command::tests::waits_for_longer_than_anybody";

    #[test]
    #[ignore = "run by another test, which ends it"]
    fn waits_for_longer_than_anybody() {
        if std::env::var_os("ENTRA_PROMPT_ACCOUNT").is_none() {
            return;
        }
        let (_tell, hear) = channel::<()>();
        assert!(hear.recv_timeout(3 * PATIENCE).is_ok(), "nobody ended it");
    }

    #[test]
    fn a_command_that_is_not_there_stops_nothing() {
        let (tell, _hear) = channel();
        let mut runs = Runs::new(vec!["no-such-program-of-entra".into()], tell);
        runs.add(&of("a"));
        assert!(runs.running.is_none() && runs.waiting.is_empty());
    }

    #[test]
    fn the_environment_is_plain_and_whole() {
        let prompt = Prompt { program: None, reason: "So.\n$(id)\u{0}".to_owned(), ..prompt(Need::Expected) };
        assert_eq!(
            variables(&prompt).map(|(_, value)| value),
            ["ada@example.com", "default", "expected", "So. $(id)", "", "Azure DevOps", ""]
        );
        let asked = ConsentQuestion { who: "/opt/$(id)\u{1b}".to_owned(), ..question() };
        let told = variables_of_question(&asked);
        assert!(
            told[2].1 == "consent" && told[4].1.starts_with("/opt/$(id)") && told[6].1 == "0123abcd",
            "{told:?}"
        );
        assert!(told.iter().all(|(_, value)| !value.contains(char::is_control)), "{told:?}");
        assert_eq!(
            told.map(|(name, _)| name),
            variables(&prompt).map(|(name, _)| name),
            "none is left from elsewhere"
        );
    }

    #[test]
    fn a_question_has_its_turn_and_loses_it_once_it_is_over() {
        let (mut runs, hear) = runs(&["--list", "no-such-test"]);
        runs.add(&of("a"));
        for _ in 0..2 {
            runs.add_question(&question());
        }
        assert_eq!(runs.waiting.len(), 1);
        runs.forget_question("0123abcd");
        assert_eq!(end_of(&hear), 1);
        runs.ended(1);
        assert!(runs.waiting.is_empty() && runs.running.is_none());
    }
}
