//! Opens the daemon's named pipe and checks who is behind it.
//!
//! Nothing is sent before the system vouched that the server's process runs as the same user and that the pipe
//! belongs to that user, and the server may learn who we are but not act as us. Nothing waits without a bound.
//! Only one refusal is worth a second try, that of a pipe whose ends are all taken for the moment.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsHandle;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use entra_proto::error::exit;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_FILE_NOT_FOUND, ERROR_PIPE_BUSY, ERROR_SEM_TIMEOUT,
};
use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_OVERLAPPED, SECURITY_IDENTIFICATION};

use super::pipe::{Stream, wait_for_free_end};
use super::service::how_to_start;
use super::sid::Sid;
use crate::failure::Failure;

/// Opens the pipe: `send` bounds each write, `receive` each read.
pub(crate) fn open(name: &Path, send: Duration, receive: Duration) -> Result<Stream, ConnectError> {
    let failed = |error| ConnectError::from_error(name, error);
    let pipe = open_free_end(name, send.min(BUSY_PATIENCE)).map_err(failed)?;
    let stream = Stream::new(pipe, send, receive).map_err(failed)?;
    let own = Sid::of_this_process().map_err(failed)?;
    let user = Sid::of_process(stream.server_process().map_err(failed)?)
        .map_err(|source| ConnectError::Unknown { name: name.to_owned(), source })?;
    if user != own {
        return Err(ConnectError::ForeignServer { name: name.to_owned(), user: user.to_string() });
    }
    let owner = Sid::of_owner(stream.as_handle()).map_err(failed)?;
    if owner != own {
        return Err(ConnectError::ForeignPipe { name: name.to_owned(), owner: owner.to_string() });
    }
    Ok(stream)
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The pipe may not be opened by us.
    #[error("The pipe {} may not be used by you.", .0.display())]
    Forbidden(PathBuf),
    /// The pipe is somebody else's.
    #[error("The pipe {} belongs to user {owner}, not to you; nothing was sent to it.", name.display())]
    ForeignPipe { name: PathBuf, owner: String },
    /// Somebody else serves it.
    #[error("The program that serves the pipe {} runs as user {user}, not as you; nothing was sent to it.", name.display())]
    ForeignServer { name: PathBuf, user: String },
    /// All ends of the pipe stayed taken.
    #[error("entrad is too busy to take another connection.")]
    Full,
    /// There is no pipe.
    #[error("No entrad is running: there is no pipe {}.", .0.display())]
    Missing(PathBuf),
    /// The system failed otherwise.
    #[error("The pipe {} cannot be opened.", name.display())]
    System { name: PathBuf, source: io::Error },
    /// The server's user is not told, as of a program that was started as administrator.
    #[error("Windows does not say who serves the pipe {}; nothing was sent to it.", name.display())]
    Unknown { name: PathBuf, source: io::Error },
}

fn open_free_end(name: &Path, patience: Duration) -> io::Result<File> {
    let end = Instant::now() + patience;
    let is_busy = |error: &io::Error| error.raw_os_error() == Some(ERROR_PIPE_BUSY.cast_signed());
    loop {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(FILE_FLAG_OVERLAPPED)
            // With it comes SECURITY_SQOS_PRESENT. Without both the server could act as us.
            .security_qos_flags(SECURITY_IDENTIFICATION)
            .open(name);
        match opened {
            Err(error) if is_busy(&error) && Instant::now() < end => {
                wait_for_free_end(name, end.saturating_duration_since(Instant::now()))?;
            }
            opened => return opened,
        }
    }
}

