//! The caller, by what the kernel vouches for.
//!
//! The user id is checked and decides who is served at all. Then, while the caller surely waits, it is noted which process it is
//! and what that runs: nothing after that is taken for it unless it still is that process. What takes longer to find out is
//! looked at only when a rule, or a person, wants to know.

mod ancestry;
#[cfg_attr(target_os = "linux", path = "digest_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "digest_other.rs")]
mod digest;
#[cfg_attr(target_os = "linux", path = "elsewhere_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "elsewhere_other.rs")]
mod elsewhere;
#[cfg_attr(target_os = "linux", path = "holders_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "holders_other.rs")]
mod holders;
#[cfg_attr(target_os = "linux", path = "line_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "line_other.rs")]
mod line;
#[cfg(target_os = "linux")]
#[path = "links_linux.rs"]
mod links;
mod look;
#[cfg_attr(target_os = "linux", path = "looker_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "looker_other.rs")]
mod looker;
#[cfg(target_os = "linux")]
#[path = "looking_linux.rs"]
mod looking;
#[cfg_attr(unix, path = "peer_unix.rs")]
#[cfg_attr(windows, path = "peer_windows.rs")]
mod peer;
#[cfg(target_os = "linux")]
#[path = "pidfd_linux.rs"]
mod pidfd;
#[cfg_attr(target_os = "linux", path = "process_linux.rs")]
#[cfg_attr(target_os = "macos", path = "process_macos.rs")]
#[cfg_attr(windows, path = "process_windows.rs")]
mod process;
#[cfg_attr(target_os = "linux", path = "program_linux.rs")]
#[cfg_attr(target_os = "macos", path = "program_macos.rs")]
#[cfg_attr(windows, path = "program_windows.rs")]
mod program;
#[cfg_attr(target_os = "linux", path = "recent_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "recent_other.rs")]
mod recent;
#[cfg_attr(target_os = "linux", path = "look_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "look_other.rs")]
mod sight;
#[cfg_attr(windows, path = "signer_windows.rs")]
#[cfg_attr(not(windows), path = "signer_other.rs")]
mod signer;
#[cfg(target_os = "linux")]
#[path = "unit_linux.rs"]
mod unit;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use entra_proto::agent::{UNNAMED, is_name};
use entra_proto::caller::CallerAnswer;
use entra_proto::log::LogCaller;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

pub(in crate::access) use self::ancestry::Kin;
use self::ancestry::{Ancestor, is_client, who_started};
use self::look::Doubt;
pub use self::look::Look;
pub use self::looker::start_looker;
pub use self::peer::Stream;
use self::process::Process;
use crate::access::known_agents;

/// A process of the same user at the other end of a connection. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Caller {
    known: Arc<Known>,
    /// The AI agent that started it, by its own word in this request.
    agent: Option<Arc<str>>,
}

#[derive(Debug)]
struct Known {
    process: Process,
    /// What the last look brought.
    last: Mutex<Option<Arc<Look>>>,
    is_from_elsewhere: OnceLock<bool>,
    is_from_here: OnceLock<bool>,
    above: OnceLock<Arc<[Kin]>>,
}

/// Who connected and runs as our own user. More is not known of it yet.
#[derive(Debug)]
pub struct Peer {
    stream: Stream,
    pid: Option<u32>,
}

impl Peer {
    /// The peer at the other end.
    ///
    /// # Errors
    /// [`Stranger`] unless the kernel says that it runs as our own user.
    pub fn of(stream: Stream) -> Result<Self, Stranger> {
        let pid = peer::checked(&stream)?;
        Ok(Self { stream, pid })
    }

