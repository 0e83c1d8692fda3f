//! Being told by the system that a source changed: its file was replaced, its folder came or went.
//!
//! The one hard idea: editors and administrators replace files, so it is folders that are watched, and of what is not there
//! yet the nearest one that is. Each time everything is watched anew before it is read anew, so that nothing is missed in
//! between. Nothing polls.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::watcher::Watcher;

/// Watches for as long as it lives.
pub struct Watch {
    watcher: Watcher,
    named: Vec<PathBuf>,
    /// It rang, and nobody was told yet.
    is_ringing: bool,
}

impl Watch {
    /// Watches these files and folders, whether they are there or not, and the policies of a system that has these elsewhere.
    /// Needs a tokio runtime.
    ///
    /// # Errors
    /// When the system lets nothing be watched.
    pub fn start(named: Vec<PathBuf>) -> io::Result<Self> {
        let mut watch = Self { watcher: Watcher::start()?, named, is_ringing: false };
        watch.arm();
        Ok(watch)
    }

    /// Completes a moment after something changed, with all that changes in that moment. It may be dropped and asked again.
    pub async fn changed(&mut self) {
        if !self.is_ringing {
            self.watcher.rung().await;
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
        self.watcher.watch(targets);
    }
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
        fs::create_dir(folder.path().join("below")).unwrap();
        assert!(rings(&mut watch).await, "its folder was made again");
        fs::write(&file, "c").unwrap();
        assert!(rings(&mut watch).await, "it came again");
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
