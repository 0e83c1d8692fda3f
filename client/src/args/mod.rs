//! The command line, and nothing but.
//!
//! Two readings: the lean one knows the words and builds only the sub-command asked for; when it stops, for
//! help or for a mistake, a second one with the long tables writes the text. A usual start never pays for
//! help it does not show.

mod agents;
mod config;
mod consent;
mod doctor;
mod lease;
mod lock;
mod log;
mod policy;
mod prompts;
mod run;
mod service;
mod setup;
mod token;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{Error, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches as _, Parser, Subcommand};
use entra_proto::cloud::Cloud;
use entra_proto::error::{TABLE, exit};
use entra_proto::resource::{RESOURCES, named};

use crate::platform::{OPEN_HELP, SOCKET_HELP};

pub(crate) use self::agents::{AgentsAction, AgentsArgs};
pub(crate) use self::config::{
    CheckArgs, ConfigAction, ConfigArgs, ExportArgs, ExportFormat, KeyArgs, PassphraseArgs, ShowArgs,
};
pub(crate) use self::consent::{ConsentAction, ConsentArgs, TakeBackArgs};
pub(crate) use self::doctor::DoctorArgs;
pub(crate) use self::lease::{LeaseAction, LeaseArgs, MakeArgs, RevokeArgs};
use self::lease::{NO_RESOURCE, NO_RESOURCE_OR_TOKEN};
pub(crate) use self::lock::PanicArgs;
pub(crate) use self::log::LogArgs;
pub(crate) use self::policy::{CheckRulesArgs, ExplainRuleArgs, PolicyAction, PolicyArgs};
pub(crate) use self::prompts::{MetricsArgs, SnoozeArgs, StatusArgs, WatchArgs};
use self::run::{ENV_EXAMPLES, RUN_EXAMPLES};
pub(crate) use self::run::{EnvArgs, RunArgs, Shell, TokenVariable};
pub(crate) use self::service::{ServiceAction, ServiceArgs};
pub(crate) use self::setup::{ClaudeCodeArgs, ClaudeDesktopArgs, Export, How, SetupArgs, SetupTool};
use self::token::{NO_TARGET, TOKEN_EXAMPLES};
pub(crate) use self::token::{TokenArgs, TokenOutput};

