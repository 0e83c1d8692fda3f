//! Setting tools up to take their tokens from entrad, and taking that back.
//!
//! A tool is a [`plan::Plan`]: values in settings files and links to this program. One road leads from there to the disk, for
//! every tool: `apply` works out and checks all before anything is written, `record` keeps how it was, `change` does all steps
//! or none, `undo` takes them back. Formats of files are in `edit` and below it, what systems differ in is behind `file`,
//! `links` and `places`.

mod apply;
mod change;
mod edit;
pub(crate) mod file;
mod ini;
mod json;
mod lease;
pub(crate) mod links;
mod places;
mod plan;
pub(crate) mod record;
mod show;
mod toml;
mod tools;
mod undo;

use std::path::PathBuf;

use entra_proto::lease::LeaseGrant;
use entra_proto::secret::LeaseSecret;

use self::apply::{PLACEHOLDER, Prepared, prepare};
use self::places::Places;
use self::plan::Plan;
use self::record::Records;
use self::tools::{cargo, claude_code, claude_desktop, docker, git, keyring, kubectl, npm, shims};
use crate::args::{ClaudeCodeArgs, ClaudeDesktopArgs, Export, How, SetupArgs, SetupTool};
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};

/// What the command line asks for.
pub(crate) enum Wish<'a> {
    /// Managed configuration for other machines.
    Export(&'a ClaudeDesktopArgs, Export),
    /// The tools.
    List,
    /// What would be written.
    Print(&'a SetupTool),
    /// To set a tool up.
    SetUp(&'a SetupTool),
    /// To take a tool's settings back, by its name.
    Undo(&'static str),
}

/// Sorts it out.
pub(crate) fn wish(args: &SetupArgs) -> Wish<'_> {
    let Some(tool) = &args.tool else { return Wish::List };
    match (tool, how(tool)) {
        (_, How { undo: true, .. }) => Wish::Undo(name(tool)),
        (_, How { print: true, .. }) => Wish::Print(tool),
        (SetupTool::ClaudeDesktop(args @ ClaudeDesktopArgs { export: Some(form), .. }), _) => {
            Wish::Export(args, *form)
        }
        _ => Wish::SetUp(tool),
    }
}

/// Prints the tools, and which are set up.
pub(crate) fn list() -> Result<(), Failure> {
    let records = Records::new(Places::find()?.records());
    let stream = Stream::output();
    let mut lines = String::new();
    for (tool, title) in TOOLS {
        let state = if records.of(tool)?.is_some() { "set up" } else { "-" };
        lines.push_str(&format!("{tool:<15} {state:<7} {title}\n"));
    }
    stream.write(lines.as_bytes())
}

/// Prints managed configuration.
pub(crate) fn export(args: &ClaudeDesktopArgs, form: Export) -> Result<(), Failure> {
    let helper = match &args.helper {
        Some(helper) => helper.clone(),
        None => Places::find()?.helper(claude_desktop::HELPER),
    };
    let settings = claude_desktop::settings(args, &helper)?;
    print::write_output(tools::export::exported(form, settings).as_bytes())
}

/// Prints what would be written where, and changes nothing.
pub(crate) fn print(tool: &SetupTool) -> Result<(), Failure> {
    let here = Here::find()?;
    let plan = plan(&here.places, tool)?;
    let prepared = here.prepare(name(tool), &plan, None)?;
    show::warn(&plan);
    show::would(&prepared, &here.program)
}

/// Sets a tool up.
pub(crate) fn set_up(
    socket: impl FnOnce() -> Result<Socket, Failure>,
    tool: &SetupTool,
) -> Result<(), Failure> {
    let here = Here::find()?;
    let _alone = here.places.alone()?;
    if !links::is_lasting(&here.program) {
        let program = here.program.display();
        print::warn(&format!(
            "entra runs from a temporary folder, {program}; run this again once it is where it stays."
        ));
    }
    if let SetupTool::ClaudeCode(args) = tool {
        return set_up_claude_code(&here, &socket()?, args);
    }
    let plan = plan(&here.places, tool)?;
    let prepared = here.prepare(name(tool), &plan, None)?;
    here.finish(name(tool), &plan, prepared, None)
}

/// Takes a tool's settings back.
pub(crate) fn undo(socket: impl FnOnce() -> Result<Socket, Failure>, tool: &str) -> Result<(), Failure> {
    let places = Places::find()?;
    let _alone = places.alone()?;
    let records = Records::new(places.records());
    let Some(record) = records.of(tool)? else {
        records.sweep(tool);
        return Stream::output()
            .write(format!("{tool} is not set up; there is nothing to undo.\n").as_bytes());
    };
    let others = records.others(TOOLS.iter().map(|(name, _)| *name), tool)?;
    let undone = undo::undo(&records, &places, tool, record, others)?;
    // The settings come first: whoever takes entrad off the machine must be able to take them back without it.
    let revoked = undone.lease.as_deref().map(|id| lease::revoke(socket(), id));
    if let Some(Err(failure)) = &revoked {
        let why = failure.to_body().message;
        print::warn(&format!(
            "The lease could not be revoked, and its secret stays good: {why} Run `entra lease revoke {}` once entrad runs.",
            lease::NAME
        ));
    }
    show::undone(tool, &undone, matches!(revoked, Some(Ok(()))))
}

/// Where all of it happens.
struct Here {
    places: Places,
    records: Records,
    program: PathBuf,
}

impl Here {
    fn find() -> Result<Self, Failure> {
        let places = Places::find()?;
        Ok(Self { records: Records::new(places.records()), program: links::program()?, places })
    }

    fn prepare(&self, tool: &str, plan: &Plan, secret: Option<&LeaseSecret>) -> Result<Prepared, Failure> {
        prepare(&self.records, tool, plan, &self.program, secret)
    }

    fn finish(
        &self,
        tool: &str,
        plan: &Plan,
        prepared: Prepared,
        grant: Option<&LeaseGrant>,
    ) -> Result<(), Failure> {
        prepared.check()?;
        let is_nothing = prepared.is_nothing();
        let touched = prepared.touched.clone();
        if !is_nothing {
            prepared.carry_out(&self.records, tool, grant.map(|grant| grant.lease.id.clone()))?;
        }
        show::warn(plan);
        show::done(tool, plan, (!is_nothing).then_some(&touched), grant)
    }
}

/// The one tool with a lease. It is made last, when everything that could refuse has been asked.
fn set_up_claude_code(here: &Here, socket: &Socket, args: &ClaudeCodeArgs) -> Result<(), Failure> {
    let settings = claude_code::Settings::read(&here.places)?;
    let foundry = args.foundry.as_deref();
    let plan = settings.plan(foundry, UNKNOWN_ENDPOINT, PLACEHOLDER)?;
    here.prepare(lease::NAME, &plan, None)?.check()?;
    if let Some((endpoint, secret)) = lease::standing(socket, &settings, args)? {
        let plan = settings.plan(foundry, &endpoint, secret.expose())?;
        let prepared = here.prepare(lease::NAME, &plan, None)?;
        return here.finish(lease::NAME, &plan, prepared, None);
    }
    let grant = lease::make(socket, args)?;
    let plan = settings.plan(foundry, &grant.identity_endpoint, PLACEHOLDER)?;
    let done = here
        .prepare(lease::NAME, &plan, Some(&grant.secret))
        .and_then(|prepared| here.finish(lease::NAME, &plan, prepared, Some(&grant)));
    done.map_err(|failure| {
        // Nothing was written, so nobody has the secret.
        match lease::revoke(Ok(socket.clone()), &grant.lease.id) {
            Ok(()) => failure.hint(
                "The lease that was made for it is revoked again; a former one of Claude Code's is void too.",
            ),
            Err(_) => failure.hint(
                "The lease that was made for it still stands; `entra lease revoke claude-code` ends it.",
            ),
        }
    })
}

fn plan(places: &Places, tool: &SetupTool) -> Result<Plan, Failure> {
    match tool {
        SetupTool::AzShim(_) => Ok(shims::az(places)),
        SetupTool::AzdShim(_) => Ok(shims::azd(places)),
        SetupTool::Cargo(args) => cargo::plan(places, &args.registry),
        SetupTool::ClaudeCode(args) => {
            let settings = claude_code::Settings::read(places)?;
            let kept = settings.variable("IDENTITY_ENDPOINT").zip(settings.variable("IDENTITY_HEADER"));
            let (endpoint, secret) = kept.unwrap_or((UNKNOWN_ENDPOINT, PLACEHOLDER));
            settings.plan(args.foundry.as_deref(), endpoint, secret)
        }
        SetupTool::ClaudeDesktop(args) => claude_desktop::plan(places, args),
        SetupTool::Docker(args) => docker::plan(places, &args.registry),
        SetupTool::Git(_) => git::plan(places),
        SetupTool::Kubectl(args) => kubectl::plan(places, args.context.as_deref()),
        SetupTool::Npm(args) => npm::npm(places, &args.registry),
        SetupTool::Pip(_) => Ok(keyring::pip(places)),
        SetupTool::Pnpm(args) => npm::pnpm(places, &args.registry),
        SetupTool::Uv(_) => Ok(keyring::uv(places)),
    }
}

fn name(tool: &SetupTool) -> &'static str {
    match tool {
        SetupTool::AzShim(_) => "az-shim",
        SetupTool::AzdShim(_) => "azd-shim",
        SetupTool::Cargo(_) => "cargo",
        SetupTool::ClaudeCode(_) => lease::NAME,
        SetupTool::ClaudeDesktop(_) => "claude-desktop",
        SetupTool::Docker(_) => "docker",
        SetupTool::Git(_) => "git",
        SetupTool::Kubectl(_) => "kubectl",
        SetupTool::Npm(_) => "npm",
        SetupTool::Pip(_) => "pip",
        SetupTool::Pnpm(_) => "pnpm",
        SetupTool::Uv(_) => "uv",
    }
}

fn how(tool: &SetupTool) -> How {
    match tool {
        SetupTool::AzShim(args)
        | SetupTool::AzdShim(args)
        | SetupTool::Git(args)
        | SetupTool::Pip(args)
        | SetupTool::Uv(args) => args.how,
        SetupTool::Cargo(args) | SetupTool::Docker(args) | SetupTool::Npm(args) | SetupTool::Pnpm(args) => {
            args.how
        }
        SetupTool::ClaudeCode(args) => args.how,
        SetupTool::ClaudeDesktop(args) => args.how,
        SetupTool::Kubectl(args) => args.how,
    }
}

/// Every tool, and whom it is for.
const TOOLS: [(&str, &str); 12] = [
    ("az-shim", "programs that run `az account get-access-token`"),
    ("azd-shim", "programs that run `azd auth token`"),
    ("cargo", "Cargo, for registries of Azure Artifacts"),
    (lease::NAME, "Claude Code on Microsoft Foundry"),
    ("claude-desktop", "Claude Desktop on Microsoft Foundry"),
    ("docker", "Docker, for registries of Azure"),
    ("git", "git, for Azure DevOps"),
    ("kubectl", "kubectl, for Azure Kubernetes Service"),
    ("npm", "npm, for registries of Azure Artifacts"),
    ("pip", "pip, for feeds of Azure Artifacts"),
    ("pnpm", "pnpm, for registries of Azure Artifacts"),
    ("uv", "uv, for feeds of Azure Artifacts"),
];

/// What stands for the endpoint before entrad was asked for a lease.
const UNKNOWN_ENDPOINT: &str = "(where entrad answers tools)";
