//! Where the log goes and what never enters it.
//!
//! The log is for the person who runs the daemon, and for whoever looks after many. It holds no token, code, request body or
//! user name; the secret types redact themselves, and only our own crate logs unless the filter names another. The one hard
//! idea: standard error is written where the event happens, as before there was any other sink, and every other sink has a
//! thread and a bounded queue, so that a sink that hangs or fails costs lines and never a token. Lines lost are counted.

mod file;
mod queue;
#[cfg_attr(target_os = "linux", path = "system_linux.rs")]
#[cfg_attr(target_os = "macos", path = "system_macos.rs")]
#[cfg_attr(windows, path = "system_windows.rs")]
mod system;

use std::fmt;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use tracing::{Dispatch, Event};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt as format, reload};

use self::queue::{Queue, Sink};

/// What of it is logged, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// In `tracing` directives such as `entrad=debug`.
    pub filter: String,
    /// One that is named twice is written once; none is allowed and loses the log.
    pub sinks: Vec<SinkName>,
}

/// A place for the log. Which of them a system has, it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkName {
    /// Windows's Event Log, under Application.
    EventLog,
    /// `entrad.log` in the state folder, of bounded size.
    File,
    /// systemd's journal.
    Journald,
    /// Standard error, which a service manager collects.
    Stderr,
    /// The system's log on Linux.
    Syslog,
    /// The unified log of macOS.
    UnifiedLog,
}

impl SinkName {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::EventLog, Self::File, Self::Journald, Self::Stderr, Self::Syslog, Self::UnifiedLog];

    /// As it is written in the setting.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::EventLog => "event_log",
            Self::File => "file",
            Self::Journald => "journald",
            Self::Stderr => "stderr",
            Self::Syslog => "syslog",
            Self::UnifiedLog => "unified_log",
        }
    }
}

impl SinkName {
    /// Whether this system has it.
    ///
    /// # Errors
    /// [`LogError::Missing`].
    pub fn is_here(self) -> Result<(), LogError> {
        let (own, names) = system::OWN;
        let is_here = matches!(self, Self::File | Self::Stderr) || own.contains(&self);
        if is_here { Ok(()) } else { Err(LogError::Missing(self, names)) }
    }
}

impl fmt::Display for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl FromStr for SinkName {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        let found = Self::ALL.into_iter().find(|name| name.text() == text);
        found.ok_or_else(|| LogError::Unknown(text.chars().take(80).collect()))
    }
}

/// A log that has begun: what is logged waits in queues for [`Log::open`].
#[must_use = "the sinks are to be opened"]
pub struct Log {
    reader: Arc<OnceLock<Reader>>,
    waiting: Vec<(SinkName, Queue)>,
    open: Vec<queue::Writer>,
}

/// Another reader of events, as an exporter is.
pub type Reader = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging for the whole process.
///
/// # Errors
/// [`LogError::Filter`] with the directive's fault.
pub fn start(settings: &LogSettings) -> Result<Log, LogError> {
    let (dispatch, log, replace) = build(settings)?;
    // The first one is the process's.
    let _later = REPLACE.set(replace);
    if tracing::dispatcher::set_global_default(dispatch).is_err() {
        tracing::debug!("another subscriber is installed already");
    }
    Ok(log)
}

/// Takes the filter of these settings from now on. Sinks are chosen at the start.
///
/// # Errors
/// [`LogError::Filter`]; the former filter stands.
pub fn reload(settings: &LogSettings) -> Result<(), LogError> {
    let filter = parse(&settings.filter)?;
    if let Some(replace) = REPLACE.get() {
        replace(filter);
    }
    Ok(())
}

/// Whether the filter is one.
///
/// # Errors
/// [`LogError::Filter`] with the directive's fault.
pub fn check(filter: &str) -> Result<(), LogError> {
    parse(filter).map(drop)
}

type Replace = Box<dyn Fn(EnvFilter) + Send + Sync>;

static REPLACE: OnceLock<Replace> = OnceLock::new();

fn parse(filter: &str) -> Result<EnvFilter, LogError> {
    // Its parser takes a text apart between the bytes of a letter.
    if !filter.is_ascii() {
        return Err(LogError::Filter("it has letters that no target has".to_owned()));
    }
    // A pattern for a field's value can take more than a minute to be read.
    EnvFilter::builder().with_regex(false).parse(filter).map_err(|error| LogError::Filter(error.to_string()))
}

