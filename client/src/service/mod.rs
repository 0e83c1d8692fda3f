//! entrad as a service of the user's: the system starts it, and gives it back when it dies.
//!
//! Each system has its own way in a file named for it; what is written there is made in `units`, `plist` and `task`, which
//! are text alone. `ours` tells what entra wrote from what others did: only the former is replaced or removed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use entra_proto::error::exit;
use entra_proto::status::StatusAnswer;
use serde::Serialize;

use crate::connect::Socket;
use crate::failure::Failure;
use crate::print;
use crate::setup::links;

#[cfg(any(test, unix))]
mod ours;
#[cfg(any(test, target_os = "macos"))]
mod plist;
#[cfg_attr(target_os = "linux", path = "systemd_linux.rs")]
#[cfg_attr(target_os = "macos", path = "launchd_macos.rs")]
#[cfg_attr(windows, path = "tasks_windows.rs")]
mod system;
#[cfg(any(test, windows))]
mod task;
mod tool;
#[cfg(any(test, target_os = "linux"))]
mod units;

use self::system::System;
use self::tool::said_by;
pub(crate) use self::tool::{Said, said_within};

/// How the service is.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(crate) struct Standing {
    /// Whether the system knows it.
    pub(crate) is_installed: bool,
    /// Whether it is started at each log-in.
    pub(crate) is_enabled: bool,
    /// Whether the system holds the socket, so that a request starts it.
    pub(crate) is_held: bool,
    /// Whether it runs.
    pub(crate) is_running: bool,
    /// Whether systemd has it in a sandbox of a user namespace; nothing where the system has no such thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_sandboxed: Option<bool>,
    /// The program that the system starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) program: Option<PathBuf>,
    /// That program's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) program_version: Option<String>,
    /// The version that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) running_version: Option<String>,
    /// Its files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<PathBuf>,
    /// What does not match, each a sentence with what to do.
    pub(crate) notes: Vec<String>,
}

/// What to install.
struct Wish<'a> {
    /// The daemon.
    program: &'a Path,
    /// Whether in the system's own sandbox.
    sandbox: bool,
    /// Whether another program runs than this one.
    is_outdated: bool,
}

/// Installs it, or brings it up to date. A second run changes nothing.
pub(crate) fn install(socket: &Socket, sandbox: bool) -> Result<Standing, Failure> {
    let system = System::find()?;
    refuse_another_socket(&system, socket)?;
    let program = daemon_program()?;
    if !links::is_lasting(&program) {
        print::warn(&format!(
            "entrad runs from a temporary folder, {}; run this again once it is where it stays.",
            program.display()
        ));
    }
    let before = look(&system, socket)?;
    refuse_one_started_by_hand(socket, &before)?;
    let is_outdated = before.is_running && is_outdated(&before, running(socket).as_ref());
    let wish = Wish { program: &program, sandbox, is_outdated };
    refuse_unknown_sandbox(&wish)?;
    system.install(&wish, &before)?;
    standing(&system, socket)
}

/// Stops it and takes back what [`install`] did, and nothing else.
pub(crate) fn uninstall(socket: &Socket) -> Result<Standing, Failure> {
    let system = System::find()?;
    system.uninstall()?;
    standing(&system, socket)
}

/// How it is.
pub(crate) fn status(socket: &Socket) -> Result<Standing, Failure> {
    standing(&System::find()?, socket)
}

fn look(system: &System, socket: &Socket) -> Result<Standing, Failure> {
    let mut standing = system.look()?;
    if !system::TELLS_WHAT_RUNS && standing.is_installed {
        standing.is_running = running(socket).is_some();
    }
    Ok(standing)
}

