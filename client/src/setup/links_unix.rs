//! Symbolic links.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// What names of programs end in.
pub(crate) const PROGRAM_ENDING: &str = "";

/// Where a link led to.
pub(in super::super) type Was = Option<PathBuf>;

/// Where the link leads to; nothing where there is none. A file that is no link is not ours to replace.
pub(in super::super) fn what_is(link: &Path) -> io::Result<Was> {
    match fs::read_link(link) {
        Ok(target) => Ok(Some(target)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidInput => Err(ErrorKind::AlreadyExists.into()),
        Err(error) => Err(error),
    }
}

/// Whether it leads to the program already.
pub(in super::super) fn points_to(link: &Path, program: &Path) -> bool {
    fs::read_link(link).is_ok_and(|target| target == program)
}

/// Makes the link, in place of one that leads elsewhere.
pub(in super::super) fn make(link: &Path, program: &Path) -> io::Result<()> {
    let beside = link.with_extension(format!("entra-{}", std::process::id()));
    symlink(program, &beside)?;
    fs::rename(&beside, link).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

/// Removes the link, if it is there.
pub(in super::super) fn remove(link: &Path) -> io::Result<()> {
    match fs::remove_file(link) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Makes it what it was.
pub(in super::super) fn restore(link: &Path, was: &Was) -> io::Result<()> {
    was.as_deref().map_or_else(|| remove(link), |target| make(link, target))
}

/// Whether a shell would run it.
pub(super) fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|about| about.is_file() && about.mode() & 0o111 != 0)
}

/// One line of the person's shell.
pub(super) fn path_line(folder: &Path) -> String {
    let shell = std::env::var_os("SHELL").map(PathBuf::from);
    let shell = shell.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let folder = folder.display();
    match shell {
        "fish" => format!("run once: fish_add_path --move '{folder}'"),
        "pwsh" => format!("add to $PROFILE: $env:PATH = '{folder}:' + $env:PATH"),
        "zsh" => format!("add to ~/.zshrc: export PATH=\"{folder}:$PATH\""),
        _ => format!("add to ~/.bashrc: export PATH=\"{folder}:$PATH\""),
    }
}
