//! Users, by the security identifier of a process' token.
//!
//! Source: learn.microsoft.com, "Security identifiers" and "Access Rights for Access-Token Objects".
#![expect(unsafe_code, reason = "tokens of processes have no safe interface")]

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::PathBuf;
use std::process;
use std::ptr::null_mut;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{FILETIME, HANDLE, LocalFree, STILL_ACTIVE};
use windows_sys::Win32::Security::Authorization::ConvertSidToStringSidW;
use windows_sys::Win32::Security::{GetTokenInformation, TOKEN_QUERY, TOKEN_USER, TokenUser};
use windows_sys::Win32::System::Threading::{
    GetCurrentThread, GetExitCodeProcess, GetProcessTimes, OpenProcess, OpenProcessToken, OpenThreadToken,
    PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};

/// A user, as `S-1-5-21-…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sid(String);

impl Sid {
    /// The user that this process runs as, which never changes.
    ///
    /// # Errors
    /// As the system says.
    pub fn ours() -> io::Result<Self> {
        static OURS: OnceLock<Sid> = OnceLock::new();
        if let Some(ours) = OURS.get() {
            return Ok(ours.clone());
        }
        let ours = Self::of_process(process::id())?;
        Ok(OURS.get_or_init(|| ours).clone())
    }

    /// The user that a process runs as.
    ///
    /// # Errors
    /// Where there is no such process, or it may not be asked.
    pub fn of_process(pid: u32) -> io::Result<Self> {
        let process = open(pid)?;
        let mut token = null_mut();
        // SAFETY: the process' handle is open, and `token` is ours to write.
        if unsafe { OpenProcessToken(process.as_raw_handle(), TOKEN_QUERY, &raw mut token) } == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so this is an open handle that nothing else closes.
        of_token(&unsafe { OwnedHandle::from_raw_handle(token) })
    }

    /// The user whom this thread acts as.
    ///
    /// # Errors
    /// Where it acts as nobody else, or that user is not told.
    pub fn of_this_thread() -> io::Result<Self> {
        let mut token = null_mut();
        // SAFETY: the pseudo handle is always valid, and `token` is ours to write. It is opened as the process: the
        // other user may have no right to.
        if unsafe { OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, AS_THE_PROCESS, &raw mut token) } == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so this is an open handle that nothing else closes.
        of_token(&unsafe { OwnedHandle::from_raw_handle(token) })
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The program that a process runs.
///
/// # Errors
/// Where there is no such process, or it may not be asked.
pub fn program_of(pid: u32) -> io::Result<PathBuf> {
    let process = open(pid)?;
    let mut name = vec![0_u16; LONGEST_PATH];
    let mut length = u32::try_from(name.len()).unwrap_or(0);
    // SAFETY: the handle is open; `name` is ours to write and as long as `length` says.
    let is_told = unsafe {
        QueryFullProcessImageNameW(
            process.as_raw_handle(),
            PROCESS_NAME_WIN32,
            name.as_mut_ptr(),
            &raw mut length,
        )
    };
    if is_told == 0 {
        return Err(io::Error::last_os_error());
    }
    name.truncate(usize::try_from(length).unwrap_or(0));
    Ok(OsString::from_wide(&name).into())
}

/// When a process was started, in units of 100 ns since 1601; nothing where it has ended.
///
/// # Errors
/// Where there is no such process, or it may not be asked.
pub fn started_on(pid: u32) -> io::Result<Option<u64>> {
    let process = open(pid)?;
    let mut times = [FILETIME::default(); 4];
    let [started, ended, in_kernel, in_program] = &mut times;
    // SAFETY: the handle is open, and each time is ours to write.
    if unsafe { GetProcessTimes(process.as_raw_handle(), started, ended, in_kernel, in_program) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let number = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    // The time of the end says nothing while it runs; the status does.
    let mut status = 0;
    // SAFETY: the handle is open, and the status is ours to write.
    let is_told = unsafe { GetExitCodeProcess(process.as_raw_handle(), &raw mut status) } != 0;
    let is_running = is_told && status == STILL_ACTIVE.cast_unsigned();
    Ok(is_running.then(|| number(times[0])))
}

fn open(pid: u32) -> io::Result<OwnedHandle> {
    // SAFETY: it takes numbers only.
    let process: HANDLE = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so this is an open handle that nothing else closes.
    Ok(unsafe { OwnedHandle::from_raw_handle(process) })
}

fn of_token(token: &OwnedHandle) -> io::Result<Sid> {
    // As words, for the alignment of the structure that the system writes.
    let mut buffer = [0_u64; TOKEN_USER_WORDS];
    let mut length = 0;
    // SAFETY: the token is open; the buffer is ours to write, of the length given, and aligned for a TOKEN_USER.
    let is_told = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            buffer.as_mut_ptr().cast(),
            u32::try_from(size_of_val(&buffer)).unwrap_or(0),
            &raw mut length,
        )
    };
    if is_told == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call wrote a TOKEN_USER there, whose identifier lies in the same buffer.
    let sid = unsafe { (*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid };
    let mut text = null_mut();
    // SAFETY: the identifier is whole, and `text` is ours to write.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call gave text that ends in zero, and it is ours to free.
    Ok(Sid(unsafe { take_text(text) }))
}

/// Copies text that the system allocated, and frees it.
///
/// # Safety
/// `text` points to units that end in zero, is ours to free with `LocalFree`, and is not used again.
pub(super) unsafe fn take_text(text: *mut u16) -> String {
    // SAFETY: as above, every unit up to the zero can be read.
    let units = unsafe {
        let length = (0..).take_while(|&at| *text.add(at) != 0).count();
        std::slice::from_raw_parts(text, length)
    };
    let copy = String::from_utf16_lossy(units);
    // SAFETY: as above.
    unsafe { LocalFree(text.cast()) };
    copy
}

const AS_THE_PROCESS: i32 = 1;

/// More than a `TOKEN_USER` and the longest identifier (68 bytes) take.
const TOKEN_USER_WORDS: usize = 16;

/// The longest path that the system knows, in UTF-16 units.
pub(super) const LONGEST_PATH: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_somebody_and_run_this_test() {
        let ours = Sid::ours().unwrap();
        assert!(ours.as_str().starts_with("S-1-"), "{ours}");
        assert_eq!(ours, Sid::of_process(process::id()).unwrap());
        let program = program_of(process::id()).unwrap();
        assert_eq!(program.file_name(), std::env::current_exe().unwrap().file_name());
    }

    #[test]
    fn nobody_is_an_error() {
        assert!(Sid::of_process(u32::MAX - 2).is_err());
        assert!(program_of(u32::MAX - 2).is_err());
    }
}
