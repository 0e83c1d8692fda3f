//! The SHA-256 of a program that runs, read by way of the process: of the very file, whatever stands at its path by now.
//!
//! A file is read once. Who changes it changes when it was changed, which only the kernel writes; so a digest is kept under that, and
//! under which file it is and how long.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::links::{End, Link};
use super::process::FileId;

/// The digest of the file that the process of this number runs, if it is this one. Waits for the disk.
pub(super) fn of_program(pid: u32, file: FileId) -> Option<[u8; 32]> {
    let mut program = File::open(End::of(pid, Link::Program)?.here()).ok()?;
    let state = State::of(&program.metadata().ok()?);
    if state.file != file {
        return None;
    }
    if let Some(digest) = known().get(&state) {
        return Some(*digest);
    }
    let digest = read(&mut program).ok()?;
    // Who wrote to it meanwhile has made it another one.
    if State::of(&program.metadata().ok()?) != state {
        return None;
    }
    let mut known = known();
    if known.len() >= MOST_KNOWN {
        known.clear();
    }
    known.insert(state, digest);
    Some(digest)
}

fn read(file: &mut File) -> io::Result<[u8; 32]> {
    let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(length) => hash.update(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Which file, and since when it is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State {
    file: FileId,
    length: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl State {
    fn of(told: &Metadata) -> Self {
        Self {
            file: FileId { device: told.dev(), inode: told.ino() },
            length: told.len(),
            written: (told.mtime(), told.mtime_nsec()),
            changed: (told.ctime(), told.ctime_nsec()),
        }
    }
}

fn known() -> MutexGuard<'static, HashMap<State, [u8; 32]>> {
    static KNOWN: LazyLock<Mutex<HashMap<State, [u8; 32]>>> = LazyLock::new(Mutex::default);
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// More programs than a person's rules name.
const MOST_KNOWN: usize = 64;

const PIECE: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::super::process::file_of;
    use super::*;

    #[test]
    fn the_file_that_runs_is_read_and_not_the_one_that_took_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tool");
        // By another process, since another test's may hold open for writing what this one copies.
        assert!(Command::new("cp").arg("/bin/sleep").arg(&program).status().unwrap().success());
        let mut child = Command::new(&program).arg("60").spawn().unwrap();
        let file = file_of(child.id()).unwrap();
        fs::remove_file(&program).unwrap();
        fs::write(&program, "another").unwrap();
        let expected: [u8; 32] = Sha256::digest(fs::read("/bin/sleep").unwrap()).into();
        let (first, again) = (of_program(child.id(), file), of_program(child.id(), file));
        let other = of_program(child.id(), FileId { inode: file.inode + 1, ..file });
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((first, again, other), (Some(expected), Some(expected), None));
        assert_eq!(of_program(child.id(), file), None);
    }
}
