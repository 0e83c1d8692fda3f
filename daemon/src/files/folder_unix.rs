//! Descriptors, owners and modes.

use std::ffi::OsStr;
use std::fs::{File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Dir, Mode, OFlags, RenameFlags, mkdirat, open, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::fault::{failed, refused};
use super::outside::{fault_of, is_open_to_others};
use super::{Fault, FileError, temporary_name};

#[cfg_attr(target_os = "linux", path = "reach_linux.rs")]
#[cfg_attr(target_os = "macos", path = "reach_macos.rs")]
mod reach;

/// A folder of ours, held open.
#[derive(Debug)]
pub(crate) struct Folder {
    descriptor: File,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder; `None` when there is none. A mode wider than 0700 is tightened.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, FileError> {
        // Without a slash at the end, which would have the system follow a link all the same.
        let path: &Path = &path.components().collect::<PathBuf>();
        let Some(descriptor) = opened(open(path, FOLDER, Mode::empty()), path)? else { return Ok(None) };
        let metadata = descriptor.metadata().map_err(failed("examine", path))?;
        if metadata.uid() != geteuid().as_raw() {
            return refused(path, Fault::ForeignOwner);
        }
        if is_open_to_others(&metadata) {
            descriptor.set_permissions(Permissions::from_mode(0o700)).map_err(failed("tighten", path))?;
            tracing::warn!(path = %path.display(), "The folder was open to other users; its mode is 0700 now.");
        }
        Ok(Some(Self { descriptor, path: path.to_owned() }))
    }

    /// Opens a folder for something that others are to find there, making it where it is missing. It is taken as it is or not at
    /// all: ours, closed to others, and in a folder where nobody else may put another in its place.
    pub(crate) fn meeting_place(path: &Path) -> Result<Self, FileError> {
        let path: &Path = &path.components().collect::<PathBuf>();
        // The file system's root has nothing above it, and `..` has no name there.
        let (above, name) = (path.parent().unwrap_or(path), path.file_name().unwrap_or(OsStr::new(".")));
        // A link above is followed: whose the folder is where it leads counts.
        let Some(holder) = opened(open(above, reach::HOLDER, Mode::empty()), above)? else {
            return Err(failed("open", above)(io::ErrorKind::NotFound.into()));
        };
        if is_exchangeable_in(&holder.metadata().map_err(failed("examine", above))?) {
            return refused(path, Fault::Exchangeable);
        }
        let look = || opened(openat(&holder, name, FOLDER, Mode::empty()), path);
        let descriptor = match look()? {
            Some(descriptor) => descriptor,
            None => {
                match mkdirat(&holder, name, Mode::RWXU) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(failed("create", path)(error.into())),
                }
                look()?.ok_or_else(|| failed("open", path)(io::ErrorKind::NotFound.into()))?
            }
        };
        let metadata = descriptor.metadata().map_err(failed("examine", path))?;
        if metadata.uid() != geteuid().as_raw() {
            return refused(path, Fault::ForeignOwner);
        }
        if is_open_to_others(&metadata) {
            return refused(path, Fault::OpenToOthers);
        }
        Ok(Self { descriptor, path: path.to_owned() })
    }

    /// Whether its path still leads to this very folder.
    pub(crate) fn is_where_it_was(&self) -> bool {
        let there = std::fs::symlink_metadata(&self.path);
        there
            .and_then(|there| Ok((there, self.descriptor.metadata()?)))
            .is_ok_and(|(there, ours)| (there.dev(), there.ino()) == (ours.dev(), ours.ino()))
    }

    /// A path by which the system finds the name in this very folder, wherever its own path leads by now; for calls that take
    /// nothing but a path.
    pub(crate) fn reach(&self, name: &OsStr) -> PathBuf {
        reach::within(&self.descriptor, &self.path, name)
    }

    /// Its path, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file for reading; `None` when there is none.
    pub(crate) fn look_into(&self, name: &str) -> Result<Option<File>, FileError> {
        match self.checked(OsStr::new(name), OFlags::RDONLY) {
            Err(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Opens a file for reading and for writing at its end, making it where it is missing.
    pub(crate) fn append(&self, name: impl AsRef<OsStr>) -> Result<File, FileError> {
        self.checked(name.as_ref(), OFlags::RDWR | OFlags::APPEND | OFlags::CREATE)
    }

    /// Opens a file that must be a plain one of ours with one name. A mode wider than 0600 is tightened.
    fn checked(&self, name: &OsStr, flags: OFlags) -> Result<File, FileError> {
        let path = self.path.join(name);
        // NONBLOCK: a named pipe in its place must not make us wait for its other end.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.descriptor, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => File::from(file),
            Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => return refused(&path, Fault::NotAFile),
            Err(error) => return Err(failed("open", &path)(error.into())),
        };
        let metadata = file.metadata().map_err(failed("examine", &path))?;
        if let Some(fault) = fault_of(&metadata).or_else(|| second_name(&metadata)) {
            return refused(&path, fault);
        }
        if is_open_to_others(&metadata) {
            file.set_permissions(Permissions::from_mode(0o600)).map_err(failed("tighten", &path))?;
            tracing::warn!(path = %path.display(), "The file was open to other users; its mode is 0600 now.");
        }
        Ok(file)
    }

    /// Puts a file in place of the one of that name, which may first be set aside under another name. When this
    /// fails the old file is whole, under one of the two names; when it returns, the new one is on disk.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8], aside: Option<&str>) -> Result<(), FileError> {
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

    /// Gives a file another name, in place of what has that.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        renameat(&self.descriptor, from, &self.descriptor, to)
            .map_err(|error| failed("rename", &self.path.join(from))(error.into()))
    }

    /// Deletes a file, a link or the like, but no folder. There may be none. It is gone from the disk when this returns.
    pub(crate) fn remove(&self, name: impl AsRef<OsStr>) -> Result<(), FileError> {
        match unlinkat(&self.descriptor, name.as_ref(), AtFlags::empty()) {
            Ok(()) => self.sync(),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(failed("delete", &self.path.join(name.as_ref()))(error.into())),
        }
    }

    /// Opens a file for writing over what it holds.
    pub(super) fn overwritable(&self, name: &str) -> Result<File, FileError> {
        self.checked(OsStr::new(name), OFlags::WRONLY)
    }

    /// What is in it, sorted. Names that are no text are none of ours.
    pub(crate) fn names(&self) -> Result<Vec<String>, FileError> {
        let listed = |error: Errno| failed("list", &self.path)(error.into());
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.descriptor).map_err(listed)? {
            let entry = entry.map_err(listed)?;
            names.extend(
                entry
                    .file_name()
                    .to_str()
                    .ok()
                    .filter(|name| !matches!(*name, "." | ".."))
                    .map(str::to_owned),
            );
        }
        names.sort();
        Ok(names)
    }

    /// Waits until the names in it are on disk.
    pub(crate) fn sync(&self) -> Result<(), FileError> {
        self.descriptor.sync_all().map_err(failed("flush", &self.path))
    }

    fn place(&self, temporary: &str, name: &str, aside: Option<&str>) -> Result<(), FileError> {
        let at = &self.descriptor;
        if let Some(aside) = aside {
            renameat_with(at, name, at, aside, RenameFlags::NOREPLACE)
                .map_err(|error| failed("set aside", &self.path.join(name))(error.into()))?;
        }
        renameat(at, temporary, at, name)
            .map_err(|error| failed("replace", &self.path.join(name))(error.into()))?;
        self.sync()
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An opened folder; `None` when there is none.
fn opened(result: rustix::io::Result<std::os::fd::OwnedFd>, path: &Path) -> Result<Option<File>, FileError> {
    match result {
        Ok(descriptor) => Ok(Some(File::from(descriptor))),
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::LOOP | Errno::NOTDIR) => refused(path, Fault::NotAFolder),
        Err(error) => Err(failed("open", path)(error.into())),
    }
}

/// Whether somebody else may rename what is ours in such a folder. Where it is sticky, only its owner and ours may.
fn is_exchangeable_in(folder: &Metadata) -> bool {
    let is_sticky = folder.mode() & 0o1000 != 0;
    let is_trusted = folder.uid() == geteuid().as_raw() || folder.uid() == 0;
    !is_trusted || (folder.mode() & 0o022 != 0 && !is_sticky)
}

/// A second name may be in a folder that is open to others, or be another program's file.
fn second_name(metadata: &Metadata) -> Option<Fault> {
    (metadata.nlink() > 1).then_some(Fault::HardLinked)
}

#[cfg(test)]
#[path = "folder_tests_unix.rs"]
pub(crate) mod tests;
