//! Second names of the program's file, each with a batch file beside it: some tools look for `az.cmd` alone.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What names of programs end in.
pub(in super::super) const PROGRAM_ENDING: &str = ".exe";

/// Whether there was one; of a file that was ours the former bytes are the program's and not kept.
pub(in super::super) type Was = Option<()>;

/// Whether there is one.
pub(in super::super) fn what_is(link: &Path) -> io::Result<Was> {
    Ok(link.try_exists()?.then_some(()))
}

/// Whether it is the program already, and has its batch file.
pub(in super::super) fn points_to(link: &Path, program: &Path) -> bool {
    let is_same = fs::read(link).is_ok_and(|own| fs::read(program).is_ok_and(|theirs| own == theirs));
    is_same && fs::read_to_string(batch(link)).is_ok_and(|text| text == batch_text(link))
}

/// Makes both files. The program's own is linked, or copied where a link cannot be.
pub(in super::super) fn make(link: &Path, program: &Path) -> io::Result<()> {
    remove(link)?;
    fs::hard_link(program, link).or_else(|_| fs::copy(program, link).map(|_| ()))?;
    fs::write(batch(link), batch_text(link))
}

/// Removes both files, if they are there.
pub(in super::super) fn remove(link: &Path) -> io::Result<()> {
    for file in [batch(link), link.to_owned()] {
        match fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// One that was there is the program too, and may stay.
pub(in super::super) fn restore(link: &Path, was: &Was) -> io::Result<()> {
    was.map_or_else(|| remove(link), |()| Ok(()))
}

/// Whether a shell would run it.
pub(super) fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// One line of PowerShell.
pub(super) fn path_line(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "run once in PowerShell: [Environment]::SetEnvironmentVariable('Path', '{folder};' + \
         [Environment]::GetEnvironmentVariable('Path', 'User'), 'User')"
    )
}

fn batch(link: &Path) -> PathBuf {
    link.with_extension("cmd")
}

fn batch_text(link: &Path) -> String {
    let name = link.file_name().unwrap_or_default().to_string_lossy();
    format!("@\"%~dp0{name}\" %*\r\n")
}
