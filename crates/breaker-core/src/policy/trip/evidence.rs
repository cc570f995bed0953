//! The sequential test: how much speaks against the downstream, and when it is enough.

use core::time::Duration;

use crate::{
    checks::Faults,
    reason::Reason,
    time::{MAX_WAIT, Stamp, Timestamp},
    units::Percent,
};

/// What has been seen against the downstream while closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The score of the sequential test, in parts of 2¹⁸ of its threshold.
    pub score: u32,
    /// The calls recorded since the score was last zero; stays at a million.
    pub calls: u32,
    /// The failures in a row; stays at 4095.
    pub row: u32,
    /// When the first of these failures came, where a rule asks for it.
    pub(crate) since: Stamp,
}

impl Evidence {
    /// The score at which a circuit trips.
    pub const FULL: u32 = 1 << 18;
    /// The most that is counted of the calls.
    const MOST_CALLS: u32 = 1_000_000;

    /// Whether nothing speaks against the downstream.
    pub(crate) const fn is_nothing(self) -> bool {
        self.score == 0 && self.row == 0
    }
}

/// The two hypotheses of the test, and how often it may err.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Belief {
    pub(super) tolerated: Percent,
    pub(super) intolerable: Percent,
    pub(super) calls_per_false_trip: u64,
    /// In nanoseconds; zero where only calls count.
    pub(super) time_per_false_trip: u64,
}

/// The sequential test, scaled so that its threshold is [`Evidence::FULL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Test {
    failure: u32,
    success: u32,
    /// The threshold before scaling, in thousandths.
    threshold: u32,
    /// The least threshold, scaled.
    least: u32,
    /// The time between two false trips; zero where only their calls count.
    /// In seconds.
    time: u32,
}

/// A part of the threshold, scaled.
fn scaled(step: f64, threshold: f64) -> u32 {
    (step / threshold * f64::from(Evidence::FULL) + 0.5) as u32
}

/// What a failure adds to the score and a success takes from it, scaled.
fn steps(p0: f64, p1: f64, threshold: f64) -> (u32, u32) {
    (
        scaled(libm::log(p1 / p0), threshold),
        scaled(libm::log((1.0 - p0) / (1.0 - p1)), threshold),
    )
}

/// No threshold is lower, however few calls come: one false trip in e⁴ (55) calls.
const LEAST: f64 = 4.0;

impl Belief {
    pub(super) fn checked(self, faults: &mut Faults<'_>) -> Test {
        let (p0, p1) = (self.tolerated.0 / 100.0, self.intolerable.0 / 100.0);
        let are_good = self.check(faults);
        let threshold = libm::log(self.calls_per_false_trip as f64);
        let (failure, success) = steps(p0, p1, threshold);
        if are_good {
            // A step of few units would be rounded by more than a few per cent.
            faults.check(
                failure >= 16 && success >= 16,
                "trip.evidence.intolerable",
                self.intolerable,
                "a rate farther from what is tolerated",
            );
        }
        Test {
            failure: failure.min(Evidence::FULL),
            success: success.min(Evidence::FULL),
            threshold: (threshold * 1e3) as u32,
            least: match self.time_per_false_trip {
                0 => Evidence::FULL,
                _ => scaled(LEAST, threshold).min(Evidence::FULL),
            },
            time: (self.time_per_false_trip / 1_000_000_000) as u32,
        }
    }

    /// Checks each setting by itself, and says whether all are good.
    fn check(self, faults: &mut Faults<'_>) -> bool {
        let (p0, p1) = (self.tolerated.0 / 100.0, self.intolerable.0 / 100.0);
        let tolerated_is_good = faults.check(
            p0 > 0.0 && p0 < 1.0,
            "trip.evidence.tolerated",
            self.tolerated,
            "a rate above 0 % and below 100 %",
        );
        // Who writes fractions writes this one so, too.
        let mut intolerable_is_good = faults.check(
            (0.01..1.0).contains(&p1),
            "trip.evidence.intolerable",
            self.intolerable,
            "a rate from 1 % to below 100 %",
        );
        if tolerated_is_good && intolerable_is_good {
            intolerable_is_good = faults.check(
                p1 > p0,
                "trip.evidence.intolerable",
                self.intolerable,
                "a rate above what is tolerated",
            );
        }
        let calls = self.calls_per_false_trip;
        let calls_are_good = faults.check(
            (2..=1_000_000_000_000_000_000).contains(&calls),
            "trip.evidence.calls_per_false_trip",
            calls,
            "a number from 2 to 10^18",
        );
        if self.time_per_false_trip > 0 {
            let time = Duration::from_nanos(self.time_per_false_trip);
            faults.check(
                (Duration::from_secs(1)..=MAX_WAIT).contains(&time),
                "trip.evidence.time_per_false_trip",
                time,
                "a duration from 1 s to 100 days",
            );
        }
        tolerated_is_good && intolerable_is_good && calls_are_good
    }
}

