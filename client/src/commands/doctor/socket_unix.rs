//! By owner and mode; the folder decides as well, since whoever may write there can put another socket in its place.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use entra_proto::doctor::shell_word;
use rustix::process::geteuid;

use super::Finding;

pub(super) fn look(path: &Path) -> Finding {
    let shown = path.display();
    let (file, folder) = match path.symlink_metadata().and_then(|file| {
        let folder = path.parent().unwrap_or(path).metadata()?;
        Ok((file, folder))
    }) {
        Ok(both) => both,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Finding::skipped(format!("There is no {shown}."));
        }
        Err(error) => {
            return Finding::failed(
                format!("{shown} cannot be looked at: {error}."),
                "See that it and the folders above it are yours.",
            );
        }
    };
    if !file.file_type().is_socket() {
        return Finding::failed(
            format!("{shown} is no socket."),
            "Name entrad's by --socket or ENTRAD_SOCKET.",
        );
    }
    let folder_shown = path.parent().unwrap_or(path).display();
    if let Some(fault) = fault(&folder) {
        return Finding::failed(
            format!("The socket's folder {folder_shown} {fault}, so that others could replace the socket."),
            format!(
                "Run `chmod 700 {}`; if it is not yours, name a socket elsewhere by --socket.",
                shell_word(path.parent().unwrap_or(path))
            ),
        );
    }
    if let Some(fault) = fault(&file) {
        return Finding::failed(
            format!("The socket {shown} {fault}."),
            format!("Run `chmod 600 {}`; if it is not yours, find out whose entrad it is.", shell_word(path)),
        );
    }
    Finding::good(format!("{shown} is yours alone."))
}

fn fault(file: &Metadata) -> Option<String> {
    if file.uid() != geteuid().as_raw() {
        return Some(format!("belongs to user {}", file.uid()));
    }
    let mode = file.mode() & 0o777;
    (mode & 0o077 != 0).then(|| format!("has mode {mode:04o}"))
}
