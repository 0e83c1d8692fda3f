//! Systems whose folders the `notify` crate watches, on a thread of its own.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::policies;

/// What the system tells of folders.
pub(super) struct Watcher {
    watcher: RecommendedWatcher,
    rung: Arc<Notify>,
    targets: Arc<Mutex<Vec<PathBuf>>>,
    watched: BTreeSet<PathBuf>,
}

impl Watcher {
    /// Watches nothing yet but the system's policies.
    pub(super) fn start() -> io::Result<Self> {
        let (rung, targets) = (Arc::new(Notify::new()), Arc::new(Mutex::new(Vec::<PathBuf>::new())));
        let watcher = {
            let (rung, targets) = (Arc::clone(&rung), Arc::clone(&targets));
            notify::recommended_watcher(move |event: Result<Event, notify::Error>| {
                let targets = targets.lock().unwrap_or_else(PoisonError::into_inner);
                if event.is_ok_and(|event| concerns(&event, &targets)) {
                    rung.notify_one();
                }
            })
        };
        policies::watch(&rung);
        Ok(Self { watcher: watcher.map_err(io::Error::other)?, rung, targets, watched: BTreeSet::new() })
    }

    /// Completes once something of what is watched changed. It may be dropped and asked again.
    pub(super) async fn rung(&mut self) {
        self.rung.notified().await;
    }

    /// Watches these and nothing else.
    pub(super) fn watch(&mut self, targets: Vec<PathBuf>) {
        let places: BTreeSet<PathBuf> = targets.iter().flat_map(|target| places_of(target)).collect();
        *self.targets.lock().unwrap_or_else(PoisonError::into_inner) = targets;
        for place in std::mem::take(&mut self.watched) {
            // One that is gone is watched no more already.
            let _gone = self.watcher.unwatch(&place);
        }
        for place in places {
            match self.watcher.watch(&place, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.watched.insert(place)),
                // It went a moment ago; the one above it tells when it comes back.
                Err(error) if !place.is_dir() => {
                    tracing::debug!(place = %place.display(), %error, "a folder of settings is gone");
                }
                Err(error) => tracing::warn!(
                    place = %place.display(), %error,
                    "changes of settings here go unnoticed; a restart or a signal reads them"
                ),
            }
        }
    }
}

/// The folder itself, and the nearest one above it that is there.
fn places_of(target: &Path) -> Vec<PathBuf> {
    let above = target.ancestors().skip(1).find(|folder| folder.is_dir());
    let itself = Some(target).filter(|target| target.is_dir());
    [itself, above].into_iter().flatten().map(Path::to_owned).collect()
}

/// Whether something of ours was changed, or something on the way to it; that somebody read it is no change.
fn concerns(event: &Event, targets: &[PathBuf]) -> bool {
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    // Without a path, events were lost.
    let is_ours =
        |path: &PathBuf| targets.iter().any(|target| target.starts_with(path) || path.starts_with(target));
    event.paths.is_empty() || event.paths.iter().any(is_ours)
}
