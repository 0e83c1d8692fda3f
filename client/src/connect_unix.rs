//! Opens the daemon's Unix socket and checks who is behind it.
//!
//! Nothing is sent before the kernel vouched that the listener runs as the same user, and nothing waits
//! without a bound: connecting, writing and reading each have one. Only one refusal is worth a second try,
//! that of a socket file whose daemon is just starting.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use entra_proto::client::Client;
use entra_proto::endpoint::{EndpointError, checked, socket_path};
use entra_proto::error::exit;
use entra_proto::limits::{ANSWER_TIMEOUT, CLIENT_TIMEOUT};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_peercred};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::geteuid;

use crate::failure::Failure;

/// Where the daemon listens.
#[derive(Clone, Debug)]
pub(crate) struct Socket(PathBuf);

impl Socket {
    /// The socket that `--socket` names, else the environment's.
    pub(crate) fn find(named: Option<PathBuf>) -> Result<Self, Failure> {
        let found = match named {
            Some(path) => checked(path),
            None => socket_path(|name| std::env::var_os(name)),
        };
        found.map(Self).map_err(Failure::from)
    }

    /// A fresh connection with the limits of a token request.
    pub(crate) fn connect(&self) -> Result<Client<UnixStream>, Failure> {
        self.connect_within(ANSWER_TIMEOUT, CLIENT_TIMEOUT)
    }

    /// A fresh connection: `send` bounds the connecting and each write, `receive` each read.
    pub(crate) fn connect_within(
        &self,
        send: Duration,
        receive: Duration,
    ) -> Result<Client<UnixStream>, Failure> {
        Ok(Client::new(open(&self.0, send, receive)?))
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum ConnectError {
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

fn open(path: &Path, send: Duration, receive: Duration) -> Result<UnixStream, ConnectError> {
    let failed = |errno| ConnectError::from_errno(path, errno);
    let mut pauses = START_PAUSES.iter();
    let stream = loop {
        match try_open(path, send, receive) {
            Ok(stream) => break stream,
            // The file is there before its daemon listens, and stays when a daemon was killed.
            Err(Errno::CONNREFUSED) => match pauses.next() {
                Some(pause) => sleep(*pause),
                None => return Err(failed(Errno::CONNREFUSED)),
            },
            Err(errno) => return Err(failed(errno)),
        }
    };
    let uid = socket_peercred(&stream).map_err(failed)?.uid;
    if uid != geteuid() {
        return Err(ConnectError::Foreign { path: path.to_owned(), uid: uid.as_raw() });
    }
    Ok(stream)
}

fn try_open(path: &Path, send: Duration, receive: Duration) -> Result<UnixStream, Errno> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // The send time-out also bounds `connect` while the listener's queue is full (socket(7), SO_SNDTIMEO).
    set_socket_timeout(&socket, Timeout::Send, Some(send))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(receive))?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(UnixStream::from(socket))
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

impl From<EndpointError> for Failure {
    fn from(error: EndpointError) -> Self {
        let exit = match error {
            EndpointError::NoRuntimeFolder => exit::MISCONFIGURED,
            EndpointError::Relative(_) | EndpointError::TooLong(_) => exit::USAGE,
        };
        Self::new(exit, "no_socket", error.to_string())
    }
}

fn how_to_start() -> &'static str {
    if is_unit_known(|name| std::env::var_os(name).map(PathBuf::from), |path| path.exists()) {
        "Start it with `systemctl --user start entrad`."
    } else {
        "Start it with `entrad &`."
    }
}

/// Whether this session has a systemd user manager that knows entrad's unit (systemd.unit(5), "User Unit
/// Search Path").
fn is_unit_known(variable: impl Fn(&str) -> Option<PathBuf>, exists: impl Fn(&Path) -> bool) -> bool {
    let Some(runtime) = variable("XDG_RUNTIME_DIR").filter(|runtime| exists(&runtime.join("systemd"))) else {
        return false;
    };
    let home = |rest: &str| variable("HOME").map(|home| home.join(rest));
    let configured = variable("XDG_CONFIG_HOME").or_else(|| home(".config"));
    let data = variable("XDG_DATA_HOME").or_else(|| home(".local/share"));
    let own = [Some(runtime), configured, data].into_iter().flatten();
    let shared = ["/etc", "/usr/local/lib", "/usr/lib", "/usr/local/share", "/usr/share"].map(PathBuf::from);
    own.chain(shared).any(|folder| exists(&folder.join("systemd/user").join(UNIT)))
}

/// The unit's file name.
const UNIT: &str = "entrad.service";

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

    #[test]
    fn the_unit_counts_only_beside_a_running_manager() {
        let variable = |name: &str| match name {
            "XDG_RUNTIME_DIR" => Some(PathBuf::from("/run/user/7")),
            "HOME" => Some(PathBuf::from("/home/ada")),
            _ => None,
        };
        let with = |files: &'static [&str]| {
            is_unit_known(variable, move |path| files.iter().any(|file| Path::new(file) == path))
        };
        assert!(with(&["/run/user/7/systemd", "/home/ada/.config/systemd/user/entrad.service"]));
        assert!(with(&["/run/user/7/systemd", "/usr/lib/systemd/user/entrad.service"]));
        assert!(!with(&["/usr/lib/systemd/user/entrad.service"]));
        assert!(!with(&["/run/user/7/systemd"]));
    }
}
