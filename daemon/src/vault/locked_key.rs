//! The sealing key while it is in memory: one page of its own, kept out of swap and out of core dumps.
//!
//! The page is mapped for the key alone, because the system locks and hides whole pages, which must not cover a
//! neighbour's memory. Where the system refuses to lock it (`RLIMIT_MEMLOCK`), the key is used all the
//! same, and the log and `status` say so. Invariant: the page is wiped before it is given back.
#![expect(unsafe_code, reason = "memory that is mapped by hand has no safe interface")]

use std::fmt;
use std::io;
use std::ptr::NonNull;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroize;

#[cfg_attr(unix, path = "locked_page_unix.rs")]
#[cfg_attr(windows, path = "locked_page_windows.rs")]
mod page;

/// A 32-byte key in a page of its own.
pub(super) struct LockedKey {
    page: NonNull<[u8; KEY_BYTES]>,
}

impl LockedKey {
    /// Moves the key into a page of its own and wipes `key`, also when the page cannot be had.
    pub(super) fn take(key: &mut [u8; KEY_BYTES]) -> io::Result<Self> {
        let mapped = map_page();
        if let Ok(locked) = &mapped {
            // SAFETY: the page was just mapped readable and writable, is larger than a key, is aligned to a
            // page, and nothing else knows of it.
            unsafe { locked.page.write(*key) };
        }
        key.zeroize();
        mapped
    }

    /// The key itself, for the cipher.
    pub(super) fn expose(&self) -> &[u8; KEY_BYTES] {
        // SAFETY: `take` wrote a key there; the page lives as long as `self` and changes only in `drop`.
        unsafe { self.page.as_ref() }
    }
}

fn map_page() -> io::Result<LockedKey> {
    let locked = LockedKey { page: page::map()? };
    let lock = page::lock(locked.page);
    IS_LOCKED.store(lock.is_ok(), Ordering::Relaxed);
    if let Err(error) = lock {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            tracing::warn!(%error, "The sealing key's memory could not be locked: it may reach swap or a core dump.");
        });
    }
    Ok(locked)
}

/// What is to be said of the newest page, where the system refused to lock it.
pub(super) fn warning() -> Option<&'static str> {
    (!IS_LOCKED.load(Ordering::Relaxed)).then_some(
        "The sealing key's memory could not be locked and may reach swap or a core dump: allow entrad 64 KiB of locked memory \
         (`ulimit -l 64`, or `LimitMEMLOCK=64K` for a service), and start it anew.",
    )
}

static IS_LOCKED: AtomicBool = AtomicBool::new(true);

impl Drop for LockedKey {
    fn drop(&mut self) {
        // SAFETY: we own the page, and `&mut self` says that nobody borrows from it.
        unsafe { self.page.as_mut() }.zeroize();
        // SAFETY: the mapping is ours and is not used after this. It ends the lock as well.
        let unmapped = unsafe { page::unmap(self.page) };
        debug_assert!(unmapped.is_ok(), "our own mapping can be given back");
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedKey(redacted)")
    }
}

// SAFETY: the page belongs to this value alone, wherever the value goes.
unsafe impl Send for LockedKey {}
// SAFETY: through a shared reference the page is only read.
unsafe impl Sync for LockedKey {}

/// Length of a key of XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03 §2.3).
pub(super) const KEY_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_moves_in_and_the_source_is_wiped() {
        let mut source = [7; KEY_BYTES];
        let key = LockedKey::take(&mut source).unwrap();
        assert_eq!(source, [0; KEY_BYTES]);
        assert_eq!(key.expose(), &[7; KEY_BYTES]);
        assert_eq!(format!("{key:?}"), "LockedKey(redacted)");
    }

    #[test]
    fn a_key_may_be_read_and_dropped_on_other_threads() {
        let key = LockedKey::take(&mut [9; KEY_BYTES]).unwrap();
        let seen = std::thread::spawn(move || key.expose()[0]).join().unwrap();
        assert_eq!(seen, 9);
    }
}
