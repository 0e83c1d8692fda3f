//! Files of a person's choice: opened for reading wherever they are, and judged by owner and mode.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::geteuid;

use super::Fault;

/// Opens a file of a person's choice for reading. A link is followed.
pub(crate) fn open_outside(path: &Path) -> io::Result<File> {
    // NONBLOCK: a named pipe in its place must not make us wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(open(path, flags, Mode::empty())?))
}

/// Opens what a descriptor of this process refers to.
pub(crate) fn open_descriptor(number: i32) -> io::Result<File> {
    File::open(format!("/dev/fd/{number}"))
}

/// What speaks against a file that should be a secret of ours.
pub(crate) fn secret_fault(file: &File) -> io::Result<Option<Fault>> {
    let metadata = file.metadata()?;
    Ok(fault_of(&metadata).or_else(|| is_open_to_others(&metadata).then_some(Fault::OpenToOthers)))
}

/// What speaks against a credential of systemd. It may be root's, and its mode says nothing: systemd shows the
/// access list of the unit's user as bits of the group.
pub(crate) fn credential_fault(file: &File) -> io::Result<Option<Fault>> {
    let metadata = file.metadata()?;
    Ok(fault_of(&metadata).filter(|fault| *fault != Fault::ForeignOwner || metadata.uid() != 0))
}

/// What speaks against a file that should be ours.
pub(super) fn fault_of(metadata: &Metadata) -> Option<Fault> {
    if !metadata.is_file() {
        Some(Fault::NotAFile)
    } else if metadata.uid() != geteuid().as_raw() {
        Some(Fault::ForeignOwner)
    } else {
        None
    }
}

/// Whether the group or everyone else may do anything with it.
pub(super) fn is_open_to_others(metadata: &Metadata) -> bool {
    metadata.mode() & 0o077 != 0
}

/// What says who may use a file.
pub(super) const PERMISSIONS: &str = "mode";

/// How to close a file to others.
pub(crate) const CLOSE_FILE: &str = "Make it a plain file of your own: `chmod 600` it.";
