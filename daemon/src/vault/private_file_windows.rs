//! Handles, owners and access lists.
//!
//! While the folder's handle is held, nobody can put another folder in its place: it is not shared for deletion,
//! and the system renames no folder with open handles below it. So a path within it stays what it is.
#![expect(
    unsafe_code,
    reason = "moving a file through to the disk and counting its links have no safe interface"
)]

use std::fs::{File, OpenOptions, read_dir, remove_file};
use std::io::{self, Write};
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
use zeroize::Zeroizing;

use super::{Fault, FileError, failed, is_temporary, read_bounded, temporary_name};
use crate::private::create_folder;
use crate::windows::{AccessList, Descriptor, ObjectKind, Sid, wide_path};

/// The state folder, held open.
#[derive(Debug)]
pub(in crate::vault) struct Folder {
    _handle: File,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder; `None` when there is none. An access list that lets others in is replaced.
    pub(in crate::vault) fn open(path: &Path) -> Result<Option<Self>, FileError> {
        // Without a separator at the end, which would have the system follow a link all the same.
        let path: &Path = &path.components().collect::<PathBuf>();
        let refuse = |fault| FileError::Unsafe { path: path.to_owned(), fault };
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
            return Err(refuse(Fault::NotAFolder));
        }
        match close(&handle, Descriptor::of_folder) {
            Ok(Closed::Already) => {}
            Ok(Closed::Now) => {
                tracing::warn!(path = %path.display(), "The state folder was open to other users; its access list names you alone now.");
            }
            Ok(Closed::Foreign) => return Err(refuse(Fault::ForeignOwner)),
            Err(error) => return Err(failed("tighten", path)(error)),
        }
        Ok(Some(Self { _handle: handle, path: path.to_owned() }))
    }

    /// Opens the folder, making it and those above it where they are missing.
    pub(in crate::vault) fn create(path: &Path) -> Result<Self, FileError> {
        if let Some(folder) = Self::open(path)? {
            return Ok(folder);
        }
        create_folder(path).map_err(failed("create", path))?;
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
        let mut options = OpenOptions::new();
        options
            .access_mode(GENERIC_READ | WRITE_DAC)
            .share_mode(FILE_SHARE_READ)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
        let file = match patiently(|| options.open(&path)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("open", &path)(error)),
        };
        let metadata = file.metadata().map_err(failed("examine", &path))?;
        if !metadata.is_file() || is_link(&file).map_err(failed("examine", &path))? {
            return Err(refuse(Fault::NotAFile));
        }
        if links(&file).map_err(failed("examine", &path))? > 1 {
            return Err(refuse(Fault::HardLinked));
        }
        match close(&file, Descriptor::of_user_alone) {
            Ok(Closed::Already) => {}
            Ok(Closed::Now) => {
                tracing::warn!(path = %path.display(), "The file was open to other users; its access list names you alone now.");
            }
            Ok(Closed::Foreign) => return Err(refuse(Fault::ForeignOwner)),
            Err(error) => return Err(failed("tighten", &path)(error)),
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

    /// Removes what a crashed write left of the file of that name.
    pub(in crate::vault) fn clean(&self, name: &str) -> Result<(), FileError> {
        let refused = || failed("clean", &self.path);
        for entry in read_dir(&self.path).map_err(refused())? {
            let found = entry.map_err(refused())?.file_name();
            let Some(found) = found.to_str() else { continue };
            if is_temporary(found, name) {
                patiently(|| remove_file(self.path.join(found))).map_err(refused())?;
                tracing::info!(file = found, "Removed what an interrupted write left behind.");
            }
        }
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

/// Opens a file of a person's choice for reading. A link is followed.
pub(in crate::vault) fn open_outside(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// There are no descriptors by number.
pub(in crate::vault) fn open_descriptor(_: i32) -> io::Result<File> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "Windows hands no descriptors on by number; set `passphrase_file`",
    ))
}

/// What speaks against a file that should be a secret of ours.
pub(in crate::vault) fn secret_fault(file: &File) -> io::Result<Option<Fault>> {
    if !file.metadata()?.is_file() {
        return Ok(Some(Fault::NotAFile));
    }
    let (list, ours) = (AccessList::of(file.as_handle(), ObjectKind::File)?, Sid::ours()?);
    Ok(if !list.is_owned_by(&ours) {
        Some(Fault::ForeignOwner)
    } else if list.is_open_to_others_than(&ours) {
        Some(Fault::OpenToOthers)
    } else {
        None
    })
}

