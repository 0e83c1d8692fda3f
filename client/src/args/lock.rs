//! `entra panic`.

use clap::Args;

#[derive(Args, Debug)]
#[group(skip)]
#[command(after_help = "Examples:
  entra panic
  entra panic --yes --revoke-sessions")]
pub(crate) struct PanicArgs {
    /// Ask nothing
    #[arg(long)]
    pub(crate) yes: bool,
    /// Have Entra revoke the sessions of every account besides, on all devices, where the app registration may
    #[arg(long)]
    pub(crate) revoke_sessions: bool,
}
