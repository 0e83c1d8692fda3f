//! The Unix socket: a private folder, a stale socket replaced, a live one left alone, and one that the service manager
//! handed over taken as it is.
//!
//! Whoever bound the socket owns its file. The service manager's stays when we stop, and callers queue there until the
//! next daemon takes them.

use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};

use crate::lock::{Lock, LockError};

/// A socket that listens. The file of one that we bound is removed when this is dropped.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
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
        let failed = |reason| ListenError::Io { path: path.to_owned(), reason };
        prepare(folder_of(path)).map_err(failed)?;
        check_folder(path)?;
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = Lock::take(Path::new(&lock_path), &format!("process {}", std::process::id()))?;
        remove_stale(path).await?;
        let listener = UnixListener::bind(path).map_err(failed)?;
        // The folder is closed to others, so nobody can connect between these two lines.
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).map_err(failed)?;
        let inode = std::fs::symlink_metadata(path).map_err(failed)?.ino();
        Ok(Self { listener, _file: Some(SocketFile { path: path.to_owned(), inode, _lock: lock }) })
    }

    /// Takes the socket at `path` that the service manager bound and listens on. Its file is the manager's, and there is
    /// nothing to lock: nobody else is handed it.
    ///
    /// # Errors
    /// [`ListenError::OpenFolder`] where others could replace it; [`ListenError::Io`].
    pub fn adopt(handed: std::os::unix::net::UnixListener, path: &Path) -> Result<Self, ListenError> {
        check_folder(path)?;
        let adopted = handed.set_nonblocking(true).and_then(|()| UnixListener::from_std(handed));
        let listener = adopted.map_err(|reason| ListenError::Io { path: path.to_owned(), reason })?;
        Ok(Self { listener, _file: None })
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
}

/// The file of a socket that we bound.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    inode: u64,
    _lock: Lock,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours =
            std::fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.ino() == self.inode);
        if is_ours && let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "the socket could not be removed");
        }
    }
}

/// Long enough for other connections to end and give descriptors back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A dead socket refuses at once and a live one accepts at once; this only bounds a listener that hangs.
const LIVE_TEST: Duration = Duration::from_secs(2);

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

fn check_folder(path: &Path) -> Result<(), ListenError> {
    let folder = folder_of(path);
    let metadata = std::fs::symlink_metadata(folder)
        .map_err(|reason| ListenError::Io { path: path.to_owned(), reason })?;
    let is_ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
    if !is_ours || metadata.mode() & 0o077 != 0 {
        return Err(ListenError::OpenFolder(folder.to_owned()));
    }
    Ok(())
}

fn prepare(folder: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

async fn remove_stale(path: &Path) -> Result<(), ListenError> {
    let failed = |reason| ListenError::Io { path: path.to_owned(), reason };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(ListenError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match tokio::time::timeout(LIVE_TEST, UnixStream::connect(path)).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(failed)
        }
        Ok(Err(error)) => Err(failed(error)),
        Ok(Ok(_)) | Err(_) => Err(ListenError::Live(path.to_owned())),
    }
}

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
}