    /// The process's number, where the kernel tells. It may be another one's by now.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        self.pid
    }

    /// Looks at it while it surely waits, and hands out its connection.
    #[must_use]
    pub fn caller(self) -> (Caller, Stream) {
        (recent::caller(&self.stream, self.pid), self.stream)
    }

    /// Its connection.
    #[must_use]
    pub fn stream(&self) -> &Stream {
        &self.stream
    }
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
        let pid = peer::checked(stream)?;
        Ok(Self::from(Process::behind(stream, pid)))
    }

    /// Whether [`Caller::at_end`] can find anybody on this system.
    pub const ARE_TOLD_BY_CONNECTION: bool = holders::ARE_TOLD;

    /// Every process that holds the other end of a loopback connection, as far as one of our user may see them; nobody where that
    /// is not known within [`HOLDERS_TIMEOUT`]. Who opened it may have passed it on.
    pub async fn at_end(ours: SocketAddr, theirs: SocketAddr) -> Vec<Self> {
        let found = Self::bounded(2 * HOLDERS_TIMEOUT, move || holders::of(ours, theirs)).await;
        found.unwrap_or_default().into_iter().map(Self::from).collect()
    }

    /// The daemon, where it asks a person by itself.
    #[must_use]
    pub fn ourselves() -> Self {
        Self::from(Process::ourselves())
    }

    /// Whether it speaks for another machine or container, as far as the system tells: an SSH server's process, or one of
    /// another process namespace, which here has no number or that of nobody.
    #[must_use]
    pub fn is_from_elsewhere(&self) -> bool {
        let known = &self.known;
        *known.is_from_elsewhere.get_or_init(|| elsewhere::is_from(&known.process))
    }

    /// Whether a look would surely find it neither forwarded nor in a container. Found out once for a connection, by a handful of
    /// reads of what the kernel has in memory.
    #[must_use]
    pub fn is_from_here(&self) -> bool {
        let known = &self.known;
        *known.is_from_here.get_or_init(|| elsewhere::is_from_here(&known.process))
    }

    /// The same in a request that says which AI agent started it.
    #[must_use]
    pub fn saying(mut self, agent: Option<&str>) -> Self {
        self.agent = agent
            .map(|name| if is_name(name) { name.to_ascii_lowercase() } else { UNNAMED.to_owned() }.into());
        self
    }

    /// What it says of that.
    pub(in crate::access) fn says(&self) -> Option<&Arc<str>> {
        self.agent.as_ref()
    }

    /// The process, and the agent whose program is called as its own.
    pub(in crate::access) fn own(&self) -> (Option<u32>, Option<&'static str>) {
        (self.known.process.pid, self.program().and_then(known_agents::at))
    }

    /// The processes above it, the nearest first, as far as the system tells. Found out once for a connection.
    pub(in crate::access) fn above(&self) -> &[Kin] {
        let Known { process, above, .. } = &*self.known;
        above.get_or_init(|| {
            process.parent.map_or_else(Arc::default, |parent| line::above(parent, process.at))
        })
    }

    /// Somebody of whom nothing can be found out.
    #[cfg(test)]
    pub(in crate::access) fn nobody() -> Self {
        let mut process = Process::ourselves();
        (process.pid, process.mark) = (None, None);
        Self::from(process)
    }

    /// Everything that is to be known of who asks: of the caller, or of the program behind it, where that is our client.
    /// `wants_hash` has the program's file read too, which takes as long as it is large, once.
    ///
    /// It ends within [`LOOK_TIMEOUT`] and [`HASH_TIMEOUT`]. What could not be found out by then is not known: then the look says
    /// why, and a hash is absent.
    pub async fn look(&self, wants_hash: bool) -> Arc<Look> {
        let kept = self.last().clone().filter(|_| self.known.process.is_still_there() && !self.is_changed());
        let look = match kept {
            Some(look) => look,
            None => self.look_anew().await,
        };
        if !wants_hash || look.facts.program_hash.is_some() {
            return look;
        }
        let (Some(pid), Some(file)) = (look.pid, look.file) else { return look };
        let read = Self::bounded(HASH_TIMEOUT, move || digest::of_program(pid, file)).await.flatten();
        // The file was the one of the look, so the digest is of its program, whoever has the number by now.
        let mut hashed = Look::clone(&look);
        hashed.facts.program_hash = read;
        self.keep(hashed)
    }

    /// The caller for the wire, with its program's hash, or with who signed its program's file, where systems tell that.
    pub async fn told(&self) -> CallerAnswer {
        let mut told = self.look(true).await.told(OUR_USER.clone());
        if told.signer.is_none() {
            told.signer = self.signer_of_file().await;
        }
        told
    }

    /// Who signed the file that has its program's name now. It is read, so it ends within [`HASH_TIMEOUT`].
    async fn signer_of_file(&self) -> Option<String> {
        let known = Arc::clone(&self.known);
        let read = move || {
            let signer = signer::of_file(&known.process.program.as_ref()?.path);
            signer.filter(|_| known.process.is_still_there())
        };
        Self::bounded(HASH_TIMEOUT, read).await.flatten()
    }

    /// The process that connected and those above it, the nearest first, as far as they are known within [`LOOK_TIMEOUT`]. Also
    /// those between our client and whom it asks for.
    pub(in crate::access) async fn line(&self) -> Vec<u32> {
        let Some(pid) = self.known.process.pid else { return Vec::new() };
        let above = Self::bounded(LOOK_TIMEOUT, move || ancestry::above(pid).0).await.unwrap_or_default();
        std::iter::once(pid).chain(above.into_iter().map(|ancestor| ancestor.pid)).collect()
    }

    async fn look_anew(&self) -> Arc<Look> {
        let known = Arc::clone(&self.known);
        let look = Self::bounded(LOOK_TIMEOUT, move || sight::look(&known.process)).await;
        self.keep(look.unwrap_or_else(|| Look::unknown(self.known.process.pid, Doubt::TOO_SLOW)))
    }

    /// On a thread that may hang without harm: there are never more of them than a few.
    async fn bounded<T: Send + 'static>(
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let work = async {
            let place = LOOKING.acquire().await.ok()?;
            let done = spawn_blocking(move || {
                let done = work();
                drop(place);
                done
            });
            done.await.ok()
        };
        timeout(limit, work).await.ok().flatten()
    }

    fn keep(&self, look: Look) -> Arc<Look> {
        let look = Arc::new(look);
        *self.last() = Some(&look).filter(|look| look.may_be_kept()).cloned();
        look
    }

    fn last(&self) -> MutexGuard<'_, Option<Arc<Look>>> {
        self.known.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_changed(&self) -> bool {
        self.known.process.became().is_some()
    }

    /// The caller for the audit log: what connected, what that became since, and who started it, where it is our client.
    #[must_use]
    pub fn noted(&self) -> LogCaller {
        let process = &self.known.process;
        LogCaller {
            program: self.program().map(text),
            behind: self.behind().map(|ancestor| text(&ancestor.program)),
            became: process.became().as_deref().map(text),
            pid: process.pid,
            user: OUR_USER.clone(),
        }
    }

    /// Whom the caller asks for, to be shown to a person: `entra`, and each helper that is a link to it, asks for who started it,
    /// if need be by a shell for that one command, where the system tells that.
    #[must_use]
    pub fn asks_for(&self) -> String {
        match self.behind() {
            Some(Ancestor { pid, program, .. }) => format!("{} (process {pid})", shown(&program)),
            None => self.to_string(),
        }
    }

    /// Who started our client. Of another program it is not asked.
    fn behind(&self) -> Option<Ancestor> {
        let process = &self.known.process;
        let parent = process.parent.filter(|_| self.program().is_some_and(is_client))?;
        who_started(parent, process.at)
    }

    fn program(&self) -> Option<&Path> {
        self.known.process.program.as_ref().map(|program| program.path.as_path())
    }
}

