//! `entra status --short`: one line for a shell's prompt, or none.
//!
//! A shell waits for it before each of its prompts, so the answer comes within [`LIMIT`] or not at all, and whatever goes wrong
//! is told by the exit status alone.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use entra_proto::error::exit;
use entra_proto::prompt::{Need, Prompt, PromptsAnswer};

use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;
use crate::when::{now, relative};

/// Asks and prints, and says whether a person is needed.
pub(super) fn run(socket: impl FnOnce() -> Result<Socket, Failure>, json: bool) -> Result<u8, Failure> {
    let answer = socket().and_then(in_time).map_err(Failure::silenced)?;
    if json {
        print::write_json(&answer, JSON_ROOM)?;
    } else if answer.lock.is_some() {
        let stream = Stream::output();
        stream.write(format!("{}\n", stream.caution(LOCKED)).as_bytes())?;
    } else if let Some((need, line)) = line(&answer.prompts, now()) {
        let stream = Stream::output();
        let line = match need {
            Need::Expected => stream.caution(&line),
            Need::Now => stream.alarm(&line),
        };
        stream.write(format!("{line}\n").as_bytes())?;
    }
    if answer.lock.is_some() {
        return Ok(exit::LATER);
    }
    let is_needed = answer.prompts.iter().any(|prompt| prompt.need == Need::Now);
    Ok(if is_needed { exit::SIGN_IN_NEEDED } else { exit::GOOD })
}

/// The daemon's answer, if it comes soon. Each read and write has a limit, and a slow daemon could take many of them, so
/// all of it is waited for from outside.
fn in_time(socket: Socket) -> Result<PromptsAnswer, Failure> {
    let (tell, told) = channel();
    thread::spawn(move || {
        // Nobody waits any more after the limit.
        let _late = tell.send(asked(&socket));
    });
    told.recv_timeout(LIMIT)
        .unwrap_or_else(|_| Err(Failure::new(exit::LATER, "no_answer", "entrad did not answer in time.")))
}

fn asked(socket: &Socket) -> Result<PromptsAnswer, Failure> {
    socket.connect_within(TO_CONNECT, LIMIT)?.prompts()?.result.map_err(Failure::from)
}

/// The line without its end. What is needed now silences what is expected. Nothing holds it back, a snooze neither: it
/// interrupts nobody, and after each notification a prompt rests as if it were put off.
fn line(prompts: &[Prompt], now: u64) -> Option<(Need, String)> {
    let needed: Vec<&Prompt> = prompts.iter().filter(|prompt| prompt.need == Need::Now).collect();
    if let Some(first) = needed.first() {
        return Some((
            Need::Now,
            format!("entra: sign in ({}{})", plain(&first.username), more(needed.len())),
        ));
    }
    let first = prompts.iter().min_by_key(|prompt| prompt.since)?;
    let due = if first.since > now { relative(now, first.since) } else { "soon".to_owned() };
    let name = plain(&first.username);
    Some((Need::Expected, format!("entra: sign-in due {due} ({name}{})", more(prompts.len()))))
}

/// ` and 2 more`, where one is named of so many.
fn more(count: usize) -> String {
    if count < 2 { String::new() } else { format!(" and {} more", count - 1) }
}

/// The whole line while it is locked: then nobody is asked for anything.
const LOCKED: &str = "entra: locked";

/// The longest that a shell's prompt is kept waiting: long enough for a busy machine, and a person hardly sees it.
const LIMIT: Duration = Duration::from_millis(300);

/// A daemon that was killed leaves its socket behind, and should not cost each prompt of a shell the whole limit.
const TO_CONNECT: Duration = Duration::from_millis(50);

/// A few prompts.
const JSON_ROOM: usize = 2048;

#[cfg(test)]
mod tests {
    use entra_proto::prompt::{HeldBack, Holder};
    use rstest::rstest;

    use super::*;
    use crate::prompt_words::tests::prompt;

    fn named(name: &str, need: Need) -> Prompt {
        Prompt { username: name.to_owned(), ..prompt(need) }
    }

    fn held(by: Holder) -> Prompt {
        Prompt { held_back: Some(HeldBack { by, until: None }), ..prompt(Need::Now) }
    }

    #[rstest]
    #[case(vec![], None)]
    #[case(vec![prompt(Need::Now)], Some("entra: sign in (ada@example.com)"))]
    #[case(vec![named("a", Need::Now), named("b", Need::Now), named("c", Need::Now)], Some("entra: sign in (a and 2 more)"))]
    #[case(vec![named("a", Need::Expected), named("b", Need::Now)], Some("entra: sign in (b)"))]
    #[case(vec![named("a\u{1b}[2J\n", Need::Now)], Some("entra: sign in (a )"))]
    #[case(vec![Prompt { since: 7300, ..prompt(Need::Expected) }], Some("entra: sign-in due in 2 h (ada@example.com)"))]
    #[case(vec![prompt(Need::Expected)], Some("entra: sign-in due soon (ada@example.com)"))]
    #[case(vec![held(Holder::Snooze)], Some("entra: sign in (ada@example.com)"))]
    #[case(vec![held(Holder::QuietHours)], Some("entra: sign in (ada@example.com)"))]
    fn the_line_names_what_is_needed(#[case] prompts: Vec<Prompt>, #[case] expected: Option<&str>) {
        assert_eq!(line(&prompts, 100).map(|(_, line)| line).as_deref(), expected);
    }
}
