//! Sockets of this machine: the journal's native protocol (systemd.io, "Native Journal Protocol") and syslog (RFC 3164, as
//! syslog(3) speaks it).
//!
//! Both take one datagram an entry. No value holds a line break, so the journal's short form serves for all.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use entra_proto::log::{LogEntry, LogEvent};

use super::Deliver;
use crate::audit::settings::Sink;

/// The way to this sink.
pub(super) fn sink(sink: Sink) -> Box<dyn Deliver> {
    match sink {
        Sink::Journald => Box::new(Journal(Socket::to(&["/run/systemd/journal/socket"]))),
        // Linux, and macOS, whose syslogd hands on to the unified log.
        Sink::Syslog => Box::new(Syslog(Socket::to(&["/dev/log", "/var/run/syslog"]))),
        Sink::File | Sink::EventLog => Box::new(NotHere),
    }
}

struct Journal(Socket);

impl Deliver for Journal {
    fn deliver(&mut self, entry: &LogEntry, line: &str) -> io::Result<()> {
        self.0.send(&journal_message(entry, line))
    }
}

struct Syslog(Socket);

impl Deliver for Syslog {
    fn deliver(&mut self, entry: &LogEntry, line: &str) -> io::Result<()> {
        // The time and the host are the receiver's to add, as for syslog(3) on Linux without LOG_PERROR.
        let priority = AUTHPRIV + severity(&entry.event);
        self.0.send(format!("<{priority}>entrad[{}]: {line}", std::process::id()).as_bytes())
    }
}

struct NotHere;

impl Deliver for NotHere {
    fn deliver(&mut self, _: &LogEntry, _: &str) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has none"))
    }
}

fn journal_message(entry: &LogEntry, line: &str) -> Vec<u8> {
    let mut message = String::with_capacity(2 * line.len());
    let mut field = |name: &str, value: &str| {
        // A value with a line break would end here and begin a field of its choice.
        if !value.is_empty() && !value.contains('\n') {
            message.extend([name, "=", value, "\n"]);
        }
    };
    let event = serde_json::to_string(&entry.event).unwrap_or_default();
    field("MESSAGE", line);
    field("PRIORITY", &severity(&entry.event).to_string());
    field("SYSLOG_FACILITY", &(AUTHPRIV / 8).to_string());
    field("SYSLOG_IDENTIFIER", "entrad");
    field("ENTRAD_EVENT", event.trim_matches('"'));
    field("ENTRAD_SEQUENCE", &entry.sequence.to_string());
    if let Some(caller) = &entry.caller {
        field("ENTRAD_PROGRAM", caller.program.as_deref().unwrap_or_default());
        field("ENTRAD_BEHIND", caller.behind.as_deref().unwrap_or_default());
        field("ENTRAD_BECAME", caller.became.as_deref().unwrap_or_default());
        field("ENTRAD_PID", &caller.pid.map(|pid| pid.to_string()).unwrap_or_default());
    }
    let texts = [
        ("ENTRAD_LEASE", &entry.lease),
        ("ENTRAD_AGENT", &entry.agent),
        ("ENTRAD_PROFILE", &entry.profile),
        ("ENTRAD_ACCOUNT", &entry.account),
        ("ENTRAD_TENANT", &entry.tenant),
        ("ENTRAD_RESOURCE", &entry.resource),
        ("ENTRAD_UTI", &entry.uti),
        ("ENTRAD_CORRELATION_ID", &entry.correlation_id),
        ("ENTRAD_RULE", &entry.rule),
        ("ENTRAD_DETAIL", &entry.detail),
    ];
    for (name, text) in texts {
        field(name, text.as_deref().unwrap_or_default());
    }
    field("ENTRAD_SCOPES", &entry.scopes.join(" "));
    field("ENTRAD_ERROR", entry.error.as_ref().map(|code| code.name()).unwrap_or_default());
    message.into_bytes()
}

/// How grave it is (syslog(3)).
fn severity(event: &LogEvent) -> u8 {
    match event {
        LogEvent::Damaged | LogEvent::Lost => 3,
        LogEvent::Refused
        | LogEvent::SignInFailed
        | LogEvent::RefreshTokenDied
        | LogEvent::ConfigurationRefused
        | LogEvent::Repaired => 4,
        LogEvent::Issued => 6,
        _ => 5,
    }
}

/// The facility for who may do what (RFC 3164 section 4.1.1), times eight.
const AUTHPRIV: u8 = 10 * 8;

/// A datagram socket that is connected when it is first needed, and again when its other end went away.
struct Socket {
    places: Vec<PathBuf>,
    connected: Option<UnixDatagram>,
}

impl Socket {
    fn to(places: &[&str]) -> Self {
        Self { places: places.iter().map(PathBuf::from).collect(), connected: None }
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let socket = match self.connected.take() {
            Some(socket) => socket,
            None => self.connect()?,
        };
        let sent = match socket.send(message) {
            // The other end was started anew.
            Err(error) if is_gone(&error) => {
                let socket = self.connect()?;
                let sent = socket.send(message);
                self.connected = Some(socket);
                sent
            }
            sent => {
                self.connected = Some(socket);
                sent
            }
        };
        sent.map(drop)
    }

    fn connect(&self) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let mut last = io::ErrorKind::NotFound.into();
        for place in &self.places {
            match socket.connect(place) {
                Ok(()) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotConnected)
}

/// How long a receiver that is busy is waited for: the files wait with it.
const PATIENCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::fs;

    use entra_proto::log::LogCaller;

    use super::*;
    use crate::audit::event::Event;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = vec![0; 64 * 1024];
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn an_entry_is_one_datagram_of_fields_and_its_other_end_may_be_started_anew() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("socket");
        let caller = LogCaller {
            program: Some("/usr/bin/git".to_owned()),
            became: Some("/bin/sh".to_owned()),
            pid: Some(7),
            ..LogCaller::default()
        };
        let entry = Event::new(LogEvent::Refused).by(Some(caller)).resource("r\nPRIORITY=0").into_entry();
        let mut journal = Journal(Socket::to(&[place.to_str().unwrap()]));
        assert_eq!(journal.deliver(&entry, "{}").unwrap_err().kind(), io::ErrorKind::NotFound);
        for _ in 0..2 {
            let end = UnixDatagram::bind(&place).unwrap();
            journal.deliver(&entry, "{}").unwrap();
            let text = heard(&end);
            assert!(text.starts_with("MESSAGE={}\nPRIORITY=4\n"), "{text}");
            assert!(
                text.contains("ENTRAD_EVENT=refused\n") && text.contains("ENTRAD_PROGRAM=/usr/bin/git\n")
            );
            assert!(text.contains("ENTRAD_BECAME=/bin/sh\n"), "{text}");
            assert!(!text.contains("PRIORITY=0") && text.ends_with('\n'));
            drop(end);
            fs::remove_file(&place).unwrap();
        }
    }

    #[test]
    fn syslog_is_told_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("log");
        let end = UnixDatagram::bind(&place).unwrap();
        let mut syslog = Syslog(Socket::to(&["/nowhere/log", place.to_str().unwrap()]));
        syslog.deliver(&Event::new(LogEvent::Issued).into_entry(), "{\"a\":1}").unwrap();
        assert_eq!(heard(&end), format!("<86>entrad[{}]: {{\"a\":1}}", std::process::id()));
    }
}
