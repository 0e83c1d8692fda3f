//! The serving side of a named pipe, for whoever plays the daemon.
#![allow(unsafe_code, reason = "pipes are served with functions of Windows")]

use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{ERROR_PIPE_CONNECTED, FALSE, INVALID_HANDLE_VALUE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::Storage::FileSystem::PIPE_ACCESS_DUPLEX;
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE,
    PIPE_WAIT,
};

/// A new end of the pipe, with the security descriptor of this text. It never has more than so many ends.
pub(crate) fn new_end(name: &str, security: &str, most_ends: u32) -> io::Result<File> {
    let wide = |text: &str| text.encode_utf16().chain([0]).collect::<Vec<_>>();
    let (name, security) = (wide(name), wide(security));
    let mut descriptor = null_mut();
    // SAFETY: the text ends with a zero, and `descriptor` is ours to be set.
    let is_made = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            security.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            null_mut(),
        )
    };
    if is_made == 0 {
        return Err(io::Error::last_os_error());
    }
    let security = SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
        lpSecurityDescriptor: descriptor,
        bInheritHandle: FALSE,
    };
    // SAFETY: the name ends with a zero, the descriptor is freed, once, after the call, and nobody else closes the
    // handle.
    unsafe {
        let pipe = CreateNamedPipeW(
            name.as_ptr(),
            PIPE_ACCESS_DUPLEX,
            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            most_ends,
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

/// Waits until somebody has opened the other side.
pub(crate) fn wait_for_caller(end: &File) -> io::Result<()> {
    // SAFETY: the pipe is open, and a null pointer asks for the call to wait.
    let is_connected = unsafe { ConnectNamedPipe(end.as_raw_handle(), null_mut()) } != 0;
    let error = io::Error::last_os_error();
    let was_connected = error.raw_os_error() == Some(ERROR_PIPE_CONNECTED.cast_signed());
    if is_connected || was_connected { Ok(()) } else { Err(error) }
}

const BUFFER: u32 = 64 * 1024;
