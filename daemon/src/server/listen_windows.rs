//! The named pipe: ours from its first instance on, open to our user alone, closed to other machines.
//!
//! A pipe's name belongs to whoever makes its first instance. So that instance is made as the first or not at all,
//! and its owner is looked at; one instance waits idle at any time, so that the name is never free again.
//! Source: learn.microsoft.com, "Named Pipe Security and Access Rights" and "CreateNamedPipeW function".
#![expect(unsafe_code, reason = "making a pipe with an access list has no safe interface")]

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_NO_DATA, ERROR_PIPE_BUSY};
use windows_sys::Win32::Storage::FileSystem::{FILE_READ_ATTRIBUTES, READ_CONTROL, SECURITY_ANONYMOUS};
use windows_sys::Win32::System::Pipes::GetNamedPipeServerProcessId;

use super::connections::Opening;
use crate::windows::{AccessList, Descriptor, ObjectKind, Sid, program_of};

/// A pipe that callers can open; its name is free again when this and all connections are dropped.
#[derive(Debug)]
pub struct Listener {
    name: PathBuf,
    user: Sid,
    /// Waits for the next caller.
    idle: NamedPipeServer,
}

/// Why the pipe cannot be had. Each message names it and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another daemon of ours is there.
    #[error(
        "Another entrad is running ({holder}) and serves {name}. Stop it first, or use it: `entra status`."
    )]
    Held {
        /// The pipe.
        name: PathBuf,
        /// Which process.
        holder: String,
    },
    /// Making or looking at it failed.
    #[error("The pipe {name} cannot be made: {reason}.")]
    Io {
        /// The pipe.
        name: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The setting names no pipe.
    #[error(r"{0} is no pipe of this machine; name one as \\.\pipe\NAME by --socket.")]
    NotAPipe(PathBuf),
    /// Somebody else has the name.
    #[error(
        "The pipe {name} exists already and is another program's ({holder}). Callers could be deceived by it: find out what it is and stop it, or name another pipe by --socket."
    )]
    Taken {
        /// The pipe.
        name: PathBuf,
        /// Whose it is.
        holder: String,
    },
}

impl ListenError {
    /// Whether another daemon holds the pipe.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }
}

impl Listener {
    /// Never called: nobody hands pipes over here.
    ///
    /// # Errors
    /// None.
    pub fn adopt(handed: Infallible, _: &Path) -> Result<Self, ListenError> {
        match handed {}
    }

    /// Makes the pipe `name` with an access list for our user alone, refusing callers from other machines.
    ///
    /// # Errors
    /// [`ListenError`]; a name that is taken is left alone.
    pub async fn bind(name: &Path) -> Result<Self, ListenError> {
        let failed = |reason| ListenError::Io { name: name.to_owned(), reason };
        if !name.to_string_lossy().to_ascii_lowercase().starts_with(PIPES) {
            return Err(ListenError::NotAPipe(name.to_owned()));
        }
        let user = Sid::ours().map_err(failed)?;
        // The first instance's flag says so too, and without a gap; Wine ignores it.
        match look(name).await {
            Ok(pipe) => return Err(taken(name, &user, Some(&pipe))),
            Err(error) if is(&error, ERROR_ACCESS_DENIED) || is(&error, ERROR_PIPE_BUSY) => {
                return Err(taken(name, &user, None));
            }
            Err(_) => {}
        }
        let idle = match instance(name, &user, true) {
            Ok(idle) => idle,
            Err(error) if is(&error, ERROR_ACCESS_DENIED) || is(&error, ERROR_PIPE_BUSY) => {
                return Err(taken(name, &user, look(name).await.ok().as_ref()));
            }
            Err(error) => return Err(failed(error)),
        };
        let list = AccessList::of(as_handle(&idle), ObjectKind::Kernel).map_err(failed)?;
        if !list.is_owned_by(&user) || list.is_open_to_others_than(&user) {
            return Err(ListenError::Taken { name: name.to_owned(), holder: list.owner().to_owned() });
        }
        Ok(Self { name: name.to_owned(), user, idle })
    }

