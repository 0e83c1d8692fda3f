//! This very program as a server in a process of its own.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A server that is killed when this is dropped.
pub(crate) struct Server(Child);

impl Server {
    /// Starts this program with these words and waits until it listens.
    pub(crate) fn start(words: &[&OsStr]) -> Self {
        Self::start_as(None, words)
    }

    /// The same as another user, which root alone may do.
    pub(crate) fn start_as(user: Option<u32>, words: &[&OsStr]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        if let Some(user) = user {
            command.uid(user).gid(user).current_dir("/");
        }
        let child = command.args(words).env_clear().stdout(Stdio::piped()).spawn().unwrap();
        let mut server = Self(child);
        server.0.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
        server
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Says that this process listens, by closing its output.
pub(crate) fn say_listening() {
    rustix::stdio::dup2_stdout(std::fs::File::open("/dev/null").unwrap()).unwrap();
}
