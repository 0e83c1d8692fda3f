//! Whose turn it is: connections that were taken from the system's queue and not looked at yet.
//!
//! The system's queue is one for all, and who connects without end would have everybody else wait behind all of that. So it is
//! emptied fast, and then each process has its turn after the other, whatever it has waiting.

use std::collections::{HashMap, VecDeque};

use super::places::Holder;

/// What waits, a row for each process.
pub(super) struct Turns<T> {
    rows: HashMap<Holder, VecDeque<T>>,
    /// Each process that has a row, once.
    next: VecDeque<Holder>,
    waiting: usize,
}

impl<T> Turns<T> {
    pub(super) fn new() -> Self {
        Self { rows: HashMap::new(), next: VecDeque::new(), waiting: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many processes wait.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn add(&mut self, holder: Holder, what: T) {
        let row = self.rows.entry(holder).or_insert_with(|| {
            self.next.push_back(holder);
            VecDeque::new()
        });
        row.push_back(what);
        self.waiting += 1;
    }

    /// What is next: the first of the process whose turn it is.
    pub(super) fn next(&mut self) -> Option<T> {
        let holder = self.next.pop_front()?;
        let row = self.rows.get_mut(&holder)?;
        let what = row.pop_front()?;
        self.waiting -= 1;
        if row.is_empty() {
            self.rows.remove(&holder);
        } else {
            self.next.push_back(holder);
        }
        Some(what)
    }

    /// The first of this process' leaves without its turn.
    pub(super) fn send_away(&mut self, holder: Holder) -> Option<T> {
        let row = self.rows.get_mut(&holder)?;
        let what = row.pop_front()?;
        self.waiting -= 1;
        if row.is_empty() {
            self.rows.remove(&holder);
            self.next.retain(|other| *other != holder);
        }
        Some(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_late_and_with_little_waits_for_one_of_each_other() {
        let mut turns = Turns::new();
        for number in 0..1_000 {
            turns.add(Some(1), number);
        }
        assert_eq!(turns.next(), Some(0));
        turns.add(Some(2), 5_000);
        turns.add(None, 6_000);
        let order: Vec<_> = (0..4).filter_map(|_| turns.next()).collect();
        assert_eq!((order, turns.waiting(), turns.rows()), (vec![1, 5_000, 6_000, 2], 997, 1));
    }

    #[test]
    fn who_is_sent_away_takes_nobody_elses_turn() {
        let mut turns = Turns::new();
        turns.add(Some(1), 10);
        turns.add(Some(2), 20);
        turns.add(Some(2), 21);
        assert_eq!((turns.send_away(Some(1)), turns.send_away(Some(1))), (Some(10), None));
        assert_eq!(turns.send_away(Some(2)), Some(20));
        turns.add(Some(1), 11);
        assert_eq!((turns.next(), turns.next(), turns.next()), (Some(21), Some(11), None));
        assert!(turns.is_empty());
    }
}
