//! What several rooms need of Windows: who we are, who another process is, and access lists.
//!
//! Access lists are read as the system writes them (SDDL), so that judging them is plain text work; only
//! fetching them is unsafe. Everything here fails closed.

mod access_list;
mod folders;
mod security;
mod user;

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::{Component, Path, Prefix, absolute};

pub use access_list::AccessList;
pub use folders::{place_of, program_data};
pub use security::{Descriptor, ObjectKind};
pub use user::{Sid, program_of, started_on};

/// Text as the system takes it, with its closing zero.
///
/// # Errors
/// `InvalidInput` for text that has a zero within, which would end it early.
pub fn wide(text: &OsStr) -> io::Result<Vec<u16>> {
    let mut units: Vec<u16> = text.encode_wide().collect();
    if units.contains(&0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    units.push(0);
    Ok(units)
}

/// A path as the system takes it, with its closing zero, in the form that may be longer than 260 units.
/// Source: learn.microsoft.com, "Maximum Path Length Limitation".
///
/// # Errors
/// As [`wide`], and for an empty path.
pub fn wide_path(path: &Path) -> io::Result<Vec<u16>> {
    let path = absolute(path)?;
    let (units, of) = (wide(path.as_os_str())?, |text: &str| text.encode_utf16().collect::<Vec<_>>());
    let Some(Component::Prefix(prefix)) = path.components().next() else { return Ok(units) };
    Ok(match prefix.kind() {
        Prefix::Disk(_) => [of(r"\\?\"), units].concat(),
        Prefix::UNC(..) => [of(r"\\?\UNC"), units[1..].to_vec()].concat(),
        _ => units,
    })
}

/// The bits of an error code that comes as an `u32` (winerror.h).
pub(crate) fn error_of(code: u32) -> io::Error {
    io::Error::from_raw_os_error(code.cast_signed())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn text_ends_in_one_zero() {
        assert_eq!(wide(OsStr::new("a\u{e4}")).unwrap(), [0x61, 0xe4, 0]);
        assert!(wide(OsStr::new("a\0b")).is_err());
    }

    #[rstest]
    #[case(r"C:\a/b\..\c", r"\\?\C:\a\c")]
    #[case(r"\\server\share\a", r"\\?\UNC\server\share\a")]
    #[case(r"\\?\C:\a", r"\\?\C:\a")]
    #[case(r"\\.\pipe\a", r"\\.\pipe\a")]
    fn paths_may_be_long(#[case] path: &str, #[case] expected: &str) {
        let expected: Vec<u16> = expected.encode_utf16().chain([0]).collect();
        assert_eq!(wide_path(Path::new(path)).unwrap(), expected);
    }
}
