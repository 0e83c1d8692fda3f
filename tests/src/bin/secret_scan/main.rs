//! Looks for secrets in everything that the programs said while the tests ran.
//!
//! usage: cargo run -p entra-tests --bin secret_scan [FILE OR FOLDER...]
//!
//! Without words it reads what `cargo test` kept (`test-logs` in the target folder), and empties that when it is good, so that the
//! next run is judged by itself. It ends with 1 where it finds anything, where a place is not there, and where there is
//! nothing to read.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use entra_tests::{kept, secrets};

#[expect(clippy::print_stdout, reason = "the report")]
fn main() -> ExitCode {
    let words: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let is_own = words.is_empty();
    let own = || Some(kept::folder()).filter(|folder| folder.exists());
    let places = if is_own { own().into_iter().collect() } else { words };
    match scan(&places) {
        Err((path, error)) => {
            println!("{} cannot be read: {error}.", path.display());
            ExitCode::FAILURE
        }
        Ok(Scan { bytes: 0, .. }) => {
            println!("There is nothing to read; run `cargo test --workspace` before.");
            ExitCode::FAILURE
        }
        Ok(Scan { files, bytes, finds: 0 }) => {
            println!("{bytes} bytes in {files} files: no secret.");
            match if is_own { fs::remove_dir_all(kept::folder()) } else { Ok(()) } {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    println!("They cannot be removed: {error}.");
                    ExitCode::FAILURE
                }
            }
        }
        Ok(Scan { files, bytes, finds }) => {
            println!("{bytes} bytes in {files} files: {finds} secrets.");
            ExitCode::FAILURE
        }
    }
}

/// What was read and found.
#[derive(Default)]
struct Scan {
    files: usize,
    bytes: usize,
    finds: usize,
}

#[expect(clippy::print_stdout, reason = "the report")]
fn scan(places: &[PathBuf]) -> Result<Scan, (PathBuf, io::Error)> {
    let mut scan = Scan::default();
    for path in places.iter().map(|place| files(place)).collect::<Result<Vec<_>, _>>()?.concat() {
        let bytes = fs::read(&path).map_err(|error| (path.clone(), error))?;
        for find in secrets::find(&bytes) {
            println!("{}:{}: {}, after `{}`", path.display(), find.line, find.what, find.before);
            scan.finds += 1;
        }
        scan.files += 1;
        scan.bytes += bytes.len();
    }
    Ok(scan)
}

/// The file, or every file below the folder, in order.
fn files(place: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let failed = |error| (place.to_owned(), error);
    if !place.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let entries: io::Result<Vec<PathBuf>> =
        fs::read_dir(place).map_err(failed)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut entries = entries.map_err(failed)?;
    entries.sort();
    Ok(entries.iter().map(|entry| files(entry)).collect::<Result<Vec<_>, _>>()?.concat())
}
