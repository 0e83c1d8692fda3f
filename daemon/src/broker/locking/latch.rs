//! How far the daemon is locked: pure, without a clock of its own.
//!
//! Three states: open, closing (what was under way may end, nothing begins), locked. A lock is never weakened by another one:
//! what locked it for longer, or more thoroughly, stands.

use std::time::Duration;

use entra_proto::lock::{LockCause, LockState, LockStatus, Opener};

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Latch {
    #[default]
    Open,
    Shut(Shut),
}

/// Not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shut {
    pub(super) state: LockState,
    /// In seconds since 1970.
    pub(super) since: u64,
    pub(super) by: LockCause,
    pub(super) opened_by: Opener,
}

impl Latch {
    /// Somebody locks. Says whether that begins a lock, rather than joining one.
    pub(super) fn close(&mut self, by: LockCause, now: u64) -> bool {
        match self {
            Self::Open => {
                let (state, opened_by) = (LockState::Closing, Opener::Store);
                *self = Self::Shut(Shut { state, since: now, by, opened_by });
                true
            }
            Self::Shut(shut) => {
                if weight(by) > weight(shut.by) {
                    shut.by = by;
                }
                false
            }
        }
    }

    /// What was under way has ended, or had its time. Changes nothing while it is open.
    pub(super) fn lock(&mut self) {
        if let Self::Shut(shut) = self {
            shut.state = LockState::Locked;
        }
    }

    /// What it takes to open is known. Changes nothing while it is open.
    pub(super) fn is_opened_by(&mut self, opener: Opener) {
        if let Self::Shut(shut) = self {
            shut.opened_by = opener;
        }
    }

    pub(super) fn shut(self) -> Option<Shut> {
        match self {
            Self::Open => None,
            Self::Shut(shut) => Some(shut),
        }
    }
}

impl Shut {
    pub(super) fn status(self) -> LockStatus {
        let Self { state, since, by, opened_by } = self;
        LockStatus { state, since, by, opened_by }
    }
}

/// How long requests that are under way may take until it is locked.
pub(super) fn patience(by: LockCause) -> Duration {
    match by {
        LockCause::Hand | LockCause::Unknown => Duration::from_secs(8),
        // The machine waits for it: logind gives 5 s before a sleep, unless told otherwise (logind.conf(5)).
        LockCause::ScreenLock | LockCause::Suspend => Duration::from_secs(2),
        LockCause::Panic => Duration::ZERO,
    }
}

/// A lock by the screen may be opened when the person is back; one by hand is not, and a panic is no usual lock.
fn weight(by: LockCause) -> u8 {
    match by {
        LockCause::ScreenLock | LockCause::Suspend => 0,
        LockCause::Hand | LockCause::Unknown => 1,
        LockCause::Panic => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_closes_before_it_locks_and_a_second_lock_joins() {
        let mut latch = Latch::default();
        latch.lock();
        assert_eq!(latch, Latch::Open, "nothing that was not closed is locked");
        assert!(latch.close(LockCause::ScreenLock, 5));
        assert_eq!(latch.shut().unwrap().state, LockState::Closing);
        assert!(!latch.close(LockCause::Hand, 6));
        latch.lock();
        let shut = latch.shut().unwrap();
        assert_eq!((shut.state, shut.since, shut.by), (LockState::Locked, 5, LockCause::Hand));
        assert!(!latch.close(LockCause::Suspend, 7));
        assert_eq!(latch.shut().unwrap().by, LockCause::Hand, "the stronger cause stands");
        assert!(!latch.close(LockCause::Panic, 8));
        assert_eq!(latch.shut().unwrap().by, LockCause::Panic);
        assert_eq!(latch.shut().unwrap().state, LockState::Locked);
    }

    #[test]
    fn only_a_hand_has_time() {
        assert_eq!(patience(LockCause::Panic), Duration::ZERO);
        assert!(patience(LockCause::Suspend) < Duration::from_secs(5));
        assert!(patience(LockCause::Hand) > patience(LockCause::ScreenLock));
    }
}
