//! glibc keeps what lies below the newest block still in use.
#![expect(unsafe_code, reason = "the C library's call has no safe interface")]

/// Gives memory that is free back to the system.
///
/// The C library keeps what lies below the newest block still in use, which after a crowd of callers is the
/// token they all came for. Takes milliseconds where there is much to give; elsewhere than with glibc nothing
/// is done.
pub fn give_back_memory() {
    unsafe extern "C" {
        fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
    // SAFETY: it takes any number, may be called from any thread, and touches free memory alone
    // (malloc_trim(3)).
    let was_something_given = unsafe { malloc_trim(0) } == 1;
    tracing::debug!(was_something_given, "free memory was looked through");
}
