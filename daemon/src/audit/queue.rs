//! What waits to be written. Whoever adds to it never waits: what does not fit is counted.
//!
//! The writer sleeps until there is something, then gathers for a moment without being woken, so that a burst of requests
//! costs one write and each request hardly more than a lock that nobody holds.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::event::Event;
use super::line::Head;
use super::refusals::Refusals;
use crate::metrics::METRICS;

/// Something for the writer.
pub(super) enum Job {
    /// To be written.
    Note(Event),
    /// To be compared with what is written: the sealed file said so.
    Compare(Head),
    /// To be told once all that was added before is written, or cannot be.
    Flush(SyncSender<()>),
    /// The same, and nothing comes after it.
    Stop(SyncSender<()>),
}

/// The queue between the daemon and the writer.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    notes: usize,
    lost: u64,
    lost_in_all: u64,
    refusals: Refusals,
    /// The writer waits for anything at all.
    is_idle: bool,
    /// Somebody waits for the writer.
    is_urgent: bool,
}

impl Queue {
    /// Adds an event, or counts it: as one of a flood of refusals, or as lost where too many wait already.
    pub(super) fn note(&self, event: Event) {
        let mut state = self.state();
        let Some(event) = state.refusals.pass(event, Instant::now()) else {
            // From the first on the writer is to wait for the end of the flood too.
            if state.refusals.untold() == 1 {
                drop(state);
                self.wake.notify_one();
            }
            return;
        };
        if state.notes >= MOST_NOTES {
            state.lose(1);
            return;
        }
        state.notes += 1;
        state.jobs.push_back(Job::Note(event));
        if std::mem::take(&mut state.is_idle) || state.notes == BATCH {
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Adds what is not to wait.
    pub(super) fn add(&self, job: Job) {
        let mut state = self.state();
        if matches!(job, Job::Flush(_) | Job::Stop(_)) {
            state.tell_refusals(Duration::ZERO);
        }
        state.jobs.push_back(job);
        state.is_urgent = true;
        state.is_idle = false;
        drop(state);
        self.wake.notify_one();
    }

    /// All that waits, in its order, and how many were lost since; there is something of either.
    pub(super) fn take(&self) -> (VecDeque<Job>, u64) {
        let mut state = self.state();
        while state.jobs.is_empty() && state.lost == 0 {
            state.is_idle = true;
            if state.refusals.untold() > 0 {
                state = self.wake.wait_timeout(state, QUIET).unwrap_or_else(PoisonError::into_inner).0;
                state.tell_refusals(QUIET);
            } else {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        state.is_idle = false;
        let state = self.wait(state, GATHER, |state| state.notes >= BATCH);
        Self::drain(state)
    }

    /// The same after a rest, which somebody who waits for the writer cuts short.
    pub(super) fn take_after(&self, rest: Duration) -> (VecDeque<Job>, u64) {
        let state = self.wait(self.state(), rest, |_| false);
        Self::drain(state)
    }

    /// Puts back what could not be written, before all that came since. What is too much is lost: the newest.
    pub(super) fn give_back(&self, events: Vec<Event>, lost: u64) {
        let mut state = self.state();
        state.lost += lost;
        state.notes += events.len();
        for event in events.into_iter().rev() {
            state.jobs.push_front(Job::Note(event));
        }
        while state.notes > MOST_NOTES {
            let Some(last) = state.jobs.iter().rposition(|job| matches!(job, Job::Note(_))) else { break };
            state.jobs.remove(last);
            state.notes -= 1;
            state.lose(1);
        }
    }

    /// How many were lost since the start, and how many wait.
    pub(super) fn count(&self) -> (u64, usize) {
        let state = self.state();
        (state.lost_in_all, state.notes)
    }

    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        limit: Duration,
        is_enough: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        let ends_at = Instant::now() + limit;
        loop {
            let left = ends_at.saturating_duration_since(Instant::now());
            if state.is_urgent || left.is_zero() || is_enough(&state) {
                return state;
            }
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn drain(mut state: MutexGuard<'_, State>) -> (VecDeque<Job>, u64) {
        state.tell_refusals(QUIET);
        state.notes = 0;
        state.is_urgent = false;
        (std::mem::take(&mut state.jobs), std::mem::take(&mut state.lost))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lose(&mut self, count: u64) {
        METRICS.audit_entries_lost(count);
        self.lost += count;
        self.lost_in_all += count;
    }

    /// Adds entries for refusals that were only counted, where no more of them came for so long.
    fn tell_refusals(&mut self, quiet: Duration) {
        for event in self.refusals.take_untold(quiet, Instant::now()) {
            self.jobs.push_back(Job::Note(event));
            self.notes += 1;
        }
    }
}

/// An entry is on disk so soon after it happened, which is what a kill can lose.
const GATHER: Duration = Duration::from_millis(50);

/// So many are not gathered any longer.
const BATCH: usize = 512;

/// A flood of refusals is over when none came for so long.
const QUIET: Duration = Duration::from_secs(60);

/// What waits for a disk that is full, some 4 MiB: hours of a busy workstation.
pub(super) const MOST_NOTES: usize = 4096;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use entra_proto::log::LogEvent;

    use super::*;

    fn event(detail: &str) -> Event {
        Event::new(LogEvent::Issued).detail(detail)
    }

    fn details(jobs: VecDeque<Job>) -> Vec<String> {
        let note = |job| match job {
            Job::Note(event) => event.into_entry().detail,
            _ => None,
        };
        jobs.into_iter().filter_map(note).collect()
    }

    #[test]
    fn what_is_given_back_comes_first_and_too_much_is_counted() {
        let queue = Queue::default();
        queue.note(event("new"));
        queue.give_back(vec![event("old"), event("older")], 3);
        let (jobs, lost) = queue.take();
        assert_eq!((details(jobs), lost), (vec!["old".to_owned(), "older".to_owned(), "new".to_owned()], 3));
        for _ in 0..MOST_NOTES + 2 {
            queue.note(event("new"));
        }
        assert_eq!(queue.count(), (2, MOST_NOTES));
        queue.give_back(vec![event("old")], 0);
        let (jobs, lost) = queue.take();
        assert_eq!((details(jobs)[0].as_str(), lost), ("old", 3));
        assert_eq!(queue.count(), (3, 0));
    }

    #[test]
    fn a_flood_of_refusals_takes_nobodys_place_and_is_counted_when_somebody_looks() {
        let queue = Queue::default();
        queue.note(event("before"));
        let many = 3 * MOST_NOTES;
        (0..many).for_each(|_| queue.note(Event::new(LogEvent::Refused)));
        queue.note(event("after"));
        let (tell, _told) = sync_channel(1);
        queue.add(Job::Flush(tell));
        let (jobs, lost) = queue.take();
        let (is_flush, said) = (matches!(jobs.back(), Some(Job::Flush(_))), details(jobs));
        assert!(is_flush && lost == 0 && said.len() < 10, "{said:?}");
        assert_eq!((said[0].as_str(), said[1].as_str()), ("before", "after"));
        assert!(said[2].ends_with("others like it before were refused, and are counted here alone."));
    }

    #[test]
    fn who_waits_is_served_before_the_gathering_ends() {
        let queue = Queue::default();
        let (tell, _told) = sync_channel(1);
        queue.add(Job::Flush(tell));
        let begun = Instant::now();
        let (jobs, _) = queue.take_after(Duration::from_secs(60));
        assert!(jobs.len() == 1 && begun.elapsed() < Duration::from_secs(30));
    }
}
