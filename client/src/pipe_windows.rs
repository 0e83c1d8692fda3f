//! A connection over a named pipe whose reads and writes end in time.
//!
//! The system has no time-outs for pipes, so each transfer is begun, waited for, and called back when the wait
//! is over. The one hard rule: memory that a transfer may still use is not given up before it has ended.
#![expect(unsafe_code, reason = "transfers that can be called back are functions of Windows")]

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_IO_PENDING, ERROR_OPERATION_ABORTED, ERROR_PIPE_NOT_CONNECTED, FALSE, HANDLE,
    TRUE,
};
use windows_sys::Win32::Storage::FileSystem::{ReadFile, WriteFile};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, GetOverlappedResultEx, OVERLAPPED};
use windows_sys::Win32::System::Pipes::{GetNamedPipeServerProcessId, WaitNamedPipeW};
use windows_sys::Win32::System::Threading::CreateEventW;
use windows_sys::core::BOOL;

/// A connection.
#[derive(Debug)]
pub(crate) struct Stream {
    pipe: File,
    /// Set by the system when a transfer ends.
    ended: OwnedHandle,
    send: Duration,
    receive: Duration,
}

impl Stream {
    /// The connection over a pipe that was opened for overlapped transfers. `send` bounds each write, `receive`
    /// each read.
    pub(super) fn new(pipe: File, send: Duration, receive: Duration) -> io::Result<Self> {
        // SAFETY: it takes no pointer but null.
        let ended = unsafe { CreateEventW(null(), TRUE, FALSE, null()) };
        if ended.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle was just opened, and nobody else closes it.
        let ended = unsafe { OwnedHandle::from_raw_handle(ended) };
        Ok(Self { pipe, ended, send, receive })
    }

    /// The id of the process that serves the other end.
    pub(super) fn server_process(&self) -> io::Result<u32> {
        let mut id = 0;
        // SAFETY: the pipe is open, and `id` is ours to be set.
        if unsafe { GetNamedPipeServerProcessId(self.pipe.as_raw_handle(), &raw mut id) } == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(id)
    }

    /// Begins a transfer with `begin`, which gets the pipe and what tells about the transfer, and waits for its
    /// end, for at most `patience`. Returns how many bytes went over.
    fn transfer(
        &self,
        patience: Duration,
        begin: impl FnOnce(HANDLE, *mut OVERLAPPED) -> BOOL,
    ) -> io::Result<usize> {
        let pipe = self.pipe.as_raw_handle();
        let mut transfer = OVERLAPPED { hEvent: self.ended.as_raw_handle(), ..OVERLAPPED::default() };
        let transfer = &raw mut transfer;
        if begin(pipe, transfer) == 0 {
            let error = io::Error::last_os_error();
            if !is(&error, ERROR_IO_PENDING) {
                return Err(error);
            }
        }
        let mut count = 0;
        // SAFETY: pipe and event stay open, and `transfer` stays where it is until the transfer has ended: if
        // it has not by the first wait's end, it is called back, and the second wait lasts until it has.
        unsafe {
            if GetOverlappedResultEx(pipe, transfer, &raw mut count, milliseconds(patience), FALSE) != 0 {
                return Ok(count as usize);
            }
            CancelIoEx(pipe, transfer);
            if GetOverlappedResult(pipe, transfer, &raw mut count, TRUE) != 0 {
                return Ok(count as usize);
            }
        }
        let error = io::Error::last_os_error();
        Err(if is(&error, ERROR_OPERATION_ABORTED) { ErrorKind::TimedOut.into() } else { error })
    }
}

impl AsHandle for Stream {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.pipe.as_handle()
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = u32::try_from(into.len()).unwrap_or(u32::MAX);
        let read = self.transfer(self.receive, |pipe, transfer| {
            // SAFETY: `into` has at least this length and outlives the transfer, as `transfer` does.
            unsafe { ReadFile(pipe, into.as_mut_ptr(), length, null_mut(), transfer) }
        });
        match read {
            // The server has closed its end, and all that it wrote was read.
            Err(error) if is(&error, ERROR_BROKEN_PIPE) || is(&error, ERROR_PIPE_NOT_CONNECTED) => Ok(0),
            read => read,
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.transfer(self.send, |pipe, transfer| {
            // SAFETY: `bytes` has at least this length and outlives the transfer, as `transfer` does.
            unsafe { WriteFile(pipe, bytes.as_ptr(), length, null_mut(), transfer) }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits until the pipe of this name has an end that nobody has taken, for at most `patience`. By the time it
/// is opened another may have taken it.
pub(super) fn wait_for_free_end(name: &Path, patience: Duration) -> io::Result<()> {
    let name: Vec<u16> = name.as_os_str().encode_wide().chain([0]).collect();
    // Zero would mean the time that the server thinks best.
    // SAFETY: the name ends with a zero.
    if unsafe { WaitNamedPipeW(name.as_ptr(), milliseconds(patience).max(1)) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

/// A wait in the system's unit; the longest is three weeks, since above stands the sign of an endless one.
fn milliseconds(patience: Duration) -> u32 {
    u32::try_from(patience.as_millis()).unwrap_or(u32::MAX).min(i32::MAX.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::os::windows::fs::OpenOptionsExt;
    use std::thread;
    use std::time::Instant;

    use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OVERLAPPED;

    use super::super::listen::{Address, Connection, listen};
    use super::*;

    const MOMENT: Duration = Duration::from_millis(100);
    const PATIENCE: Duration = Duration::from_secs(20);

    fn open(address: &Address) -> Stream {
        let options = OpenOptions::new().read(true).write(true).custom_flags(FILE_FLAG_OVERLAPPED).clone();
        Stream::new(options.open(address.path()).unwrap(), MOMENT, MOMENT).unwrap()
    }

    /// Both ends of a new pipe.
    fn connected() -> (Stream, Connection) {
        let (mut listener, address) = listen();
        let accepted = thread::spawn(move || listener.accept());
        let stream = open(&address);
        (stream, accepted.join().unwrap())
    }

    #[test]
    fn a_read_ends_in_time_and_takes_nothing_that_comes_later() {
        let (mut stream, mut server) = connected();
        let mut bytes = [0; 8];
        let start = Instant::now();
        assert_eq!(stream.read(&mut bytes).unwrap_err().kind(), ErrorKind::TimedOut);
        assert!((MOMENT..PATIENCE).contains(&start.elapsed()), "{:?}", start.elapsed());
        server.write_all(b"late").unwrap();
        assert_eq!(stream.read(&mut bytes).unwrap(), 4);
        assert_eq!(&bytes[..4], b"late");
    }

    #[test]
    fn a_write_to_a_server_that_does_not_read_ends_in_time() {
        let (mut stream, _server) = connected();
        let error = stream.write_all(&vec![0; 4 << 20]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn what_was_written_is_read_to_the_end_when_the_server_has_gone() {
        let (mut stream, mut server) = connected();
        server.write_all(&[7; 5000]).unwrap();
        drop(server);
        let mut bytes = Vec::new();
        assert_eq!(stream.read_to_end(&mut bytes).unwrap(), 5000);
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        assert_eq!(stream.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn the_server_is_this_process() {
        let (stream, _server) = connected();
        assert_eq!(stream.server_process().unwrap(), std::process::id());
    }
}
