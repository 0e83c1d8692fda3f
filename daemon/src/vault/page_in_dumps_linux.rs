//! Linux leaves a page out of core dumps when it is advised to (madvise(2): `MADV_DONTDUMP`).
#![expect(unsafe_code, reason = "advice on memory has no safe interface")]

use std::io;
use std::ptr::NonNull;

use rustix::mm::{Advice, madvise};

use super::KEY_BYTES;

/// Keeps the page out of core dumps.
pub(super) fn hide(page: NonNull<[u8; KEY_BYTES]>) -> io::Result<()> {
    // SAFETY: the range is a page of ours; the advice changes none of its bytes and concerns core dumps only.
    Ok(unsafe { madvise(page.as_ptr().cast(), KEY_BYTES, Advice::LinuxDontDump) }?)
}
