//! `entra config`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ReportArgs;

#[derive(Args, Debug)]
#[group(skip)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  entra config show
  entra config explain tenant
  entra config check --managed 10-it.toml
  entra config export --format mobileconfig --output entrad.mobileconfig"
)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) action: ConfigAction,
}

// A doc comment here would become the text of `entra config --help`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Show what is set, where it came from, what it overrides, and what is locked
    Show(ShowArgs),
    /// Explain a setting: what it is for, what it may be, and why it is what it is
    Explain(KeyArgs),
    /// Check all sources of settings as they are now, or one file
    Check(CheckArgs),
    /// Write the settings in force in the form of a device management
    Export(ExportArgs),
    /// Print a report that can be pasted into a ticket: no secrets, no user name
    Report,
    /// List the hosts and ports that these settings need
    Egress(ReportArgs),
    /// Keep the passphrase of the client certificate's key in the sealed file
    Passphrase(PassphraseArgs),
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct ShowArgs {
    /// Every setting, also those that nobody set
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct KeyArgs {
    /// The setting, as it stands in TOML; its variable's name will do, and its option's without the dashes
    #[arg(value_name = "KEY", allow_hyphen_values = true)]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct CheckArgs {
    /// Check this file as if it were your own configuration file
    #[arg(value_name = "FILE", conflicts_with = "managed")]
    pub(crate) file: Option<PathBuf>,
    /// Check this file as if an administrator had put it in place
    #[arg(long, value_name = "FILE")]
    pub(crate) managed: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(
    after_help = "The passphrase is typed, or read from standard input: one line. It is never shown again.

Examples:
  entra config passphrase
  entra config passphrase < /run/secrets/client-key
  entra config passphrase --remove"
)]
pub(crate) struct PassphraseArgs {
    /// Forget the one that is kept
    #[arg(long)]
    pub(crate) remove: bool,
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(
    after_help = "Exported is what somebody set, but for what belongs to this machine alone (its socket, folders, key files).
A password within a value is never exported."
)]
pub(crate) struct ExportArgs {
    /// The form of the export
    #[arg(long, value_name = "FORM", value_enum)]
    pub(crate) format: ExportFormat,
    /// Where to write it: a file, or for admx a folder; printed where this is not given
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Also what belongs to this machine alone
    #[arg(long)]
    pub(crate) all: bool,
}

/// The forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A configuration profile of macOS, for Jamf, Intune and others
    Mobileconfig,
    /// Registry values of Windows
    Reg,
    /// Templates for group policies: entrad.admx and en-US/entrad.adml
    Admx,
    /// A device configuration of Intune, as Microsoft Graph takes it
    IntuneJson,
    /// A file for /etc/entrad/managed.d
    Toml,
    /// The JSON schema of the configuration file, for editors
    JsonSchema,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::tests::{read, words};
    use super::super::{Cli, Command};
    use super::*;

    fn config(line: &str) -> ConfigAction {
        let Ok(Cli { command: Command::Config(args), .. }) = read(line) else { panic!("{}", words(line)) };
        args.action
    }

    #[test]
    fn a_key_may_look_like_an_option() {
        let ConfigAction::Explain(args) = config("entra config explain --client-id") else { panic!() };
        assert_eq!(args.key, "--client-id");
    }

    #[test]
    fn every_format_has_the_name_that_it_is_known_by() {
        for (name, format) in [
            ("mobileconfig", ExportFormat::Mobileconfig),
            ("reg", ExportFormat::Reg),
            ("admx", ExportFormat::Admx),
            ("intune-json", ExportFormat::IntuneJson),
            ("toml", ExportFormat::Toml),
            ("json-schema", ExportFormat::JsonSchema),
        ] {
            let ConfigAction::Export(args) = config(&format!("entra config export --format {name}")) else {
                panic!()
            };
            assert_eq!(args.format, format);
        }
    }

    #[rstest]
    #[case("entra config", "explain")]
    #[case("entra config export", "--format")]
    #[case("entra config export --format plist", "mobileconfig")]
    #[case("entra config check a --managed b", "cannot be used")]
    #[case("entra config explain", "KEY")]
    #[case("entra --help", "config")]
    fn a_mistake_is_answered_with_what_is_right(#[case] line: &str, #[case] right: &str) {
        assert!(words(line).contains(right), "{}", words(line));
    }
}
