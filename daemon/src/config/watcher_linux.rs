//! Linux: inotify(7), asked for changes alone.
//!
//! A folder such as `/etc` is read whenever a program starts, so nobody may be woken by opening and reading. Of a folder where
//! ours is not yet, only what comes there is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

/// What the kernel tells of folders.
pub(super) struct Watcher {
    events: AsyncFd<OwnedFd>,
    /// By the kernel's number of the watch, which it gives out once.
    watched: BTreeMap<i32, Entries>,
}

impl Watcher {
    /// Watches nothing yet. Needs a tokio runtime.
    pub(super) fn start() -> io::Result<Self> {
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(in_words)?;
        #[expect(
            deprecated,
            reason = "its unsafe successor asks that the descriptor stay open, which an owned one does"
        )]
        let events = AsyncFd::new(events)?;
        Ok(Self { events, watched: BTreeMap::new() })
    }

    /// Completes once something of what is watched changed. It may be dropped and asked again.
    pub(super) async fn rung(&mut self) {
        loop {
            let Ok(mut ready) = self.events.readable().await else { return std::future::pending().await };
            match self.take() {
                Ok(Taken::Ours) => return,
                Ok(Taken::Others) => {
                    // Whoever is busy beside our files keeps no caller waiting.
                    drop(ready);
                    tokio::task::yield_now().await;
                }
                Ok(Taken::Nothing) => ready.clear_ready(),
                Err(error) => {
                    tracing::warn!(%error, "changes of settings go unnoticed from now on; a restart or a signal reads them");
                    drop(ready);
                    return std::future::pending().await;
                }
            }
        }
    }

    /// Watches these and nothing else.
    pub(super) fn watch(&mut self, targets: Vec<PathBuf>) {
        for watch in std::mem::take(&mut self.watched).into_keys() {
            // One that is gone is watched no more already.
            let _gone = inotify::remove_watch(self.events.get_ref(), watch);
        }
        for (place, asked) in targets.iter().flat_map(|target| places_of(target)) {
            match self.add(place, asked.changes()) {
                Ok(watch) => self.watched.entry(watch).or_default().add(asked),
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

    /// What one folder is asked for by several names adds up.
    fn add(&self, place: &Path, changes: WatchFlags) -> io::Result<i32> {
        inotify::add_watch(self.events.get_ref(), place, changes | WatchFlags::MASK_ADD).map_err(in_words)
    }

    /// Takes some of the events that wait, and does not wait itself.
    fn take(&self) -> io::Result<Taken> {
        let mut room = [MaybeUninit::uninit(); ROOM];
        let mut events = Reader::new(self.events.get_ref(), &mut room);
        let (mut is_ours, mut is_first) = (false, true);
        while is_first || !events.is_buffer_empty() {
            match events.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                    is_ours |= self.concerns(event.wd(), event.events(), name);
                }
                Err(Errno::AGAIN) => return Ok(Taken::Nothing),
                Err(Errno::INTR) => return Ok(Taken::Others),
                Err(error) => return Err(error.into()),
            }
            is_first = false;
        }
        Ok(if is_ours { Taken::Ours } else { Taken::Others })
    }

    fn concerns(&self, watch: i32, what: ReadFlags, name: Option<&OsStr>) -> bool {
        // Where events were lost nobody knows whose they were.
        what.contains(ReadFlags::QUEUE_OVERFLOW)
            // What is left of a watch that was given up concerns nobody.
            || self.watched.get(&watch).is_some_and(|entries| entries.include(name))
    }
}

/// What was found among the events that waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// There were none.
    Nothing,
    /// Something beside what is ours.
    Others,
    /// Something of ours.
    Ours,
}

/// What a folder is asked for.
enum Asked<'a> {
    /// All that happens to what is in it.
    Everything,
    /// All that happens to a file.
    File(&'a OsStr),
    /// That something comes, which leads to ours.
    Coming(&'a OsStr),
}

impl Asked<'_> {
    /// A file that is written is read once whoever writes it has closed it, so the writing itself is not asked for.
    fn changes(&self) -> WatchFlags {
        let coming = WatchFlags::CREATE | WatchFlags::MOVED_TO;
        let folder = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR;
        let going = WatchFlags::DELETE | WatchFlags::MOVED_FROM;
        match self {
            Self::Coming(_) => coming | folder,
            // Who may write to a file decides about it as well.
            Self::Everything | Self::File(_) => {
                coming | going | WatchFlags::CLOSE_WRITE | WatchFlags::ATTRIB | folder
            }
        }
    }
}

/// The folder itself, and the nearest one above it that is there.
fn places_of(target: &Path) -> Vec<(&Path, Asked<'_>)> {
    let itself = Some((target, Asked::Everything)).filter(|(target, _)| target.is_dir());
    let mut upwards = target.ancestors().zip(target.ancestors().skip(1));
    let above = upwards.find(|(_, folder)| folder.is_dir()).and_then(|(next, folder)| {
        let name = next.file_name()?;
        Some((folder, if next == target { Asked::File(name) } else { Asked::Coming(name) }))
    });
    itself.into_iter().chain(above).collect()
}

/// The entries of a folder that are ours, or lead to ours.
#[derive(Default)]
struct Entries {
    is_all: bool,
    names: BTreeSet<OsString>,
}

impl Entries {
    fn add(&mut self, asked: Asked<'_>) {
        match asked {
            Asked::Everything => self.is_all = true,
            Asked::File(name) | Asked::Coming(name) => drop(self.names.insert(name.to_owned())),
        }
    }

    /// Without a name it is the folder itself.
    fn include(&self, name: Option<&OsStr>) -> bool {
        self.is_all || name.is_none_or(|name| self.names.contains(name))
    }
}

/// The kernel's numbers for its two limits say something else (inotify_init(2), inotify_add_watch(2)).
fn in_words(error: Errno) -> io::Error {
    let limit = match error {
        Errno::MFILE => {
            "this user or process has too many watchers of files: `fs.inotify.max_user_instances` and the limit of open files say how many there may be"
        }
        Errno::NOSPC => {
            "this user watches too many files: `fs.inotify.max_user_watches` says how many there may be"
        }
        other => return other.into(),
    };
    io::Error::new(io::Error::from(error).kind(), limit)
}

/// Many events at once; the longest has 16 bytes and a name.
const ROOM: usize = 4096;

#[cfg(test)]
#[path = "watcher_linux_tests.rs"]
mod tests;
