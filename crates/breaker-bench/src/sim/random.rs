//! Random numbers that belong to a call, not to the order in which they are drawn.

use breaker_core::mix;

/// What a random number is for.
#[derive(Clone, Copy)]
pub enum Use {
    /// The time until the call comes.
    Gap,
    /// How long the call takes.
    Latency,
    /// Whether the call fails.
    Luck,
    /// The policy's own draw.
    Draw,
    /// Who makes the call.
    Client,
    /// What goes wrong.
    World,
}

/// The random numbers of one simulation.
#[derive(Clone, Copy)]
pub struct Random(u64);

impl Random {
    /// Those of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// 64 random bits of this call.
    pub const fn bits(self, call: u64, what: Use) -> u64 {
        mix(self.0 ^ mix(call << 3 | what as u64))
    }

    /// A number from 0 up to, but not including, 1.
    pub fn unit(self, call: u64, what: Use) -> f64 {
        (self.bits(call, what) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number from the exponential distribution with a mean of 1.
    pub fn exponential(self, call: u64, what: Use) -> f64 {
        -(1.0 - self.unit(call, what)).ln()
    }
}