fn build(settings: &LogSettings) -> Result<(Dispatch, Log, Replace), LogError> {
    let (filter, handle) = reload::Layer::new(parse(&settings.filter)?);
    let reader = Arc::new(OnceLock::new());
    let mut readers: Vec<Reader> = vec![Box::new(Late(Arc::clone(&reader)))];
    let mut waiting = Vec::new();
    for (place, name) in settings.sinks.iter().enumerate() {
        if settings.sinks[..place].contains(name) {
            continue;
        }
        if *name == SinkName::Stderr {
            readers.push(on_standard_error());
            continue;
        }
        let queue = Queue::new();
        // A line that cannot be written is lost. Told on standard error that it was, the library would panic there, amid a
        // refresh.
        let layer = format::layer().log_internal_errors(false).with_ansi(false).with_writer(queue.pen());
        readers.push(match name {
            SinkName::File => layer.boxed(),
            // These say by themselves when it was, and how bad.
            _ => layer.without_time().with_level(false).boxed(),
        });
        waiting.push((*name, queue));
    }
    let subscriber = tracing_subscriber::registry().with(readers).with(filter);
    let replace = move |filter| {
        // It fails only where the subscriber is gone, and nobody logs then.
        let _gone = handle.reload(filter);
    };
    Ok((Dispatch::new(subscriber), Log { reader, waiting, open: Vec::new() }, Box::new(replace)))
}

/// A reader that comes once the process is confined, since it may have threads. It is told of events of our own crate, and
/// never of those of the libraries by which it sends them on.
struct Late(Arc<OnceLock<Reader>>);

impl Layer<Registry> for Late {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, Registry>) {
        if let Some(reader) = self.0.get().filter(|_| event.metadata().target().starts_with("entrad")) {
            reader.on_event(event, context);
        }
    }
}

fn on_standard_error() -> Reader {
    let layer = format::layer().with_writer(io::stderr).log_internal_errors(false);
    if io::stderr().is_terminal() {
        layer.with_target(false).boxed()
    } else {
        // A service manager adds the time itself.
        layer.with_ansi(false).without_time().boxed()
    }
}

impl Log {
    /// Opens the sinks and starts their threads: once the process is confined, since a thread from before would not be. The
    /// folder is there and the user's alone.
    ///
    /// # Errors
    /// [`LogError`] for the first sink that cannot be opened.
    pub fn open(&mut self, state_dir: &Path) -> Result<(), LogError> {
        for (name, queue) in self.waiting.drain(..) {
            let sink: Box<dyn Sink> = match name {
                SinkName::File => Box::new(file::LogFile::open(state_dir)?),
                name => system::open(name)?,
            };
            self.open.push(queue.start(sink)?);
        }
        Ok(())
    }

    /// Has somebody read what our own crate logs from now on; the first alone.
    pub fn read_by(&self, reader: Reader) {
        // A second one is none of today's callers.
        let _first = self.reader.set(reader);
    }

    /// Waits until what was logged so far is written, for a second at most.
    pub fn flush(&self) {
        for writer in &self.open {
            writer.flush();
        }
    }
}

/// In the state folder.
pub const FILE_NAME: &str = "entrad.log";

/// Why there is no such log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter does not parse.
    #[error("`log` is no filter ({0}); write for instance entrad=debug.")]
    Filter(String),
    /// This system has none.
    #[error("`log_sinks` names {0}, which this system does not have; besides stderr and file it has {1}.")]
    Missing(SinkName, &'static str),
    /// A sink cannot be opened.
    #[error("`log_sinks` names {name}, which cannot be opened{}: {reason}. Mend that, or leave {name} out.", place(.path))]
    Sink {
        /// Which.
        name: SinkName,
        /// Its file or socket, where it has one.
        path: Option<PathBuf>,
        /// Why.
        reason: io::Error,
    },
    /// The system starts no thread.
    #[error("The log has no thread to write it: {0}.")]
    Thread(io::Error),
    /// No such sink.
    #[error(
        "`{0}` is no sink for the log; there are stderr and file, on Linux journald and syslog, on macOS unified_log, and on Windows event_log."
    )]
    Unknown(String),
}

fn place(path: &Option<PathBuf>) -> String {
    path.as_ref().map(|path| format!(" at {}", path.display())).unwrap_or_default()
}

#[cfg(test)]
mod tests;
