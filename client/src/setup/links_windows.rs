//! Copies of the program's file under other names, each with a batch file beside it: some tools look for `az.cmd` alone.
//!
//! Copies, since a symbolic link takes a privilege, and a hard link to a program that runs cannot be removed, so that entra could
//! never take one back.

use std::env;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What names of programs end in.
pub(crate) const PROGRAM_ENDING: &str = ".exe";

/// Whether there was one; of a file that was ours the former bytes are the program's and not kept.
pub(in super::super) type Was = Option<()>;

/// Whether there is one. A file is ours by the batch file beside it; another is not ours to replace.
pub(in super::super) fn what_is(link: &Path) -> io::Result<Was> {
    let (is_there, has_batch) = (link.try_exists()?, batch(link).try_exists()?);
    let is_ours = has_batch && fs::read_to_string(batch(link)).is_ok_and(|text| text == batch_text(link));
    if (is_there || has_batch) && !is_ours {
        return Err(ErrorKind::AlreadyExists.into());
    }
    Ok(is_there.then_some(()))
}

/// Whether it is the program already, and has its batch file.
pub(in super::super) fn points_to(link: &Path, program: &Path) -> bool {
    let is_same = fs::read(link).is_ok_and(|own| fs::read(program).is_ok_and(|theirs| own == theirs));
    is_same && fs::read_to_string(batch(link)).is_ok_and(|text| text == batch_text(link))
}

/// Makes both files. The batch file comes first and goes last: what a crash leaves is known for ours.
pub(in super::super) fn make(link: &Path, program: &Path) -> io::Result<()> {
    let beside = link.with_extension(format!("entra-{}", std::process::id()));
    let had_batch = batch(link).try_exists()?;
    let made = fs::copy(program, &beside)
        .and_then(|_| fs::write(batch(link), batch_text(link)))
        .and_then(|()| fs::rename(&beside, link));
    if made.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
        if !had_batch {
            let _ = fs::remove_file(batch(link));
        }
    }
    made
}

/// Removes both files, if they are there.
pub(in super::super) fn remove(link: &Path) -> io::Result<()> {
    for file in [link.to_owned(), batch(link)] {
        match fs::remove_file(file) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Makes it what it was. One that is there is the program too, and may stay.
pub(in super::super) fn restore(link: &Path, was: &Was) -> io::Result<()> {
    match was {
        None => remove(link),
        Some(()) if link.try_exists()? => Ok(()),
        Some(()) => make(link, &env::current_exe()?),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let (program, link) = (folder.path().join("entra.exe"), folder.path().join("az.exe"));
        let names = || fs::read_dir(folder.path()).unwrap().count();
        fs::write(&program, "1").unwrap();
        assert_eq!(what_is(&link).unwrap(), None);
        make(&link, &program).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("az.cmd")).unwrap(), "@\"%~dp0az.exe\" %*\r\n");
        assert!(points_to(&link, &program));
        assert_eq!((what_is(&link).unwrap(), names()), (Some(()), 3));
        // An update puts another file in the program's place.
        fs::remove_file(&program).unwrap();
        fs::write(&program, "2").unwrap();
        assert!(!points_to(&link, &program));
        make(&link, &program).unwrap();
        assert!(points_to(&link, &program));
        make(&link, &program).unwrap();
        assert_eq!(names(), 3);
        // As a crash leaves it.
        fs::remove_file(&link).unwrap();
        assert_eq!(what_is(&link).unwrap(), None);
        make(&link, &program).unwrap();
        remove(&link).unwrap();
        remove(&link).unwrap();
        assert_eq!(names(), 1);
        restore(&link, &Some(())).unwrap();
        assert_eq!((what_is(&link).unwrap(), names()), (Some(()), 3));
        restore(&link, &None).unwrap();
        assert_eq!(names(), 1);
    }

    #[test]
    fn what_is_not_ours_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("az.exe");
        for theirs in ["az.exe", "az.cmd"] {
            let theirs = folder.path().join(theirs);
            fs::write(&theirs, "theirs").unwrap();
            assert_eq!(what_is(&link).unwrap_err().kind(), ErrorKind::AlreadyExists);
            fs::remove_file(theirs).unwrap();
        }
    }

    #[test]
    fn a_program_that_is_gone_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(make(&folder.path().join("az.exe"), &folder.path().join("entra.exe")).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