    /// The next connection. Errors of single connections are passed over; when no further instance can be made it
    /// waits a moment instead of spinning.
    pub(super) async fn accept(&mut self) -> NamedPipeServer {
        loop {
            match self.idle.connect().await {
                Ok(()) => match instance(&self.name, &self.user, false) {
                    Ok(next) => return std::mem::replace(&mut self.idle, next),
                    Err(error) => self.pause(&error).await,
                },
                // The caller had gone again before its turn.
                Err(error) if is(&error, ERROR_NO_DATA) => {}
                Err(error) => self.pause(&error).await,
            }
            // The instance stays ours and waits for another caller: given up, it would set the name free.
            if let Err(error) = self.idle.disconnect() {
                self.pause(&error).await;
            }
        }
    }

    /// One more that waits by now.
    pub(super) fn accept_waiting(&mut self) -> Waiting {
        self.accept().now_or_never().map_or(Waiting::Nobody, Waiting::Caller)
    }

    async fn pause(&self, error: &io::Error) {
        tracing::warn!(%error, "no connection could be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// What came of asking who waits. Of a pipe it is not told whether anybody is still there.
pub(super) enum Waiting {
    Caller(NamedPipeServer),
    #[expect(dead_code, reason = "other systems tell")]
    Gone,
    Nobody,
}

impl Opening for NamedPipeServer {
    async fn opened(&self) -> bool {
        // What it says, or that it is gone, is found by whoever reads.
        self.readable().await.is_ok()
    }
}

/// Whether nobody is there any more who could hear an answer, which a pipe tells only to who reads from it.
pub(super) fn is_gone(_: &NamedPipeServer) -> bool {
    false
}

/// A quarter of a second in all.
const MOST_LOOKS: u32 = 10;
const LOOK_PAUSE: Duration = Duration::from_millis(25);

/// Long enough for other connections to end and give memory back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How the name of a pipe of this machine begins.
const PIPES: &str = r"\\.\pipe\";

fn instance(name: &Path, user: &Sid, is_first: bool) -> io::Result<NamedPipeServer> {
    let descriptor = Descriptor::of_user_alone(user)?;
    let mut attributes = descriptor.attributes();
    let mut options = ServerOptions::new();
    options.first_pipe_instance(is_first).reject_remote_clients(true);
    // SAFETY: the attributes are a SECURITY_ATTRIBUTES, and they and the descriptor they point to outlive the call.
    unsafe { options.create_with_security_attributes_raw(name, (&raw mut attributes).cast()) }
}

/// Opens the pipe to look at it alone. The other end learns nothing of us but that we looked.
async fn look(name: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES).security_qos_flags(SECURITY_ANONYMOUS);
    let mut looks = 0;
    loop {
        looks += 1;
        match options.open(name) {
            // Its server has not made the next instance yet.
            Err(error) if is(&error, ERROR_PIPE_BUSY) && looks < MOST_LOOKS => {
                tokio::time::sleep(LOOK_PAUSE).await;
            }
            looked => return looked,
        }
    }
}

/// Who has the name, as far as the system tells by the pipe.
fn taken(name: &Path, user: &Sid, pipe: Option<&File>) -> ListenError {
    let Some(pipe) = pipe else {
        return ListenError::Taken { name: name.to_owned(), holder: "it does not let us look".to_owned() };
    };
    let owner = AccessList::of(pipe.as_handle(), ObjectKind::Kernel);
    let mut pid = 0;
    // SAFETY: the handle is that of an open pipe, and `pid` is ours to write.
    let is_told = unsafe { GetNamedPipeServerProcessId(pipe.as_raw_handle(), &raw mut pid) } != 0;
    let program = if is_told { program_of(pid).ok() } else { None };
    let shown = program.as_ref().map_or_else(|| "a program".to_owned(), |path| path.display().to_string());
    let process = if is_told { format!("{shown}, process {pid}") } else { "process unknown".to_owned() };
    match owner {
        Ok(owner) if owner.is_owned_by(user) && program.as_deref().is_some_and(is_named_as_we_are) => {
            ListenError::Held { name: name.to_owned(), holder: process }
        }
        Ok(owner) => ListenError::Taken {
            name: name.to_owned(),
            holder: format!("{process}, of user {}", owner.owner()),
        },
        Err(_) => ListenError::Taken { name: name.to_owned(), holder: process },
    }
}

/// Whether that program would be another one of ours.
fn is_named_as_we_are(program: &Path) -> bool {
    let name = |path: &Path| path.file_name().map(OsStr::to_ascii_lowercase);
    std::env::current_exe().is_ok_and(|ours| name(&ours) == name(program))
}

fn as_handle(pipe: &NamedPipeServer) -> BorrowedHandle<'_> {
    // SAFETY: the handle is open for as long as the pipe is borrowed.
    unsafe { BorrowedHandle::borrow_raw(pipe.as_raw_handle()) }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};
    use windows_sys::Win32::Foundation::ERROR_FILE_NOT_FOUND;

