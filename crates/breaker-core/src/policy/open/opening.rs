//! The checked form of an open time, and the waits that it gives.

use alloc::boxed::Box;
use core::{
    ops::{Range, RangeInclusive},
    time::Duration,
};

use crate::time::{MAX_WAIT, Timestamp, nanos};

/// The checked form, in whole numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Opening {
    pub(super) pattern: Pattern,
    /// In nanoseconds.
    pub(super) shortest: u64,
    /// In nanoseconds.
    pub(super) longest: u64,
    /// In millionths.
    pub(super) jitter: u32,
    /// In nanoseconds.
    pub(super) longest_asked: u64,
    /// In nanoseconds.
    pub(super) relapse_within: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pattern {
    Fixed,
    Exponential { thousandths: u32 },
    ByAttempt(Waits),
    ProbeShare { millionths: u32 },
}

/// The waits by attempt, in nanoseconds.
pub(super) type Waits = Box<[u64; ATTEMPTS]>;
/// The most openings in a row that are counted.
pub(crate) const MOST_ATTEMPTS: u32 = 63;
pub(super) const ATTEMPTS: usize = MOST_ATTEMPTS as usize + 1;

impl Opening {
    /// For how long every call is refused, opening for the `attempt`-th time in a row and after so many relapses; `asked` is the
    /// downstream's own wish.
    pub(crate) fn wait(
        &self,
        attempt: u32,
        relapses: u32,
        random: u64,
        asked: Option<Duration>,
    ) -> Duration {
        let wait = match self.pattern {
            Pattern::Fixed => self.spread(self.longest(), TINY..=MAX_WAIT, random),
            Pattern::Exponential { .. } | Pattern::ByAttempt(_) => self.spread(
                self.grown(attempt),
                self.shortest()..=self.longest(),
                random,
            ),
            Pattern::ProbeShare { .. } => {
                let longest = LONGEST_AFTER_RELAPSES.clamp(self.shortest(), self.longest());
                grow(self.shortest(), relapses, 2000, longest)
            }
        };
        let asked = asked.unwrap_or_default();
        wait.max(asked.min(Duration::from_nanos(self.longest_asked)))
    }

    /// Whether a trip is a relapse that comes so long after closing.
    pub(crate) fn is_relapse(&self, after: Duration) -> bool {
        nanos(after) < self.relapse_within
    }

    /// Whether a call of this moment may be the first probe, after so many failed ones: none before the first of these times, any
    /// from the second on. `draw` gives this request's own random number.
    pub(crate) fn is_due(
        &self,
        attempt: u32,
        may_be: Range<Timestamp>,
        now: Timestamp,
        draw: impl FnOnce() -> u32,
    ) -> bool {
        match self.pattern {
            _ if now < may_be.start => false,
            _ if now >= may_be.end => true,
            Pattern::ProbeShare { millionths } => {
                u64::from(draw()) * 1_000_000
                    < (u64::from(millionths) << 32) / u64::from(attempt + 1)
            }
            Pattern::Fixed | Pattern::Exponential { .. } | Pattern::ByAttempt(_) => false,
        }
    }

    /// Whether calls are drawn as probes.
    pub(crate) const fn draws(&self) -> bool {
        matches!(self.pattern, Pattern::ProbeShare { .. })
    }

    /// For how long every call is refused at the least.
    pub(crate) const fn shortest(&self) -> Duration {
        Duration::from_nanos(self.shortest)
    }

    pub(crate) const fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest)
    }

    /// When the next call is a probe for certain.
    pub(crate) fn certain_at(&self, until: Timestamp, random: u64) -> Timestamp {
        match self.pattern {
            Pattern::ProbeShare { .. } => until.rounded_after(
                self.spread(self.longest(), self.shortest()..=MAX_WAIT, random)
                    .saturating_sub(self.shortest()),
            ),
            Pattern::Fixed | Pattern::Exponential { .. } | Pattern::ByAttempt(_) => until,
        }
    }

    /// When a caller that waits for readiness, and so is never drawn, may probe: after the shortest wait, doubled with
    /// each attempt and spread by the jitter.
    pub(crate) fn due_for_waiting(&self, until: Timestamp, attempt: u32, random: u64) -> Timestamp {
        match self.pattern {
            Pattern::ProbeShare { .. } => {
                let grown = grow(self.shortest(), attempt, 2000, self.longest());
                let wait = self.spread(grown, self.shortest()..=self.longest(), random);
                until.rounded_after(wait.saturating_sub(self.shortest()))
            }
            Pattern::Fixed | Pattern::Exponential { .. } | Pattern::ByAttempt(_) => until,
        }
    }

    fn grown(&self, attempt: u32) -> Duration {
        match &self.pattern {
            Pattern::Exponential { thousandths } => {
                grow(self.shortest(), attempt, *thousandths, self.longest())
            }
            Pattern::ByAttempt(waits) => {
                Duration::from_nanos(waits[(attempt as usize).min(ATTEMPTS - 1)])
            }
            Pattern::Fixed | Pattern::ProbeShare { .. } => self.shortest(),
        }
    }

    /// A wait drawn evenly from those that are within the jitter of `wait` and within the bounds.
    fn spread(&self, wait: Duration, bounds: RangeInclusive<Duration>, random: u64) -> Duration {
        let (wait, jitter) = (u128::from(nanos(wait)), u128::from(self.jitter));
        let (least, most) = (
            u128::from(nanos(*bounds.start())),
            u128::from(nanos(*bounds.end())),
        );
        let low = (wait - wait * jitter / 1_000_000).clamp(least, most);
        let high = (wait + wait * jitter / 1_000_000).clamp(least, most);
        let drawn = low + (((high - low) * u128::from(random >> 32)) >> 32);
        Duration::from_nanos(u64::try_from(drawn).unwrap_or(u64::MAX))
    }
}

/// However many relapses there were, the shortest wait of a probe share is not doubled beyond this.
const LONGEST_AFTER_RELAPSES: Duration = Duration::from_secs(10);
/// No open time is shorter, whatever the jitter.
const TINY: Duration = Duration::from_millis(1);

/// `wait` times the factor to the power of `attempt`, at most `longest`.
fn grow(wait: Duration, attempt: u32, thousandths: u32, longest: Duration) -> Duration {
    let longest = u128::from(nanos(longest));
    let mut grown = u128::from(nanos(wait));
    for _ in 0..attempt {
        grown = (grown * u128::from(thousandths) / 1000).min(longest);
    }
    Duration::from_nanos(u64::try_from(grown).unwrap_or(u64::MAX))
}
