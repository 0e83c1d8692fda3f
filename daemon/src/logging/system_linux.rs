//! systemd's journal and the system's log, each a datagram a line.
//!
//! Written here rather than by a library, since those write where the event happens: a journal that is stopped would hold up every
//! token. The journal's form is systemd's "Native Journal Protocol", the system log's that of RFC 3164, section 4.1, without
//! the time, which the reader adds.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::Level;

use super::queue::Sink;
use super::{LogError, SinkName};

/// What this system has besides standard error and a file, and its names in a sentence.
pub(super) const OWN: (&[SinkName], &str) = (&[SinkName::Journald, SinkName::Syslog], "journald and syslog");

/// Opens one of the system's own.
pub(super) fn open(name: SinkName) -> Result<Box<dyn Sink>, LogError> {
    let (path, form): (_, fn(Level, &str) -> Vec<u8>) = match name {
        SinkName::Journald => ("/run/systemd/journal/socket", journal_entry),
        SinkName::Syslog => ("/dev/log", syslog_line),
        other => return Err(LogError::Missing(other, OWN.1)),
    };
    Ok(Box::new(Datagrams::to(name, Path::new(path), form)?))
}

struct Datagrams {
    socket: UnixDatagram,
    /// Named anew for each: whoever reads may be started anew.
    path: PathBuf,
    form: fn(Level, &str) -> Vec<u8>,
}

impl Datagrams {
    fn to(name: SinkName, path: &Path, form: fn(Level, &str) -> Vec<u8>) -> Result<Self, LogError> {
        let opened = || {
            let socket = UnixDatagram::unbound()?;
            socket.set_write_timeout(Some(PATIENCE))?;
            // Says whether somebody reads, without a word.
            UnixDatagram::unbound()?.connect(path)?;
            Ok(socket)
        };
        let failed = |reason| LogError::Sink { name, path: Some(path.to_owned()), reason };
        Ok(Self { socket: opened().map_err(failed)?, path: path.to_owned(), form })
    }
}

impl Sink for Datagrams {
    fn write(&mut self, level: Level, line: &str) -> io::Result<()> {
        self.socket.send_to(&(self.form)(level, line), &self.path).map(|_sent| ())
    }
}

/// The message is written with its length, so that no byte of it can begin another field.
fn journal_entry(level: Level, line: &str) -> Vec<u8> {
    let mut entry = format!("PRIORITY={}\nSYSLOG_IDENTIFIER=entrad\nMESSAGE\n", severity(level)).into_bytes();
    entry.extend_from_slice(&(line.len() as u64).to_le_bytes());
    entry.extend_from_slice(line.as_bytes());
    entry.push(b'\n');
    entry
}

fn syslog_line(level: Level, line: &str) -> Vec<u8> {
    let priority = DAEMON * 8 + severity(level);
    // A line's end would begin another message for some readers.
    let line = line.replace(|char: char| char.is_control(), " ");
    format!("<{priority}>entrad[{}]: {line}", std::process::id()).into_bytes()
}

/// RFC 5424, section 6.2.1, table 2.
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// The facility of system daemons (RFC 5424, section 6.2.1, table 1).
const DAEMON: u8 = 3;

/// For a reader that takes nothing; its own thread waits.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn said(form: fn(Level, &str) -> Vec<u8>, line: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let reader = UnixDatagram::bind(&path).unwrap();
        Datagrams::to(SinkName::Syslog, &path, form).unwrap().write(Level::WARN, line).unwrap();
        let mut heard = [0; 256];
        let length = reader.recv(&mut heard).unwrap();
        heard[..length].to_vec()
    }

    #[test]
    fn the_journal_is_told_the_length_of_the_message() {
        let heard = said(journal_entry, "one\nPRIORITY=0");
        let expected = b"PRIORITY=4\nSYSLOG_IDENTIFIER=entrad\nMESSAGE\n\x0e\0\0\0\0\0\0\0one\nPRIORITY=0\n";
        assert_eq!(heard, expected);
    }

    #[test]
    fn the_system_log_is_told_one_line() {
        let heard = String::from_utf8(said(syslog_line, "one\n<0>two")).unwrap();
        assert_eq!(heard, format!("<28>entrad[{}]: one <0>two", std::process::id()));
    }

    #[test]
    fn a_reader_that_is_away_is_an_error_at_the_start_and_not_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let error = Datagrams::to(SinkName::Journald, &path, journal_entry).err().unwrap().to_string();
        assert!(error.contains("journald") && error.contains("socket"), "{error}");
        let reader = UnixDatagram::bind(&path).unwrap();
        let mut sink = Datagrams::to(SinkName::Journald, &path, journal_entry).unwrap();
        drop(reader);
        assert!(sink.write(Level::INFO, "lost").is_err());
        std::fs::remove_file(&path).unwrap();
        let reader = UnixDatagram::bind(&path).unwrap();
        sink.write(Level::INFO, "found").unwrap();
        let mut heard = [0; 256];
        assert!(reader.recv(&mut heard).unwrap() > 0);
    }

    #[test]
    fn another_systems_sinks_are_refused_with_ours() {
        let error = open(SinkName::EventLog).err().unwrap().to_string();
        assert!(error.contains("event_log") && error.ends_with("it has journald and syslog."), "{error}");
    }
}
