//! macOS: not noticed. The system tells a run loop (SystemConfiguration), which this daemon has not; a request
//! that fails and one that comes through again are noticed all the same.

use std::convert::Infallible;
use std::io;

/// A subscription to changes of the network; there is none.
#[derive(Debug)]
pub struct Watch(Infallible);

impl Watch {
    /// Subscribes.
    ///
    /// # Errors
    /// Always: `Unsupported`.
    pub fn start() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Waits for a change.
    ///
    /// # Errors
    /// None: there is no subscription to break.
    pub async fn changed(&self) -> io::Result<()> {
        match self.0 {}
    }
}
