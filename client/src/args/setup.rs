//! `entra setup`.

use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Error, Subcommand, ValueEnum};

#[derive(Args, Debug)]
#[group(skip)]
#[command(
    subcommand_value_name = "TOOL",
    subcommand_help_heading = "Tools",
    disable_help_subcommand = true,
    after_help = "Without a tool: lists them, and which are set up.

Examples:
  entra setup claude-code --foundry my-resource
  entra setup docker --registry contoso.azurecr.io --print
  entra setup git --undo"
)]
pub(crate) struct SetupArgs {
    #[command(subcommand)]
    pub(crate) tool: Option<SetupTool>,
}

// A doc comment here would become the text of `entra setup --help`.
#[derive(Debug, Subcommand)]
pub(crate) enum SetupTool {
    /// Programs that run `az account get-access-token`
    AzShim(OnlyHow),
    /// Programs that run `azd auth token`
    AzdShim(OnlyHow),
    /// Cargo, for registries of Azure Artifacts
    Cargo(RegistriesArgs),
    /// Claude Code on Microsoft Foundry
    ClaudeCode(ClaudeCodeArgs),
    /// Claude Desktop on Microsoft Foundry
    ClaudeDesktop(ClaudeDesktopArgs),
    /// Docker, for registries of Azure
    Docker(RegistriesArgs),
    /// git, for Azure DevOps
    Git(OnlyHow),
    /// kubectl, for Azure Kubernetes Service
    Kubectl(KubectlArgs),
    /// npm, for registries of Azure Artifacts
    Npm(RegistriesArgs),
    /// pip, for feeds of Azure Artifacts
    Pip(OnlyHow),
    /// pnpm, for registries of Azure Artifacts
    Pnpm(RegistriesArgs),
    /// uv, for feeds of Azure Artifacts
    Uv(OnlyHow),
}

/// Adds, where a tool is not known, what can be done for others.
pub(super) fn with_tools(mut error: Error) -> Error {
    let is_tool = error
        .get(ContextKind::Usage)
        .is_some_and(|usage| usage.to_string().contains("entra setup [OPTIONS]"));
    if error.kind() == ErrorKind::InvalidSubcommand && is_tool {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![OTHER_TOOLS.into()]));
    }
    error
}

const OTHER_TOOLS: &str = "`entra setup` lists the tools that it knows; others that sign in to Azure work under \
                           `entra run --for NAME -- CMD`";

/// What to do with the tool.
#[derive(Args, Clone, Copy, Debug)]
#[group(skip)]
pub(crate) struct How {
    /// Take back what was set up, byte for byte
    #[arg(long, conflicts_with = "print")]
    pub(crate) undo: bool,
    /// Show what would be written where, and change nothing
    #[arg(long)]
    pub(crate) print: bool,
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct OnlyHow {
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct RegistriesArgs {
    /// A registry: docker's by its host, cargo's by its name, npm's and pnpm's by its address; may be given several times
    #[arg(long, value_name = "REGISTRY", conflicts_with = "undo")]
    pub(crate) registry: Vec<String>,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct ClaudeCodeArgs {
    /// The Foundry resource: its name, or the address of its endpoint
    #[arg(long, value_name = "NAME", conflicts_with = "undo")]
    pub(crate) foundry: Option<String>,
    /// The account, by user name or id, when several are signed in
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "undo")]
    pub(crate) account: Option<String>,
    /// The profile of entrad's configuration
    #[arg(long, value_name = "NAME", conflicts_with = "undo")]
    pub(crate) profile: Option<String>,
    /// Make a new lease although the present one still stands
    #[arg(long, conflicts_with_all = ["undo", "print"])]
    pub(crate) new_lease: bool,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct ClaudeDesktopArgs {
    /// The Foundry resource, by its name
    #[arg(long, value_name = "NAME", conflicts_with = "undo", required_unless_present = "undo")]
    pub(crate) foundry: Option<String>,
    /// A model's deployment; may be given several times, and the first is the default
    #[arg(long, value_name = "NAME", conflicts_with = "undo", required_unless_present = "undo")]
    pub(crate) model: Vec<String>,
    /// Print the managed form for other machines instead, and change nothing
    #[arg(long, value_enum, value_name = "FORM", conflicts_with_all = ["undo", "print"])]
    pub(crate) export: Option<Export>,
    /// Where those machines have the link `entra-claude-helper`
    #[arg(long, value_name = "PATH", requires = "export")]
    pub(crate) helper: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) how: How,
}

/// A form of managed configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Export {
    /// /etc/claude-desktop/managed-settings.json of Linux
    #[value(name = "managed-settings.json")]
    ManagedSettings,
    /// A configuration profile of macOS
    Mobileconfig,
    /// Registry entries of Windows
    Reg,
}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct KubectlArgs {
    /// A context of your kubeconfig whose user is to be the account that entrad is signed in as
    #[arg(long, value_name = "NAME", conflicts_with = "undo")]
    pub(crate) context: Option<String>,
    #[command(flatten)]
    pub(crate) how: How,
}
