//! `entra policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use entra_proto::policy::{CallerFacts, ExplainRequest};

use super::ReportArgs;

#[derive(Args, Debug)]
#[group(skip)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  entra policy show
  entra policy check rules.txt
  entra policy explain --resource graph
  entra policy explain --resource devops --program /usr/bin/git"
)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) action: PolicyAction,
}

// A doc comment here would become the text of `entra policy --help`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyAction {
    /// Show the rules in force, in their order, each with where it stands
    Show(ReportArgs),
    /// Check all rules as they stand now, or a file of rules
    Check(CheckRulesArgs),
    /// Explain which rule decides about a request, and why each before it does not
    Explain(Box<ExplainRuleArgs>),
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct CheckRulesArgs {
    /// A file of rules, one a line
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Args, Debug, Default)]
#[group(skip)]
#[command(
    after_help = "Without an option that speaks of the caller, it is the program that runs this command. With one, what no option
says of it is not known, and it is not in a container, not forwarded and no agent.

Examples:
  entra policy explain --resource graph
  entra policy explain --resource arm --program /usr/bin/python3.12 --script /usr/bin/az
  entra policy explain --resource graph --lease claude-code --loopback"
)]
pub(crate) struct ExplainRuleArgs {
    /// The resource that is asked for: a short name such as `foundry`, or an address
    #[arg(long, value_name = "R", conflicts_with = "scope")]
    pub(crate) resource: Option<String>,
    /// The scopes that are asked for
    #[arg(long, value_name = "S", num_args = 1..)]
    pub(crate) scope: Option<Vec<String>>,
    /// The account, by user name or id
    #[arg(long, value_name = "A")]
    pub(crate) account: Option<String>,
    /// The profile of entrad's configuration
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The tenant, where another one is asked than the profile's
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// The name of the lease that is presented
    #[arg(long, value_name = "L")]
    pub(crate) lease: Option<String>,
    /// As over loopback, where nothing is known of a caller but its lease
    #[arg(long, conflicts_with_all = OF_CALLER)]
    pub(crate) loopback: bool,
    /// The caller's program
    #[arg(long, value_name = "P")]
    pub(crate) program: Option<String>,
    /// The hash of its program: sha256: and 64 digits
    #[arg(long, value_name = "HASH")]
    pub(crate) hash: Option<String>,
    /// The script that its program runs
    #[arg(long, value_name = "S")]
    pub(crate) script: Option<String>,
    /// The program of its parent; again for the one above that
    #[arg(long, value_name = "P")]
    pub(crate) parent: Vec<String>,
    /// Its unit of systemd
    #[arg(long, value_name = "U")]
    pub(crate) unit: Option<String>,
    /// It runs in a container
    #[arg(long)]
    pub(crate) container: bool,
    /// It speaks for another machine
    #[arg(long)]
    pub(crate) forwarded: bool,
    /// It is an AI agent, of this name
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "agent")]
    pub(crate) agent: Option<String>,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

impl ExplainRuleArgs {
    /// The question, as the daemon takes it.
    pub(crate) fn request(&self) -> ExplainRequest {
        let caller = CallerFacts {
            program: self.program.clone(),
            hash: self.hash.clone(),
            script: self.script.clone(),
            parents: self.parent.clone(),
            unit: self.unit.clone(),
            container: self.container,
            forwarded: self.forwarded,
            agent: self.agent.clone(),
        };
        ExplainRequest {
            caller: (caller != CallerFacts::default()).then_some(caller),
            over_loopback: self.loopback,
            lease: self.lease.clone(),
            account: self.account.clone(),
            profile: self.profile.clone(),
            tenant: self.tenant.clone(),
            resource: self.resource.clone(),
            scopes: self.scope.clone(),
        }
    }
}

/// Options that say something of a caller.
const OF_CALLER: [&str; 8] =
    ["program", "hash", "script", "parent", "unit", "container", "forwarded", "agent"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::tests::{read, words};
    use super::super::{Cli, Command};
    use super::*;

    fn explain(line: &str) -> ExplainRequest {
        let Ok(Cli { command: Command::Policy(args), .. }) = read(line) else { panic!("{}", words(line)) };
        let PolicyAction::Explain(args) = args.action else { panic!() };
        args.request()
    }

    #[test]
    fn the_caller_is_whoever_asks_unless_something_is_said_of_one() {
        let request = explain("entra policy explain --resource graph --lease claude");
        assert!(request.caller.is_none() && request.lease.as_deref() == Some("claude"));
        let caller =
            explain("entra policy explain --agent --forwarded --parent /a --parent /b").caller.unwrap();
        assert_eq!((caller.agent.as_deref(), caller.forwarded), (Some("agent"), true));
        assert_eq!(caller.parents, ["/a", "/b"]);
        assert_eq!(
            explain("entra policy explain --agent claude").caller.unwrap().agent.as_deref(),
            Some("claude")
        );
        assert!(explain("entra policy explain --loopback").over_loopback);
    }

    #[rstest]
    #[case("entra policy", "explain")]
    #[case("entra policy explain --loopback --program /a", "cannot be used")]
    #[case("entra policy explain --resource arm --scope x", "cannot be used")]
    #[case("entra --help", "policy")]
    fn a_mistake_is_answered_with_what_is_right(#[case] line: &str, #[case] right: &str) {
        assert!(words(line).contains(right), "{}", words(line));
    }
}
