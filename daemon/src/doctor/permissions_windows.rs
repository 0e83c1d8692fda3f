//! By owner and access list.

use std::fs::OpenOptions;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES, READ_CONTROL,
};

use super::{Fault, Want};
use crate::windows::{AccessList, ObjectKind, Sid};

/// It is a named pipe.
pub(super) const SOCKET_IS_A_FILE: bool = false;

/// What is wrong with it, if anything is.
pub(super) fn fault(path: &Path, want: Want) -> io::Result<Option<Fault>> {
    let file = OpenOptions::new()
        .access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)?;
    let list = AccessList::of(file.as_handle(), ObjectKind::File)?;
    let us = Sid::ours()?;
    let (is_owner_right, is_closed) = match want {
        Want::Private => (list.is_owned_by(&us), !list.is_open_to_others_than(&us)),
        Want::Ours => {
            (list.is_owned_by(&us) || list.is_owned_by_administrators(), !list.lets_others_write(&us))
        }
        Want::Administrators => (list.is_owned_by_administrators(), !list.lets_users_write()),
    };
    let shown = path.display();
    let right = if want == Want::Administrators { "Administrators" } else { "you" };
    if !is_owner_right {
        return Ok(Some(Fault {
            evidence: format!("belongs to {}, not to {right}", list.owner()),
            remedy: format!(
                "If you know why, take its ownership by `takeown /f \"{shown}\"`; else find out who put it there."
            ),
        }));
    }
    if !is_closed {
        return Ok(Some(Fault {
            evidence: "has an access list that lets others in".to_owned(),
            remedy: format!(
                "Remove their rights: `icacls \"{shown}\" /inheritance:r` and grant it to {right} alone."
            ),
        }));
    }
    Ok(None)
}
