//! The user's own place on Linux.

/// The variable that names the user's own folder (XDG Base Directory Specification).
pub const PLACE: &str = "XDG_RUNTIME_DIR";

/// What is missing without it, and the way out.
pub(in super::super) const NO_PLACE: (&str, &str) =
    ("XDG_RUNTIME_DIR is not set, so there is no private folder for the socket", "set it, or name a socket");
