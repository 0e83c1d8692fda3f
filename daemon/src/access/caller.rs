//! The caller, by what the kernel vouches for.
//!
//! The user id is checked and decides. The process id and the program are for people's eyes: both can
//! change after the connection was made, so nothing is decided by them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use entra_proto::log::LogCaller;

use super::{elsewhere, peer, program};

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

    /// Whether it speaks for another machine or container, as far as the system tells: an SSH server's process, or one of
    /// another process namespace, which here has no number or that of nobody.
    #[must_use]
    pub fn is_from_elsewhere(&self) -> bool {
        elsewhere::is_from(self.pid)
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
            pid = pid.filter(|pid| between(*pid)).and_then(|pid| program::origin_of(pid)?.parent).or(pid);
        }
        if pid == self.pid { self } else { Self { pid, program: None } }
    }

    /// The caller for the audit log.
    #[must_use]
    pub fn noted(&self) -> LogCaller {
        self.seen().whole()
    }

    /// The same as far as it must be looked at while the caller waits for its answer: it may be gone in a moment, and then so
    /// is the word for its program and for who started it.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let at = program::now();
        let program = self.pid.and_then(program::path_of);
        let client = self.pid.filter(|_| program.as_deref().is_some_and(is_client));
        let parent = client.and_then(program::origin_of).and_then(|origin| origin.parent);
        let noted =
            LogCaller { program: program.map(text), behind: None, pid: self.pid, user: OUR_USER.clone() };
        Seen { noted, parent, at }
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

/// A caller as it was before it had its answer.
#[derive(Clone, Debug)]
pub struct Seen {
    noted: LogCaller,
    /// Who started it, where it is our client.
    parent: Option<u32>,
    at: u64,
}

impl Seen {
    /// Whether it is still to be found out what program started our client.
    #[must_use]
    pub fn is_started_by_another(&self) -> bool {
        self.parent.is_some()
    }

    /// The same with the program that started it, where it is our client. The client need not wait for that.
    #[must_use]
    pub fn whole(self) -> LogCaller {
        let behind = self.parent.and_then(|parent| who_started(parent, self.at)).map(text);
        LogCaller { behind, ..self.noted }
    }
}

/// Who started a process, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Its parent; nothing where it has lost that.
    pub(super) parent: Option<u32>,
    /// By the clock of [`program::now`].
    pub(super) started: u64,
}

/// The program that ran our client, if need be by a shell for that one command: of `parent`, as it was at `seen`.
///
/// Whoever has an id of then and began later is another process. One that began in the very same tick is the same: ids are
/// given out in turn, and a tick is too short for all of them.
fn who_started(mut parent: u32, seen: u64) -> Option<PathBuf> {
    for _ in 0..MOST_BETWEEN {
        let path = program::path_of(parent)?;
        let is_between = is_client(&path) || is_shell(&path) && program::is_one_command_shell(parent);
        // Asked last: who is there still was there all the while, and the program was its own.
        let origin = program::origin_of(parent).filter(|origin| origin.started <= seen)?;
        if !is_between {
            return Some(path);
        }
        parent = origin.parent?;
    }
    None
}

fn text(path: PathBuf) -> String {
    path.to_string_lossy().into_owned()
}

/// Every caller's, since no other's is let in.
static OUR_USER: LazyLock<Option<String>> = LazyLock::new(peer::our_user);

/// Between a tool and us are its shell and our client, which may call itself by another name.
const MOST_BETWEEN: usize = 4;

/// Whether the program is our client, by its name: `entra`, `entra.exe`, and not `entrad`.
fn is_client(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_prefix("entra").is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn is_shell(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| SHELLS.contains(&name))
}

/// Programs that can be shells, as their files are called.
const SHELLS: [&str; 6] = ["bash", "busybox", "dash", "fish", "sh", "zsh"];

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
        let noted = Caller::of(&near).unwrap().noted();
        assert_eq!((noted.pid, noted.behind), (Some(std::process::id()), None));
        assert!(noted.program.is_some_and(|program| caller.starts_with(&program)));
        assert!(noted.user.is_some_and(|user| !user.is_empty()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_started_the_client_is_known_also_when_the_client_is_gone() {
        use std::io::Read;
        use std::process::{Command, Stdio};

        let folder = tempfile::tempdir().unwrap();
        let client = folder.path().join("entra");
        std::fs::copy("/bin/sh", &client).unwrap();
        let mut command = Command::new(&client);
        command.args(["-c", "echo begun; read end"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
        let us = std::env::current_exe().unwrap();

        let seen = Caller { pid: Some(child.id()), program: None }.seen();
        assert!(seen.is_started_by_another());
        drop(child.stdin.take());
        child.wait().unwrap();
        let whole = seen.clone().whole();
        assert_eq!(whole.program.as_deref(), client.to_str());
        assert_eq!(whole.behind.as_deref(), us.to_str());

        let began = program::origin_of(std::process::id()).unwrap().started;
        let earlier = Seen { at: began - 1, ..seen };
        assert_eq!(earlier.whole().behind, None, "another process had our id then");
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
