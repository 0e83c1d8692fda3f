//! Security descriptors: made from text, handed to the system, and read back as text.
//!
//! Source: learn.microsoft.com, "Security Descriptor String Format" and "GetSecurityInfo function".
#![expect(unsafe_code, reason = "security descriptors have no safe interface")]

use std::ffi::OsStr;
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{LocalFree, NO_ERROR};
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT,
    SE_KERNEL_OBJECT,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION,
    PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, SetKernelObjectSecurity,
};

use super::user::take_text;
use super::{Sid, error_of, wide};

/// A security descriptor that the system made for us.
#[derive(Debug)]
pub struct Descriptor(PSECURITY_DESCRIPTOR);

/// What a handle is of, for the system to know how its security is kept.
#[derive(Clone, Copy, Debug)]
pub enum ObjectKind {
    /// A file or folder.
    File,
    /// A pipe or a process.
    Kernel,
}

impl Descriptor {
    /// Owned by this user and open to nobody else; nothing is inherited.
    ///
    /// # Errors
    /// As the system says.
    pub fn of_user_alone(user: &Sid) -> io::Result<Self> {
        Self::parse(&format!("O:{user}D:P(A;;GA;;;{user})"))
    }

    /// The same for a folder, which hands its access list on to what is made in it.
    ///
    /// # Errors
    /// As the system says.
    pub fn of_folder(user: &Sid) -> io::Result<Self> {
        Self::parse(&format!("O:{user}D:P(A;OICI;FA;;;{user})"))
    }

    /// From text.
    ///
    /// # Errors
    /// Where the text is no descriptor.
    pub fn parse(text: &str) -> io::Result<Self> {
        let text = wide(OsStr::new(text))?;
        let mut descriptor = null_mut();
        // SAFETY: the text ends in zero, and `descriptor` is ours to write; no size is asked for.
        let is_made = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                null_mut(),
            )
        };
        if is_made == 0 { Err(io::Error::last_os_error()) } else { Ok(Self(descriptor)) }
    }

    /// For making an object with it; handles made so are not inherited. It points to this descriptor, which must
    /// therefore outlive the call.
    #[must_use]
    pub fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        }
    }

    /// Puts its access list in place of the object's, inheriting nothing any more. The handle needs `WRITE_DAC`.
    /// What a folder holds already keeps its own list.
    ///
    /// # Errors
    /// As the system says.
    pub fn apply(&self, object: BorrowedHandle<'_>) -> io::Result<()> {
        let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
        // SAFETY: the handle is open, and the descriptor is whole.
        if unsafe { SetKernelObjectSecurity(object.as_raw_handle(), what, self.0) } == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the system allocated it for us with `LocalAlloc`, and it is not used again.
        unsafe { LocalFree(self.0) };
    }
}

impl ObjectKind {
    fn number(self) -> i32 {
        match self {
            Self::File => SE_FILE_OBJECT,
            Self::Kernel => SE_KERNEL_OBJECT,
        }
    }
}

/// The object's owner and access list as text. The handle needs `READ_CONTROL`.
pub(super) fn text_of(object: BorrowedHandle<'_>, kind: ObjectKind) -> io::Result<String> {
    let what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    let mut descriptor = null_mut();
    // SAFETY: the handle is open, and `descriptor` is ours to write; parts of it are not asked for.
    let status = unsafe {
        GetSecurityInfo(
            object.as_raw_handle(),
            kind.number(),
            what,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        )
    };
    if status != NO_ERROR {
        return Err(error_of(status));
    }
    let descriptor = Descriptor(descriptor);
    let mut text = null_mut();
    // SAFETY: the descriptor is whole, and `text` is ours to write; its length is not asked for.
    let is_told = unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor.0,
            SDDL_REVISION_1,
            what,
            &raw mut text,
            null_mut(),
        )
    };
    if is_told == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call gave text that ends in zero, and it is ours to free.
    Ok(unsafe { take_text(text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_no_descriptor_is_refused() {
        assert!(Descriptor::parse("D:P(A;;GA;;;nobody)").is_err());
        assert!(Descriptor::parse("D:P\0(A;;GA;;;BA)").is_err());
        assert!(Descriptor::of_user_alone(&Sid::ours().unwrap()).is_ok());
    }
}
