//! Gradual recovery: an allowance that grows after half-open, so that a downstream with a cold cache is not knocked over again.

use core::time::Duration;

use crate::{
    checks::Faults,
    setting::Setting,
    time::{Stamp, Timestamp},
};

/// A slow start after the probes succeeded: calls above an allowance are refused until it has grown.
///
/// The allowance starts at `from` calls per second. Each success adds one, so that it doubles in a second in which it is
/// used up; each failure takes nine away, to not less than `from`: so it grows while fewer than one call in ten fails. At `to`
/// the slow start is over, or once no call was refused for a second. The calls may come up to a tenth of a second's worth at
/// once.
///
/// The doubling is that of TCP's slow start (V. Jacobson, "Congestion Avoidance and Control", 1988); the meter is the
/// generic cell rate algorithm (ITU-T I.371).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ramp {
    from: u32,
    to: u32,
}

impl Ramp {
    /// From so many calls per second to so many, from 1 to 1 000 000.
    pub const fn new(from: u32, to: u32) -> Self {
        Self { from, to }
    }

    pub(crate) fn tell(self, tell: &mut dyn FnMut(Setting)) {
        tell(Setting::new("ramp", "from", self.from));
        tell(Setting::new("ramp", "to", self.to));
    }

    pub(crate) fn checked(self, faults: &mut Faults<'_>) -> Self {
        let is_good = faults.check(
            (1..=1_000_000).contains(&self.from),
            "ramp.from",
            self.from,
            "a number from 1 to 1000000",
        );
        let least = if is_good { self.from } else { 1 };
        faults.check(
            (least..=1_000_000).contains(&self.to),
            "ramp.to",
            self.to,
            "a number from `ramp.from` to 1000000",
        );
        self
    }
}

/// How long the allowance may be saved up, in nanoseconds.
const BURST: u64 = 100_000_000;
/// The times of calls are kept in steps of this many nanoseconds.
const STEP: u64 = 1024;

/// What a recovering circuit may let pass.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allowance {
    /// When the next call is due, as far as the calls before it use up the allowance.
    due: Timestamp,
    /// Thousandths of calls per second.
    rate: u32,
    /// When the last call was refused, or the recovery began.
    refused: Stamp,
}

/// Once nothing was refused for so long the recovery is over.
const CALM: Duration = Duration::from_secs(1);
/// So many successes make up for one failure.
const FAILURE: u32 = 9;

impl Allowance {
    /// That of a recovery which begins.
    pub(crate) const fn new(ramp: Ramp, now: Timestamp) -> Self {
        Self {
            refused: now.stamp(),
            due: Timestamp::ZERO,
            rate: ramp.from * 1000,
        }
    }

    /// Whether there is allowance for one more call, which uses it; if not, when there will be.
    pub(crate) fn admit(&mut self, now: Timestamp) -> Result<(), Duration> {
        let step = now.as_nanos() / STEP * STEP;
        let ahead = self.due.as_nanos().saturating_sub(step);
        if ahead > BURST {
            self.refused = now.stamp();
            // A step more, because times are cut off to steps.
            return Err(Duration::from_nanos(ahead - BURST + STEP));
        }
        let used = ahead + 1_000_000_000_000 / u64::from(self.rate.max(1));
        let due = now.as_nanos().saturating_add(used) / STEP * STEP;
        self.due = Timestamp::from_nanos(due);
        Ok(())
    }

    /// Changes the allowance, and says whether the ramp is over.
    pub(crate) fn record(&mut self, ramp: Ramp, failed: bool, now: Timestamp) -> bool {
        self.rate = if failed {
            self.rate
                .saturating_sub(FAILURE * 1000)
                .max(ramp.from * 1000)
        } else {
            self.rate.saturating_add(1000)
        };
        self.rate >= ramp.to * 1000 || self.refused.before(now) >= CALM
    }
}
