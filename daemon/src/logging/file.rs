//! `entrad.log` in the state folder: private, and never longer than it may be.
//!
//! At [`LONGEST`] it becomes `entrad.log.1` in place of the one before, and a new one is begun, so both together are bounded. What
//! was written stays as it is.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tracing::Level;

use super::queue::Sink;
use super::{LogError, SinkName, system};

/// The file that is written.
pub(super) struct LogFile {
    path: PathBuf,
    /// None after a failure: the next line opens it anew.
    file: Option<File>,
    length: u64,
    longest: u64,
}

impl LogFile {
    /// Goes on where an earlier one ended.
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        let mut file = Self { path: path.to_owned(), file: None, length: 0, longest: LONGEST };
        let failed = |reason| LogError::Sink { name: SinkName::File, path: Some(path.to_owned()), reason };
        file.reopen().map_err(failed)?;
        Ok(file)
    }

    fn reopen(&mut self) -> io::Result<&mut File> {
        let file = system::append_privately(&self.path)?;
        self.length = file.metadata()?.len();
        Ok(self.file.insert(file))
    }

    fn turn_over(&mut self) -> io::Result<()> {
        self.file = None;
        match fs::rename(&self.path, older(&self.path)) {
            // Somebody took it away; another is begun.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => renamed,
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

fn older(path: &Path) -> PathBuf {
    path.with_extension("log.1")
}

/// Weeks of a usual log, and hours of one that tells everything.
const LONGEST: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_turned_over_and_both_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entrad.log");
        let mut log = LogFile { longest: 100, ..LogFile::open(&path).unwrap() };
        for number in 0..100 {
            log.write(Level::INFO, &format!("line {number:03}")).unwrap();
        }
        let (new, old) = (fs::read_to_string(&path).unwrap(), fs::read_to_string(older(&path)).unwrap());
        assert!(new.len() <= 109 && old.len() <= 109, "{} {}", new.len(), old.len());
        assert!(new.ends_with("line 099\n") && old.ends_with('\n'));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn one_that_somebody_took_away_is_begun_anew_and_a_line_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entrad.log");
        let mut log = LogFile { longest: 10, ..LogFile::open(&path).unwrap() };
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
            LogFile::open(&path).unwrap().write(Level::INFO, line).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn one_that_cannot_be_opened_says_where_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/entrad.log");
        let error = LogFile::open(&path).err().unwrap().to_string();
        assert!(error.contains(&path.display().to_string()) && error.contains("leave file out"), "{error}");
    }
}
