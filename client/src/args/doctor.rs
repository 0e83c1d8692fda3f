//! `entra doctor`.

use clap::Args;

#[derive(Args, Clone, Debug)]
#[group(skip)]
#[command(after_help = "Examples:
  entra doctor
  entra doctor --foundry my-resource --model my-claude-deployment
  entra doctor --json | jq '.checks[] | select(.result != \"good\")'

Warnings end with status 0; the first check that failed decides the status otherwise.")]
pub(crate) struct DoctorArgs {
    /// Print all checks as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Look at this Foundry resource as well: its name, or its endpoint
    #[arg(long, value_name = "NAME|URL")]
    pub(crate) foundry: Option<String>,
    /// Look whether it, or the one that `foundry_resource` names, has this deployment
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
}
