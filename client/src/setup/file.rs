//! Reading and replacing files of the user's own.
//!
//! The hard idea: a file is replaced whole or not at all. The new text is written beside it, made durable, given the mode and
//! owner of the old one and put in its place by a rename; a symbolic link, as people have who keep their settings in a
//! repository, is followed and stays. A file that became another one since it was read is left alone.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

#[cfg_attr(unix, path = "file_unix.rs")]
#[cfg_attr(windows, path = "file_windows.rs")]
mod platform;

pub(super) use self::platform::PRIVATE;
pub(crate) use self::platform::make_folder;

/// What a file holds, and who may read it.
#[derive(Clone, PartialEq)]
pub(crate) struct Content {
    /// The bytes, which may hold secrets of the user's.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// Its permission bits, where the system has such.
    pub(crate) mode: Option<u32>,
}

impl Content {
    /// For a new file, which the user alone may read.
    pub(crate) fn private(bytes: Vec<u8>) -> Self {
        Self { bytes: Zeroizing::new(bytes), mode: PRIVATE }
    }

    /// The text.
    pub(crate) fn text<'a>(&'a self, path: &Path) -> Result<&'a str, FileError> {
        std::str::from_utf8(&self.bytes).map_err(|_| FileError::NotText(path.to_owned()))
    }
}

/// The right to change settings, until it is dropped or the process ends: two runs at once would take each other's records
/// for their own. Nothing where the system has no locks there, as on some network drives.
///
/// # Errors
/// When another run has it, or the home is not the home of who runs this.
pub(super) fn alone(home: &Path) -> Result<Option<File>, FileError> {
    if platform::is_anothers(home) {
        return Err(FileError::Foreign(home.to_owned()));
    }
    match platform::alone(home) {
        Ok(held) => Ok(Some(held)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(FileError::Busy),
        Err(_) => Ok(None),
    }
}

/// What the file holds; nothing where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Content>, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let path = &target(path)?;
    // To open a named pipe would be to wait for who writes into it.
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return Err(FileError::NotAFile(path.clone()));
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(FileError::NotAFile(path.clone()));
    }
    let mut bytes =
        Zeroizing::new(Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default().min(LONGEST) + 1));
    file.take(LONGEST as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > LONGEST {
        return Err(FileError::TooLong(path.clone()));
    }
    Ok(Some(Content { bytes, mode: platform::mode(&about) }))
}

/// Says now why the file could not be replaced later. Where its folder is still to be made, the folder above must be able to
/// hold it.
pub(super) fn check_writable(path: &Path) -> Result<(), FileError> {
    let path = target(path)?;
    if let Ok(about) = fs::metadata(&path)
        && about.permissions().readonly()
    {
        return Err(FileError::ReadOnly(path));
    }
    let folder = path.ancestors().skip(1).find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    if platform::is_closed(folder) {
        return Err(FileError::ReadOnly(folder.to_owned()));
    }
    let (_, beside) = beside(&folder.join(path.file_name().unwrap_or_default()))?;
    fs::remove_file(&beside).map_err(|source| FileError::Write { path: beside, source })
}

/// Puts `new` in place of `old`, which must still be what the file holds; nothing stands for no file.
pub(crate) fn replace(path: &Path, old: Option<&Content>, new: Option<&Content>) -> Result<(), FileError> {
    let target = target(path)?;
    let failed = |source| FileError::Write { path: target.clone(), source };
    if read(&target)?.as_ref() != old {
        return Err(FileError::Changed(target));
    }
    let Some(new) = new else {
        return if old.is_some() { fs::remove_file(&target).map_err(failed) } else { Ok(()) };
    };
    let (mut file, beside) = beside(&target)?;
    let written = file
        .write_all(&new.bytes)
        .and_then(|()| platform::dress(&file, fs::metadata(&target).ok().as_ref(), new.mode))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, &target));
    if let Err(error) = written {
        // What is left beside it would hold the text; the first error is the one to tell.
        let _ = fs::remove_file(&beside);
        return Err(failed(error));
    }
    platform::sync_folder(&target).map_err(failed)
}

/// The file that is meant: what a symbolic link points to.
pub(super) fn target(path: &Path) -> Result<PathBuf, FileError> {
    match fs::canonicalize(path) {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if path.is_symlink() {
                return Err(FileError::Dangling(path.to_owned()));
            }
            Ok(path.to_owned())
        }
        Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
    }
}

/// An empty file in the same folder, which the user alone may read.
fn beside(path: &Path) -> Result<(File, PathBuf), FileError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut last = io::Error::from(ErrorKind::AlreadyExists);
    for number in 0..ATTEMPTS {
        let beside = path.with_file_name(format!(".{name}.entra-{}-{number}", std::process::id()));
        match platform::private().write(true).create_new(true).open(&beside) {
            Ok(file) => return Ok((file, beside)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
            Err(source) => return Err(FileError::Write { path: path.to_owned(), source }),
        }
    }
    Err(FileError::Write { path: path.to_owned(), source: last })
}

/// Settings files are some kilobytes; this is no settings file any more.
const LONGEST: usize = 4 * 1024 * 1024;

/// Files of an earlier process with our id that was killed may be in the way, hardly several.
const ATTEMPTS: u32 = 8;

/// Why a file was not read or replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// Another run has not ended.
    #[error("Another `entra setup` is at work just now.")]
    Busy,
    /// Another program wrote it meanwhile.
    #[error("{} was changed by another program just now.", .0.display())]
    Changed(PathBuf),
    /// A link to nothing.
    #[error("{} is a link to a file that does not exist.", .0.display())]
    Dangling(PathBuf),
    /// The superuser in another's home.
    #[error("{} is another user's home, and you are root.", .0.display())]
    Foreign(PathBuf),
    /// A folder or a device.
    #[error("{} is not a file.", .0.display())]
    NotAFile(PathBuf),
    /// Bytes that are no text.
    #[error("{} is not text in UTF-8.", .0.display())]
    NotText(PathBuf),
    /// The system refused to read.
    #[error("{} cannot be read.", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its owner made it so.
    #[error("{} is read-only.", .0.display())]
    ReadOnly(PathBuf),
    /// Longer than a settings file is.
    #[error("{} is longer than {} bytes.", .0.display(), LONGEST)]
    TooLong(PathBuf),
    /// The system refused to write.
    #[error("{} cannot be written.", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
