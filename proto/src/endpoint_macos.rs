//! The user's own place on macOS.

/// The system's name for the user's own temporary folder, which `confstr` finds (confstr(3)). The variable
/// `TMPDIR` usually names it too, but not in a session that was opened with another environment.
pub const PLACE: &str = "DARWIN_USER_TEMP_DIR";

/// What is missing without it, and the way out.
pub(in super::super) const NO_PLACE: (&str, &str) =
    ("macOS names no private folder of yours for the socket", "name a socket");
