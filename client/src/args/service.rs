//! `entra service`.

use clap::{Args, Subcommand};

use super::ReportArgs;

#[derive(Args, Debug)]
#[group(skip)]
#[command(
    disable_help_subcommand = true,
    after_help = "Examples:
  entra service install
  entra service install --sandbox
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
    Install(InstallArgs),
    /// Take that back; accounts stay signed in
    Uninstall(ReportArgs),
    /// Show whether it is installed and runs, and in which version
    Status(ReportArgs),
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct InstallArgs {
    /// In systemd's sandbox as well: the world is read-only and /tmp is its own, but programs of yours can trace entrad
    #[arg(long)]
    pub(crate) sandbox: bool,

    #[command(flatten)]
    pub(crate) report: ReportArgs,
}
