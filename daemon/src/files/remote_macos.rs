//! By the file system's name (statfs(2)).

use std::io;
use std::path::Path;

use rustix::fs::statfs;

/// The name of the network file system that the path is on; nothing where it is on a local one.
///
/// # Errors
/// As the system says. It may take its time where the server is away.
pub(crate) fn network_file_system(path: &Path) -> io::Result<Option<String>> {
    let name = statfs(path)?.f_fstypename;
    let name = name.iter().take_while(|byte| **byte != 0).map(|byte| char::from(byte.cast_unsigned()));
    let name: String = name.collect();
    Ok(NETWORK.contains(&name.as_str()).then_some(name))
}

/// Those that come with macOS (mount(8)), and FUSE.
const NETWORK: [&str; 8] = ["acfs", "afpfs", "ftp", "macfuse", "nfs", "osxfuse", "smbfs", "webdav"];