/// A credential of systemd would be a file like any other.
pub(in crate::vault) fn credential_fault(file: &File) -> io::Result<Option<Fault>> {
    secret_fault(file)
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

/// What says who may use a file.
pub(super) const PERMISSIONS: &str = "access list";

/// How to close a file to others.
pub(in crate::vault) const CLOSE_FILE: &str = "Make it a plain file of your own that its access list opens to nobody else: `icacls FILE /inheritance:r /grant:r \"%USERNAME%:F\"`.";

#[cfg(test)]
pub(in crate::vault) mod tests {
    use std::fs;

    use super::super::tests::{folder, names};
    use super::*;

    fn list(path: &Path) -> AccessList {
        let mut options = OpenOptions::new();
        let file =
            options.access_mode(READ_CONTROL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path).unwrap();
        AccessList::of(file.as_handle(), ObjectKind::File).unwrap()
    }

    /// Where temporary files are open to others, as under Wine.
    pub(in crate::vault) fn close_to_others(path: &Path) {
        apply(&Descriptor::of_user_alone(&Sid::ours().unwrap()).unwrap(), path);
    }

    fn open_to_everyone(path: &Path) {
        apply(&Descriptor::parse("D:P(A;;FA;;;WD)").unwrap(), path);
    }

    fn apply(descriptor: &Descriptor, path: &Path) {
        let mut options = OpenOptions::new();
        let file = options
            .access_mode(READ_CONTROL | WRITE_DAC)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
            .open(path)
            .unwrap();
        descriptor.apply(file.as_handle()).unwrap();
    }

    #[test]
    fn folders_and_files_are_made_private() {
        let (_home, folder) = folder();
        folder.replace("f", b"text", None).unwrap();
        assert_eq!(**folder.read("f", 4).unwrap().unwrap(), *b"text");
        let ours = Sid::ours().unwrap();
        for path in [folder.path.clone(), folder.path.join("f")] {
            let list = list(&path);
            assert!(list.is_owned_by(&ours) && !list.is_open_to_others_than(&ours), "{list:?}");
        }
        assert_eq!(names(&folder.path), ["f"]);
    }

    #[test]
    fn a_folder_may_lie_deeper_than_the_systems_short_paths() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("d".repeat(120)).join("e".repeat(120)).join("entrad");
        let folder = Folder::create(&path).unwrap();
        folder.replace("f", b"one", None).unwrap();
        folder.replace("f", b"two", Some("f.old")).unwrap();
        assert_eq!(names(&folder.path), ["f", "f.old"]);
    }

    #[test]
    fn open_lists_are_closed() {
        let (_home, folder) = folder();
        folder.replace("f", b"text", None).unwrap();
        let file = folder.path.join("f");
        open_to_everyone(&file);
        open_to_everyone(&folder.path);
        let ours = Sid::ours().unwrap();
        assert!(
            list(&file).is_open_to_others_than(&ours) && list(&folder.path).is_open_to_others_than(&ours)
        );
        let folder = Folder::open(&folder.path).unwrap().unwrap();
        folder.read("f", 4).unwrap().unwrap();
        assert!(
            !list(&file).is_open_to_others_than(&ours) && !list(&folder.path).is_open_to_others_than(&ours)
        );
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let (_home, folder) = folder();
        folder.replace("f", b"text", None).unwrap();
        let path = folder.path.join("f");
        assert_eq!(secret_fault(&open_outside(&path).unwrap()).unwrap(), None);
        open_to_everyone(&path);
        assert_eq!(secret_fault(&open_outside(&path).unwrap()).unwrap(), Some(Fault::OpenToOthers));
    }

    #[test]
    fn a_file_that_somebody_holds_for_a_moment_is_replaced_all_the_same() {
        let (_home, folder) = folder();
        folder.replace("f", b"one", None).unwrap();
        let scanner =
            OpenOptions::new().read(true).share_mode(FILE_SHARE_READ).open(folder.path.join("f")).unwrap();
        let lets_go = std::thread::spawn(move || {
            sleep(PAUSE * 2);
            drop(scanner);
        });
        folder.replace("f", b"two", None).unwrap();
        lets_go.join().unwrap();
        assert_eq!(**folder.read("f", 4).unwrap().unwrap(), *b"two");
    }

    #[test]
    fn an_unfinished_write_that_somebody_holds_for_a_moment_is_cleaned_all_the_same() {
        let (_home, folder) = folder();
        let unfinished = folder.path.join("f.0123456789abcdef.tmp");
        fs::write(&unfinished, "").unwrap();
        let scanner = OpenOptions::new().read(true).share_mode(FILE_SHARE_READ).open(unfinished).unwrap();
        let lets_go = std::thread::spawn(move || {
            sleep(PAUSE * 2);
            drop(scanner);
        });
        folder.clean("f").unwrap();
        lets_go.join().unwrap();
        assert!(names(&folder.path).is_empty());
    }
}
