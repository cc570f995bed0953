//! Gradual recovery: an allowance that grows after half-open, so that a downstream with a cold cache is not knocked over again.

use core::time::Duration;

use crate::{
    Timestamp,
    setting::{Faults, Setting},
    window::Cell64,
};

/// A slow start after the probes succeeded: calls above an allowance are refused until it has grown.
///
/// The allowance starts at `from` calls per second. Each success adds one, so that it doubles in a second in which it is
/// used up; each failure halves it, to not less than `from`. At `to` the slow start is over. The calls may come up to a
/// tenth of a second's worth at once.
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

/// How long the allowance may be saved up.
const BURST: u64 = 100_000_000;
/// Times are kept in units of 2¹⁰ ns in 48 bits, which wrap after nine years.
const UNIT: u32 = 10;
const TIMES: u64 = (1 << 48) - 1;

/// A ramp in its two cells: `generation 16 │ next call due 48` and `generation 16 │ thousandths of calls per second 48`.
pub(crate) struct Ramping<'a, C> {
    pub(crate) ramp: Ramp,
    pub(crate) due: &'a C,
    pub(crate) rate: &'a C,
}

impl<C: Cell64> Ramping<'_, C> {
    /// Whether there is allowance for one more call; if not, when there will be.
    pub(crate) fn admit(&self, generation: u16, now: Timestamp) -> Result<(), Duration> {
        loop {
            let old = self.due.get();
            if is_later(old, generation) {
                return Ok(());
            }
            let due = if old >> 48 == u64::from(generation) {
                ahead(old, now)
            } else {
                0
            };
            if due > BURST {
                // A unit more, because times are cut off to units.
                return Err(Duration::from_nanos(due - BURST + (1 << UNIT)));
            }
            let next = now
                .as_nanos()
                .wrapping_add(due + 1_000_000_000_000 / self.rate(generation));
            if self
                .due
                .replace(old, u64::from(generation) << 48 | next >> UNIT & TIMES)
            {
                return Ok(());
            }
        }
    }

    /// Changes the allowance, and says whether the ramp is over.
    pub(crate) fn record(&self, generation: u16, failed: bool) -> bool {
        loop {
            let (old, rate) = (self.rate.get(), self.rate(generation));
            if is_later(old, generation) {
                return false;
            }
            let next = if failed {
                (rate / 2).max(u64::from(self.ramp.from) * 1000)
            } else {
                rate + 1000
            };
            if self.rate.replace(old, u64::from(generation) << 48 | next) {
                return next >= u64::from(self.ramp.to) * 1000;
            }
        }
    }

    /// Thousandths of calls per second.
    fn rate(&self, generation: u16) -> u64 {
        let cell = self.rate.get();
        let is_set = cell >> 48 == u64::from(generation) && cell & TIMES != 0;
        if is_set {
            cell & TIMES
        } else {
            u64::from(self.ramp.from) * 1000
        }
    }
}

/// Whether the cell is a later generation's already: this one is over.
fn is_later(cell: u64, generation: u16) -> bool {
    cell & TIMES != 0 && ((cell >> 48) as u16).wrapping_sub(generation).cast_signed() > 0
}

/// How many nanoseconds the time in this cell lies ahead of now.
fn ahead(cell: u64, now: Timestamp) -> u64 {
    let units = (cell & TIMES).wrapping_sub(now.as_nanos() >> UNIT) & TIMES;
    if units > TIMES / 2 { 0 } else { units << UNIT }
}
