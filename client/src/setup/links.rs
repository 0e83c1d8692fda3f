//! Names under which tools call this program.
//!
//! What a link leads to must still be there after an update. So it leads to the `entra` on PATH when that is this program, as
//! package managers keep one in place across versions, and else to the program's own file.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use entra_proto::error::exit;

#[cfg_attr(unix, path = "links_unix.rs")]
#[cfg_attr(windows, path = "links_windows.rs")]
mod platform;

use crate::failure::Failure;

pub(crate) use self::platform::PROGRAM_ENDING;
pub(super) use self::platform::{Was, make, points_to, remove, restore, what_is};

/// The file that links lead to.
pub(crate) fn program() -> Result<PathBuf, Failure> {
    let lost = |error: &io::Error| {
        Failure::new(exit::INTERNAL, "no_program", "The system does not say where this program is.")
            .because(error)
    };
    let own = env::current_exe().map_err(|error| lost(&error))?;
    // Linux adds " (deleted)" to the path of a program that was replaced while it runs (proc_pid_exe(5)).
    let own = fs::canonicalize(own)
        .map_err(|error| lost(&error).hint("If entra was updated just now, run the command again."))?;
    let name = format!("entra{PROGRAM_ENDING}");
    Ok(on_path(&name).filter(|found| fs::canonicalize(found).is_ok_and(|found| found == own)).unwrap_or(own))
}

/// Whether links to it will outlive this session.
pub(crate) fn is_lasting(program: &Path) -> bool {
    let is_below = |folder: PathBuf| fs::canonicalize(folder).is_ok_and(|folder| program.starts_with(folder));
    !is_below(env::temp_dir())
}

/// What a shell would run under this name: the first file of that name on PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    folders.find_map(|folder| Some(folder.join(name)).filter(|file| platform::is_program(file)))
}

/// The line that puts the folder first on PATH, for the shell that the person uses, and where it goes.
pub(super) fn path_line(folder: &Path) -> String {
    platform::path_line(folder)
}
