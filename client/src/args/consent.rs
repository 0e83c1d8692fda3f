//! `entra consent`.

use clap::{Args, Subcommand};
use entra_proto::consent::ConsentWord;

use super::ReportArgs;

#[derive(Args, Debug)]
#[group(skip)]
#[command(
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "On a terminal it asks you about each question that is open; elsewhere it lists them.

Examples:
  entra consent
  entra consent allow 3f2a91c0 --session
  entra consent deny 3f2a91c0 --never
  entra consent revoke 3f2a91c0"
)]
pub(crate) struct ConsentArgs {
    /// Print the daemon's answer as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) action: Option<ConsentAction>,
}

// A doc comment here would become the text of `entra consent --help`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConsentAction {
    /// List the questions that may be answered, and what was decided
    #[command(visible_alias = "ls")]
    List(ReportArgs),
    /// Allow what a question asks for, once if no option says for how long
    Allow(AllowArgs),
    /// Deny what a question asks for; it is not asked again for five minutes
    Deny(DenyArgs),
    /// Take back what was decided: it is asked anew
    Revoke(TakeBackArgs),
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct AllowArgs {
    /// The question, as `entra consent list` names it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// For this one token, which is also so without an option
    #[arg(long, conflicts_with_all = ["session", "always"])]
    pub(crate) once: bool,
    /// Until entrad ends or is locked, or the account signs out
    #[arg(long, conflicts_with = "always")]
    pub(crate) session: bool,
    /// Until you revoke it, for this program as it is now
    #[arg(long)]
    pub(crate) always: bool,
    /// Print the daemon's answer as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl AllowArgs {
    /// For how long.
    pub(crate) fn word(&self) -> ConsentWord {
        match (self.session, self.always) {
            (true, _) => ConsentWord::Session,
            (_, true) => ConsentWord::Always,
            _ => ConsentWord::Once,
        }
    }
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct DenyArgs {
    /// The question, as `entra consent list` names it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Until you revoke it, and without being asked again
    #[arg(long)]
    pub(crate) never: bool,
    /// Print the daemon's answer as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl DenyArgs {
    /// For how long.
    pub(crate) fn word(&self) -> ConsentWord {
        if self.never { ConsentWord::Never } else { ConsentWord::Deny }
    }
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct TakeBackArgs {
    /// Decisions, as `entra consent list` names them
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    /// Print the daemon's last answer as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::tests::{read, words};
    use super::super::{Cli, Command};
    use super::*;

    fn word(line: &str) -> ConsentWord {
        let Ok(Cli { command: Command::Consent(args), .. }) = read(line) else { panic!("{}", words(line)) };
        match args.action {
            Some(ConsentAction::Allow(args)) => args.word(),
            Some(ConsentAction::Deny(args)) => args.word(),
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case("allow x", ConsentWord::Once)]
    #[case("allow x --once", ConsentWord::Once)]
    #[case("allow x --session", ConsentWord::Session)]
    #[case("allow x --always", ConsentWord::Always)]
    #[case("deny x", ConsentWord::Deny)]
    #[case("deny x --never", ConsentWord::Never)]
    fn each_answer_has_its_words(#[case] line: &str, #[case] expected: ConsentWord) {
        assert_eq!(word(&format!("entra consent {line}")), expected);
    }

    #[rstest]
    #[case("entra consent allow", "<ID>")]
    #[case("entra consent allow x --once --always", "cannot be used")]
    #[case("entra consent revoke", "<ID>")]
    #[case("entra consent --help", "asks you about each question")]
    #[case("entra --help", "consent")]
    fn a_mistake_is_answered_with_what_is_right(#[case] line: &str, #[case] right: &str) {
        assert!(words(line).contains(right), "{}", words(line));
    }
}
