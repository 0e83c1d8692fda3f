//! `entra status`, `entra metrics`, `entra watch` and `entra snooze`: how things are, and what is asked of a person.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use entra_proto::limits::MAX_SNOOZE;

use super::lease::seconds;

#[derive(Args, Debug)]
#[group(skip)]
#[command(after_help = "Examples:
  entra status
  PS1='$(entra status --short)'$PS1

With --short the exit status is 3 where somebody must sign in now, and no error is printed.")]
pub(crate) struct StatusArgs {
    /// Print the daemon's answer as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Print one line for a shell's prompt, and only where you must sign in; within 0.3 seconds, or nothing
    #[arg(long)]
    pub(crate) short: bool,
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(after_help = "Examples:
  entra metrics
  entra metrics --output /var/lib/node_exporter/textfile/entrad.prom

The text is OpenMetrics 1.0; nothing in it names an account or a program.")]
pub(crate) struct MetricsArgs {
    /// Write the text to this file, which is replaced whole
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(after_help = "Examples:
  entra watch
  entra watch --run notify-send 'Sign in'
  entra watch --run ~/bin/tell-my-telephone

The command is not run by a shell. It finds in its environment:
  ENTRA_PROMPT_ACCOUNT   the account's user name
  ENTRA_PROMPT_PROFILE   its profile
  ENTRA_PROMPT_NEED      now, or expected; consent where a rule wants your word
  ENTRA_PROMPT_REASON    why, in a sentence
  ENTRA_PROMPT_PROGRAM   the program that was refused first; empty where there was none
  ENTRA_PROMPT_WANTED    what that wanted a token for; empty where there was none
  ENTRA_PROMPT_QUESTION  what `entra consent allow` takes; empty where you are to sign in")]
pub(crate) struct WatchArgs {
    /// Print what happens as JSON, one event a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Run this each time you are to be asked; all that follows is the command and its words
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true)]
    pub(crate) run: Option<Vec<OsString>>,
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(after_help = "Examples:
  entra snooze
  entra snooze ada@example.com --for 2h
  entra snooze --off")]
pub(crate) struct SnoozeArgs {
    /// The account, by user name or id; every one that asks when not given
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// Only under this profile
    #[arg(long, value_name = "NAME", requires = "account")]
    pub(crate) profile: Option<String>,
    /// For how long, such as 30m, 2h or 1d, at most 7d; entrad's setting `snooze` when not given
    #[arg(long = "for", value_name = "TIME", value_parser = delay, conflicts_with = "off")]
    pub(crate) time: Option<u64>,
    /// Be asked again at once
    #[arg(long)]
    pub(crate) off: bool,
    /// Print the daemon's answer as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

fn delay(text: &str) -> Result<u64, String> {
    match seconds(text)? {
        0 => Err("it must last at least a second; --off ends it".to_owned()),
        count if count <= MAX_SNOOZE.as_secs() => Ok(count),
        _ => Err(format!("the longest time is {}d", MAX_SNOOZE.as_secs() / 86_400)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::args::Command;
    use crate::args::tests::{read, words};

    #[rstest]
    #[case("30m", Ok(1800))]
    #[case("7d", Ok(604_800))]
    #[case("8d", Err("7d"))]
    #[case("99999999999999999999d", Err("7d"))]
    #[case("0h", Err("--off"))]
    #[case("soon", Err("30m"))]
    fn a_delay_is_bounded(#[case] text: &str, #[case] expected: Result<u64, &str>) {
        match (delay(text), expected) {
            (Ok(count), Ok(expected)) => assert_eq!(count, expected),
            (Err(words), Err(part)) => assert!(words.contains(part), "{words}"),
            (other, _) => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_follows_run_is_the_commands_own() {
        let Command::Watch(args) =
            read("entra watch --json --run sh -c x --json --socket /y").unwrap().command
        else {
            panic!()
        };
        assert!(args.json);
        assert_eq!(args.run.unwrap(), ["sh", "-c", "x", "--json", "--socket", "/y"]);
        assert!(words("entra watch --run").contains("--run <COMMAND>"));
    }

    #[test]
    fn one_time_is_given() {
        assert!(words("entra snooze --off --for 2h").contains("cannot be used"));
        assert!(words("entra snooze --profile work").contains("<ACCOUNT>"));
    }
}
