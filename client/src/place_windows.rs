//! What Windows says about the user's own place.

use std::ffi::OsString;

use entra_proto::endpoint::PLACE;

use super::sid::Sid;

/// The lookup of [`entra_proto::endpoint::socket_path`]: who the user is stands in the process's token, and
/// whatever the environment says of it is not asked.
pub(crate) fn lookup(name: &str) -> Option<OsString> {
    if name == PLACE {
        Sid::of_this_process().ok().map(|sid| sid.to_string().into())
    } else {
        std::env::var_os(name)
    }
}
