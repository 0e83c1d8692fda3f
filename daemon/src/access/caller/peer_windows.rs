//! The other end of a named pipe: the process that opened it, and the user of that process' token.
//!
//! The pipe's own access list lets nobody but our user open it; this is the second look. A process that was started as
//! administrator may be closed to us: then the pipe itself says who opened it.
//! Source: learn.microsoft.com, "ImpersonateNamedPipeClient function" and "Client Impersonation".
#![expect(unsafe_code, reason = "asking a pipe for its client has no safe interface")]

use std::io;
use std::os::windows::io::AsRawHandle;
use std::process;

use tokio::net::windows::named_pipe::NamedPipeServer;
use windows_sys::Win32::Security::RevertToSelf;
use windows_sys::Win32::System::Pipes::{GetNamedPipeClientProcessId, ImpersonateNamedPipeClient};

use super::Stranger;
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
    let user = Sid::of_process(pid).or_else(|closed| user_by_the_pipe(stream).map_err(|_| closed));
    let user = user.map_err(Stranger::Unknown)?;
    if user != Sid::ours().map_err(Stranger::Unknown)? {
        return Err(Stranger::OtherUser(user.to_string()));
    }
    Ok(Some(pid))
}

/// Our own user, as the system writes it.
pub(super) fn our_user() -> Option<String> {
    Sid::ours().ok().map(|sid| sid.to_string())
}

/// The user as whom the pipe was opened. A caller that hides it (`SECURITY_ANONYMOUS`), or lets it change with each
/// write (`SECURITY_CONTEXT_TRACKING`), is not known before its first one.
fn user_by_the_pipe(stream: &Stream) -> io::Result<Sid> {
    // SAFETY: the handle is that of a live pipe.
    if unsafe { ImpersonateNamedPipeClient(stream.as_raw_handle()) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let user = Sid::of_this_thread();
    // SAFETY: it takes nothing.
    if unsafe { RevertToSelf() } == 0 {
        // The thread would go on as the caller.
        process::abort();
    }
    user
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, ServerOptions};

    use super::*;

    pub(in crate::access::caller) async fn pair() -> (Stream, NamedPipeClient) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!(r"\\.\pipe\entrad-test-peer-{}-{count}", process::id());
        let server = ServerOptions::new().create(&name).unwrap();
        let client = ClientOptions::new().open(&name).unwrap();
        server.connect().await.unwrap();
        (server, client)
    }

    #[tokio::test]
    async fn the_pipe_knows_its_user_before_a_word_is_said_and_we_stay_ourselves() {
        let (server, _client) = pair().await;
        assert_eq!(user_by_the_pipe(&server).unwrap(), Sid::ours().unwrap());
        assert!(Sid::of_this_thread().is_err(), "the thread is still another");
    }
}
