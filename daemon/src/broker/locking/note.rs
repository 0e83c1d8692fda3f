//! The note that keeps a lock over a restart: the file `locked` in the state folder.
//!
//! It fails closed: a note that is there and cannot be read means locked. It holds no secret and proves nothing; whoever may
//! delete it may read the state folder as well, where all is sealed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use entra_proto::lock::LockCause;
use serde::{Deserialize, Serialize};

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
    let mut bytes = Vec::new();
    match File::open(folder.join(FILE)).and_then(|file| file.take(MOST).read_to_end(&mut bytes)) {
        Ok(_) => Some(serde_json::from_slice(&bytes).unwrap_or(unknown)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => Some(unknown),
    }
}

/// Puts it there; it is on disk when this returns.
pub(super) fn write(folder: &Path, note: Note) -> io::Result<()> {
    put(folder, FILE, &serde_json::to_vec(&note)?)
}

/// Takes it away. There may be none.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    absent_is_well(fs::remove_file(folder.join(FILE)))?;
    flush(folder);
    Ok(())
}

/// Writes a small file so that a crash leaves the old one or the new one.
pub(super) fn put(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = folder.join(format!("{name}.tmp"));
    // One that a crash left, or that somebody planted: what it leads to is not written to.
    absent_is_well(fs::remove_file(&temporary))?;
    let mut file = File::create_new(&temporary)?;
    file.write_all(bytes).and_then(|()| file.sync_all())?;
    drop(file);
    fs::rename(&temporary, folder.join(name))?;
    flush(folder);
    Ok(())
}

pub(super) fn absent_is_well(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Not every system flushes folders; those that do not keep names by themselves.
fn flush(folder: &Path) {
    let _flushed = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Its name within the state folder.
pub(super) const FILE: &str = "locked";

/// More than any note of ours has.
const MOST: u64 = 4096;

#[cfg(test)]
mod tests {
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
