//! The stack is memory as well: what a call leaves in its frames stays there until later calls happen to overwrite it.
//!
//! Ciphers keep their key in values that are moved, and each move leaves a copy behind that no `Drop` knows of. The stack of a
//! thread that has ended is kept for the next one, with all that is on it. So whatever handles keys runs in
//! frames that are wiped when it is done.

use zeroize::optimization_barrier;

/// Runs `work`, and wipes the stack that it used, also when it panics: as much of it as `DEPTH` says.
///
/// What it returns is not wiped; it should be a value whose secret is on the heap, or in a page of its own.
pub fn with_wiped_stack<T>(work: impl FnOnce() -> T) -> T {
    let _wiped = Wiped;
    apart(work)
}

struct Wiped;

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe();
    }
}

/// In frames of its own, below those of the caller.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Its one local lies where those frames were. It is written to as a variable, since a constant would be no part of the stack.
#[inline(never)]
fn wipe() {
    let mut room = [0_u8; DEPTH];
    room.fill(0);
    optimization_barrier(&room);
}

/// So many bytes are wiped. Stretching a passphrase and sealing a file reach less than 16 KiB deep, unoptimised.
const DEPTH: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Leaves a mark in its frame.
    #[inline(never)]
    fn leave_behind() -> usize {
        black_box([MARK; 512]).iter().map(|&byte| usize::from(byte)).sum()
    }

    /// That nothing is left cannot be seen from within: what lies below a frame may not be read. The scan of `tests/real/memory`
    /// looks for it.
    #[test]
    fn the_work_is_done_and_its_result_comes_back() {
        assert_eq!(with_wiped_stack(leave_behind), 512 * usize::from(MARK));
    }

    #[test]
    fn a_panic_passes_through() {
        let panicked = catch_unwind(AssertUnwindSafe(|| with_wiped_stack(|| panic!("of the test"))));
        assert!(panicked.is_err());
    }

    const MARK: u8 = 0xa7;
}