/// Access tokens for Microsoft Entra ID from entrad, which signs in once and refreshes silently.
#[derive(Debug, Parser)]
#[command(name = "entra", version)]
#[group(skip)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every sub-command takes.
#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct Options {
    #[arg(long, global = true, value_name = "PATH", display_order = 100, help = SOCKET_HELP)]
    pub(crate) socket: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Sign in: shows a code to type on Microsoft's page
    Login(Box<LoginArgs>),
    /// Print an access token
    Token(Box<TokenArgs>),
    /// Run a program whose tools get tokens, as long as it runs
    Run(Box<RunArgs>),
    /// Print the variables by which tools get tokens, for a shell
    Env(Box<EnvArgs>),
    /// Set up a tool to get its tokens from entrad, or take that back
    Setup(Box<SetupArgs>),
    /// List, make or revoke what tools may ask for
    Lease(LeaseArgs),
    /// List AI agents, end them at once, or let them ask again
    Agents(AgentsArgs),
    /// Have the system start entrad by itself
    Service(ServiceArgs),
    /// Show, explain, check or export the settings of entrad
    Config(ConfigArgs),
    /// Show, check or explain the rules of who may ask for what
    Policy(PolicyArgs),
    /// Answer what a rule wants your word for: who may have a token, and for how long
    Consent(ConsentArgs),
    /// Show accounts, tokens, next refreshes and what went wrong last
    Status(StatusArgs),
    /// Print what entrad counted, for monitoring
    Metrics(MetricsArgs),
    /// Find the cause when something does not work
    Doctor(DoctorArgs),
    /// Follow what is asked of you, in the foreground; run a command of yours each time
    Watch(WatchArgs),
    /// Put off being asked to sign in
    Snooze(SnoozeArgs),
    /// List the accounts that are signed in, or try a dead refresh token again
    Accounts(AccountsArgs),
    /// Show who got tokens, was refused, signed in or made leases; verify that nothing of it was changed
    Log(LogArgs),
    /// Show how entrad sees whoever runs this: the program, who started it, and how sure that is
    Whoami(ReportArgs),
    /// Sign out: delete an account's refresh token from this workstation
    Logout(LogoutArgs),
    /// Stop serving tokens, and drop tokens and keys from memory, until `entra unlock`
    Lock,
    /// Serve tokens again; asks for the vault's passphrase where it has one
    Unlock,
    /// Drop and erase everything: tokens, sign-ins and leases of this workstation
    Panic(PanicArgs),
    /// Explain an error number or code, without the network
    Explain(ExplainArgs),
    /// Open one of Microsoft's pages in the browser, away from the terminal
    #[command(hide = true)]
    OpenPage(OpenPageArgs),
    /// Speak a tool's dialect, as a link of that name does
    #[command(hide = true)]
    Helper(HelperArgs),
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(after_help = "Examples:
  entra login --tenant contoso.onmicrosoft.com --client-id 11111111-2222-3333-4444-555555555555
  entra login --dev-client --copy
  entra login --profile work --open")]
pub(crate) struct LoginArgs {
    /// The profile to sign in; its configuration fills what is not given here
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The tenant: its id, a domain of it, or `organizations`
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// The app registration to sign in with
    #[arg(long, value_name = "GUID", value_parser = client_id)]
    pub(crate) client_id: Option<String>,
    /// Sign in as the Azure CLI's app registration, to try things out before you have your own
    #[arg(long, conflicts_with = "client_id")]
    pub(crate) dev_client: bool,
    /// The cloud: public, us_government or china
    #[arg(long, value_name = "CLOUD")]
    pub(crate) cloud: Option<Cloud>,
    /// Scopes to consent to; Microsoft Graph's `.default` when not given
    #[arg(long, value_name = "S", num_args = 1..)]
    pub(crate) scope: Option<Vec<String>>,
    /// The account that must sign in, by user name or id; another one is refused
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// The claims challenge of a service's refusal, as JSON or base64
    #[arg(long, value_name = "CLAIMS")]
    pub(crate) claims: Option<String>,
    /// A claims challenge that entrad kept, by the handle an error named
    #[arg(long, value_name = "HANDLE", conflicts_with = "claims")]
    pub(crate) claims_handle: Option<String>,
    /// Sign in by browser on this machine, and in no other way
    #[arg(long, conflicts_with = "device_code")]
    pub(crate) browser: bool,
    /// Sign in with a code, and in no other way
    #[arg(long)]
    pub(crate) device_code: bool,
    /// Sign in anew by browser an account that was signed in with a code; the old sign-in stays until the new one works
    #[arg(long, conflicts_with = "device_code")]
    pub(crate) reroot: bool,
    #[arg(long, help = OPEN_HELP)]
    pub(crate) open: bool,
    /// Draw the page's address as a QR code, for a telephone
    #[arg(long)]
    pub(crate) qr: bool,
    /// Copy the code to the clipboard, through the terminal
    #[arg(long)]
    pub(crate) copy: bool,
    /// Print what happens as JSON, one event a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug, Default)]
#[group(skip)]
pub(crate) struct ReportArgs {
    /// Print the daemon's answer as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct AccountsArgs {
    /// Print the daemon's answer as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) action: Option<AccountsAction>,
}

// A doc comment here would become the text of `entra accounts --help`.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountsAction {
    /// Try a refresh token again that Entra declared dead less than a day ago
    Revive(ReviveArgs),
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct ReviveArgs {
    /// The account, by user name or id; not needed when only one needs a sign-in
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// Only under this profile
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct LogoutArgs {
    /// The account, by user name or id; not needed when only one is signed in
    #[arg(value_name = "ACCOUNT", conflicts_with = "all")]
    pub(crate) account: Option<String>,
    /// Only under this profile
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Every account
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(after_help = "Examples:
  entra explain 50076
  entra explain store_locked
  entra explain 'AADSTS53003: Access has been blocked by Conditional Access policies.'")]
pub(crate) struct ExplainArgs {
    /// A number, `AADSTS…`, a whole error message, or one of entrad's own codes
    #[arg(value_name = "CODE", required = true, num_args = 1..)]
    pub(crate) text: Vec<String>,
    /// Print it as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct OpenPageArgs {
    /// The page.
    #[arg(value_name = "URL")]
    pub(crate) page: String,
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct HelperArgs {
    /// The helper's name and its own words.
    #[arg(value_name = "NAME", required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<OsString>,
}

impl Cli {
    /// Reads this process's command line.
    ///
    /// # Errors
    /// Help, the version, or a usage error, ready to print.
    pub(crate) fn read() -> Result<Self, Error> {
        Self::read_from(std::env::args_os().collect())
    }

    fn read_from(words: Vec<OsString>) -> Result<Self, Error> {
        let mut lean = lean(words.get(1)).disable_help_subcommand(true).disable_version_flag(true);
        let matches = lean.try_get_matches_from_mut(&words);
        // The process ends soon; taking the tree of words apart costs a tenth of reading the line.
        std::mem::forget(lean);
        match matches {
            Ok(mut matches) => Self::from_arg_matches_mut(&mut matches).and_then(Self::checked),
            Err(_) => {
                let mut matches = with_tables().try_get_matches_from(words).map_err(setup::with_tools)?;
                Self::from_arg_matches_mut(&mut matches).and_then(Self::checked)
            }
        }
    }

    /// Refuses what does not say what it is for, which the words alone do not show.
    fn checked(self) -> Result<Self, Error> {
        let (path, ways): (&[&str], _) = match &self.command {
            Command::Token(args)
                if args.for_name.is_none() && args.resource.is_none() && args.scope.is_none() =>
            {
                (&["token"], NO_TARGET)
            }
            Command::Run(args) if args.means.is_for_nothing() => (&["run"], NO_RESOURCE_OR_TOKEN),
            Command::Env(args) if args.means.is_for_nothing() => (&["env"], NO_RESOURCE_OR_TOKEN),
            Command::Lease(LeaseArgs { action: Some(LeaseAction::Make(args)), .. })
                if args.terms.is_for_nothing() =>
            {
                (&["lease", "make"], NO_RESOURCE)
            }
            _ => return Ok(self),
        };
        let mut command = Self::command();
        command.build();
        let named = path.iter().try_fold(&command, |command, name| command.find_subcommand(name)).cloned();
        Err(named.unwrap_or(command).error(ErrorKind::MissingRequiredArgument, ways))
    }
}

/// What the first word leaves to be known: the other sub-commands cost as much as all else that `entra token` does with its
/// words.
fn lean(first: Option<&OsString>) -> clap::Command {
    if first.is_some_and(|word| word == "token") {
        let token = TokenArgs::augment_args(clap::Command::new("token"));
        Options::augment_args(clap::Command::new("entra")).subcommand(token)
    } else {
        Cli::command()
    }
}

fn with_tables() -> clap::Command {
    Cli::command()
        .after_help(format!("Exit statuses:\n{}", exit_statuses()))
        .mut_subcommand("token", |token| token.after_long_help(short_names(TOKEN_EXAMPLES)))
        .mut_subcommand("run", |run| run.after_long_help(short_names(RUN_EXAMPLES)))
        .mut_subcommand("env", |env| env.after_long_help(short_names(ENV_EXAMPLES)))
}

/// One line a status: its meaning, and the error codes that end with it.
fn exit_statuses() -> String {
    let mut lines = String::new();
    for (status, meaning) in EXIT_MEANINGS {
        lines.push_str(&format!("  {status}  {meaning}\n"));
        let codes: Vec<&str> = TABLE.iter().filter(|row| row.exit == status).map(|row| row.name).collect();
        for line in crate::text::wrap(&codes.join(", "), 70) {
            lines.push_str(&format!("       {line}\n"));
        }
    }
    lines + "\n`entra explain CODE` says what an error code means."
}

fn short_names(examples: &str) -> String {
    let mut lines = "Short names for --for:\n".to_owned();
    for resource in RESOURCES {
        lines.push_str(&format!("  {:<13} {:<35} {}\n", resource.name, resource.title, resource.public));
    }
    lines.push('\n');
    lines + examples
}

fn short_name(name: &str) -> Result<String, String> {
    match named(name) {
        Some(resource) => Ok(resource.name.to_owned()),
        None => {
            let names: Vec<&str> = RESOURCES.iter().map(|resource| resource.name).collect();
            Err(format!(
                "the short names are {}; for another service use --resource or --scope",
                names.join(", ")
            ))
        }
    }
}

fn client_id(text: &str) -> Result<String, String> {
    if crate::text::is_guid(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("an Application (client) ID looks like 11111111-2222-3333-4444-555555555555".to_owned())
    }
}

/// What each exit status means to a caller.
const EXIT_MEANINGS: [(u8, &str); 9] = [
    (exit::GOOD, "All went well."),
    (exit::INTERNAL, "A defect, or the machine failed."),
    (exit::USAGE, "The command line or request was wrong."),
    (exit::SIGN_IN_NEEDED, "A person must sign in: run `entra login`."),
    (exit::REFUSED, "Refused by policy."),
    (exit::MISCONFIGURED, "Misconfigured, or for an administrator."),
    (exit::LATER, "Try again later."),
    (exit::NO_DAEMON, "No daemon answers."),
    (exit::CANCELLED, "The sign-in was cancelled."),
];

#[cfg(test)]
pub(crate) mod tests {
    use rstest::rstest;

    use super::*;

    pub(crate) fn read(line: &str) -> Result<Cli, Error> {
        Cli::read_from(line.split(' ').map(OsString::from).collect())
    }

    /// What is said in place of a command: help, or a mistake.
    pub(crate) fn words(line: &str) -> String {
        read(line).unwrap_err().to_string()
    }

    #[test]
    fn the_command_line_is_sound() {
        with_tables().debug_assert();
    }

    #[test]
    fn a_token_needs_exactly_one_target() {
        let nothing = read("entra token").unwrap_err();
        assert_eq!(nothing.exit_code(), i32::from(exit::USAGE));
        for way in ["--for", "--resource", "--scope", "Usage: entra token"] {
            assert!(nothing.to_string().contains(way), "{nothing}");
        }
        assert_eq!(read("entra token --for arm --scope x").unwrap_err().kind(), ErrorKind::ArgumentConflict);
        let Command::Token(args) = read("entra token --scope a b --cae").unwrap().command else { panic!() };
        assert_eq!(args.scope.unwrap(), ["a", "b"]);
    }

    #[rstest]
    #[case("entra token --for nothing", "foundry")]
    #[case("entra token --for arm --min-validity 86401", "86400")]
    #[case("entra login --client-id nonsense", "11111111-")]
    #[case("entra login --dev-client --client-id 04b07795-8ddb-461a-bbee-02f9e1bf7b46", "cannot be used")]
    #[case("entra login --cloud azure", "us_government")]
    #[case("entra setup vscode", "`entra setup` lists the tools")]
    #[case("entra setup gitt", "exists: 'git'")]
    #[case("entra login --claims x --claims-handle y", "cannot be used")]
    #[case("entra logout ada --all", "cannot be used")]
    fn a_mistake_is_answered_with_what_is_right(#[case] line: &str, #[case] words: &str) {
        let error = read(line).unwrap_err();
        assert_eq!(error.exit_code(), i32::from(exit::USAGE));
        assert!(error.to_string().contains(words), "{error}");
    }

    #[test]
    fn json_may_stand_behind_the_code() {
        let Command::Explain(args) = read("entra explain AADSTS50076: words --json").unwrap().command else {
            panic!()
        };
        assert!(args.json && args.text == ["AADSTS50076:", "words"]);
    }

    #[test]
    fn short_names_are_taken_in_any_case() {
        let Command::Token(args) = read("entra token --for Foundry").unwrap().command else { panic!() };
        assert_eq!(args.for_name.as_deref(), Some("foundry"));
    }

    #[test]
    fn help_has_every_exit_status_and_error_code() {
        let help = read("entra --help").unwrap_err().to_string();
        for row in TABLE {
            assert!(help.contains(row.name), "{help}");
        }
        assert!((0..=8).all(|status| help.contains(&format!("\n  {status}  "))), "{help}");
        assert!(!help.contains("open-page"), "{help}");
    }

    #[test]
    fn help_for_tokens_lists_every_short_name() {
        let help = read("entra token --help").unwrap_err().to_string();
        assert!(RESOURCES.iter().all(|resource| help.contains(resource.public)), "{help}");
        assert!(help.starts_with("Print an access token\n") && help.contains("eval"), "{help}");
    }
}
