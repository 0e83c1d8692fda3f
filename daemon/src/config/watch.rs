//! Being told by the system that a source changed: its file was replaced, its folder came or went.
//!
//! The one hard idea: editors and administrators replace files, so it is folders that are watched, and of what is not there
//! yet the nearest one that is. Each time everything is watched anew before it is read anew, so that nothing is missed in
//! between. Nothing polls.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::policies;

/// Watches for as long as it lives.
pub struct Watch {
    watcher: RecommendedWatcher,
    rung: Arc<Notify>,
    targets: Arc<Mutex<Vec<PathBuf>>>,
    named: Vec<PathBuf>,
    watched: BTreeSet<PathBuf>,
    /// It rang, and nobody was told yet.
    is_ringing: bool,
}

impl Watch {
    /// Watches these files and folders, whether they are there or not, and the policies of a system that has these elsewhere.
    ///
    /// # Errors
    /// When the system lets nothing be watched.
    pub fn start(named: Vec<PathBuf>) -> Result<Self, notify::Error> {
        let (rung, targets) = (Arc::new(Notify::new()), Arc::new(Mutex::new(Vec::<PathBuf>::new())));
        let watcher = {
            let (rung, targets) = (Arc::clone(&rung), Arc::clone(&targets));
            notify::recommended_watcher(move |event: Result<Event, notify::Error>| {
                let targets = targets.lock().unwrap_or_else(PoisonError::into_inner);
                if event.is_ok_and(|event| concerns(&event, &targets)) {
                    rung.notify_one();
                }
            })?
        };
        policies::watch(&rung);
        let mut watch = Self { watcher, rung, targets, named, watched: BTreeSet::new(), is_ringing: false };
        watch.arm();
        Ok(watch)
    }

    /// Completes a moment after something changed, with all that changes in that moment. It may be dropped and asked again.
    pub async fn changed(&mut self) {
        if !self.is_ringing {
            self.rung.notified().await;
            self.is_ringing = true;
        }
        tokio::time::sleep(SETTLED).await;
        self.arm();
        self.is_ringing = false;
    }

    /// Watches everything anew: what was watched may be gone, and what was not there may have come.
    fn arm(&mut self) {
        let mut targets = self.named.clone();
        // A file that is a link changes where it leads to.
        targets.extend(self.named.iter().filter_map(|path| path.canonicalize().ok()));
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

/// A package or an editor writes several files in a moment.
const SETTLED: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    async fn rings(watch: &mut Watch) -> bool {
        tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.is_ok()
    }

    async fn is_quiet(watch: &mut Watch) -> bool {
        tokio::time::timeout(Duration::from_millis(400), watch.changed()).await.is_err()
    }

    #[tokio::test]
    async fn a_file_is_noticed_as_it_comes_is_replaced_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("below").join("config.toml");
        let mut watch = Watch::start(vec![file.clone()]).unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        assert!(rings(&mut watch).await, "its folder came");
        fs::write(&file, "a").unwrap();
        assert!(rings(&mut watch).await, "it came");
        fs::write(folder.path().join("other"), "b").unwrap();
        fs::rename(folder.path().join("other"), &file).unwrap();
        assert!(rings(&mut watch).await, "it was replaced");
        fs::remove_dir_all(folder.path().join("below")).unwrap();
        assert!(rings(&mut watch).await, "it went");
    }

    #[tokio::test]
    async fn a_file_beside_it_and_a_look_at_it_are_no_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        fs::write(&file, "a").unwrap();
        let mut watch = Watch::start(vec![file.clone()]).unwrap();
        fs::write(folder.path().join("other"), "b").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "a");
        assert!(is_quiet(&mut watch).await);
    }

    #[tokio::test]
    async fn whoever_stops_listening_is_told_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("below").join("config.toml");
        let mut watch = Watch::start(vec![file.clone()]).unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        // Dropped once it rang, and before it is told.
        for _ in 0..400 {
            let told = tokio::time::timeout(SETTLED / 4, watch.changed()).await;
            assert!(told.is_err(), "nothing is told before it has settled");
            if watch.is_ringing {
                break;
            }
        }
        assert!(watch.is_ringing && rings(&mut watch).await);
        while !is_quiet(&mut watch).await {}
        fs::write(&file, "a").unwrap();
        assert!(rings(&mut watch).await, "the folder that came is watched");
    }

    #[tokio::test]
    async fn a_folder_of_files_is_watched_as_one() {
        let folder = tempfile::tempdir().unwrap();
        let managed = folder.path().join("managed.d");
        fs::create_dir(&managed).unwrap();
        let mut watch = Watch::start(vec![managed.clone()]).unwrap();
        fs::write(managed.join("10-it.toml"), "").unwrap();
        assert!(rings(&mut watch).await);
    }
}
