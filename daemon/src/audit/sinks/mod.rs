//! Where entries go besides the files: the system's own logs.
//!
//! None of them can be read back or verified here, and none holds up another: what cannot be delivered is counted, said in the
//! status, and is in the files all the same. Each entry is delivered once it is on disk.

use std::io;

use entra_proto::log::LogEntry;

use super::settings::Sink;

#[cfg_attr(unix, path = "local_unix.rs")]
#[cfg_attr(windows, path = "local_windows.rs")]
mod local;

/// One of the system's logs.
pub(super) trait Deliver: Send {
    /// Delivers one entry; `line` is it as it stands in the file, without the end.
    fn deliver(&mut self, entry: &LogEntry, line: &str) -> io::Result<()>;
}

/// The sinks that were chosen, and how each does.
pub(super) struct Sinks {
    open: Vec<(Sink, Box<dyn Deliver>)>,
    /// Why the last entry did not arrive, by sink.
    failing: Vec<(Sink, String, u64)>,
}

impl Sinks {
    /// Opens them; one that cannot be opened is tried again with each entry.
    pub(super) fn open(sinks: impl IntoIterator<Item = Sink>) -> Self {
        let others = sinks.into_iter().filter(|sink| *sink != Sink::File);
        Self { open: others.map(|sink| (sink, local::sink(sink))).collect(), failing: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Delivers an entry to each. Returns whether there is something new to say of one.
    pub(super) fn deliver(&mut self, entry: &LogEntry, line: &str) -> bool {
        let mut is_news = false;
        for (sink, to) in &mut self.open {
            let delivered = to.deliver(entry, line);
            let at = self.failing.iter().position(|(failing, ..)| failing == sink);
            match (delivered, at) {
                (Ok(()), None) => {}
                (Ok(()), Some(at)) => {
                    let (_, _, missed) = self.failing.remove(at);
                    tracing::info!("{sink} takes audit entries again; {missed} did not reach it");
                    is_news = true;
                }
                (Err(error), None) => {
                    tracing::warn!("{sink} does not take audit entries: {error}");
                    self.failing.push((*sink, error.to_string(), 1));
                    is_news = true;
                }
                (Err(_), Some(at)) => self.failing[at].2 += 1,
            }
        }
        is_news
    }

    /// What to say of those that fail.
    pub(super) fn warnings(&self) -> Vec<String> {
        let sentence = |(sink, why, _): &(Sink, String, u64)| {
            format!(
                "Audit entries do not reach {sink}: {why}. They are in the files if `file` is a sink too."
            )
        };
        self.failing.iter().map(sentence).collect()
    }
}
