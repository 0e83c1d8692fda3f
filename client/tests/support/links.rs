//! The program under other names.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::FakeDaemon;

/// A folder with the program under one name in it.
pub(crate) struct Link {
    folder: TempDir,
    program: PathBuf,
}

impl Link {
    /// Makes it.
    pub(crate) fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        make(Path::new(env!("CARGO_BIN_EXE_entra")), &program);
        Self { folder, program }
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program with an empty environment and these words.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().args(line.split(' ').filter(|word| !word.is_empty()));
        command
    }

    /// The same, pointed at this daemon.
    pub(crate) fn at(&self, daemon: &FakeDaemon, line: &str) -> Command {
        let mut command = self.command(line);
        command.env("ENTRAD_SOCKET", daemon.address.path());
        command
    }
}

/// A folder with the program in it, under its own name, and nothing beside it. The system takes it for the program that is
/// there, as a link's target would not be; and nothing is written, so that it can be run at once.
pub(crate) fn alone() -> (TempDir, PathBuf) {
    let own = Path::new(env!("CARGO_BIN_EXE_entra"));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join(own.file_name().unwrap());
    std::fs::hard_link(own, &program).unwrap();
    (folder, program)
}

#[cfg(unix)]
fn make(program: &Path, link: &Path) {
    std::os::unix::fs::symlink(program, link).unwrap();
}

#[cfg(windows)]
fn make(program: &Path, link: &Path) {
    std::fs::copy(program, link).unwrap();
}

/// A shell script that is executable.
#[cfg(unix)]
pub(crate) fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;

    // Written by another process: a test beside this one could start a program while the file is open for writing, and
    // the system runs no file that is.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#"printf '#!/bin/sh\n%s\n' "$1" > "$0""#]).arg(path).arg(text);
    assert!(shell.status().unwrap().success());
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}
