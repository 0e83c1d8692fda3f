//! What macOS says about the user's own place.
#![expect(unsafe_code, reason = "confstr is a function of the C library")]

use std::ffi::{OsString, c_char};
use std::os::unix::ffi::OsStringExt;

use entra_proto::endpoint::PLACE;

/// The lookup of [`entra_proto::endpoint::socket_path`]: the folder is the system's to name, and whatever the
/// environment says of it is not asked.
pub(crate) fn lookup(name: &str) -> Option<OsString> {
    if name == PLACE { own_folder() } else { std::env::var_os(name) }
}

/// The user's own cache folder, which is made with mode 0700 if there is none (confstr(3)).
fn own_folder() -> Option<OsString> {
    let mut path = vec![0_u8; LONGEST];
    // SAFETY: at most `len()` bytes are written, into memory that is ours.
    let length = unsafe {
        libc::confstr(libc::_CS_DARWIN_USER_CACHE_DIR, path.as_mut_ptr().cast::<c_char>(), path.len())
    };
    // The length counts the closing zero; 0 is a failure, and a longer path than fits was cut.
    let kept = length.checked_sub(1).filter(|kept| *kept < path.len())?;
    path.truncate(kept);
    Some(OsString::from_vec(path))
}

/// The longest path of macOS (`PATH_MAX`).
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_there() {
        assert!(std::path::Path::new(&lookup(PLACE).unwrap()).is_dir());
    }
}
