//! The places of a listener's connections, and who must leave when all are taken.
//!
//! A process may take as many as it likes while there is room. Then room is made by whoever has the most: it loses the connection
//! that has been idle for longest. So nobody is kept from being served by others who only connect, and an honest crowd of one
//! process may still be as large as the whole table.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entra_proto::limits::{HEAD_SPREAD, HEAD_TIMEOUT};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::steps::Steps;
use crate::harden;

/// Whose connections count together: a process by its number. Those of whom the system tells nothing are one.
pub(super) type Holder = Option<u32>;

/// The places for connections.
pub(super) struct Places {
    most: usize,
    table: Mutex<Table>,
    all_left: Notify,
}

/// Who had to make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// There was room.
    Nobody,
    /// A connection that was served; its task has been ended.
    Served,
    /// The first of this process' connections that wait for their turn.
    Waiting(Holder),
}

impl Places {
    /// None taken, and never more than this.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), table: Mutex::default(), all_left: Notify::new() })
    }

    /// A place for a connection of this process, and who had to make room for it. None where this process has as many as any
    /// other, and no idle one.
    pub(super) fn take(self: &Arc<Self>, holder: Holder) -> Option<(Place, Gone)> {
        let mut table = self.table();
        let gone = if table.taken < self.most { Gone::Nobody } else { table.make_room(holder)? };
        let number = table.next();
        table.change(holder, |held| drop(held.idle.insert(number, None)));
        table.taken += 1;
        table.is_crowded |= table.taken > CROWD;
        Some((Place { holder, number: AtomicU64::new(number), places: Arc::clone(self) }, gone))
    }

    /// Waits until nobody is there.
    pub(super) async fn all_left(&self) {
        loop {
            let left = self.all_left.notified();
            if self.table().taken == 0 {
                return;
            }
            left.await;
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place, which is free again when this is dropped.
pub(super) struct Place {
    holder: Holder,
    number: AtomicU64,
    places: Arc<Places>,
}

impl Place {
    /// From now on this task serves the connection, and is ended when somebody must make room.
    pub(super) fn serve_by(&self, task: AbortHandle) {
        let number = self.number();
        let mut table = self.places.table();
        match table.holders.get_mut(&self.holder).and_then(|held| held.find(number)) {
            Some(place) => *place = Some(task),
            // Somebody else has it by now.
            None => task.abort(),
        }
    }

    /// A request has come. It has to go in its row where its process has more than a few connections.
    pub(super) fn begin(&self) -> Option<Steps> {
        let number = self.number();
        let mut table = self.places.table();
        let held = table.holders.get_mut(&self.holder)?;
        if let Some(task) = held.idle.remove(&number) {
            held.busy.insert(number, task);
        }
        (held.count() > A_FEW).then(|| held.steps.clone())
    }

    /// The request has its answer. The connection is the last of the idle ones now.
    pub(super) fn rest(&self) {
        let number = self.number();
        let mut table = self.places.table();
        let later = table.next();
        let Some(held) = table.holders.get_mut(&self.holder) else { return };
        if let Some(task) = held.busy.remove(&number) {
            held.idle.insert(later, task);
            self.number.store(later, Ordering::Relaxed);
        }
    }

    /// How long its caller may take for the head of a request. A thousand who came at once do not run out of time at once, for which
    /// others would wait.
    pub(super) fn patience(&self) -> Duration {
        // Numbers are given out in turn, so this has as many of each.
        let [least, ..] = self.number().to_le_bytes();
        HEAD_TIMEOUT + HEAD_SPREAD * u32::from(least) / u32::from(u8::MAX)
    }

    fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let number = self.number();
        let mut table = self.places.table();
        let is_ours = table.holders.get_mut(&self.holder).is_some_and(|held| held.find(number).is_some());
        // Who had to make room has left before.
        if is_ours {
            table.change(self.holder, |held| {
                drop(held.idle.remove(&number).or_else(|| held.busy.remove(&number)));
            });
            table.taken -= 1;
        }
        if table.taken == 0 {
            self.places.all_left.notify_waiters();
        }
        if table.is_crowded && table.taken <= CROWD / 8 {
            table.is_crowded = false;
            drop(table);
            harden::give_back_memory();
        }
    }
}

#[derive(Default)]
struct Table {
    taken: usize,
    last: u64,
    holders: HashMap<Holder, Held>,
    /// The same, by how many each has.
    by_count: BTreeSet<(usize, Holder)>,
    /// There were many connections at once, and most of them are still there.
    is_crowded: bool,
}

/// The connections of one process, by when they last had something to do; with the tasks that serve them.
#[derive(Default)]
struct Held {
    steps: Steps,
    idle: BTreeMap<u64, Option<AbortHandle>>,
    busy: BTreeMap<u64, Option<AbortHandle>>,
}

impl Held {
    fn count(&self) -> usize {
        self.idle.len() + self.busy.len()
    }

    fn find(&mut self, number: u64) -> Option<&mut Option<AbortHandle>> {
        self.idle.get_mut(&number).or_else(|| self.busy.get_mut(&number))
    }
}

impl Table {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn change(&mut self, holder: Holder, how: impl FnOnce(&mut Held)) {
        let held = self.holders.entry(holder).or_default();
        self.by_count.remove(&(held.count(), holder));
        how(held);
        match held.count() {
            0 => drop(self.holders.remove(&holder)),
            count => drop(self.by_count.insert((count, holder))),
        }
    }

    /// Sends away the longest idle connection of whoever has the most; where none of those is idle, the one that is longest at its
    /// request, unless the newcomer would then have as many.
    fn make_room(&mut self, newcomer: Holder) -> Option<Gone> {
        let (most, holder) = *self.by_count.last()?;
        let has = self.holders.get(&newcomer).map_or(0, Held::count);
        let mut leaves = None;
        self.change(holder, |held| {
            leaves = held.idle.pop_first();
            if leaves.is_none() && has + 1 < most {
                leaves = held.busy.pop_first();
            }
        });
        let (_, task) = leaves?;
        self.taken -= 1;
        match task {
            Some(task) => {
                task.abort();
                Some(Gone::Served)
            }
            None => Some(Gone::Waiting(holder)),
        }
    }
}

/// As many as a usual program has.
const A_FEW: usize = 4;

/// So many connections at once leave megabytes behind.
const CROWD: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(places: &Arc<Places>, holder: u32) -> Place {
        places.take(Some(holder)).unwrap().0
    }

    #[tokio::test]
    async fn the_longest_idle_of_whoever_has_the_most_makes_room() {
        let places = Places::new(3);
        let kept = taken(&places, 1);
        let (first, second) = (taken(&places, 2), taken(&places, 2));
        let tasks = [&first, &second].map(|place| {
            let task = tokio::spawn(std::future::pending::<()>());
            place.serve_by(task.abort_handle());
            task
        });
        // It has asked since, so the other one is idle for longer.
        first.begin();
        first.rest();
        let (newcomer, gone) = places.take(Some(3)).unwrap();
        assert_eq!(gone, Gone::Served);
        let [first_task, second_task] = tasks;
        assert!(second_task.await.unwrap_err().is_cancelled());
        assert!(!first_task.is_finished());
        drop((kept, newcomer, second, first));
        assert_eq!(places.table().taken, 0);
    }

    #[test]
    fn who_is_at_a_request_leaves_only_for_somebody_who_has_less() {
        let places = Places::new(2);
        let (first, second) = (taken(&places, 1), taken(&places, 1));
        assert!(first.begin().is_none() && second.begin().is_none());
        assert!(places.take(Some(1)).is_none(), "its own do not make room for it");
        let (newcomer, gone) = places.take(Some(2)).unwrap();
        assert_eq!(gone, Gone::Waiting(Some(1)));
        newcomer.begin();
        assert!(places.take(Some(2)).is_none(), "two have one each");
        drop((first, second));
        assert_eq!(places.table().taken, 1, "who made room has left once");
    }

    #[test]
    fn one_process_may_have_them_all_and_exchange_them() {
        let places = Places::new(4);
        let crowd: Vec<_> = (0..4).map(|_| taken(&places, 1)).collect();
        let (next, gone) = places.take(Some(1)).unwrap();
        assert_eq!((gone, places.table().taken), (Gone::Waiting(Some(1)), 4));
        drop(crowd);
        assert_eq!(places.table().taken, 1);
        drop(next);
        assert!(places.table().holders.is_empty() && places.table().by_count.is_empty());
    }

    #[test]
    fn who_came_together_need_not_leave_together() {
        let places = Places::new(1_000);
        let crowd: Vec<_> = (0..1_000).map(|_| taken(&places, 1)).collect();
        let mut ends: Vec<_> = crowd.iter().map(Place::patience).collect();
        ends.sort_unstable();
        assert_eq!((ends[0], ends[999]), (HEAD_TIMEOUT, HEAD_TIMEOUT + HEAD_SPREAD));
        assert!(ends.windows(5).all(|five| five[0] < five[4]), "no more than four end together");
    }

    #[tokio::test]
    async fn a_task_without_a_place_any_more_ends() {
        let places = Places::new(1);
        let place = taken(&places, 1);
        let _newcomer = taken(&places, 2);
        let task = tokio::spawn(std::future::pending::<()>());
        place.serve_by(task.abort_handle());
        assert!(task.await.unwrap_err().is_cancelled());
    }
}
