//! Chance, from a seed: a test gives its own.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// A sequence of numbers of chance (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// One that nobody foresees.
    pub(crate) fn new() -> Self {
        Self(RandomState::new().hash_one(0))
    }

    pub(crate) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// From 0 to 1, which it never is.
    pub(crate) fn share(&mut self) -> f64 {
        // 53 bits are what an f64 holds.
        #[expect(clippy::cast_precision_loss, reason = "the number has 53 bits")]
        let share = (self.number() >> 11) as f64 / (1_u64 << 53) as f64;
        share
    }

    /// From nothing to this span.
    pub(crate) fn up_to(&mut self, span: Duration) -> Duration {
        span.mul_f64(self.share())
    }
}

/// Each bit depends on each.
pub(crate) const fn mixed(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
