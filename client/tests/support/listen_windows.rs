//! The fake's named pipe, with the security descriptor that entrad gives its own.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use windows_sys::Win32::System::Pipes::PIPE_UNLIMITED_INSTANCES;

use self::pipe_end::{new_end, wait_for_caller};
use super::sid::Sid;

#[path = "pipe_end_windows.rs"]
mod pipe_end;

/// An accepted connection.
pub(crate) type Connection = File;

/// Accepts connections.
pub(crate) struct Listener {
    name: String,
    owner: String,
    free: Option<File>,
}

/// Where it listens.
pub(crate) struct Address(PathBuf);

/// Listens where nobody else does.
pub(crate) fn listen() -> (Listener, Address) {
    let own = Sid::of_this_process().unwrap().to_string();
    listen_as(&own).unwrap()
}

/// Listens with a pipe that belongs to `owner`, a SID.
pub(crate) fn listen_as(owner: &str) -> io::Result<(Listener, Address)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!(r"\\.\pipe\entra-test-{}-{number}", std::process::id());
    let path = PathBuf::from(&name);
    let mut listener = Listener { name, owner: owner.to_owned(), free: None };
    listener.free = Some(listener.new_end()?);
    Ok((listener, Address(path)))
}

impl Listener {
    /// The next connection. A new end is free before this one is served, so that the pipe is always there.
    pub(crate) fn accept(&mut self) -> Connection {
        let end = self.free.take().unwrap();
        wait_for_caller(&end).unwrap();
        self.free = Some(self.new_end().unwrap());
        end
    }

    fn new_end(&self) -> io::Result<File> {
        let security = format!("O:{0}D:P(A;;GA;;;{0})", self.owner);
        new_end(&self.name, &security, PIPE_UNLIMITED_INSTANCES)
    }
}

impl Address {
    /// The pipe's name.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.clone()
    }
}

/// An address at which nobody listens.
pub(crate) const NOWHERE: &str = r"\\.\pipe\entra-test-nowhere";

/// What a person is told to do when nobody listens.
pub(crate) const HOW_TO_START: &str = "Start it with `start entrad`.";
