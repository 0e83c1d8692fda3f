//! Where things are on macOS.
#![expect(unsafe_code, reason = "asking for the user's own folder has no safe interface")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use entra_proto::endpoint;

use super::ConfigError;

/// The administrator's settings.
#[must_use]
pub fn machine_file() -> PathBuf {
    PathBuf::from("/Library/Application Support/entrad/config.toml")
}

/// The place is asked of the system: an environment can be set by others.
pub(super) fn default_socket(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, ConfigError> {
    let lookup = |name: &str| if name == endpoint::PLACE { user_folder() } else { variable(name) };
    Ok(endpoint::socket_path(lookup)?)
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

/// `PATH_MAX` of sys/syslimits.h.
const LONGEST: usize = 1024;