impl ConnectError {
    fn from_error(name: &Path, source: io::Error) -> Self {
        let name = name.to_owned();
        match source.raw_os_error().map(i32::cast_unsigned) {
            Some(ERROR_ACCESS_DENIED) => Self::Forbidden(name),
            Some(ERROR_PIPE_BUSY | ERROR_SEM_TIMEOUT) => Self::Full,
            Some(ERROR_FILE_NOT_FOUND) => Self::Missing(name),
            _ => Self::System { name, source },
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let message = error.to_string();
        match &error {
            ConnectError::Forbidden(_)
            | ConnectError::ForeignPipe { .. }
            | ConnectError::ForeignServer { .. } => Self::new(exit::REFUSED, "foreign_socket", message)
                .hint("Use the pipe of your own entrad: see --socket and ENTRAD_SOCKET."),
            ConnectError::Full => Self::new(exit::LATER, "busy", message).hint("Try again in a moment."),
            ConnectError::Missing(_) => Self::new(exit::NO_DAEMON, "no_daemon", message).hint(how_to_start()),
            ConnectError::System { source, .. } => {
                Self::new(exit::NO_DAEMON, "no_daemon", message).because(source).hint(how_to_start())
            }
            ConnectError::Unknown { source, .. } => Self::new(exit::REFUSED, "foreign_socket", message)
                .because(source)
                .hint("Start entrad without \"Run as administrator\", as you start entra."),
        }
    }
}

/// How long all ends of the pipe may stay taken. The daemon offers a new one as soon as one is taken, so this
/// is for a crowd.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use rstest::rstest;
    use windows_sys::Win32::Foundation::ERROR_INVALID_OWNER;

    use super::super::listen::{listen, listen_as};
    use super::*;

    const MOMENT: Duration = Duration::from_millis(100);
    const PATIENCE: Duration = Duration::from_secs(20);

    #[rstest]
    #[case(ERROR_FILE_NOT_FOUND, exit::NO_DAEMON)]
    #[case(ERROR_PIPE_BUSY, exit::LATER)]
    #[case(ERROR_SEM_TIMEOUT, exit::LATER)]
    #[case(ERROR_ACCESS_DENIED, exit::REFUSED)]
    fn each_error_has_its_exit_status(#[case] code: u32, #[case] exit: u8) {
        let error = io::Error::from_raw_os_error(code.cast_signed());
        assert_eq!(Failure::from(ConnectError::from_error(Path::new(r"\\.\pipe\x"), error)).exit(), exit);
    }

    #[test]
    fn a_foreign_server_is_named_and_refused() {
        let name = PathBuf::from(r"\\.\pipe\x");
        let server = ConnectError::ForeignServer { name: name.clone(), user: "S-1-5-7".to_owned() };
        let pipe = ConnectError::ForeignPipe { name: name.clone(), owner: "S-1-5-7".to_owned() };
        let unknown = ConnectError::Unknown { name, source: io::ErrorKind::PermissionDenied.into() };
        for error in [server, pipe, unknown] {
            assert!(
                error.to_string().contains(r"\\.\pipe\x") && error.to_string().contains("nothing was sent")
            );
            assert_eq!(Failure::from(error).exit(), exit::REFUSED);
        }
    }

    #[test]
    fn our_own_server_is_taken_once_it_has_a_free_end() {
        let (mut listener, address) = listen();
        let first = open(&address.path(), PATIENCE, PATIENCE).unwrap();
        assert!(matches!(open(&address.path(), MOMENT, PATIENCE), Err(ConnectError::Full)));
        let name = address.path();
        let (tell, second) = channel();
        thread::spawn(move || tell.send(open(&name, PATIENCE, PATIENCE)));
        assert!(second.recv_timeout(MOMENT).is_err(), "no end is free");
        let _server = listener.accept();
        second.recv_timeout(PATIENCE).unwrap().unwrap();
        drop(first);
    }

    #[test]
    fn a_pipe_of_another_owner_is_refused() {
        // That of the administrators, which only they can give.
        match listen_as("BA") {
            Ok((_listener, address)) => {
                let error = open(&address.path(), PATIENCE, PATIENCE).unwrap_err();
                assert!(error.to_string().contains("belongs to user S-1-5-32-544"), "{error}");
            }
            Err(error) => assert_eq!(error.raw_os_error(), Some(ERROR_INVALID_OWNER.cast_signed())),
        }
    }
}
