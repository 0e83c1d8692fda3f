//! Modes and owners of files.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::process::geteuid;

/// The mode of a file for its owner alone.
pub(in super::super) const PRIVATE: Option<u32> = Some(0o600);

/// The permission bits.
pub(super) fn mode(about: &Metadata) -> Option<u32> {
    Some(about.mode() & 0o7777)
}

/// Opens files for their owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// What a run of ours holds, so that it is the only one: a lock on the home itself, since nothing else of the user's is sure to
/// be there and a file of our own would be left behind.
pub(super) fn alone(home: &Path) -> io::Result<File> {
    let home = File::open(home)?;
    home.try_lock()?;
    Ok(home)
}

/// Whether the superuser runs this in a home that is another's, as `sudo` does that keeps HOME: what is made there would be
/// root's, and what root writes at the word of a record there could be any file.
pub(super) fn is_anothers(home: &Path) -> bool {
    geteuid().is_root() && fs::metadata(home).is_ok_and(|about| about.uid() != 0)
}

/// Makes one folder for its owner alone.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Whether nobody may write into the folder. The superuser could all the same, and should not.
pub(super) fn is_closed(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|about| about.mode() & 0o222 == 0)
}

/// Gives the new file the owner and group of the old one, and the mode.
pub(super) fn dress(file: &File, old: Option<&Metadata>, mode: Option<u32>) -> io::Result<()> {
    let own = file.metadata()?;
    if let Some(old) = old.filter(|old| (old.uid(), old.gid()) != (own.uid(), own.gid())) {
        fchown(file, Some(old.uid()), Some(old.gid()))?;
    }
    // After the owner: a change of that one takes bits away.
    mode.map_or(Ok(()), |mode| file.set_permissions(Permissions::from_mode(mode)))
}

/// Makes the rename durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
