//! Homes by environment variables, sockets in a private folder, and signals.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use tempfile::TempDir;

#[cfg_attr(target_os = "linux", path = "process_linux.rs")]
#[cfg_attr(target_os = "macos", path = "process_macos.rs")]
mod process;

pub use process::{give_up_privileges, resident, told_of_process};

/// A temporary folder that is ours alone.
pub(crate) fn private_folder() -> TempDir {
    let private = Permissions::from_mode(0o700);
    tempfile::Builder::new().prefix("entrad-").permissions(private).tempdir().expect("a folder")
}

/// Makes the home of a workstation in its folder.
pub(crate) fn furnish(folder: &Path) {
    for name in ["home", "run"] {
        let path = folder.join(name);
        std::fs::create_dir(&path).expect("a folder");
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("a mode");
    }
}

/// Closes a file to others.
pub(crate) fn make_private(file: &Path) {
    std::fs::set_permissions(file, Permissions::from_mode(0o600)).expect("a mode");
}

/// Sends a program into the home, with nothing else in its environment.
pub(crate) fn send_home(command: &mut Command, folder: &Path) {
    command.env("HOME", folder.join("home")).env("XDG_RUNTIME_DIR", folder.join("run"));
    command.env("PATH", "/usr/bin:/bin");
}

/// The socket of this name; the daemon's own is `entrad`.
pub(crate) fn socket(folder: &Path, name: &str) -> PathBuf {
    folder.join("run/entrad").join(format!("{name}.sock"))
}

pub(crate) fn state_dir(folder: &Path) -> PathBuf {
    folder.join("home/.local/state/entrad")
}

pub(crate) fn config_file(folder: &Path) -> PathBuf {
    folder.join("home/.config/entrad/config.toml")
}

/// Puts a copy of a program there that can be run at once. Another process writes it: whatever a thread beside this one starts
/// would hold a file of ours open for writing for a moment, and such a file cannot be run (execve(2), `ETXTBSY`).
///
/// # Panics
/// When there is no such program, or no room for it.
pub fn copy_program(program: impl AsRef<Path>, copy: impl AsRef<Path>) {
    let copied = Command::new("cp").arg(program.as_ref()).arg(copy.as_ref()).status();
    assert!(copied.expect("cp").success(), "{} is there to be copied", program.as_ref().display());
}

/// Asks a daemon that we started to stop, as a service manager does. It may have ended by itself.
///
/// # Errors
/// `InvalidInput` for what is no process's number, and what the system says when it refuses.
pub fn stop(pid: u32) -> io::Result<()> {
    send(pid, Signal::TERM)
}

/// Interrupts a program, as Ctrl-C does.
pub(crate) fn interrupt(pid: u32) {
    send(pid, Signal::INT).expect("a process of ours");
}

/// Ends a program at once.
pub(crate) fn kill(pid: u32) {
    send(pid, Signal::KILL).expect("a process of ours");
}

/// Sends a signal to a process that we started.
fn send(pid: u32, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    match kill_process(pid, signal) {
        // It may have ended by itself.
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Room for this many connections on the test's side, as far as the system gives it: how many there can be.
///
/// # Panics
/// When the system refuses what it said it would give.
#[must_use]
pub fn room_for(connections: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(connections, |most| most.min(connections));
    let room = wanted.max(limit.current.unwrap_or(wanted));
    setrlimit(Resource::Nofile, Rlimit { current: Some(room), maximum: limit.maximum }).expect("a limit");
    room
}

/// Whether a daemon's socket can be reached by its owner alone.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn is_private_socket(socket: &Path) -> bool {
    is_private(socket) && socket.parent().is_some_and(is_private)
}

/// Whether a file or a folder is open to its owner alone.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn is_private(path: &Path) -> bool {
    let metadata = std::fs::metadata(path).expect("it is there");
    metadata.permissions().mode() & 0o7777 == if metadata.is_dir() { 0o700 } else { 0o600 }
}

/// A folder in which nothing can be made or replaced until this is dropped.
pub struct Refusal(PathBuf);

impl Refusal {
    /// Closes the folder to writing. The file's name is what matters elsewhere.
    ///
    /// # Panics
    /// When the folder is not there.
    #[must_use]
    pub fn begin(folder: &Path, _file: &str) -> Self {
        std::fs::set_permissions(folder, Permissions::from_mode(0o500)).expect("a mode");
        Self(folder.to_owned())
    }
}

impl Drop for Refusal {
    fn drop(&mut self) {
        std::fs::set_permissions(&self.0, Permissions::from_mode(0o700)).expect("a mode");
    }
}

/// What the system says of what is refused so.
pub const REFUSED: &str = "Permission denied";

/// What a person is told to do where no daemon runs.
pub const HOW_TO_START: &str = "Start it with `entrad &`.";
