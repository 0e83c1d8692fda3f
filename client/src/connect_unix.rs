//! Opens the daemon's Unix socket and checks who is behind it.
//!
//! Nothing is sent before the kernel vouched that the listener runs as the same user, and nothing waits
//! without a bound: connecting, writing and reading each have one. Only one refusal is worth a second try,
//! that of a socket file whose daemon is just starting.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use entra_proto::error::exit;
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{SocketAddrUnix, connect};
use rustix::process::geteuid;

use super::peer;
use super::service::how_to_start;
use crate::failure::Failure;

/// A connection.
pub(crate) use std::os::unix::net::UnixStream as Stream;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The socket may not be opened by us.
    #[error("The socket {0:?} may not be used by you.")]
    Forbidden(PathBuf),
    /// Somebody else listens.
    #[error("The program that listens on {path:?} runs as user {uid}, not as you; nothing was sent to it.")]
    Foreign { path: PathBuf, uid: u32 },
    /// The listener's queue stayed full.
    #[error("entrad is too busy to take another connection.")]
    Full,
    /// There is no socket.
    #[error("No entrad is running: there is no socket {0:?}.")]
    Missing(PathBuf),
    /// There is a socket file, and nobody listens.
    #[error("No entrad is running: nobody listens on {0:?}.")]
    Refused(PathBuf),
    /// The system failed otherwise.
    #[error("The socket {path:?} cannot be opened.")]
    System { path: PathBuf, source: io::Error },
}

/// Opens the socket: `send` bounds the connecting, with the pauses before a new try, and each write; `receive` each read.
pub(crate) fn open(path: &Path, send: Duration, receive: Duration) -> Result<Stream, ConnectError> {
    let failed = |errno| ConnectError::from_errno(path, errno);
    let mut patience = send;
    let mut pauses = START_PAUSES.iter().map_while(|pause| {
        patience = patience.checked_sub(*pause)?;
        Some(*pause)
    });
    let stream = loop {
        match try_open(path, send, receive) {
            Ok(stream) => break stream,
            // The file is there before its daemon listens, and stays when a daemon was killed.
            Err(Errno::CONNREFUSED) => match pauses.next() {
                Some(pause) => sleep(pause),
                None => return Err(failed(Errno::CONNREFUSED)),
            },
            Err(errno) => return Err(failed(errno)),
        }
    };
    let uid = peer::uid(&stream).map_err(failed)?;
    if uid != geteuid().as_raw() {
        return Err(ConnectError::Foreign { path: path.to_owned(), uid });
    }
    Ok(stream)
}

fn try_open(path: &Path, send: Duration, receive: Duration) -> Result<Stream, Errno> {
    let socket = peer::socket()?;
    // The send time-out also bounds `connect` while the listener's queue is full (socket(7), SO_SNDTIMEO).
    set_socket_timeout(&socket, Timeout::Send, Some(send))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(receive))?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(Stream::from(socket))
}

impl ConnectError {
    fn from_errno(path: &Path, errno: Errno) -> Self {
        let path = path.to_owned();
        match errno {
            Errno::ACCESS | Errno::PERM => Self::Forbidden(path),
            Errno::AGAIN => Self::Full,
            Errno::CONNREFUSED => Self::Refused(path),
            Errno::NOENT | Errno::NOTDIR => Self::Missing(path),
            errno => Self::System { path, source: errno.into() },
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let message = error.to_string();
        match &error {
            ConnectError::Forbidden(_) | ConnectError::Foreign { .. } => {
                Self::new(exit::REFUSED, "foreign_socket", message)
                    .hint("Use the socket of your own entrad: see --socket and ENTRAD_SOCKET.")
            }
            ConnectError::Full => Self::new(exit::LATER, "busy", message).hint("Try again in a moment."),
            ConnectError::Missing(_) | ConnectError::Refused(_) => {
                Self::new(exit::NO_DAEMON, "no_daemon", message).hint(how_to_start())
            }
            ConnectError::System { source, .. } => {
                Self::new(exit::NO_DAEMON, "no_daemon", message).because(source).hint(how_to_start())
            }
        }
    }
}

/// Pauses between tries while a daemon may be starting, a second in all: between its `bind` and `listen`
/// there are microseconds, but after a login the machine is busy.
const START_PAUSES: [Duration; 6] = [
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
    Duration::from_millis(160),
    Duration::from_millis(300),
    Duration::from_millis(400),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tries_take_a_second_in_all() {
        assert_eq!(START_PAUSES.iter().sum::<Duration>(), Duration::from_secs(1));
    }

    #[test]
    fn each_errno_has_its_exit_status() {
        let exit = |errno| Failure::from(ConnectError::from_errno(Path::new("/s"), errno)).exit();
        assert_eq!(exit(Errno::NOENT), exit::NO_DAEMON);
        assert_eq!(exit(Errno::CONNREFUSED), exit::NO_DAEMON);
        assert_eq!(exit(Errno::PROTOTYPE), exit::NO_DAEMON);
        assert_eq!(exit(Errno::ACCESS), exit::REFUSED);
        assert_eq!(exit(Errno::AGAIN), exit::LATER);
        let foreign = ConnectError::Foreign { path: "/s".into(), uid: 7 };
        assert!(foreign.to_string().contains("user 7"));
        assert_eq!(Failure::from(foreign).exit(), exit::REFUSED);
    }
}
