//! Standard output and standard error on Unix: two descriptors.

use std::io::{self, IsTerminal};
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::termios::tcgetwinsize;

/// One of the two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outlet(BorrowedFd<'static>);

impl Outlet {
    /// Standard output.
    pub(crate) fn output() -> Self {
        Self(rustix::stdio::stdout())
    }

    /// Standard error.
    pub(crate) fn errors() -> Self {
        Self(rustix::stdio::stderr())
    }

    /// Whether a person watches it.
    pub(crate) fn is_terminal(self) -> bool {
        self.0.is_terminal()
    }

    /// Whether a terminal knows colours; what terminals in use do not is said in the environment.
    pub(crate) fn obeys_escape_sequences(self) -> bool {
        true
    }

    /// A terminal's width in characters, where it tells one.
    pub(crate) fn width(self) -> Option<usize> {
        let columns = tcgetwinsize(self.0).ok()?.ws_col;
        (columns > 0).then(|| usize::from(columns))
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// The system's; a closed pipe is one (`BrokenPipe`).
    pub(crate) fn write_all(self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(self.0, bytes) {
                Ok(0) => return Err(Errno::IO.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}
