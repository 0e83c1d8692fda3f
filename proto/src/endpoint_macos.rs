//! The user's own place on macOS.

/// The system's name for the user's own cache folder, which `confstr` finds and which has mode 0700 (confstr(3)). From
/// the temporary one beside it the system removes what was not accessed for three days, the socket of a running daemon
/// too.
pub const PLACE: &str = "DARWIN_USER_CACHE_DIR";

/// What is missing without it, and the way out.
pub(in super::super) const NO_PLACE: (&str, &str) =
    ("macOS names no private folder of yours for the socket", "name a socket");
