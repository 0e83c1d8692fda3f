//! Files that are the user's alone: the one way in which the rooms above read and write in the state folder and the socket's.
//!
//! A folder is opened once and checked by its handle; everything in it is then opened within that very folder
//! and checked by its own. So nothing can be exchanged between a check and its use. A file is replaced as a whole
//! or not at all: written beside, flushed, renamed, and that made durable. What is no plain file of ours alone (a pipe, a
//! folder, a link, a file with a second name, another user's) is refused, and opening it waits for nobody.

use std::io::{self, Read};

use zeroize::Zeroizing;

#[cfg_attr(unix, path = "create_unix.rs")]
#[cfg_attr(windows, path = "create_windows.rs")]
mod create;
mod fault;
#[cfg_attr(unix, path = "folder_unix.rs")]
#[cfg_attr(windows, path = "folder_windows.rs")]
mod folder;
#[cfg_attr(unix, path = "outside_unix.rs")]
#[cfg_attr(windows, path = "outside_windows.rs")]
mod outside;
#[cfg_attr(target_os = "linux", path = "remote_linux.rs")]
#[cfg_attr(target_os = "macos", path = "remote_macos.rs")]
#[cfg_attr(windows, path = "remote_windows.rs")]
mod remote;
mod small;
#[cfg(test)]
pub(crate) mod tests;
mod whole;

pub use self::create::create_folder;
pub use self::fault::{Fault, FileError};
pub(crate) use self::folder::Folder;
pub(crate) use self::outside::{CLOSE_FILE, credential_fault, open_descriptor, open_outside, secret_fault};
pub(crate) use self::remote::network_file_system;
pub(crate) use self::small::{put_small, read_small, remove_small};

/// Reads to the end; `None` when there is more than the limit. The buffer never grows, so nothing is left behind.
pub(crate) fn read_bounded(
    from: impl Read,
    expected: u64,
    limit: u64,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    if expected > limit {
        return Ok(None);
    }
    let room = usize::try_from(expected.saturating_add(1)).unwrap_or(usize::MAX);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    from.take(expected.saturating_add(1)).read_to_end(&mut bytes)?;
    let is_whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= expected);
    Ok(is_whole.then_some(bytes))
}

/// How the name of an unfinished file ends.
const TEMPORARY: &str = ".tmp";

/// A new name for an unfinished file.
fn temporary_name(name: &str) -> io::Result<String> {
    let mut chance = [0; 8];
    getrandom::fill(&mut chance).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(format!("{name}.{:016x}{TEMPORARY}", u64::from_ne_bytes(chance)))
}

/// Whether this is the name of an unfinished file of that name.
fn is_temporary(found: &str, name: &str) -> bool {
    let random = found.strip_prefix(name).and_then(|rest| rest.strip_suffix(TEMPORARY));
    random.is_some_and(|it| it.len() == 17 && it.starts_with('.'))
}
