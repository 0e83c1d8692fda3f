//! The fake's named pipe, with the security descriptor that entrad gives its own.
#![allow(unsafe_code, reason = "pipes are served with functions of Windows")]

use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::path::PathBuf;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering};

use windows_sys::Win32::Foundation::{ERROR_PIPE_CONNECTED, FALSE, INVALID_HANDLE_VALUE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::Storage::FileSystem::PIPE_ACCESS_DUPLEX;
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE,
    PIPE_UNLIMITED_INSTANCES, PIPE_WAIT,
};

use super::sid::Sid;

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
        // SAFETY: the pipe is open, and a null pointer asks for the call to wait.
        let is_connected = unsafe { ConnectNamedPipe(end.as_raw_handle(), null_mut()) } != 0;
        let error = io::Error::last_os_error();
        assert!(is_connected || error.raw_os_error() == Some(ERROR_PIPE_CONNECTED.cast_signed()), "{error}");
        self.free = Some(self.new_end().unwrap());
        end
    }

    fn new_end(&self) -> io::Result<File> {
        let wide = |text: &str| text.encode_utf16().chain([0]).collect::<Vec<_>>();
        let sddl = wide(&format!("O:{0}D:P(A;;GA;;;{0})", self.owner));
        let mut descriptor = null_mut();
        // SAFETY: the text ends with a zero, and `descriptor` is ours to be set.
        let is_made = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                sddl.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                null_mut(),
            )
        };
        if is_made == 0 {
            return Err(io::Error::last_os_error());
        }
        let security = SECURITY_ATTRIBUTES {
            nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap(),
            lpSecurityDescriptor: descriptor,
            bInheritHandle: FALSE,
        };
        let name = wide(&self.name);
        // SAFETY: the name ends with a zero, and the descriptor is freed, once, after the call.
        unsafe {
            let pipe = CreateNamedPipeW(
                name.as_ptr(),
                PIPE_ACCESS_DUPLEX,
                PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                PIPE_UNLIMITED_INSTANCES,
                BUFFER,
                BUFFER,
                0,
                &raw const security,
            );
            let error = io::Error::last_os_error();
            LocalFree(descriptor);
            if pipe == INVALID_HANDLE_VALUE { Err(error) } else { Ok(File::from_raw_handle(pipe)) }
        }
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

const BUFFER: u32 = 64 * 1024;