impl From<Process> for Caller {
    fn from(process: Process) -> Self {
        let known = Known {
            process,
            last: Mutex::default(),
            is_from_elsewhere: OnceLock::new(),
            is_from_here: OnceLock::new(),
            above: OnceLock::new(),
        };
        Self { known: Arc::new(known), agent: None }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.program(), self.known.process.pid) {
            (Some(program), Some(pid)) => write!(f, "{} (process {pid})", shown(program)),
            (None, Some(pid)) => write!(f, "process {pid}"),
            (_, None) => f.write_str("an unknown process"),
        }
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Fit for a prompt.
fn shown(path: &Path) -> String {
    path.to_string_lossy().chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Every caller's, since no other's is let in.
static OUR_USER: LazyLock<Option<String>> = LazyLock::new(peer::our_user);

/// Looks that are under way. One hangs where a program's folder is served by another program that does not answer; whoever makes
/// more of those than there are places keeps rules from finding out who asks, and those then fit nobody.
static LOOKING: Semaphore = Semaphore::const_new(8);

/// How long a look at a caller may take: it is a few dozen reads of what the kernel has in memory.
pub const LOOK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the reading of a program's file may take: a gigabyte from a usual disk. It goes on without who waited for it, and
/// is then known to the next who asks.
pub const HASH_TIMEOUT: Duration = Duration::from_secs(3);

/// How long the search for who holds a connection may take: a few reads for each of the user's processes.
pub const HOLDERS_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
