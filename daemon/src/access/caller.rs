//! The caller, by what the kernel vouches for.
//!
//! The user id is checked and decides. The process id and the program are for people's eyes: both can
//! change after the connection was made, so nothing is decided by them.

use std::fmt;
use std::path::Path;

use super::{peer, program};

pub use super::peer::Stream;

/// A process of the same user at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Caller {
    pid: Option<u32>,
    program: Option<String>,
}

/// Why a connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
pub enum Stranger {
    /// Another user, by the system's name for users.
    #[error("a process of user {0} connected")]
    OtherUser(String),
    /// The kernel does not say.
    #[error("the kernel does not say who connected")]
    Unknown(#[source] std::io::Error),
}

impl Caller {
    /// The caller behind `stream`.
    ///
    /// # Errors
    /// [`Stranger`] unless the kernel says that it runs as our own user.
    pub fn of(stream: &Stream) -> Result<Self, Stranger> {
        Ok(Self { pid: peer::checked(stream)?, program: None })
    }

    /// The daemon, where it asks a person by itself.
    #[must_use]
    pub fn ourselves() -> Self {
        Self { pid: Some(std::process::id()), program: None }
    }

    /// Whom the caller asks for: `entra`, and each helper that is a link to it, asks for who started it, if need be by a shell
    /// for that one command, where the system tells that.
    #[must_use]
    pub fn behind(self) -> Self {
        let between = |pid: u32| {
            program::path_of(pid).is_some_and(|path| is_client(&path)) || program::is_one_command_shell(pid)
        };
        let mut pid = self.pid;
        for _ in 0..MOST_BETWEEN {
            pid = pid.filter(|pid| between(*pid)).and_then(program::parent_of).or(pid);
        }
        if pid == self.pid { self } else { Self { pid, program: None } }
    }

    /// The same with the program's path looked up, for showing to a person.
    #[must_use]
    pub fn with_program(mut self) -> Self {
        let path = self.pid.and_then(program::path_of);
        self.program =
            path.map(|path| path.to_string_lossy().chars().filter(|c| !c.is_control()).take(200).collect());
        self
    }
}

/// Between a tool and us are its shell and our client, which may call itself by another name.
const MOST_BETWEEN: usize = 4;

/// Whether the program is our client, by its name: `entra`, `entra.exe`, and not `entrad`.
fn is_client(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_prefix("entra").is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.program, self.pid) {
            (Some(program), Some(pid)) => write!(f, "{program} (process {pid})"),
            (None, Some(pid)) => write!(f, "process {pid}"),
            (_, None) => f.write_str("an unknown process"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn our_own_process_is_known_by_its_program() {
        let (near, _far) = peer::tests::pair().await;
        let caller = Caller::of(&near).unwrap().with_program().to_string();
        assert!(caller.contains(&format!("(process {})", std::process::id())), "{caller}");
        assert!(caller.contains("entrad"), "{caller}");
    }

    #[test]
    fn only_our_client_asks_for_another() {
        for (path, expected) in [
            ("/usr/bin/entra", true),
            ("/opt/entra-under-test", true),
            ("entra.exe", true),
            ("/usr/bin/entrad", false),
            ("/usr/bin/git", false),
            ("/", false),
        ] {
            assert_eq!(is_client(Path::new(path)), expected, "{path}");
        }
        let ours = Caller::ourselves();
        assert_eq!(ours.clone().behind().pid, ours.pid, "the daemon's tests are not the client");
    }
}
