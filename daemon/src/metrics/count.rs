//! The two things that count: a number for each word of a closed set, and a histogram.
//!
//! Both are arrays of atomics whose places are known when the program is built: counting is one addition, without a lock, an
//! allocation or a word. Readers take each number by itself, so a sum may be of another moment than its parts by a request or
//! two; none is ever lost.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::words::Word;

/// A number for each word of `W`.
#[derive(Debug)]
pub(super) struct Counts<W, const N: usize> {
    numbers: [AtomicU64; N],
    words: PhantomData<fn(W)>,
}

impl<W: Word, const N: usize> Counts<W, N> {
    /// All zero. There is a number for each word, or the program does not build.
    pub(super) const fn new() -> Self {
        const { assert!(W::ALL.len() == N) };
        Self { numbers: [const { AtomicU64::new(0) }; N], words: PhantomData }
    }

    pub(super) fn add(&self, word: W) {
        self.number(word).fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one away; for what can end.
    pub(super) fn take(&self, word: W) {
        self.number(word).fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn of(&self, word: W) -> u64 {
        self.number(word).load(Ordering::Relaxed)
    }

    pub(super) fn sum(&self) -> u64 {
        self.numbers.iter().map(|number| number.load(Ordering::Relaxed)).sum()
    }

    /// Each word with its number.
    pub(super) fn read(&self) -> Vec<(&'static str, u64)> {
        W::ALL.iter().map(|word| (word.text(), self.of(*word))).collect()
    }

    fn number(&self, word: W) -> &AtomicU64 {
        &self.numbers[word.place()]
    }
}

/// How long something took.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: &'static [f64; BOUNDS],
    /// One a bound, and one for what is over the last.
    buckets: [AtomicU64; BOUNDS + 1],
    /// The sum in nanoseconds, of which there are enough for five hundred years.
    sum: AtomicU64,
}

/// How many bounds a histogram has.
pub(super) const BOUNDS: usize = 10;

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The upper bounds in seconds, the last of them infinite, each with how many lie between it and the bound before.
    pub buckets: Vec<(f64, u64)>,
    /// The sum in seconds.
    pub sum: f64,
}

impl Histogram {
    /// The bounds are seconds and rise.
    pub(super) const fn new(bounds: &'static [f64; BOUNDS]) -> Self {
        Self { bounds, buckets: [const { AtomicU64::new(0) }; BOUNDS + 1], sum: AtomicU64::new(0) }
    }

    pub(super) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sum.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Measured {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let sum = Duration::from_nanos(self.sum.load(Ordering::Relaxed)).as_secs_f64();
        Measured { buckets: bounds.zip(counts).collect(), sum }
    }
}

impl Measured {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::Answered;
    use super::*;

    #[test]
    fn each_word_has_a_number_of_its_own() {
        let counts = Counts::<Answered, 5>::new();
        counts.add(Answered::Refresh);
        counts.add(Answered::Refresh);
        counts.add(Answered::Cache);
        counts.take(Answered::Cache);
        assert_eq!(counts.of(Answered::Refresh), 2);
        assert_eq!(counts.sum(), 2);
        assert_eq!(counts.read().len(), Answered::ALL.len());
    }

    #[test]
    fn a_bound_belongs_to_the_bucket_below_it() {
        const SECONDS: [f64; BOUNDS] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
        let histogram = Histogram::new(&SECONDS);
        for milliseconds in [0, 1_000, 1_001, 10_000, 10_001, 99_000] {
            histogram.observe(Duration::from_millis(milliseconds));
        }
        let read = histogram.read();
        assert_eq!((read.buckets[0], read.buckets[1], read.buckets[9]), ((1.0, 2), (2.0, 1), (10.0, 1)));
        assert_eq!((read.buckets[10], read.count()), ((f64::INFINITY, 2), 6));
        assert!((read.sum - 121.002).abs() < 1e-9);
    }
}
