//! The program's entry on Linux: it is entered as a C program is.
//!
//! The standard library's own entry first finds the main thread's stack by reading `/proc/self/maps` and sets
//! up a handler with a stack of its own, to say "stack overflow" where the kernel would say "segmentation
//! fault". That is a quarter of the time of `entra token`. What this program needs of the rest, the library
//! does in `start_linux`. Arguments and environment do not depend on that entry: the C library hands them to
//! an initialiser of std's.

use std::ffi::c_int;

// SAFETY: the C library calls `main` once, on the main thread; no other symbol of the program has the name,
// and the arguments that it passes besides may be left unread.
#[expect(unsafe_code, reason = "an entry point must have the name that the C library calls")]
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    c_int::from(entra::main())
}
