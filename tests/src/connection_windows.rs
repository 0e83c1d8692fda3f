//! Named pipes, on a runtime that all of them share: a pipe without one blocks for as long as the other end likes.
#![expect(unsafe_code, reason = "making a pipe with an access list has no safe interface")]

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use entrad::windows::{Descriptor, Sid};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeServer, ServerOptions};
use tokio::runtime::Runtime;
use windows_sys::Win32::Foundation::ERROR_PIPE_BUSY;

use super::READ_LIMIT;
use crate::env::Env;

/// One end of a connection. Its reads end in time, as `set_read_timeout` says.
pub struct Connection {
    pipe: Box<dyn Pipe>,
    read_limit: Duration,
}

trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// Something that is not entrad and listens where it could be.
pub struct Listener {
    pipe: std::cell::Cell<Option<NamedPipeServer>>,
    name: PathBuf,
}

/// As a caller does: while every instance is taken, the next one is about to be made.
pub(super) fn open(socket: &Path) -> io::Result<Connection> {
    let _runtime = RUNTIME.enter();
    let deadline = Instant::now() + READ_LIMIT;
    loop {
        match ClientOptions::new().open(socket) {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(1));
            }
            opened => return opened.map(|pipe| Connection::new(Box::new(pipe))),
        }
    }
}

fn is_busy(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ERROR_PIPE_BUSY.cast_signed())
}

impl Connection {
    fn new(pipe: Box<dyn Pipe>) -> Self {
        Self { pipe, read_limit: READ_LIMIT }
    }

    /// How long a read waits; none is the longest that any test waits.
    ///
    /// # Errors
    /// None; sockets have some.
    pub fn set_read_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
        self.read_limit = limit.unwrap_or(READ_LIMIT);
        Ok(())
    }
}

impl Read for Connection {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        RUNTIME.block_on(async {
            match tokio::time::timeout(self.read_limit, self.pipe.read(into)).await {
                // The other end has gone, and all that it wrote was read.
                Ok(Err(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(0),
                Ok(read) => read,
                // What a socket's timeout is.
                Err(_) => Err(ErrorKind::WouldBlock.into()),
            }
        })
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        RUNTIME.block_on(async {
            let written = tokio::time::timeout(READ_LIMIT, self.pipe.write(bytes)).await;
            written.unwrap_or(Err(ErrorKind::WouldBlock.into()))
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        RUNTIME.block_on(self.pipe.flush())
    }
}

impl Listener {
    /// Listens in this environment, beside the daemon's own pipe.
    ///
    /// # Panics
    /// When that is not possible.
    #[must_use]
    pub fn new(env: &Env) -> Self {
        let name = env.socket_named("foreign");
        let _runtime = RUNTIME.enter();
        // The client looks at the owner before it says a word.
        let descriptor = Descriptor::of_user_alone(&Sid::ours().expect("a user")).expect("a descriptor");
        let mut attributes = descriptor.attributes();
        let mut options = ServerOptions::new();
        let options = options.first_pipe_instance(true);
        // SAFETY: the attributes are a SECURITY_ATTRIBUTES, and they and the descriptor they point to outlive the call.
        let pipe =
            unsafe { options.create_with_security_attributes_raw(&name, (&raw mut attributes).cast()) };
        Self { pipe: Some(pipe.expect("a pipe")).into(), name }
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.name
    }

    /// Waits for the one caller that it takes.
    ///
    /// # Panics
    /// When none can come.
    #[must_use]
    pub fn accept(&self) -> Connection {
        let pipe = self.pipe.take().expect("one caller");
        RUNTIME.block_on(pipe.connect()).expect("a caller");
        Connection::new(Box::new(pipe))
    }
}

/// Its worker watches the pipes; whoever reads or writes waits on its own thread.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime")
});