impl Test {
    /// The same test of other ratios, whose threshold is the same however few calls come.
    pub(super) fn between(self, (tolerated, intolerable): (f64, f64)) -> Self {
        let threshold = f64::from(self.threshold) / 1e3;
        let (failure, success) = steps(tolerated, intolerable, threshold);
        Self {
            failure: failure.min(Evidence::FULL / 2),
            success: success.min(Evidence::FULL),
            least: Evidence::FULL,
            time: 0,
            ..self
        }
    }

    /// The largest score with which one failure does not trip.
    pub(crate) const fn short_of_a_failure(self) -> u32 {
        Evidence::FULL - 1 - self.failure
    }

    /// The score of so many failures of so many calls, that began with so much left over.
    pub(crate) fn score(self, failures: u32, calls: u32, left_over: u32) -> u32 {
        let successes = u64::from(calls.saturating_sub(failures));
        let added = u64::from(left_over) + u64::from(failures) * u64::from(self.failure);
        let score = added.saturating_sub(successes * u64::from(self.success));
        score.min(Evidence::FULL.into()) as u32
    }

    /// The score and the calls after one more call, or why that is enough.
    #[inline]
    pub(super) fn judge(
        self,
        seen: Evidence,
        failed: bool,
        left_over: u32,
        now: impl FnOnce() -> Timestamp,
    ) -> Result<(u32, u32), Reason> {
        let score = if failed {
            seen.score.saturating_add(self.failure)
        } else {
            seen.score.saturating_sub(self.success)
        };
        let calls = match score {
            0 => 0,
            _ => seen.calls.saturating_add(1).min(Evidence::MOST_CALLS),
        };
        if failed && score >= self.least {
            let threshold = above(left_over, self.threshold(seen, now));
            if score >= threshold {
                return Err(Reason::Evidence {
                    score: self.thousandths(score),
                    threshold: self.thousandths(threshold),
                    calls,
                });
            }
        }
        Ok((score, calls))
    }

    /// Whether the time is asked for when one more call fails.
    pub(super) const fn asks_for_time(self, seen: Evidence) -> bool {
        self.keeps_time() && seen.score.saturating_add(self.failure) >= self.least
    }

    /// Whether the time of the first failure is asked for.
    pub(super) const fn keeps_time(self) -> bool {
        self.time > 0
    }

    /// The score at which a failure trips that comes now: so many calls come in the time between two false trips.
    #[inline(never)]
    fn threshold(self, seen: Evidence, now: impl FnOnce() -> Timestamp) -> u32 {
        if self.least == Evidence::FULL {
            return Evidence::FULL;
        }
        let elapsed = seen.since.before(now()).as_secs_f64();
        let calls = f64::from(seen.calls.max(1)) * f64::from(self.time) / elapsed;
        let scaled = libm::log(calls) * 1e3 / f64::from(self.threshold) * f64::from(Evidence::FULL);
        // As a float is cast: what is too large, or no number, is as large as can be.
        if scaled < f64::from(Evidence::FULL) {
            (scaled as u32).max(self.least)
        } else {
            Evidence::FULL
        }
    }

    /// Whether the score is enough with so many quarters of a failure more.
    pub(super) fn is_enough_with(
        self,
        seen: Evidence,
        left_over: u32,
        quarters: u32,
        now: Timestamp,
    ) -> bool {
        let credit = u64::from(quarters) * u64::from(self.failure) / 4;
        let threshold = above(left_over, self.threshold(seen, || now));
        u64::from(seen.score) + credit >= u64::from(threshold)
    }

    /// The score in quarters of a failure.
    pub(super) const fn quarters(self, seen: Evidence) -> u32 {
        (4 * seen.score as u64 / self.failure as u64) as u32
    }

    /// The failures that a score stands for which began with so much left over.
    pub(super) fn failures(self, seen: Evidence, left_over: u32) -> u32 {
        let (failure, success) = (u64::from(self.failure), u64::from(self.success));
        let added = u64::from(seen.score) + u64::from(seen.calls) * success;
        (added.saturating_sub(left_over.into()) / (failure + success)) as u32
    }

    /// A score as a logarithm, in thousandths.
    fn thousandths(self, score: u32) -> u32 {
        (u64::from(score) * u64::from(self.threshold) / u64::from(Evidence::FULL)) as u32
    }
}

/// The threshold of a score that began with so much left over, which is a part of the largest threshold: as large a part of this
/// one is left over.
fn above(left_over: u32, threshold: u32) -> u32 {
    let spared = u64::from(left_over) * u64::from(Evidence::FULL - threshold);
    threshold + (spared / u64::from(Evidence::FULL)) as u32
}
