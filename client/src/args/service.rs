//! `entra service`.

use clap::{Args, Subcommand};

use super::ReportArgs;

#[derive(Args, Debug)]
#[group(skip)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  entra service install
  entra service status --json"
)]
pub(crate) struct ServiceArgs {
    #[command(subcommand)]
    pub(crate) action: ServiceAction,
}

// A doc comment here would become the text of `entra service --help`.
#[derive(Debug, Subcommand)]
pub(crate) enum ServiceAction {
    /// Have entrad started at each log-in and by the first request; run again after an update
    Install(ReportArgs),
    /// Take that back; accounts stay signed in
    Uninstall(ReportArgs),
    /// Show whether it is installed and runs, and in which version
    Status(ReportArgs),
}
