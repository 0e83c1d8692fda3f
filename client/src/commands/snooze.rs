//! `entra snooze`: puts off being asked, and says until when.

use entra_proto::prompt::{Prompt, SnoozeRequest};

use super::heard;
use crate::args::SnoozeArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::prompt_words::{held_back, who};
use crate::when::now;

/// Asks and prints.
pub(crate) fn run(socket: &Socket, args: &SnoozeArgs) -> Result<(), Failure> {
    let seconds = if args.off { Some(0) } else { args.time };
    let request = SnoozeRequest { account: args.account.clone(), profile: args.profile.clone(), seconds };
    let answer = heard(socket.connect()?.snooze(&request)?)?;
    if args.json {
        return print::write_json(&answer, JSON_ROOM);
    }
    let stream = Stream::output();
    let meant: Vec<&Prompt> = answer.prompts.iter().filter(|prompt| is_meant(prompt, args)).collect();
    if meant.is_empty() {
        return stream.write(b"Nothing is asked of you now.\n");
    }
    let now = now();
    let lines: String = meant.iter().map(|prompt| stream.flow(0, &line(prompt, now))).collect();
    stream.write(lines.as_bytes())
}

/// Whether the words mean this one; the answer has them all.
fn is_meant(prompt: &Prompt, args: &SnoozeArgs) -> bool {
    let is_account = |name: &String| {
        name.eq_ignore_ascii_case(&prompt.username) || name.eq_ignore_ascii_case(prompt.account.as_str())
    };
    args.account.as_ref().is_none_or(is_account)
        && args.profile.as_ref().is_none_or(|name| *name == prompt.profile)
}

fn line(prompt: &Prompt, now: u64) -> String {
    let how = match &prompt.held_back {
        Some(held) => held_back(held, now),
        None => "you are asked as usual".to_owned(),
    };
    format!("{}: {how}", who(&prompt.username, &prompt.profile))
}

/// A few prompts.
const JSON_ROOM: usize = 2048;
