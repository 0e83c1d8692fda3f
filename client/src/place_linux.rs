//! What Linux says about the user's own place.

use std::ffi::OsString;

/// The lookup of [`entra_proto::endpoint::socket_path`]: here all is in the environment.
pub(crate) fn lookup(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
