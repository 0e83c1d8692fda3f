//! The Unix socket: a private folder, a stale socket replaced, a live one left alone.

use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};

use crate::lock::{Lock, LockError};

/// A bound socket; the file is removed when this is dropped.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
    _lock: Lock,
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
    #[error("Something listens on {0} already; name another socket by --socket.")]
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
        let folder = path.parent().unwrap_or(Path::new("/"));
        prepare(folder).map_err(failed)?;
        let metadata = std::fs::symlink_metadata(folder).map_err(failed)?;
        let is_ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
        if !is_ours || metadata.mode() & 0o077 != 0 {
            return Err(ListenError::OpenFolder(folder.to_owned()));
        }
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = Lock::take(Path::new(&lock_path), &format!("process {}", std::process::id()))?;
        remove_stale(path).await?;
        let listener = UnixListener::bind(path).map_err(failed)?;
        // The folder is closed to others, so nobody can connect between these two lines.
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).map_err(failed)?;
        let inode = std::fs::symlink_metadata(path).map_err(failed)?.ino();
        Ok(Self { listener, path: path.to_owned(), inode, _lock: lock })
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

impl Drop for Listener {
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
}
