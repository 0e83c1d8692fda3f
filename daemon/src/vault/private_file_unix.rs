//! Descriptors, owners and modes.

use std::fs::{DirBuilder, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags, open, openat, renameat, renameat_with, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use super::{Fault, FileError, failed, is_temporary, read_bounded, temporary_name};

/// The state folder, held open.
#[derive(Debug)]
pub(in crate::vault) struct Folder {
    descriptor: File,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder; `None` when there is none. A mode wider than 0700 is tightened.
    pub(in crate::vault) fn open(path: &Path) -> Result<Option<Self>, FileError> {
        // Without a slash at the end, which would have the system follow a link all the same.
        let path: &Path = &path.components().collect::<PathBuf>();
        let refuse = |fault| FileError::Unsafe { path: path.to_owned(), fault };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = match open(path, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(refuse(Fault::NotAFolder)),
            Err(error) => return Err(failed("open", path)(error.into())),
        };
        let metadata = descriptor.metadata().map_err(failed("examine", path))?;
        if metadata.uid() != geteuid().as_raw() {
            return Err(refuse(Fault::ForeignOwner));
        }
        if is_open_to_others(&metadata) {
            descriptor.set_permissions(Permissions::from_mode(0o700)).map_err(failed("tighten", path))?;
            tracing::warn!(path = %path.display(), "The state folder was open to other users; its mode is 0700 now.");
        }
        Ok(Some(Self { descriptor, path: path.to_owned() }))
    }

    /// Opens the folder, making it and those above it where they are missing.
    pub(in crate::vault) fn create(path: &Path) -> Result<Self, FileError> {
        if let Some(folder) = Self::open(path)? {
            return Ok(folder);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("create", path))?;
        let gone = || failed("open", path)(io::ErrorKind::NotFound.into());
        Self::open(path)?.ok_or_else(gone)
    }

    /// Reads a whole file of at most `limit` bytes; `None` when there is none.
    pub(in crate::vault) fn read(
        &self,
        name: &str,
        limit: u64,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
        let path = self.path.join(name);
        let refuse = |fault| FileError::Unsafe { path: path.clone(), fault };
        // NONBLOCK: a named pipe in its place must not make us wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NXIO) => return Err(refuse(Fault::NotAFile)),
            Err(error) => return Err(failed("open", &path)(error.into())),
        };
        let metadata = file.metadata().map_err(failed("examine", &path))?;
        if let Some(fault) = fault_of(&metadata) {
            return Err(refuse(fault));
        }
        if metadata.nlink() > 1 {
            return Err(refuse(Fault::HardLinked));
        }
        if is_open_to_others(&metadata) {
            file.set_permissions(Permissions::from_mode(0o600)).map_err(failed("tighten", &path))?;
            tracing::warn!(path = %path.display(), "The file was open to other users; its mode is 0600 now.");
        }
        let bytes = read_bounded(&file, metadata.len(), limit).map_err(failed("read", &path))?;
        bytes.ok_or_else(|| refuse(Fault::TooLarge { limit })).map(Some)
    }

    /// Puts a file in place of the one of that name, which may first be set aside under another name. When this
    /// fails the old file is whole, under one of the two names; when it returns, the new one is on disk.
    pub(in crate::vault) fn replace(
        &self,
        name: &str,
        bytes: &[u8],
        aside: Option<&str>,
    ) -> Result<(), FileError> {
        let temporary = temporary_name(name).map_err(failed("name a file in", &self.path))?;
        let path = self.path.join(&temporary);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.descriptor, &*temporary, flags, Mode::RUSR | Mode::WUSR);
        let mut file = File::from(file.map_err(|error| failed("create", &path)(error.into()))?);
        let placed = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(failed("write", &path))
            .and_then(|()| self.place(&temporary, name, aside));
        if placed.is_err() {
            // What is left behind if this fails too is cleaned at the next start.
            let _ = unlinkat(&self.descriptor, &*temporary, AtFlags::empty());
        }
        placed
    }

    /// Removes what a crashed write left of the file of that name.
    pub(in crate::vault) fn clean(&self, name: &str) -> Result<(), FileError> {
        let refused = |error: Errno| failed("clean", &self.path)(error.into());
        for entry in Dir::read_from(&self.descriptor).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let Ok(found) = entry.file_name().to_str() else { continue };
            if is_temporary(found, name) {
                unlinkat(&self.descriptor, found, AtFlags::empty()).map_err(refused)?;
                tracing::info!(file = found, "Removed what an interrupted write left behind.");
            }
        }
        Ok(())
    }

    fn place(&self, temporary: &str, name: &str, aside: Option<&str>) -> Result<(), FileError> {
        let at = &self.descriptor;
        if let Some(aside) = aside {
            renameat_with(at, name, at, aside, RenameFlags::NOREPLACE)
                .map_err(|error| failed("set aside", &self.path.join(name))(error.into()))?;
        }
        renameat(at, temporary, at, name)
            .map_err(|error| failed("replace", &self.path.join(name))(error.into()))?;
        self.descriptor.sync_all().map_err(failed("flush", &self.path))
    }
}