fn standing(system: &System, socket: &Socket) -> Result<Standing, Failure> {
    let mut standing = look(system, socket)?;
    standing.program_version = standing.program.as_deref().and_then(version_of);
    if standing.is_installed && standing.program_version.is_none() {
        let program = standing.program.as_deref().unwrap_or(Path::new("")).display();
        standing
            .notes
            .push(format!("{program} cannot be run; run `entra service install` from where it is now."));
    }
    // To ask where the system holds the socket would start it.
    let running = if standing.is_running || !standing.is_held { running(socket) } else { None };
    if !standing.is_running
        && let Some(running) = &running
    {
        standing.notes.push(format!(
            "entrad runs as process {}, and was started by hand; stop it before you install the service.",
            running.pid
        ));
    } else if is_outdated(&standing, running.as_ref()) {
        standing.notes.push(format!(
            "entrad was updated and still runs as it was before; `{}` starts it anew.",
            system::RESTART
        ));
    }
    standing.running_version = running.map(|answer| answer.version);
    Ok(standing)
}

/// Whether the program became another one since it was started.
fn is_outdated(standing: &Standing, running: Option<&StatusAnswer>) -> bool {
    let Some(running) = running else { return false };
    let is_other = standing.program_version.as_ref().is_some_and(|version| *version != running.version);
    let program = standing.program.as_deref();
    is_other || program.and_then(system::changed_on).is_some_and(|changed| changed > running.started_on)
}

fn running(socket: &Socket) -> Option<StatusAnswer> {
    socket.connect_within(PATIENCE, PATIENCE).ok()?.status().ok()?.result.ok()
}

/// The version that the program names: `entrad 1.2.3`.
fn version_of(program: &Path) -> Option<String> {
    let said = said_by(program.as_os_str(), &["--version"]).ok().filter(|said| said.is_good)?;
    Some(said.output.trim().strip_prefix("entrad ")?.to_owned())
}

/// The daemon beside this program, else the one on PATH.
pub(crate) fn daemon_program() -> Result<PathBuf, Failure> {
    let entra = links::program()?;
    let name = format!("entrad{}", links::PROGRAM_ENDING);
    let beside = entra.with_file_name(&name);
    let program = if beside.is_file() { Some(beside) } else { links::on_path(&name) };
    let program = program.ok_or_else(|| {
        Failure::new(
            exit::MISCONFIGURED,
            "no_program",
            format!("There is no {name} beside {}, nor on PATH.", entra.display()),
        )
        .hint("Put it there, and run the command again.")
    })?;
    Ok(program)
}

fn refuse_another_socket(system: &System, socket: &Socket) -> Result<(), Failure> {
    match system.socket() {
        Some(own) if own != socket.path() => Err(Failure::new(
            exit::USAGE,
            "another_socket",
            format!("The service listens on {}, and you name {}.", own.display(), socket.path().display()),
        )
        .hint("Run the command without --socket and ENTRAD_SOCKET.")),
        _ => Ok(()),
    }
}

fn refuse_unknown_sandbox(wish: &Wish<'_>) -> Result<(), Failure> {
    if !wish.sandbox || system::HAS_SANDBOX {
        return Ok(());
    }
    let sentence = "The sandbox of --sandbox is systemd's, and this system has none of the kind.";
    Err(Failure::new(exit::USAGE, "no_sandbox", sentence).hint("Run the command without --sandbox."))
}

/// The system would take the socket from under it.
fn refuse_one_started_by_hand(socket: &Socket, standing: &Standing) -> Result<(), Failure> {
    if standing.is_held || standing.is_running {
        return Ok(());
    }
    let Ok(client) = socket.connect_within(PATIENCE, PATIENCE) else { return Ok(()) };
    let process = client.status().ok().and_then(|said| said.result.ok()).map(|answer| answer.pid);
    let process = process.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    Err(Failure::new(
        exit::LATER,
        "already_running",
        format!("An entrad that was started by hand is running{process}."),
    )
    .hint("Stop it, and run `entra service install` again."))
}

/// It answers in a millisecond, or hangs.
const PATIENCE: Duration = Duration::from_secs(5);
