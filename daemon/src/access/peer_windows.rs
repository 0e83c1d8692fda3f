//! The other end of a named pipe: the process that opened it, and the user of that process' token.
//!
//! The pipe's own access list lets nobody but our user open it; this is the second look. A process that ended
//! meanwhile is nobody, and is refused.
#![expect(unsafe_code, reason = "asking a pipe for its client has no safe interface")]

use std::io;
use std::os::windows::io::AsRawHandle;

use tokio::net::windows::named_pipe::NamedPipeServer;
use windows_sys::Win32::System::Pipes::GetNamedPipeClientProcessId;

use super::caller::Stranger;
use crate::windows::Sid;

/// A connection from a caller.
pub type Stream = NamedPipeServer;

/// The process at the other end, once it is known to run as our own user.
pub(super) fn checked(stream: &Stream) -> Result<Option<u32>, Stranger> {
    let mut pid = 0;
    // SAFETY: the handle is that of a live pipe, and `pid` is ours to write.
    if unsafe { GetNamedPipeClientProcessId(stream.as_raw_handle(), &raw mut pid) } == 0 {
        return Err(Stranger::Unknown(io::Error::last_os_error()));
    }
    let user = Sid::of_process(pid).map_err(Stranger::Unknown)?;
    if user != Sid::ours().map_err(Stranger::Unknown)? {
        return Err(Stranger::OtherUser(user.to_string()));
    }
    Ok(Some(pid))
}

#[cfg(test)]
pub(super) mod tests {
    use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, ServerOptions};

    use super::*;

    pub(in crate::access) async fn pair() -> (Stream, NamedPipeClient) {
        let name = format!(r"\\.\pipe\entrad-test-peer-{}", std::process::id());
        let server = ServerOptions::new().create(&name).unwrap();
        let client = ClientOptions::new().open(&name).unwrap();
        server.connect().await.unwrap();
        (server, client)
    }
}
