//! A global allocator that wipes memory as it is freed.
//!
//! Secrets pass through libraries (TLS, HTTP, JSON) whose buffers we do not own. Our own types wipe
//! themselves; this catches the copies that others leave behind, so that a token does not outlive its use in
//! freed heap. Growing in place is given up, since `realloc` would leave the old copy unwiped.

use std::alloc::{GlobalAlloc, Layout, System};

use zeroize::optimization_barrier;

/// The system's allocator with wiping. Install it with `#[global_allocator]`.
pub struct WipingAllocator;

// SAFETY: every call is forwarded to `System` with the arguments it was given; `dealloc` writes only within
// the block it is about to free, whose size the layout states. `realloc` is the trait's own default, which
// allocates, copies and calls `dealloc`.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller upholds `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller upholds `alloc_zeroed`'s contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller owns the block of `layout.size()` bytes and gives it up.
        unsafe {
            wipe(std::slice::from_raw_parts_mut(block, layout.size()));
            System.dealloc(block, layout);
        }
    }
}

/// Writes zeros that the compiler may not leave out although nobody reads them.
///
/// `zeroize` would write one volatile byte after the other. This is one `memset`, which matters when every
/// block that the daemon frees goes through here.
fn wipe(block: &mut [u8]) {
    block.fill(0);
    optimization_barrier(block);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn a_block_grows_with_its_content() {
        let layout = Layout::array::<u8>(16).unwrap();
        // SAFETY: the layout is not empty, and each pointer is used with the layout it was made with.
        unsafe {
            let block = WipingAllocator.alloc(layout);
            block.write_bytes(7, 16);
            let grown = WipingAllocator.realloc(block, layout, 64);
            assert!(std::slice::from_raw_parts(grown, 16).iter().all(|&byte| byte == 7));
            WipingAllocator.dealloc(grown, Layout::array::<u8>(64).unwrap());
        }
    }
}
