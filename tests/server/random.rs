//! Random numbers with a printed seed, so that a failed test can be repeated.

use std::time::Duration;

use uuid::Uuid;

/// A random number generator (SplitMix64).
pub struct Random(u64);

impl Random {
    /// Creates a generator with the seed `STUDIO_TEST_SEED`, or with a random one, and prints the seed.
    pub fn new() -> Self {
        let seed = match std::env::var("STUDIO_TEST_SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) => Uuid::new_v4().as_u64_pair().0,
        };
        eprintln!("to repeat it: STUDIO_TEST_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// Returns a duration from `first` to `last` milliseconds.
    pub fn millis(&mut self, first: u64, last: u64) -> Duration {
        Duration::from_millis(first + self.next() % (last - first + 1))
    }
}