    use super::*;

    fn name(test: &str) -> PathBuf {
        PathBuf::from(format!(r"\\.\pipe\entrad-test-{test}-{}", std::process::id()))
    }

    /// As a caller does: while every instance is taken, the next one is about to be made.
    async fn connect(name: &Path) -> NamedPipeClient {
        loop {
            match ClientOptions::new().open(name) {
                Err(error) if is(&error, ERROR_PIPE_BUSY) => tokio::task::yield_now().await,
                other => return other.unwrap(),
            }
        }
    }

    #[tokio::test]
    async fn callers_one_after_the_other_and_at_once_are_served() {
        let name = name("serve");
        let mut listener = Listener::bind(&name).await.unwrap();
        let server = tokio::spawn(async move {
            for _ in 0..20 {
                let mut stream = listener.accept().await;
                tokio::spawn(async move {
                    let byte = stream.read_u8().await.unwrap();
                    stream.write_u8(byte + 1).await.unwrap();
                    stream.flush().await.unwrap();
                });
            }
            listener
        });
        let mut clients = Vec::new();
        for byte in 0..20 {
            let mut client = connect(&name).await;
            client.write_u8(byte).await.unwrap();
            clients.push((byte, client));
        }
        for (byte, mut client) in clients {
            assert_eq!(client.read_u8().await.unwrap(), byte + 1);
        }
        drop(server.await.unwrap());
        let gone = ClientOptions::new().open(&name).unwrap_err();
        assert!(is(&gone, ERROR_FILE_NOT_FOUND), "{gone}");
    }

    #[tokio::test]
    async fn a_caller_that_is_gone_before_its_turn_costs_nothing() {
        let name = name("gone");
        let mut listener = Listener::bind(&name).await.unwrap();
        drop(ClientOptions::new().open(&name).unwrap());
        let caller = tokio::spawn({
            let name = name.clone();
            async move {
                let mut client = connect(&name).await;
                client.write_all(b"x").await.unwrap();
                client
            }
        });
        let mut read = Vec::new();
        while read.is_empty() {
            let mut stream = listener.accept().await;
            let _ended = stream.read_buf(&mut read).await;
        }
        assert_eq!(read, b"x");
        drop(caller.await.unwrap());
    }

    #[tokio::test]
    async fn the_pipe_is_open_to_us_alone() {
        let ours = Sid::ours().unwrap();
        let listener = Listener::bind(&name("list")).await.unwrap();
        let list = AccessList::of(as_handle(&listener.idle), ObjectKind::Kernel).unwrap();
        assert!(list.is_owned_by(&ours) && !list.is_open_to_others_than(&ours), "{list:?}");
    }

    #[tokio::test]
    async fn a_name_that_is_taken_is_told_with_its_holder() {
        let name = name("taken");
        let _first = Listener::bind(&name).await.unwrap();
        let error = Listener::bind(&name).await.unwrap_err();
        let text = error.to_string();
        assert!(error.is_held() && text.contains(&format!("process {}", std::process::id())), "{text}");
    }

    #[tokio::test]
    async fn what_is_no_pipe_of_this_machine_is_refused() {
        for name in [r"\\server\pipe\entrad", r"C:\entrad.sock"] {
            assert!(matches!(Listener::bind(Path::new(name)).await, Err(ListenError::NotAPipe(_))));
        }
    }
}
