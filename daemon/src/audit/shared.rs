//! What the writer lets others know: where the log ends, and how it does.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::line::Head;

/// Between the writer and all others. No lock here is held while the disk is waited for, but that of the files.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Held while files are written, renamed or removed, and while a reader opens them all.
    files: Mutex<()>,
    has_rotated: Notify,
}

#[derive(Default)]
struct State {
    end: Option<(Head, Option<Arc<File>>)>,
    /// What the sealed file holds, as far as is known.
    sealed: Option<Head>,
    /// The sealed file was read since the start.
    has_met: bool,
    failing: Option<String>,
    damaged: Option<String>,
    sinks: Vec<String>,
}

impl Shared {
    pub(super) fn publish(&self, head: &Head, file: Option<Arc<File>>) {
        self.state().end = Some((head.clone(), file));
    }

    /// The last entry that is written, and its file.
    pub(super) fn end(&self) -> Option<(Head, Option<Arc<File>>)> {
        self.state().end.clone()
    }

    pub(super) fn sealed(&self) -> Option<Head> {
        self.state().sealed.clone()
    }

    pub(super) fn now_sealed(&self, head: Option<Head>) {
        self.state().sealed = head;
    }

    /// Notes that the sealed file was read. Says whether it was for the first time.
    pub(super) fn meet(&self) -> bool {
        !std::mem::replace(&mut self.state().has_met, true)
    }

    pub(super) fn hold_files(&self) -> MutexGuard<'_, ()> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn rotated(&self) {
        self.has_rotated.notify_one();
    }

    pub(super) async fn wait_for_rotation(&self) {
        self.has_rotated.notified().await;
    }

    pub(super) fn failed(&self, error: &io::Error) {
        self.state().failing = Some(error.to_string());
    }

    pub(super) fn written_again(&self) {
        self.state().failing = None;
    }

    pub(super) fn damaged(&self, sentence: &str) {
        self.state().damaged.get_or_insert_with(|| sentence.to_owned());
    }

    pub(super) fn sinks_are(&self, warnings: Vec<String>) {
        self.state().sinks = warnings;
    }

    /// What a person should know, `lost` and `waiting` entries being as many.
    pub(super) fn warnings(&self, lost: u64, waiting: usize) -> Vec<String> {
        let state = self.state();
        let mut warnings = Vec::new();
        if let Some(why) = &state.failing {
            warnings
                .push(format!("The audit log cannot be written ({why}); {waiting} entries wait in memory."));
        }
        if lost > 0 {
            warnings.push(format!("{lost} entries of the audit log were lost since entrad started."));
        }
        if let Some(how) = &state.damaged {
            warnings.push(format!("The audit log was found damaged: {how} `entra log --verify` says where."));
        }
        warnings.extend(state.sinks.iter().cloned());
        warnings
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
