//! Security identifiers (SIDs): who a user is, to Windows.
//!
//! One is compared by its bytes, which are a copy of our own, and shown in the text form that the pipe's name
//! has too.
#![expect(unsafe_code, reason = "tokens and security descriptors are read with functions of Windows")]

use std::fmt;
use std::io;
use std::mem::size_of_val;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr::null_mut;
use std::slice;

use windows_sys::Win32::Foundation::{ERROR_INVALID_SID, ERROR_SUCCESS, FALSE, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{GetSecurityInfo, SE_KERNEL_OBJECT};
use windows_sys::Win32::Security::{
    GetLengthSid, GetTokenInformation, IsValidSid, OWNER_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER,
    TokenUser,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, OpenProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION,
};

/// A SID in its binary form ([MS-DTYP] 2.4.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sid(Vec<u8>);

impl Sid {
    /// The user as whom this process runs.
    pub(super) fn of_this_process() -> io::Result<Self> {
        // SAFETY: it takes nothing and cannot fail; what it returns need not be closed.
        Self::of_token_of(unsafe { GetCurrentProcess() })
    }

    /// The user as whom the process with this id runs. An elevated process does not tell one that is not.
    pub(super) fn of_process(id: u32) -> io::Result<Self> {
        // SAFETY: it takes numbers alone.
        let process = owned(unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id) })?;
        Self::of_token_of(process.as_raw_handle())
    }

    /// The owner of a pipe, whichever process serves it.
    pub(super) fn of_owner(pipe: BorrowedHandle<'_>) -> io::Result<Self> {
        let (mut owner, mut descriptor) = (null_mut(), null_mut());
        // SAFETY: the handle is open while it is borrowed; `owner` and `descriptor` are ours to be set, and the
        // system takes null for those parts that are not asked for.
        let error = unsafe {
            GetSecurityInfo(
                pipe.as_raw_handle(),
                SE_KERNEL_OBJECT,
                OWNER_SECURITY_INFORMATION,
                &raw mut owner,
                null_mut(),
                null_mut(),
                null_mut(),
                &raw mut descriptor,
            )
        };
        if error != ERROR_SUCCESS {
            return Err(io::Error::from_raw_os_error(error.cast_signed()));
        }
        // SAFETY: `owner` points into the descriptor, which is freed, once, after it has been copied from.
        unsafe {
            let copy = Self::copied(owner);
            LocalFree(descriptor);
            copy
        }
    }

    fn of_token_of(process: HANDLE) -> io::Result<Self> {
        let mut token = null_mut();
        // SAFETY: our callers keep the process open, and `token` is ours to be set.
        if unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) } == 0 {
            return Err(io::Error::last_os_error());
        }
        let token = owned(token)?;
        let (mut user, mut length) = ([0_u64; LONGEST_USER], 0);
        // SAFETY: no more is written than the size that is given, and `user` is aligned for what it will hold.
        let is_read = unsafe {
            GetTokenInformation(
                token.as_raw_handle(),
                TokenUser,
                user.as_mut_ptr().cast(),
                u32::try_from(size_of_val(&user)).unwrap_or(0),
                &raw mut length,
            )
        };
        if is_read == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has put a `TOKEN_USER` there, whose SID stands in the same memory.
        unsafe { Self::copied((*user.as_ptr().cast::<TOKEN_USER>()).User.Sid) }
    }

    /// # Safety
    /// `sid` is null or points to a SID that stays for the call.
    unsafe fn copied(sid: PSID) -> io::Result<Self> {
        // SAFETY: a SID that is valid is as long as it says.
        unsafe {
            if sid.is_null() || IsValidSid(sid) == 0 {
                return Err(io::Error::from_raw_os_error(ERROR_INVALID_SID.cast_signed()));
            }
            Ok(Self(slice::from_raw_parts(sid.cast::<u8>(), GetLengthSid(sid) as usize).to_vec()))
        }
    }
}

/// The text form, as in `S-1-5-21-…-1001` ([MS-DTYP] 2.4.2.1). The system's own one is the same, save for
/// authorities of 2^32 and more, which no user has.
impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A revision, a count, six bytes of authority with the highest first, then numbers of four bytes each
        // with the lowest first.
        let (head, numbers) = self.0.split_at(8);
        let authority = head[2..].iter().fold(0_u64, |authority, byte| authority << 8 | u64::from(*byte));
        write!(f, "S-{}-{authority}", head[0])?;
        for number in numbers.chunks_exact(4) {
            write!(f, "-{}", u32::from_le_bytes([number[0], number[1], number[2], number[3]]))?;
        }
        Ok(())
    }
}

/// Takes over a handle that a call has just opened, or the call's error.
fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is open, and nobody else closes it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// A `TOKEN_USER` (16 bytes) and the longest SID (68 bytes, SECURITY_MAX_SID_SIZE), in units of eight bytes.
const LONGEST_USER: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_the_same_user_by_its_id() {
        let own = Sid::of_this_process().unwrap();
        assert_eq!(Sid::of_process(std::process::id()).unwrap(), own);
        assert!(own.to_string().starts_with("S-1-"), "{own}");
    }

    #[test]
    fn the_text_is_the_systems() {
        let administrators = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0];
        assert_eq!(Sid(administrators.to_vec()).to_string(), "S-1-5-32-544");
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        // Ids are multiples of four.
        assert!(Sid::of_process(u32::MAX - 4).is_err());
    }
}
