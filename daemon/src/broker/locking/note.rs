//! The note that keeps a lock over a restart: the file `locked` in the state folder.
//!
//! It fails closed: a note that is there and cannot be read means locked. It holds no secret and proves nothing; whoever may
//! delete it may read the state folder as well, where all is sealed.

use std::io;
use std::path::Path;

use entra_proto::lock::LockCause;
use serde::{Deserialize, Serialize};

use crate::files::{put_small, read_small, remove_small};

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// In seconds since 1970.
    pub(super) since: u64,
    pub(super) by: LockCause,
    /// Everything is to be erased, and that has not ended.
    #[serde(default)]
    pub(super) is_erasing: bool,
}

/// The note in this folder; nothing where there is none.
pub(super) fn read(folder: &Path, now: u64) -> Option<Note> {
    let unknown = Note { since: now, by: LockCause::Unknown, is_erasing: false };
    match read_small(folder, FILE, MOST) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes?).unwrap_or(unknown)),
        Err(error) => {
            tracing::error!(%error, "nobody can tell whether entrad was locked, so it is");
            Some(unknown)
        }
    }
}

/// Puts it there; it is on disk when this returns.
pub(super) fn write(folder: &Path, note: Note) -> io::Result<()> {
    put_small(folder, FILE, &serde_json::to_vec(&note)?)
}

/// Takes it away. There may be none.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    remove_small(folder, FILE)
}

/// Its name within the state folder.
pub(super) const FILE: &str = "locked";

/// More than any note of ours has.
const MOST: u64 = 4096;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_note_is_kept_and_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let (at, note) = (folder.path(), Note { since: 7, by: LockCause::Hand, is_erasing: false });
        assert_eq!(read(at, 9), None);
        remove(at).unwrap();
        write(at, note).unwrap();
        write(at, Note { is_erasing: true, ..note }).unwrap();
        assert_eq!(read(at, 9), Some(Note { is_erasing: true, ..note }));
        assert_eq!(fs::read_dir(at).unwrap().count(), 1, "nothing half written stays");
        remove(at).unwrap();
        assert_eq!(read(at, 9), None);
    }

    #[test]
    fn a_note_that_cannot_be_read_means_locked() {
        let folder = tempfile::tempdir().unwrap();
        let unknown = Some(Note { since: 9, by: LockCause::Unknown, is_erasing: false });
        for bytes in [&b""[..], b"{", b"{\"since\":\"soon\"}", &[0xff; 9000]] {
            fs::write(folder.path().join(FILE), bytes).unwrap();
            assert_eq!(read(folder.path(), 9), unknown);
        }
        fs::remove_file(folder.path().join(FILE)).unwrap();
        fs::create_dir(folder.path().join(FILE)).unwrap();
        assert_eq!(read(folder.path(), 9), unknown, "a folder in its place");
    }
}
