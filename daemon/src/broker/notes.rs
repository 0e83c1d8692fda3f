//! What is noted in the log once its caller has the answer, so that nobody waits for it.
//!
//! A task of its own writes it: it begins when the task that answers has nothing more to do. Whatever waits when the daemon stops
//! is written before the log ends.

use std::sync::{Arc, Mutex, PoisonError};

use crate::audit::{Audit, Event};

/// Events that are still to be made, in their order. Clones share them.
#[derive(Clone)]
pub(super) struct Notes {
    audit: Audit,
    waiting: Arc<Mutex<Vec<Note>>>,
}

type Note = Box<dyn FnOnce() -> Event + Send>;

impl Notes {
    /// For this log.
    pub(super) fn of(audit: Audit) -> Self {
        Self { audit, waiting: Arc::default() }
    }

    /// Has the event made and recorded in a moment. Where there is no log, never.
    pub(super) fn later(&self, event: impl FnOnce() -> Event + Send + 'static) {
        if !self.audit.is_on() {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(Box::new(event));
        if waiting.len() == 1 {
            let notes = self.clone();
            tokio::spawn(async move { notes.write() });
        }
    }

    /// Records all that waits.
    pub(super) fn write(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().for_each(|event| self.audit.record(event()));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use entra_proto::log::{LogEntry, LogEvent};

    use super::*;
    use crate::audit::{AuditSettings, Sealed};

    #[tokio::test]
    async fn what_is_noted_comes_after_the_answer_and_before_the_end_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::new(AuditSettings::default(), folder.path().to_owned(), None);
        audit.begin(Sealed::Nothing);
        let notes = Notes::of(audit.clone());
        let made = Arc::new(Mutex::new(Vec::new()));
        let note = |number: u32| {
            let made = Arc::clone(&made);
            notes.later(move || {
                made.lock().unwrap().push(number);
                Event::new(LogEvent::Issued).detail(number.to_string())
            });
        };
        note(1);
        note(2);
        assert!(made.lock().unwrap().is_empty(), "the answer is not written yet");
        tokio::task::yield_now().await;
        assert_eq!(*made.lock().unwrap(), [1, 2]);
        note(3);
        notes.write();
        assert_eq!(*made.lock().unwrap(), [1, 2, 3]);
        tokio::task::yield_now().await;
        audit.stop();
        let text = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
        let entries = text.lines().map(|line| serde_json::from_str::<LogEntry>(line).unwrap());
        let details: Vec<String> = entries.filter_map(|entry| entry.detail).collect();
        assert_eq!(details, ["1", "2", "3"]);
    }
}
