//! `entra watch`: what is asked of a person, as it happens, and a command of theirs each time.
//!
//! Everything that can happen comes on one channel: the daemon's events from [`follow`]'s thread, a signal, the command's end.
//! So the loop has one place to wait in, and Ctrl-C ends it at once, a running command with it.

mod command;
mod follow;
mod told;

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Instant;

use entra_proto::error::exit;
use entra_proto::prompt::{Holder, Need, Prompt, PromptEvent};

use self::command::Runs;
use self::told::Told;
use crate::args::WatchArgs;
use crate::connect::Socket;
use crate::consent_words::{asks, said, standing};
use crate::failure::Failure;
use crate::platform::on_interrupt;
use crate::print::{self, Stream};
use crate::prompt_words::{asked, held_back, who};
use crate::text::plain;
use crate::when::{now, relative, utc};

/// Something that happened.
#[derive(Debug)]
enum Happening {
    /// There is a connection, whose events begin with the prompts that stand.
    Connected,
    /// The daemon said so.
    Event(PromptEvent),
    /// The daemon cannot be followed, and trying again would not help.
    Failed(Failure),
    /// The person, or the system, wants an end.
    Interrupted,
    /// There is no connection; another is tried.
    Lost(Failure),
    /// The command of this number has ended.
    RunEnded(u64),
}

