//! The Unix socket: a private folder, a stale socket replaced, a live one left alone, and one that the service manager
//! handed over taken as it is.
//!
//! Whoever bound the socket owns its file. The service manager's stays when we stop, and callers queue there until the
//! next daemon takes them.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;
use tokio::net::{UnixListener, UnixStream};

use super::connections::Opening;
use crate::files::{Fault, FileError, Folder};
use crate::lock::{Lock, LockError};

/// A socket that listens. The file of one that we bound is removed when this is dropped.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    /// The same, to be asked without waiting for the runtime.
    queue: std::os::unix::net::UnixListener,
    _file: Option<SocketFile>,
}

/// Why the socket cannot be bound. Each message names the path and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Making, looking at or binding something failed.
    #[error("The socket {path} cannot be made: {reason}.")]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// Another daemon is there.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Something listens that holds no lock of ours.
    #[error(
        "Something listens on {0} already. If that is your service manager, start entrad by it (`entra service status` says how it is); otherwise name another socket by --socket."
    )]
    Live(PathBuf),
    /// The path is taken by something that is no socket.
    #[error("{0} exists and is no socket; move it away, or name another by --socket.")]
    NotASocket(PathBuf),
    /// The folder is another one than a moment ago.
    #[error(
        "Somebody put another folder in place of {0} while the socket was made there; nobody was let in. Name a socket by --socket in a folder that only you can write to."
    )]
    Exchanged(PathBuf),
    /// The folder is none of ours, or will not stay ours.
    #[error(
        "{folder} is refused for the socket: {fault}. Set XDG_RUNTIME_DIR to a folder that only you can write to, or name a socket in one by --socket."
    )]
    BadFolder {
        /// Which.
        folder: PathBuf,
        /// Why.
        fault: Fault,
    },
    /// There is nothing to make the folder in.
    #[error(
        "There is no folder {0} for the socket. The system makes it when you log in; else set XDG_RUNTIME_DIR to a folder that only you can write to, or name a socket in one by --socket."
    )]
    NoFolder(PathBuf),
    /// Others could replace the socket.
    #[error(
        "The socket's folder {0} must belong to you and be closed to others; run `chmod 700 {0}`, or name a socket in another folder by --socket."
    )]
    OpenFolder(PathBuf),
}

impl ListenError {
    /// Whether another daemon holds the socket.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Lock(LockError::Held { .. }))
    }
}

impl Listener {
    /// Binds the socket at `path`, mode 0600, in a folder of mode 0700 that is made where it is missing.
    ///
    /// # Errors
    /// [`ListenError`]; a live socket is left alone.
    pub async fn bind(path: &Path) -> Result<Self, ListenError> {
        Place::of(path)?.bind().await
    }

    /// Takes the socket at `path` that the service manager bound and listens on. Its file is the manager's, and there is
    /// nothing to lock: nobody else is handed it.
    ///
    /// # Errors
    /// [`ListenError::OpenFolder`] where others could replace it; [`ListenError::Io`].
    pub fn adopt(handed: std::os::unix::net::UnixListener, path: &Path) -> Result<Self, ListenError> {
        Place::of(path)?;
        let adopted = handed.set_nonblocking(true).and_then(|()| UnixListener::from_std(handed));
        adopted
            .and_then(|listener| Self::of(listener, None))
            .map_err(|reason| ListenError::Io { path: path.to_owned(), reason })
    }

    /// The next connection. Errors of single connections are passed over; when descriptors run out it
    /// waits a moment instead of spinning.
    pub(super) async fn accept(&mut self) -> UnixStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return stream,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection could be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// One more of those that wait by now. An error is left to who waits for the next.
    pub(super) fn accept_waiting(&mut self) -> Waiting {
        let Ok((waiting, _)) = self.queue.accept() else { return Waiting::Nobody };
        if is_gone(&waiting) {
            return Waiting::Gone;
        }
        let heard = waiting.set_nonblocking(true).and_then(|()| UnixStream::from_std(waiting));
        heard.map_or(Waiting::Gone, Waiting::Caller)
    }

    fn of(listener: UnixListener, file: Option<SocketFile>) -> io::Result<Self> {
        let queue = listener.as_fd().try_clone_to_owned()?.into();
        Ok(Self { listener, queue, _file: file })
    }
}

/// What came of asking who waits.
pub(super) enum Waiting {
    Caller(UnixStream),
    /// It has hung up, and cost a third of what another one costs.
    Gone,
    Nobody,
}

/// Where a socket is made: a name in a folder that was checked and is held.
struct Place {
    folder: Folder,
    name: OsString,
    path: PathBuf,
}

