//! `entrad.log` in the state folder: private, and never longer than it may be.
//!
//! At [`LONGEST`] it becomes `entrad.log.1` in place of the one before, and a new one is begun, so both together are bounded. What
//! was written stays as it is.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tracing::Level;

use super::queue::Sink;
use super::{FILE_NAME, LogError, SinkName};
use crate::files::{FileError, Folder};

/// The file that is written.
pub(super) struct LogFile {
    /// The state folder, which is opened anew with the file: it may be another one by then.
    state_dir: PathBuf,
    /// None after a failure: the next line opens it anew.
    file: Option<File>,
    length: u64,
    longest: u64,
}

impl LogFile {
    /// Goes on where an earlier one ended.
    pub(super) fn open(state_dir: &Path) -> Result<Self, LogError> {
        let mut file = Self { state_dir: state_dir.to_owned(), file: None, length: 0, longest: LONGEST };
        let path = Some(state_dir.join(FILE_NAME));
        let failed = |reason| LogError::Sink { name: SinkName::File, path, reason };
        file.reopen().map_err(failed)?;
        Ok(file)
    }

    fn reopen(&mut self) -> io::Result<&mut File> {
        let file = Folder::create(&self.state_dir)?.append(FILE_NAME).map_err(FileError::into_reason)?;
        self.length = file.metadata()?.len();
        Ok(self.file.insert(file))
    }

    fn turn_over(&mut self) -> io::Result<()> {
        self.file = None;
        match Folder::create(&self.state_dir)?.rename(FILE_NAME, OLDER) {
            // Somebody took it away; another is begun.
            Err(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => renamed.map_err(FileError::into_reason),
        }
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        if self.length >= self.longest {
            self.turn_over()?;
        }
        let file = match self.file.take() {
            Some(file) => self.file.insert(file),
            None => self.reopen()?,
        };
        // The end of a line within would make two of it, the second of somebody else's words.
        let bytes = format!("{}\n", line.replace(|char: char| char.is_control(), " ")).into_bytes();
        file.write_all(&bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

impl Sink for LogFile {
    fn write(&mut self, _: Level, line: &str) -> io::Result<()> {
        let written = self.append(line);
        if written.is_err() {
            self.file = None;
        }
        written
    }
}

/// What was written before.
const OLDER: &str = "entrad.log.1";

/// Weeks of a usual log, and hours of one that tells everything.
const LONGEST: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn it_is_turned_over_and_both_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entrad.log");
        let mut log = LogFile { longest: 100, ..LogFile::open(folder.path()).unwrap() };
        for number in 0..100 {
            log.write(Level::INFO, &format!("line {number:03}")).unwrap();
        }
        let (new, old) =
            (fs::read_to_string(&path).unwrap(), fs::read_to_string(path.with_file_name(OLDER)).unwrap());
        assert!(new.len() <= 109 && old.len() <= 109, "{} {}", new.len(), old.len());
        assert!(new.ends_with("line 099\n") && old.ends_with('\n'));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn one_that_somebody_took_away_is_begun_anew_and_a_line_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entrad.log");
        let mut log = LogFile { longest: 10, ..LogFile::open(folder.path()).unwrap() };
        log.write(Level::INFO, "long enough").unwrap();
        fs::rename(&path, folder.path().join("taken away")).unwrap();
        log.write(Level::INFO, "one\nmore").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one more\n");
    }

    #[test]
    fn a_later_one_goes_on_where_the_earlier_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entrad.log");
        for line in ["one", "two"] {
            LogFile::open(folder.path()).unwrap().write(Level::INFO, line).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn one_that_cannot_be_opened_says_where_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        fs::create_dir(&path).unwrap();
        let error = LogFile::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains(&path.display().to_string()) && error.contains("leave file out"), "{error}");
    }
}