/// Opens a file of a person's choice for reading. A link is followed.
pub(in crate::vault) fn open_outside(path: &Path) -> io::Result<File> {
    // NONBLOCK: a named pipe in its place must not make us wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(open(path, flags, Mode::empty())?))
}

/// Opens what a descriptor of this process refers to.
pub(in crate::vault) fn open_descriptor(number: i32) -> io::Result<File> {
    File::open(format!("/dev/fd/{number}"))
}

/// What speaks against a file that should be a secret of ours.
pub(in crate::vault) fn secret_fault(file: &File) -> io::Result<Option<Fault>> {
    let metadata = file.metadata()?;
    Ok(fault_of(&metadata).or_else(|| is_open_to_others(&metadata).then_some(Fault::OpenToOthers)))
}

/// What speaks against a credential of systemd. It may be root's, and its mode says nothing: systemd shows the
/// access list of the unit's user as bits of the group.
pub(in crate::vault) fn credential_fault(file: &File) -> io::Result<Option<Fault>> {
    let metadata = file.metadata()?;
    Ok(fault_of(&metadata).filter(|fault| *fault != Fault::ForeignOwner || metadata.uid() != 0))
}

/// What speaks against a file that should be ours.
fn fault_of(metadata: &Metadata) -> Option<Fault> {
    if !metadata.is_file() {
        Some(Fault::NotAFile)
    } else if metadata.uid() != geteuid().as_raw() {
        Some(Fault::ForeignOwner)
    } else {
        None
    }
}

/// Whether the group or everyone else may do anything with it.
fn is_open_to_others(metadata: &Metadata) -> bool {
    metadata.mode() & 0o077 != 0
}

/// What says who may use a file.
pub(super) const PERMISSIONS: &str = "mode";

/// How to close a file to others.
pub(in crate::vault) const CLOSE_FILE: &str = "Make it a plain file of your own: `chmod 600` it.";

#[cfg(test)]
pub(in crate::vault) mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rstest::rstest;

    use super::super::tests::{fault, fault_of, folder, names};
    use super::*;

    /// Temporary files are private from the start.
    pub(in crate::vault) fn close_to_others(path: &Path) {
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o077, 0);
    }

    #[test]
    fn folders_and_files_are_made_private() {
        let (_home, folder) = folder();
        folder.replace("f", b"text", None).unwrap();
        assert_eq!(fs::metadata(&folder.path).unwrap().mode() & 0o7777, 0o700);
        assert_eq!(fs::metadata(folder.path.join("f")).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(**folder.read("f", 4).unwrap().unwrap(), *b"text");
        assert_eq!(names(&folder.path), ["f"]);
    }

    #[test]
    fn wide_modes_are_tightened() {
        let (_home, folder) = folder();
        folder.replace("f", b"text", None).unwrap();
        fs::set_permissions(folder.path.join("f"), Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(&folder.path, Permissions::from_mode(0o755)).unwrap();
        let folder = Folder::open(&folder.path).unwrap().unwrap();
        folder.read("f", 4).unwrap().unwrap();
        assert_eq!(fs::metadata(&folder.path).unwrap().mode() & 0o7777, 0o700);
        assert_eq!(fs::metadata(folder.path.join("f")).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_link_in_place_of_the_folder_is_refused() {
        let (home, folder) = folder();
        symlink(&folder.path, home.path().join("link")).unwrap();
        for link in ["link", "link/", "link//", "link/."] {
            assert_eq!(fault(Folder::open(&home.path().join(link))), Fault::NotAFolder, "{link}");
        }
    }

    #[rstest]
    #[case::symbolic_link(|at: &Path| symlink("other", at).unwrap())]
    #[case::socket(|at: &Path| drop(std::os::unix::net::UnixListener::bind(at).unwrap()))]
    fn what_is_no_plain_file_is_refused(#[case] plant: fn(&Path)) {
        assert_eq!(fault_of(plant), Fault::NotAFile);
    }
}
