//! What comes before all else: nothing, since the standard library's own entry opens streams that are closed
//! and has a closed pipe be an error.

/// Prepares the process.
pub(crate) fn prepare() {}

/// Closes the memory to other programs of the user's. Here only a signed build with the hardened runtime is closed to them, and it is so from the start.
pub(crate) fn close_memory() {}
