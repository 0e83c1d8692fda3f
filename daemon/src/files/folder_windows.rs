//! Handles, owners and access lists.
//!
//! While the folder's handle is held, nobody can put another folder in its place: it is not shared for deletion,
//! and the system renames no folder with open handles below it. So a path within it stays what it is.
#![expect(
    unsafe_code,
    reason = "moving a file through to the disk and counting its links have no safe interface"
)]

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, read_dir, remove_file};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, GENERIC_READ, GENERIC_WRITE,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES, FILE_SHARE_READ,
    FILE_SHARE_WRITE, GetFileInformationByHandle, MOVE_FILE_FLAGS, MOVEFILE_REPLACE_EXISTING,
    MOVEFILE_WRITE_THROUGH, MoveFileExW, READ_CONTROL, WRITE_DAC,
};

use super::fault::{failed, refused};
use super::{Fault, FileError, temporary_name};
use crate::windows::{AccessList, Descriptor, ObjectKind, Sid, wide_path};

/// A folder of ours, held open.
#[derive(Debug)]
pub(crate) struct Folder {
    _handle: File,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder; `None` when there is none. An access list that lets others in is replaced.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, FileError> {
        // Without a separator at the end, which would have the system follow a link all the same.
        let path: &Path = &path.components().collect::<PathBuf>();
        let mut options = OpenOptions::new();
        options
            .access_mode(READ_CONTROL | WRITE_DAC | FILE_READ_ATTRIBUTES | FILE_LIST_DIRECTORY)
            .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
        let handle = match options.open(path) {
            Ok(handle) => handle,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("open", path)(error)),
        };
        let metadata = handle.metadata().map_err(failed("examine", path))?;
        if !metadata.is_dir() || is_link(&handle).map_err(failed("examine", path))? {
            return refused(path, Fault::NotAFolder);
        }
        match close(&handle, Descriptor::of_folder) {
            Ok(Closed::Already) => {}
            Ok(Closed::Now) => {
                tracing::warn!(path = %path.display(), "The folder was open to other users; its access list names you alone now.");
            }
            Ok(Closed::Foreign) => return refused(path, Fault::ForeignOwner),
            Err(error) => return Err(failed("tighten", path)(error)),
        }
        Ok(Some(Self { _handle: handle, path: path.to_owned() }))
    }

    /// Its path. Nobody can put another in its place while it is held.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file for reading; `None` when there is none.
    pub(crate) fn look_into(&self, name: &str) -> Result<Option<File>, FileError> {
        let mut options = OpenOptions::new();
        options.access_mode(GENERIC_READ | WRITE_DAC);
        match self.checked(name.as_ref(), &mut options) {
            Err(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Opens a file for reading and for writing at its end, making it where it is missing. The end is where it stands now: it has
    /// one writer.
    pub(crate) fn append(&self, name: impl AsRef<OsStr>) -> Result<File, FileError> {
        let mut options = OpenOptions::new();
        // The right to append alone would take away the right to cut off what a failed write left.
        options.write(true).create(true).access_mode(GENERIC_READ | GENERIC_WRITE | WRITE_DAC);
        let mut file = self.checked(name.as_ref(), &mut options)?;
        file.seek(SeekFrom::End(0)).map_err(failed("open", &self.path.join(name.as_ref())))?;
        Ok(file)
    }

    /// Opens a file that must be a plain one of ours with one name. An access list that lets others in is replaced. It may be
    /// renamed while it is open.
    fn checked(&self, name: &OsStr, options: &mut OpenOptions) -> Result<File, FileError> {
        let path = self.path.join(name);
        options.custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
        let file = patiently(|| options.open(&path)).map_err(failed("open", &path))?;
        let metadata = file.metadata().map_err(failed("examine", &path))?;
        if !metadata.is_file() || is_link(&file).map_err(failed("examine", &path))? {
            return refused(&path, Fault::NotAFile);
        }
        if links(&file).map_err(failed("examine", &path))? > 1 {
            return refused(&path, Fault::HardLinked);
        }
        match close(&file, Descriptor::of_user_alone) {
            Ok(Closed::Already) => {}
            // One that was just made has what the system gives it.
            Ok(Closed::Now) if metadata.len() == 0 => {}
            Ok(Closed::Now) => {
                tracing::warn!(path = %path.display(), "The file was open to other users; its access list names you alone now.");
            }
            Ok(Closed::Foreign) => return refused(&path, Fault::ForeignOwner),
            Err(error) => return Err(failed("tighten", &path)(error)),
        }
        Ok(file)
    }

    /// Puts a file in place of the one of that name, which may first be set aside under another name. When this
    /// fails the old file is whole, under one of the two names; when it returns, the new one is on disk.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8], aside: Option<&str>) -> Result<(), FileError> {
        let temporary = temporary_name(name).map_err(failed("name a file in", &self.path))?;
        let path = self.path.join(&temporary);
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create_new(true)
            .access_mode(GENERIC_WRITE | READ_CONTROL | WRITE_DAC)
            .share_mode(0);
        let mut file = options.open(&path).map_err(failed("create", &path))?;
        // The folder hands its access list on to what is made in it, where the file system does that.
        let written = close(&file, Descriptor::of_user_alone)
            .and_then(|_| file.write_all(bytes))
            .and_then(|()| file.sync_all());
        drop(file);
        let placed = written.map_err(failed("write", &path)).and_then(|()| self.place(&path, name, aside));
        if placed.is_err() {
            // What is left behind if this fails too is cleaned at the next start.
            let _ = remove_file(&path);
        }
        placed
    }

    /// Gives a file another name, in place of what has that.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        let (from, to) = (self.path.join(from), self.path.join(to));
        patiently(|| rename(&from, &to, MOVEFILE_REPLACE_EXISTING)).map_err(failed("rename", &from))
    }

    /// Deletes a file or a link to one, but no folder. There may be none.
    pub(crate) fn remove(&self, name: impl AsRef<OsStr>) -> Result<(), FileError> {
        let path = self.path.join(name.as_ref());
        match patiently(|| remove_file(&path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("delete", &path)(error)),
            _ => Ok(()),
        }
    }

    /// Opens a file for writing over what it holds.
    pub(super) fn overwritable(&self, name: &str) -> Result<File, FileError> {
        let mut options = OpenOptions::new();
        options.write(true).access_mode(GENERIC_WRITE | READ_CONTROL | WRITE_DAC);
        self.checked(name.as_ref(), &mut options)
    }

    /// What is in it, sorted. Names that are no text are none of ours.
    pub(crate) fn names(&self) -> Result<Vec<String>, FileError> {
        let mut names = Vec::new();
        for entry in read_dir(&self.path).map_err(failed("list", &self.path))? {
            let name = entry.map_err(failed("list", &self.path))?.file_name();
            names.extend(name.into_string().ok());
        }
        names.sort();
        Ok(names)
    }

    /// The file system writes names down in its own journal.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "other systems flush folders")]
    pub(crate) fn sync(&self) -> Result<(), FileError> {
        Ok(())
    }

    fn place(&self, temporary: &Path, name: &str, aside: Option<&str>) -> Result<(), FileError> {
        let path = self.path.join(name);
        if let Some(aside) = aside {
            patiently(|| rename(&path, &self.path.join(aside), 0)).map_err(failed("set aside", &path))?;
        }
        patiently(|| rename(temporary, &path, MOVEFILE_REPLACE_EXISTING)).map_err(failed("replace", &path))
    }
}

