//! Where things are on macOS.
#![expect(unsafe_code, reason = "asking for the user's own folder has no safe interface")]

use std::ffi::{CStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use entra_proto::endpoint;

use super::ConfigError;

/// The administrator's settings.
#[must_use]
pub(super) fn machine_file() -> PathBuf {
    PathBuf::from("/Library/Application Support/entrad/config.toml")
}

/// The place is asked of the system: an environment can be set by others.
pub(super) fn default_socket(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, ConfigError> {
    let lookup = |name: &str| if name == endpoint::PLACE { user_folder() } else { variable(name) };
    Ok(endpoint::socket_path(lookup)?)
}

/// The name of the user that runs us, as the system has it (getpwuid_r(3)).
pub(super) fn user_name() -> Option<String> {
    let mut text = vec![0_u8; ENTRY];
    // SAFETY: the structure is plain data, for which zeros are a value.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    let mut found = std::ptr::null_mut();
    // SAFETY: all of these are ours to write, the text of the length given, and none is kept by the call.
    let failed = unsafe {
        libc::getpwuid_r(libc::getuid(), &raw mut entry, text.as_mut_ptr().cast(), text.len(), &raw mut found)
    };
    if failed != 0 || found.is_null() || entry.pw_name.is_null() {
        return None;
    }
    // SAFETY: the call found an entry, whose name is a text with a closing zero within `text`.
    let name = unsafe { CStr::from_ptr(entry.pw_name) };
    name.to_str().ok().filter(|name| !name.is_empty() && !name.contains('/')).map(str::to_owned)
}

/// The user's own cache folder, which is closed to others (confstr(3)).
fn user_folder() -> Option<OsString> {
    let mut path = vec![0_u8; LONGEST];
    // SAFETY: `path` is ours to write, of the length given, and not kept by the call.
    let length =
        unsafe { libc::confstr(libc::_CS_DARWIN_USER_CACHE_DIR, path.as_mut_ptr().cast(), path.len()) };
    // The length counts the closing zero, and is more than there was room for where the path did not fit.
    let is_whole = (2..=path.len()).contains(&length);
    path.truncate(length.saturating_sub(1));
    is_whole.then(|| OsString::from_vec(path))
}

/// Of `--socket`.
pub(super) const SOCKET_HELP: &str = "Socket to listen on [default: entrad/entrad.sock in your own cache folder, `getconf DARWIN_USER_CACHE_DIR`]";

/// More than `sysconf(_SC_GETPW_R_SIZE_MAX)` says.
const ENTRY: usize = 16 * 1024;

/// `PATH_MAX` of sys/syslimits.h.
const LONGEST: usize = 1024;
