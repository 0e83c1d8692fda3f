//! The command line of `entrad`: an option for each key of the table.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, ValueEnum};
use entra_proto::config::Kind;

use super::keys::{KEYS, Key, Unset};
use super::paths;
use crate::service;

/// What the command line says.
#[derive(Clone, Default)]
pub struct Args {
    given: BTreeMap<&'static str, String>,
    /// What to print instead of serving.
    pub report: Option<Report>,
    /// A file that a report takes for the only managed source, to check it before it is one.
    pub managed: Option<PathBuf>,
    /// A file of rules that the report of them is to check.
    pub rules: Option<PathBuf>,
    /// The Foundry resource that the doctor is asked to look at.
    pub foundry: Option<String>,
}

/// What can be printed without serving, listening, locking or writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Report {
    /// Every setting with its value and where that came from.
    Config,
    /// What the doctor finds.
    Doctor,
    /// The rules of who may ask for what, or what is wrong with those of a file.
    Policy,
}

impl Args {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// clap's own, which say what is wrong, or hold the help that was asked for.
    pub fn try_parse_from<I: IntoIterator<Item = T>, T: Into<OsString> + Clone>(
        words: I,
    ) -> Result<Self, clap::Error> {
        command().try_get_matches_from(words).map(|matches| Self::of(&matches))
    }

    /// The same with one option more, by its key.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.given.insert(key, value.into());
        self
    }

    fn of(matches: &ArgMatches) -> Self {
        let given =
            KEYS.iter().filter_map(|key| Some((key.name, matches.get_one::<String>(key.name)?.clone())));
        Self {
            given: given.collect(),
            report: matches.get_one(REPORT).copied(),
            managed: matches.get_one(MANAGED).cloned(),
            rules: matches.get_one(RULES).cloned(),
            foundry: matches.get_one(FOUNDRY).cloned(),
        }
    }

    /// The keys that are set, with their values.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'static Key, &str)> {
        KEYS.iter().filter_map(|key| Some((key, self.given.get(key.name)?.as_str())))
    }
}

impl fmt::Debug for Args {
    /// Names alone: a proxy's password may be among the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given: Vec<_> = self.given.keys().collect();
        f.debug_struct("Args").field("given", &given).field("report", &self.report).finish()
    }
}

fn command() -> Command {
    let options = KEYS.iter().map(|key| {
        let arg =
            Arg::new(key.name).long(key.name.replace('_', "-")).value_name(key.value_name).help(help(key));
        // Whoever sets it is told who may.
        arg.hide(key.is_administrators).allow_hyphen_values(key.kind == Kind::Number)
    });
    let report = Arg::new(REPORT)
        .long(REPORT)
        .value_name("WHAT")
        .value_parser(clap::value_parser!(Report))
        .help("Print what `entra config`, `entra doctor` or `entra policy` show, as JSON, and end");
    let foundry = Arg::new(FOUNDRY)
        .long(FOUNDRY)
        .value_name("NAME")
        .requires(REPORT)
        .help("The Foundry resource that `--report doctor` looks at, by its name or endpoint");
    // Without a report it would be a way around what is managed.
    let managed = Arg::new(MANAGED)
        .long(MANAGED)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .requires(REPORT)
        .hide(true);
    let rules = Arg::new(RULES)
        .long(RULES)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .requires(REPORT)
        .hide(true);
    Command::new("entrad")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Signs this workstation in to Microsoft Entra ID once and serves access tokens over a local socket.")
        .long_about(ABOUT)
        .after_help(after_help())
        .args(options)
        .arg(report)
        .arg(foundry)
        .arg(managed)
        .arg(rules)
}

fn help(key: &Key) -> String {
    let mut help = key.summary.trim_end_matches('.').to_owned();
    if !key.choices.is_empty() {
        help.push_str(&format!(": {}", key.choices.join(", ")));
    }
    if key.name == "socket" {
        return paths::SOCKET_HELP.to_owned();
    }
    match key.default {
        Unset::Nothing => help,
        Unset::Value(default) | Unset::Described(default) => format!("{help} [default: {default}]"),
    }
}

fn after_help() -> String {
    format!(
        "{}\nExit statuses: 0 stopped as asked, 1 internal, 2 usage, 5 misconfigured, 6 another entrad is running.",
        service::STOPPED_BY
    )
}

const REPORT: &str = "report";
const MANAGED: &str = "managed";
const RULES: &str = "rules";

const FOUNDRY: &str = "foundry";

const ABOUT: &str = "Signs this workstation in to Microsoft Entra ID once and serves access tokens over a local socket.

Runs in the foreground and prints `ready` with the socket's path when it can serve. Sign in with `entra login`. Every option \
is also a key of the configuration file (`a_b`) and an environment variable (`ENTRAD_A_B`); the command line wins, unless an \
administrator manages the key.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_for_a_report_alone() {
        let args = Args::try_parse_from(["entrad", "--report", "config", "--managed", "/d.toml"]).unwrap();
        assert_eq!(args.managed.unwrap(), PathBuf::from("/d.toml"));
        assert!(Args::try_parse_from(["entrad", "--managed", "/d.toml"]).is_err());
    }

    #[test]
    fn every_key_is_an_option() {
        let command = command();
        command.clone().debug_assert();
        for key in KEYS {
            let flag = format!("--{}=x", key.name.replace('_', "-"));
            let args = Args::try_parse_from(["entrad", &flag]).unwrap();
            let given: Vec<_> = args.given().map(|(key, value)| (key.name, value)).collect();
            assert_eq!(given, [(key.name, "x")]);
        }
        let others = command.get_arguments().map(|arg| arg.get_id().as_str());
        let others: Vec<_> = others.filter(|id| KEYS.iter().all(|key| key.name != *id)).collect();
        assert_eq!(others, [REPORT, FOUNDRY, MANAGED, RULES]);
        assert!(Args::try_parse_from(["entrad", "--foundry=x"]).is_err(), "it is for the doctor alone");
    }

    #[test]
    fn the_help_tells_of_defaults_and_choices() {
        let help = command().render_long_help().to_string();
        assert!(help.contains("--ask-ahead") && help.contains("[default: 1h]"), "{help}");
        assert!(help.contains("public, us_government, china"), "{help}");
        assert!(!help.contains("--allowed-tenants"), "{help}");
    }
}
