//! Chance that can be repeated: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
//! 2014), which is enough for a workload and no more.

use std::ops::Range;
use std::time::Duration;

/// A generator; the same seed gives the same world.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Evenly from the range, to the millisecond.
    pub(crate) fn within(&mut self, range: Range<Duration>) -> Duration {
        let width = u64::try_from((range.end - range.start).as_millis()).expect("spans of days");
        range.start + Duration::from_millis(self.number() % width.max(1))
    }

    /// True this often in a hundred.
    pub(crate) fn percent(&mut self, share: u64) -> bool {
        self.number() % 100 < share
    }

    /// Evenly from the range.
    pub(crate) fn count(&mut self, range: Range<u64>) -> u64 {
        range.start + self.number() % (range.end - range.start)
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