/// Follows until it is interrupted.
pub(crate) fn run(socket: Socket, args: WatchArgs) -> Result<(), Failure> {
    let (tell, hear) = channel();
    let interrupted = tell.clone();
    on_interrupt(move || {
        let _ = interrupted.send(Happening::Interrupted);
    })
    .map_err(|error| {
        Failure::new(exit::INTERNAL, "no_signals", "Signals cannot be watched.").because(&error)
    })?;
    follow::start(socket, tell.clone());
    let mut watch = Watch {
        json: args.json,
        told: Told::default(),
        runs: args.run.map(|words| Runs::new(words, tell)),
        is_lost: false,
    };
    loop {
        let until = watch.runs.as_ref().and_then(Runs::until);
        let happening = match until {
            Some(until) => hear.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => hear.recv().map_err(RecvTimeoutError::from),
        };
        match happening {
            Ok(Happening::Interrupted) => break,
            Ok(happening) => watch.take(happening)?,
            Err(RecvTimeoutError::Timeout) => watch.runs.iter_mut().for_each(Runs::end_overdue),
            // The thread that waits for signals is always there to tell.
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(())
}

/// What is told, and how.
struct Watch {
    json: bool,
    told: Told,
    runs: Option<Runs>,
    is_lost: bool,
}

impl Watch {
    fn take(&mut self, happening: Happening) -> Result<(), Failure> {
        match happening {
            Happening::Connected => self.connected(),
            Happening::Event(event) => {
                for news in self.told.take(event, now()) {
                    self.tell(&news)?;
                }
            }
            Happening::Failed(failure) => return Err(failure),
            Happening::Interrupted => {}
            Happening::Lost(failure) => self.lost(&failure),
            Happening::RunEnded(number) => self.runs.iter_mut().for_each(|runs| runs.ended(number)),
        }
        Ok(())
    }

    fn connected(&mut self) {
        self.told.begin();
        let stream = Stream::errors();
        if self.is_lost {
            self.is_lost = false;
            let _ = stream.write(b"entrad answers again.\n");
        } else if stream.is_terminal() {
            let _ = stream.write(b"Following what entrad asks of you; Ctrl-C ends it.\n");
        }
    }

    /// Said once, however many tries it takes.
    fn lost(&mut self, failure: &Failure) {
        if !self.is_lost {
            self.is_lost = true;
            print::warn(&format!("{} It is tried again until entrad answers.", failure.message()));
        }
    }

    fn tell(&mut self, news: &PromptEvent) -> Result<(), Failure> {
        if self.json {
            print::write_json(news, JSON_ROOM)?;
        } else {
            let stream = Stream::output();
            stream.write(self.line(&stream, news).as_bytes())?;
        }
        match (news, &mut self.runs) {
            (PromptEvent::Raised { prompt }, Some(runs)) if is_shown(prompt) => runs.add(prompt),
            (PromptEvent::Settled { account, profile }, Some(runs)) => runs.forget(account, profile),
            (PromptEvent::Asked { question }, Some(runs)) => runs.add_question(question),
            (PromptEvent::Answered { id, .. }, Some(runs)) => runs.forget_question(id),
            _ => {}
        }
        Ok(())
    }

    fn line(&self, stream: &Stream, news: &PromptEvent) -> String {
        let now = now();
        let text = match news {
            PromptEvent::Raised { prompt } => raised(prompt, now),
            PromptEvent::Settled { account, profile } => {
                let name = self.told.name(account, profile).unwrap_or(account.as_str());
                format!("{}: nothing is asked of you any more", who(name, profile))
            }
            PromptEvent::Asked { question } => format!(
                "{} ({}); `entra consent` answers, or `entra consent allow {}`",
                asks(question),
                standing(question, now).join("; "),
                plain(&question.id)
            ),
            PromptEvent::Answered { id, answer } => {
                format!("the question {} is {}", plain(id), said(*answer))
            }
            PromptEvent::Waiting => return String::new(),
        };
        stream.flow(0, &format!("{}  {text}", utc(now)))
    }
}

/// Whether a person is to be shown it, by whatever can: what keeps a desktop from it alone does not keep us.
fn is_shown(prompt: &Prompt) -> bool {
    prompt.held_back.as_ref().is_none_or(|held| held.by == Holder::NoDesktop)
}

fn raised(prompt: &Prompt, now: u64) -> String {
    let who = who(&prompt.username, &prompt.profile);
    let what = match prompt.need {
        Need::Expected if prompt.since > now => format!("a sign-in is due {}", relative(now, prompt.since)),
        Need::Expected => "a sign-in is due soon".to_owned(),
        Need::Now => "sign in".to_owned(),
    };
    let held = prompt.held_back.as_ref().filter(|_| !is_shown(prompt)).map(|held| held_back(held, now));
    let mut text = format!("{who}: {what}. {}", plain(&prompt.reason));
    let further: Vec<String> = [asked(prompt), held].into_iter().flatten().collect();
    if !further.is_empty() {
        text.push_str(&format!(" ({})", further.join("; ")));
    }
    text
}

/// A prompt.
const JSON_ROOM: usize = 1024;

#[cfg(test)]
mod tests {
    use entra_proto::prompt::HeldBack;

    use super::*;
    use crate::prompt_words::tests::prompt;

    #[test]
    fn a_line_says_who_what_why_and_for_whom() {
        assert_eq!(
            raised(&prompt(Need::Now), 100),
            "ada@example.com: sign in. The password was changed. (first asked for by /usr/bin/git (process 42), \
             for Azure DevOps)"
        );
        let expected = Prompt { since: 7300, program: None, wanted: None, ..prompt(Need::Expected) };
        assert_eq!(
            raised(&expected, 100),
            "ada@example.com: a sign-in is due in 2 h. The password was changed."
        );
    }

    #[test]
    fn what_a_person_put_off_is_not_shown_and_what_has_no_desktop_is() {
        let held = |by| Prompt { held_back: Some(HeldBack { by, until: None }), ..prompt(Need::Now) };
        for by in [Holder::DailyLimit, Holder::QuietHours, Holder::ScreenLock, Holder::Snooze] {
            assert!(!is_shown(&held(by)), "{by:?}");
        }
        assert!(is_shown(&held(Holder::NoDesktop)) && is_shown(&prompt(Need::Now)));
        assert!(
            raised(&held(Holder::Snooze), 0).ends_with("; not shown again; `entra snooze --off` ends that)")
        );
    }
}
