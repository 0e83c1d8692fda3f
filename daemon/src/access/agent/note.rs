//! The note that keeps agents stopped over a restart: the file `agents-stopped` in the state folder.
//!
//! It fails closed: a note that is there and cannot be read stops all of them. It holds no secret; whoever may delete it may
//! start another entrad as well.

use std::io;
use std::path::Path;

use entra_proto::agent::is_name;
use serde::{Deserialize, Serialize};

use super::Stopped;
use crate::files::{put_small, read_small, remove_small};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    all: bool,
    names: Vec<String>,
}

/// Who is stopped by the note in this folder.
pub(super) fn read(folder: &Path) -> Stopped {
    let everybody = Stopped { all: true, ..Stopped::default() };
    match read_small(folder, FILE, MOST) {
        Ok(None) => Stopped::default(),
        Ok(Some(bytes)) => serde_json::from_slice(&bytes).map_or(everybody, |Note { all, names }| Stopped {
            all,
            names: names.into_iter().filter(|name| is_name(name)).collect(),
        }),
        Err(_) => everybody,
    }
}

/// Puts it there, or takes it away where nobody is stopped; it is on disk when this returns.
pub(super) fn write(folder: &Path, stopped: &Stopped) -> io::Result<()> {
    if *stopped == Stopped::default() {
        return remove_small(folder, FILE);
    }
    let note = Note { all: stopped.all, names: stopped.names.iter().cloned().collect() };
    put_small(folder, FILE, &serde_json::to_vec(&note)?)
}

const FILE: &str = "agents-stopped";

/// More than names of all the agents that anybody stops.
const MOST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_note_is_kept_and_taken_away_and_stops_all_where_it_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let (at, nobody) = (folder.path(), Stopped::default());
        assert_eq!(read(at), nobody);
        let stopped = Stopped { all: false, names: ["claude".to_owned()].into() };
        write(at, &stopped).unwrap();
        assert_eq!(read(at), stopped);
        write(at, &nobody).unwrap();
        assert_eq!((read(at), fs::read_dir(at).unwrap().count()), (nobody.clone(), 0));
        write(at, &nobody).unwrap();
        for bytes in [&b""[..], b"{", b"{\"all\":false}"] {
            fs::write(at.join(FILE), bytes).unwrap();
            assert!(read(at).all);
        }
        fs::remove_file(at.join(FILE)).unwrap();
        fs::create_dir(at.join(FILE)).unwrap();
        assert!(read(at).all, "a folder in its place");
    }
}
