//! What every decision needs to know besides the state.

use crate::{config::Checked, random::mix, time::Timestamp};

/// What every decision needs to know besides the state.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The circuit's configuration.
    pub config: &'a Checked,
    /// Tells circuits with the same configuration apart, so that a fleet does not probe in step.
    pub seed: u16,
}

impl Rules<'_> {
    /// The random number of a generation.
    pub(super) const fn random(self, generation: u64) -> u64 {
        mix((self.seed as u64) << 16 | generation & 0xffff)
    }

    /// The random number of the `nth` call that draws in a generation.
    pub(super) const fn lot(self, generation: u64, now: Timestamp, nth: u16) -> u32 {
        let moment = mix(now.as_nanos() ^ mix(nth as u64));
        mix(moment ^ self.random(generation)) as u32
    }
}
