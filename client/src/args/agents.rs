//! `entra agents`.

use clap::{Args, Subcommand};
use entra_proto::agent::is_name;

use super::ReportArgs;

#[derive(Args, Debug)]
#[group(skip)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct AgentsArgs {
    /// Print the daemon's answer as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) action: Option<AgentsAction>,
}

// A doc comment here would become the text of `entra agents --help`.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum AgentsAction {
    /// List the agents: how each is known, its leases, and what it was handed within the hour
    #[command(visible_alias = "list")]
    Ls(ReportArgs),
    /// End agents at once: revoke their leases and refuse whatever they ask, until they are let ask again
    Stop(WhichArgs),
    /// Let agents ask again that were stopped; no agent may run this
    Resume(WhichArgs),
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct WhichArgs {
    /// The agent, by its name; all of them when not given
    #[arg(value_name = "NAME", value_parser = name)]
    pub(crate) name: Option<String>,
}

/// An agent's name.
pub(super) fn name(text: &str) -> Result<String, String> {
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err("an agent's name is at most 64 letters, digits, `-`, `_` and `.`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::tests::{read, words};
    use crate::args::{Cli, Command};

    fn action(line: &str) -> Option<AgentsAction> {
        match read(line).map(|cli: Cli| cli.command) {
            Ok(Command::Agents(args)) => args.action,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_a_word_they_are_listed_and_without_a_name_all_are_meant() {
        assert!(action("entra agents --json").is_none());
        assert!(matches!(action("entra agents ls --json"), Some(AgentsAction::Ls(args)) if args.json));
        assert!(matches!(action("entra agents stop"), Some(AgentsAction::Stop(args)) if args.name.is_none()));
        let resume = action("entra agents resume claude");
        assert!(matches!(resume, Some(AgentsAction::Resume(args)) if args.name.as_deref() == Some("claude")));
        assert!(words("entra agents stop a/b").contains("64 letters"));
    }
}
