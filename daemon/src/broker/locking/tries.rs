//! Passphrases that were wrong, and how long the next one has to wait: 1 s after the first, twice as long after each further
//! one, 300 s at most.
//!
//! The count is in the plain file `unlock-tries`, so that a restart forgives nothing; it is written before a passphrase is tried,
//! so that a kill in the middle forgives nothing either. This slows whoever asks the daemon. Whoever has the sealed file itself
//! is slowed by Argon2id alone.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::{put_small, read_small, remove_small};

/// How often in a row, and when last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tries {
    wrong: u32,
    /// In seconds since 1970.
    last: u64,
}

impl Tries {
    /// Those that were made before. What cannot be read is the longest wait from now on, and is replaced, so that it ends.
    ///
    /// # Errors
    /// Where it can be neither read nor replaced: nobody knows how many there were, and no wait would end.
    pub(super) fn read(folder: &Path, now: u64) -> io::Result<Self> {
        let known: Option<Self> = match read_small(folder, FILE, MOST) {
            Ok(None) => return Ok(Self::default()),
            Ok(Some(bytes)) => serde_json::from_slice(&bytes).ok(),
            Err(error) => {
                tracing::error!(%error, "nobody can tell how many passphrases were wrong, so the wait is the longest");
                None
            }
        };
        let Some(known) = known else {
            let unknown = Self::unknown(now);
            unknown.write(folder)?;
            return Ok(unknown);
        };
        let tries = Self { last: known.last.min(now), ..known };
        if tries != known {
            // The clock was set back. Kept, or the wait would begin anew with each look.
            if let Err(error) = tries.write(folder) {
                tracing::warn!(%error, "the wait after wrong passphrases begins anew with each");
            }
        }
        Ok(tries)
    }

    /// As many as there can be, where nobody knows how many there were.
    fn unknown(now: u64) -> Self {
        Self { wrong: WRONG_OF_LONGEST, last: now }
    }

    /// Seconds until the next one is taken. A clock that was set back begins the wait anew.
    pub(super) fn wait(&mut self, now: u64) -> u64 {
        self.last = self.last.min(now);
        wait_after(self.wrong).saturating_sub(now - self.last)
    }

    /// One more is tried: it is wrong until it proves right.
    pub(super) fn begin(&mut self, now: u64) {
        self.wrong = self.wrong.saturating_add(1);
        self.last = now;
    }

    /// The one that was begun says nothing: it was not found out whether it is right.
    pub(super) fn take_back(&mut self) {
        self.wrong = self.wrong.saturating_sub(1);
    }

    /// Keeps the count; none where there is nothing to count.
    pub(super) fn write(self, folder: &Path) -> io::Result<()> {
        if self.wrong == 0 {
            return remove_small(folder, FILE);
        }
        put_small(folder, FILE, &serde_json::to_vec(&self)?)
    }
}

fn wait_after(wrong: u32) -> u64 {
    match wrong {
        0 => 0,
        wrong => 1_u64.checked_shl(wrong - 1).unwrap_or(LONGEST).clamp(1, LONGEST),
    }
}

/// Its name within the state folder.
pub(super) const FILE: &str = "unlock-tries";

/// In seconds: a person who mistypes still gets in after a break, and 300 s leave 288 tries a day.
const LONGEST: u64 = 300;

/// The count from which on it is the longest.
const WRONG_OF_LONGEST: u32 = 10;

/// More than any count has.
const MOST: u64 = 4096;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_wrong_one_doubles_the_wait_up_to_the_longest() {
        let waits: Vec<u64> = (0..=12).map(wait_after).collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!((wait_after(64), wait_after(65), wait_after(u32::MAX)), (300, 300, 300));
    }

    #[test]
    fn a_wait_passes_with_time_and_not_by_setting_the_clock_back() {
        let mut tries = Tries { wrong: 3, last: 1000 };
        assert_eq!((tries.wait(1000), tries.wait(1003), tries.wait(1004)), (4, 1, 0));
        assert_eq!(tries.wait(500), 4, "from now on, and not for 504 s");
        assert_eq!(tries.wait(504), 0);
    }

    #[test]
    fn the_count_survives_and_what_cannot_be_read_is_the_longest_wait() {
        let folder = tempfile::tempdir().unwrap();
        let mut tries = Tries::read(folder.path(), 50).unwrap();
        assert_eq!(tries.wait(50), 0);
        tries.begin(50);
        tries.begin(52);
        tries.write(folder.path()).unwrap();
        assert_eq!(Tries::read(folder.path(), 53).unwrap().wait(53), 1);
        fs::write(folder.path().join(FILE), "wrong=0").unwrap();
        assert_eq!(Tries::read(folder.path(), 60).unwrap().wait(60), LONGEST);
        assert_eq!(Tries::read(folder.path(), 100).unwrap().wait(100), LONGEST - 40, "it ends");
        let later = Tries { wrong: 30, last: u64::MAX };
        later.write(folder.path()).unwrap();
        assert_eq!(Tries::read(folder.path(), 100).unwrap().wait(100), LONGEST);
        assert_eq!(
            Tries::read(folder.path(), 300).unwrap().wait(300),
            LONGEST - 200,
            "by a clock that was set back too"
        );
        Tries::default().write(folder.path()).unwrap();
        assert!(!folder.path().join(FILE).exists());
        Tries::default().write(folder.path()).unwrap();
    }

    #[test]
    fn a_count_that_can_be_neither_read_nor_replaced_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FILE)).unwrap();
        assert!(Tries::read(folder.path(), 50).is_err());
    }

    #[test]
    fn one_that_was_not_judged_counts_nothing() {
        let mut tries = Tries::default();
        tries.begin(1);
        tries.take_back();
        assert_eq!(tries, Tries { wrong: 0, last: 1 });
    }
}
