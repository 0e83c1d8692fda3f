//! What the programs said in tests, kept in one folder until somebody has looked for secrets in it.
//!
//! Every test adds to it: logs of daemons, whatever they keep below their state folders, what clients said on standard error, and
//! their reports. What is meant to hold a token, as the output of `entra token`, is none of it. `secret_scan` reads the folder.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::secrets;

/// The folder: `test-logs` in Cargo's target folder, beside the one of the profile that this program is of.
///
/// # Panics
/// When this program has no path.
#[must_use]
pub fn folder() -> PathBuf {
    let own = std::env::current_exe().expect("a program has a path");
    // Tests are one folder deeper than programs.
    let profile = own.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    profile.expect("a program is in a folder").with_file_name("test-logs")
}

/// Keeps what was said; of more than [`MOST`] bytes the ends, where no secret is in it. Nothing is kept of nothing.
///
/// # Panics
/// When it cannot be written: the scan would pass for what it has not seen. (Where a test is failing already, that is enough.)
pub fn keep(what: &str, bytes: &[u8]) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    if bytes.is_empty() {
        return;
    }
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_stem).unwrap_or_default().to_string_lossy();
    let (process, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let name = format!("{program}-{process}-{number}-{what}");
    let folder = folder();
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join(name), worth(bytes, MOST)));
    assert!(written.is_ok() || std::thread::panicking(), "{written:?} in {}", folder.display());
}

/// All of it, or the ends of what is longer than `most`: its end says how a daemon ended, and its beginning how it began. What
/// is left out was looked through before, so nothing escapes the scan by being long.
fn worth(bytes: &[u8], most: usize) -> Cow<'_, [u8]> {
    if bytes.len() <= most || !secrets::find(bytes).is_empty() {
        return bytes.into();
    }
    [&bytes[..most / 2], b"\n", &bytes[bytes.len() - most / 2..]].concat().into()
}

/// More than any test's log but those that log everything.
pub const MOST: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use entra_sim::SECRET_MARK;

    use super::*;

    #[test]
    fn what_is_long_is_cut_only_where_it_holds_no_secret() {
        assert_eq!(&*worth(b"begun\nended", 11), b"begun\nended");
        assert_eq!(&*worth(b"begun\nand so on\nended", 10), b"begun\nended");
        let said = format!("begun\nsaw {SECRET_MARK}\nended");
        assert_eq!(&*worth(said.as_bytes(), 10), said.as_bytes());
    }
}
