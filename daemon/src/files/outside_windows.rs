//! Files of a person's choice: opened for reading wherever they are, and judged by owner and access list.

use std::fs::File;
use std::io;
use std::os::windows::io::AsHandle;
use std::path::Path;

use super::Fault;
use crate::windows::{AccessList, ObjectKind, Sid};

/// Opens a file of a person's choice for reading. A link is followed.
pub(crate) fn open_outside(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// There are no descriptors by number.
pub(crate) fn open_descriptor(_: i32) -> io::Result<File> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "Windows hands no descriptors on by number; set `passphrase_file`",
    ))
}

/// What speaks against a file that should be a secret of ours.
pub(crate) fn secret_fault(file: &File) -> io::Result<Option<Fault>> {
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
pub(crate) fn credential_fault(file: &File) -> io::Result<Option<Fault>> {
    secret_fault(file)
}

/// What says who may use a file.
pub(super) const PERMISSIONS: &str = "access list";

/// How to close a file to others.
pub(crate) const CLOSE_FILE: &str = "Make it a plain file of your own that its access list opens to nobody else: `icacls FILE /inheritance:r /grant:r \"%USERNAME%:F\"`.";
