//! `entra metrics`: what the daemon counted, as OpenMetrics text, on standard output or as a file that is replaced whole.
//!
//! A file is for the textfile collector of node_exporter, which may read it at any moment: the text is written beside it and
//! put in its place by a rename. It is made as the user's umask says, since the collector is another user.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use entra_proto::error::exit;

use super::heard;
use crate::args::MetricsArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::Stream;

/// Asks, and prints or writes.
pub(crate) fn run(socket: &Socket, args: &MetricsArgs) -> Result<(), Failure> {
    let text = heard(socket.connect()?.metrics()?)?;
    let Some(path) = &args.output else {
        return Stream::output().write(text.as_bytes());
    };
    replace(path, text.as_bytes()).map_err(|error| {
        let sentence = format!("The metrics could not be written to {}.", path.display());
        Failure::new(exit::INTERNAL, "output_failed", sentence)
            .because(&error)
            .hint("Name a file in a folder that you may write to.")
    })
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
    // The collector reads what ends in `.prom`.
    let beside = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let written = File::create_new(&beside).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written
}