impl Place {
    fn of(path: &Path) -> Result<Self, ListenError> {
        let failed = |reason| ListenError::Io { path: path.to_owned(), reason };
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(failed(io::ErrorKind::InvalidInput.into()));
        };
        let folder = Folder::meeting_place(folder).map_err(|error| match error {
            FileError::Unsafe { path, fault: Fault::OpenToOthers } => ListenError::OpenFolder(path),
            FileError::Unsafe { path: folder, fault } => ListenError::BadFolder { folder, fault },
            FileError::Io { path, source, .. } if source.kind() == io::ErrorKind::NotFound => {
                ListenError::NoFolder(path)
            }
            FileError::Io { source, .. } => failed(source),
        })?;
        Ok(Self { folder, name: name.to_owned(), path: path.to_owned() })
    }

    async fn bind(self) -> Result<Listener, ListenError> {
        let path = self.path.clone();
        let failed = |reason| ListenError::Io { path: path.clone(), reason };
        let mut lock_name = self.name.clone();
        lock_name.push(".lock");
        let lock = Lock::take(&self.folder, lock_name, &format!("process {}", std::process::id()))?;
        self.remove_stale().await?;
        let place = self.folder.reach(&self.name);
        let listener = UnixListener::bind(&place).map_err(failed)?;
        // The folder is closed to others, so nobody can connect between these lines.
        let inode = std::fs::symlink_metadata(&place).map_err(failed)?.ino();
        let file = SocketFile { folder: self.folder, name: self.name, inode, _lock: lock };
        // Callers come by the path. What was bound is gone again when this is dropped.
        if !file.folder.is_where_it_was() {
            return Err(ListenError::Exchanged(file.folder.path().to_owned()));
        }
        std::fs::set_permissions(&place, PermissionsExt::from_mode(0o600)).map_err(failed)?;
        Listener::of(listener, Some(file)).map_err(failed)
    }

    async fn remove_stale(&self) -> Result<(), ListenError> {
        let failed = |reason| ListenError::Io { path: self.path.clone(), reason };
        let place = self.folder.reach(&self.name);
        match std::fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
            Ok(metadata) if !metadata.file_type().is_socket() => {
                return Err(ListenError::NotASocket(self.path.clone()));
            }
            Ok(_) => {}
        }
        match tokio::time::timeout(LIVE_TEST, UnixStream::connect(&place)).await {
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.folder.remove(&self.name).map_err(|error| failed(error.into_reason()))
            }
            Ok(Err(error)) => Err(failed(error)),
            Ok(Ok(_)) | Err(_) => Err(ListenError::Live(self.path.clone())),
        }
    }
}

impl Opening for UnixStream {
    async fn opened(&self) -> bool {
        // Ready is only what the runtime takes it for; the kernel is asked.
        while self.readable().await.is_ok() {
            let mut byte = [0; 1];
            let peeked = self.try_io(Interest::READABLE, || Ok(recv(self, &mut byte, RecvFlags::PEEK)?.0));
            match peeked {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                peeked => return peeked.is_ok_and(|count| count > 0),
            }
        }
        false
    }
}

/// Whether nobody is there any more who could hear an answer. Who has only finished writing is.
pub(super) fn is_gone(stream: &impl AsFd) -> bool {
    let mut asked = [PollFd::new(stream, PollFlags::empty())];
    poll(&mut asked, Some(&Timespec::default())).is_ok() && asked[0].revents().contains(PollFlags::HUP)
}

/// The file of a socket that we bound.
#[derive(Debug)]
struct SocketFile {
    folder: Folder,
    name: OsString,
    inode: u64,
    _lock: Lock,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let place = self.folder.reach(&self.name);
        let is_ours = std::fs::symlink_metadata(place).is_ok_and(|metadata| metadata.ino() == self.inode);
        if is_ours && let Err(error) = self.folder.remove(&self.name) {
            tracing::warn!(%error, "the socket could not be removed");
        }
    }
}

