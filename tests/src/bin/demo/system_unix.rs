//! What the demo does by Unix's own means: links, modes and signals.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

/// Has `own` play another program too.
pub(crate) fn cast(own: &Path, name: &Path) -> io::Result<()> {
    symlink(own, name)
}

/// Writes a new file that nobody else may read.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

/// Where the daemon listens: in this folder.
pub(crate) fn address(folder: &Path) -> PathBuf {
    folder.join("entrad.sock")
}

/// A process that we started and have not waited for.
pub(crate) struct Grip(Pid);

impl Grip {
    /// Takes hold of it.
    pub(crate) fn on(child: &Child) -> io::Result<Self> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        pid.map(Self).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    /// Ends it.
    pub(crate) fn kill(&self) {
        // One that nobody has waited for can always be sent a signal.
        let _sent = kill_process(self.0, Signal::KILL);
    }
}

/// What a command stands after, as shells show it.
pub(crate) const PROMPT: &str = "$";

/// What a person types to start the daemon by hand.
pub(crate) const START: &str = "entrad &";

/// What a person types to stop it and start it again.
pub(crate) const RESTART: &str = "kill %1; entrad &";

/// What it listens on.
pub(crate) const ENDPOINT: &str = "socket";