enum Closed {
    Already,
    Foreign,
    Now,
}

/// Closes what is open to others; what another user owns is left alone.
fn close(file: &File, descriptor: fn(&Sid) -> io::Result<Descriptor>) -> io::Result<Closed> {
    let (list, ours) = (AccessList::of(file.as_handle(), ObjectKind::File)?, Sid::ours()?);
    if !list.is_owned_by(&ours) {
        return Ok(Closed::Foreign);
    }
    if !list.is_open_to_others_than(&ours) {
        return Ok(Closed::Already);
    }
    descriptor(&ours)?.apply(file.as_handle())?;
    Ok(Closed::Now)
}

/// A symbolic link, a junction or the like.
fn is_link(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0)
}

fn links(file: &File) -> io::Result<u32> {
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and the structure is ours to write.
    if unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut information) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(information.nNumberOfLinks)
}

/// Renames and returns when that is on the disk.
fn rename(from: &Path, to: &Path, flags: MOVE_FILE_FLAGS) -> io::Result<()> {
    let (from, to) = (wide_path(from)?, wide_path(to)?);
    // SAFETY: both names end in zero.
    if unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), flags | MOVEFILE_WRITE_THROUGH) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// A scanner or an indexer may hold a file for a moment, and says to nobody when it lets go.
fn patiently<T>(act: impl Fn() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..TRIES {
        match act() {
            Err(error) if is_held(&error) => sleep(PAUSE),
            other => return other,
        }
    }
    act()
}

fn is_held(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(i32::cast_unsigned);
    matches!(code, Some(ERROR_SHARING_VIOLATION | ERROR_ACCESS_DENIED))
}

/// Half a second in all, on the vault's own thread.
const TRIES: u32 = 11;
const PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
#[path = "folder_tests_windows.rs"]
pub(crate) mod tests;
