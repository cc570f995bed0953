//! A downstream that can do only so much: calls queue, and one that waits for longer than its caller does is done for nothing.

use std::fmt;

use super::world::{LONGEST_LATENCY, Made, USUAL};

/// What goes wrong from 60 s on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It does nothing for 10 s; calls queue.
    Stall,
    /// It refuses every call for 45 s.
    Refusals,
    /// For 30 s every call is lost on its way.
    Drops,
    /// Three times as many calls come for 10 s.
    Spike,
    /// It refuses every call for 45 s, and then its cache is cold: it can do a tenth, and more as the cache warms, for 30 s.
    /// Overload keeps it cold.
    ColdCache,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Stall,
        Self::Refusals,
        Self::Drops,
        Self::Spike,
        Self::ColdCache,
    ];
    const FROM: f64 = 60.0;

    const fn lasts(self) -> f64 {
        match self {
            Self::Stall | Self::Spike => 10.0,
            Self::Drops => 30.0,
            Self::Refusals | Self::ColdCache => 45.0,
        }
    }

    pub(super) const fn ends(self) -> f64 {
        Self::FROM + self.lasts()
    }

    pub(super) fn is_on(self, now: f64) -> bool {
        (Self::FROM..Self::FROM + self.lasts()).contains(&now)
    }

    /// How likely a call of this moment is to fail for good, tries and all, while there is no queue.
    pub(super) fn failure_ratio(self, now: f64) -> f64 {
        let is_down = self != Self::Spike && self.is_on(now);
        f64::from(u8::from(is_down))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stall => "stall",
            Self::Refusals => "refusals",
            Self::Drops => "drops",
            Self::Spike => "spike",
            Self::ColdCache => "cold cache",
        })
    }
}

/// One queue, first come, first served.
pub(super) struct Server {
    /// Seconds of work a call is once the cache is warm.
    work: f64,
    /// When it will have done all that it was asked for.
    free_at: f64,
    /// Seconds of undisturbed warming, less what was done for nothing.
    warmth: f64,
    seen: f64,
}

/// So much of what it can do the usual traffic is.
const LOAD: f64 = 0.7;
/// So long a caller waits.
const TIMEOUT: f64 = LONGEST_LATENCY;
/// A refusal takes so long.
const REFUSAL: f64 = 0.001;
/// So long a cache warms.
const WARMING: f64 = 30.0;
/// What waits for twice as long as its caller does sets the warming back: so far, as a share of the time between two calls.
const SETBACK: f64 = 20.0;

impl Server {
    pub(super) const fn new(rate: f64) -> Self {
        Self {
            work: LOAD / rate,
            free_at: 0.0,
            warmth: WARMING,
            seen: 0.0,
        }
    }

    pub(super) fn call(&mut self, trouble: Trouble, now: f64, latency: f64, luck: f64) -> Made {
        let made = |took: f64, failed| Made {
            ends: now + took.min(TIMEOUT),
            failed,
            failure_ratio: f64::from(u8::from(failed)),
        };
        match trouble {
            Trouble::Refusals if trouble.is_on(now) => return made(REFUSAL, true),
            Trouble::ColdCache if trouble.is_on(now) => {
                (self.warmth, self.seen) = (0.0, now);
                return made(REFUSAL, true);
            }
            Trouble::Drops if trouble.is_on(now) => return made(TIMEOUT, true),
            Trouble::Stall if trouble.is_on(now) => {
                self.free_at = self.free_at.max(Trouble::FROM + trouble.lasts());
            }
            _ => {}
        }
        self.warmth = (self.warmth + now - self.seen).min(WARMING);
        self.seen = now;
        let speed = 0.1 + 0.9 * self.warmth / WARMING;
        self.free_at = self.free_at.max(now) + self.work / speed;
        let took = self.free_at - now + latency.min(LONGEST_LATENCY / 2.0);
        if took > 2.0 * TIMEOUT && self.warmth < WARMING {
            self.warmth = (self.warmth - SETBACK * self.work / LOAD).max(0.0);
        }
        made(took, took > TIMEOUT || luck < USUAL)
    }
}