/// Long enough for other connections to end and give descriptors back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A dead socket refuses at once and a live one accepts at once; this only bounds a listener that hangs.
const LIVE_TEST: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(PermissionsExt::from_mode(0o700)).tempdir().unwrap()
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = folder();
        let path = folder.path().join("run").join("s");
        let first = Listener::bind(&path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        assert!(matches!(Listener::bind(&path).await, Err(ListenError::Lock(LockError::Held { .. }))));
        drop(first);
        assert!(!path.exists());
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a socket that nobody listens on");
        drop(Listener::bind(&path).await.unwrap());
        let _foreign = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(matches!(Listener::bind(&path).await, Err(ListenError::Live(_))));
    }

    #[tokio::test]
    async fn an_open_folder_or_a_file_in_the_way_is_refused() {
        let folder = folder();
        let path = folder.path().join("s");
        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(Listener::bind(&path).await, Err(ListenError::NotASocket(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        assert!(matches!(Listener::bind(&path).await, Err(ListenError::OpenFolder(_))));
    }

    #[tokio::test]
    async fn a_caller_is_heard_when_it_says_something_and_not_before() {
        let folder = folder();
        let path = folder.path().join("s");
        let mut listener = Listener::bind(&path).await.unwrap();
        let (mut speaker, silent) =
            (UnixStream::connect(&path).await.unwrap(), UnixStream::connect(&path).await.unwrap());
        let (heard, unheard) = (listener.accept().await, listener.accept().await);
        let short = Duration::from_millis(20);
        assert!(tokio::time::timeout(short, heard.opened()).await.is_err(), "nothing was said");
        tokio::io::AsyncWriteExt::write_all(&mut speaker, b"x").await.unwrap();
        assert!(heard.opened().await);
        drop(silent);
        assert!(!unheard.opened().await, "it hung up");
    }

    #[tokio::test]
    async fn who_waits_is_taken_and_who_hung_up_is_known() {
        let folder = folder();
        let path = folder.path().join("s");
        let mut listener = Listener::bind(&path).await.unwrap();
        assert!(matches!(listener.accept_waiting(), Waiting::Nobody));
        let gone = UnixStream::connect(&path).await.unwrap();
        let mut there = UnixStream::connect(&path).await.unwrap();
        drop(gone);
        tokio::io::AsyncWriteExt::write_all(&mut there, b"x").await.unwrap();
        assert!(matches!(listener.accept_waiting(), Waiting::Gone));
        let Waiting::Caller(caller) = listener.accept_waiting() else { panic!("somebody waits") };
        assert!(caller.opened().await);
        assert!(matches!(listener.accept_waiting(), Waiting::Nobody));
        let _next = UnixStream::connect(&path).await.unwrap();
        let _taken = listener.accept().await;
    }

    #[tokio::test]
    async fn only_who_hung_up_is_gone() {
        let (mut near, far) = UnixStream::pair().unwrap();
        assert!(!is_gone(&far));
        tokio::io::AsyncWriteExt::write_all(&mut near, b"asked").await.unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut near).await.unwrap();
        assert!(!is_gone(&far), "it waits for its answer");
        drop(near);
        assert!(is_gone(&far));
    }

    #[tokio::test]
    async fn a_socket_that_was_handed_over_outlives_us_with_who_waits_there() {
        let folder = folder();
        let path = folder.path().join("s");
        let managers = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let mut ours = Listener::adopt(managers.try_clone().unwrap(), &path).unwrap();
        let first = UnixStream::connect(&path).await.unwrap();
        drop(ours.accept().await);
        drop((ours, first));
        let waiting = UnixStream::connect(&path).await.unwrap();
        let mut next = Listener::adopt(managers, &path).unwrap();
        let served = next.accept().await;
        served.try_write(b"x").unwrap();
        waiting.readable().await.unwrap();
        assert_eq!(waiting.try_read(&mut [0]).unwrap(), 1);
    }

    #[tokio::test]
    async fn a_socket_that_was_handed_over_in_an_open_folder_is_refused() {
        let folder = folder();
        let path = folder.path().join("s");
        let managers = std::os::unix::net::UnixListener::bind(&path).unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o750)).unwrap();
        assert!(matches!(Listener::adopt(managers, &path), Err(ListenError::OpenFolder(_))));
    }

    #[tokio::test]
    async fn a_folder_that_is_exchanged_after_it_was_checked_gets_nothing() {
        let folder = folder();
        let (run, moved, theirs) =
            (folder.path().join("run"), folder.path().join("moved"), folder.path().join("theirs"));
        let place = Place::of(&run.join("s")).unwrap();
        std::fs::rename(&run, &moved).unwrap();
        std::fs::create_dir(&theirs).unwrap();
        std::os::unix::fs::symlink(&theirs, &run).unwrap();
        let error = place.bind().await.unwrap_err();
        assert!(matches!(&error, ListenError::Exchanged(folder) if *folder == run), "{error}");
        assert!(!moved.join("s").exists(), "what was bound is gone again");
        assert_eq!(std::fs::read_dir(&theirs).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_folder_that_will_not_do_is_named_with_what_to_do() {
        let folder = folder();
        let missing = Listener::bind(&folder.path().join("a/b/s")).await.unwrap_err();
        assert!(matches!(missing, ListenError::NoFolder(_)), "{missing}");
        std::os::unix::fs::symlink(folder.path(), folder.path().join("link")).unwrap();
        let link = Listener::bind(&folder.path().join("link/s")).await.unwrap_err();
        assert!(matches!(link, ListenError::BadFolder { fault: Fault::NotAFolder, .. }), "{link}");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let open = Listener::bind(&folder.path().join("run/s")).await.unwrap_err();
        assert!(matches!(open, ListenError::BadFolder { fault: Fault::Exchangeable, .. }), "{open}");
        for error in [missing, link, open] {
            assert!(error.to_string().contains("--socket"), "{error}");
        }
    }
}
