//! The checked form of when a closed circuit trips.

use core::time::Duration;

use super::{
    evidence::{Evidence, Test},
    limits::Limits,
};
use crate::{
    fleet::{Credit, Level},
    reason::Reason,
    relative::{Ratio, bounds},
    time::{Stamp, Timestamp},
    window::Grid,
};

/// The checked form, in whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tripping {
    pub(super) row: Option<u32>,
    pub(super) test: Option<Test>,
    /// The rules over the last so many calls.
    pub(crate) calls: Option<(u32, Limits)>,
    /// The rules over the buckets of time.
    pub(crate) time: Option<(Grid, Limits)>,
    /// Failures so many nanoseconds after the first one, of calls that were under way then, are one with it.
    pub(crate) one_event: u32,
}

impl Tripping {
    /// The most failures in a row that are counted.
    pub(super) const MOST_ROW: u32 = (1 << 12) - 1;

    /// The test among other members of a group that do so, if there is one.
    pub(crate) fn relative_to(&self, others: Ratio, own: Ratio) -> Option<Test> {
        let test = self.test?;
        Some(test.between(bounds(others, own)))
    }

    /// These rules with another test.
    pub(crate) fn with_test(self, test: Test) -> Self {
        Self {
            test: self.test.map(|_| test),
            ..self
        }
    }

    /// What still speaks against a downstream whose probes were good after so many trips in a row: half of what makes a trip, or,
    /// where it was closed too early before, three quarters, seven eighths and so on.
    pub(crate) fn once_recovered(&self, trips: u8, now: Timestamp) -> Evidence {
        let score = self.test.map_or(0, |_| left_over(trips));
        Evidence {
            score,
            since: match score {
                0 => Stamp::ZERO,
                _ => now.stamp().previous(),
            },
            ..Evidence::default()
        }
    }

    /// What is left of a score that was there from the start of a state, which began at this time after so many trips in a row.
    pub(crate) fn left_over(&self, seen: Evidence, trips: u8, entered: Timestamp) -> u32 {
        match self.test {
            Some(_) if seen.since == entered.stamp().previous() => left_over(trips),
            _ => 0,
        }
    }

    /// What a recorded call adds to the evidence, which began with so much left over, or why that is enough.
    #[inline]
    pub(crate) fn judge(
        &self,
        seen: Evidence,
        failed: bool,
        left_over: u32,
        mut now: impl FnMut() -> Timestamp,
    ) -> Result<Evidence, Reason> {
        let row = match self.row {
            Some(_) if failed => seen.row.saturating_add(1).min(Self::MOST_ROW),
            _ => 0,
        };
        if self.row.is_some_and(|most| row >= most) {
            return Err(Reason::ConsecutiveFailures { failures: row });
        }
        let (score, calls) = match self.test {
            Some(test) => test.judge(seen, failed, left_over, &mut now)?,
            None => (0, 0),
        };
        let since = match (score, row) {
            (0, 0) => Stamp::ZERO,
            _ if seen.is_nothing() && self.keeps_time() => now().stamp(),
            _ => seen.since,
        };
        Ok(Evidence {
            score,
            calls,
            row,
            since,
        })
    }

    /// Whether the time of the first failure is asked for.
    fn keeps_time(&self) -> bool {
        self.one_event > 0 || self.test.is_some_and(Test::keeps_time)
    }

    /// Whether one more failure asks for the time.
    pub(crate) fn asks_for_time(&self, seen: Evidence, calm: bool) -> bool {
        let by_test = || self.test.is_some_and(|test| test.asks_for_time(seen));
        self.keeps_time() && (calm || seen.is_nothing() || by_test())
    }

    /// Whether a failure is of the same event as the first one: its call was admitted while nothing spoke against the downstream,
    /// and it comes right after it.
    #[inline]
    pub(crate) fn is_same_event(
        &self,
        seen: Evidence,
        calm: bool,
        now: impl FnOnce() -> Timestamp,
    ) -> bool {
        calm && !seen.is_nothing()
            && self.one_event > 0
            && seen.since.before(now()) <= Duration::from_nanos(self.one_event.into())
    }

    /// Whether this evidence, the last of which is a failure, is enough together with the credit.
    pub(crate) fn is_enough_with(
        &self,
        seen: Evidence,
        left_over: u32,
        credit: Credit,
        now: Timestamp,
    ) -> bool {
        let quarters = credit.quarters();
        let by_row = self
            .row
            .is_some_and(|most| 4 * seen.row + quarters >= 4 * most);
        by_row
            || self
                .test
                .is_some_and(|test| test.is_enough_with(seen, left_over, quarters, now))
    }

    /// Whether it takes a credit: rules over windows do not.
    pub(crate) const fn takes_credit(&self) -> bool {
        self.row.is_some() || self.test.is_some()
    }

    /// How much the evidence is, in failures that were seen: what was left over of earlier ones is for the circuit itself.
    pub(crate) fn level(&self, seen: Evidence, left_over: u32) -> Level {
        let of_test = self.test.map_or(0, |test| {
            let failures = test.failures(seen, left_over);
            test.quarters(seen).min(4 * failures)
        });
        Level::from_quarters(of_test.max(4 * seen.row))
    }

    /// The failures that the evidence stands for, which began with so much left over.
    pub(crate) fn failures(&self, seen: Evidence, left_over: u32) -> u32 {
        let counted = self.test.map_or(0, |test| test.failures(seen, left_over));
        counted.max(seen.row)
    }
}

fn left_over(trips: u8) -> u32 {
    Evidence::FULL - (Evidence::FULL >> trips.min(31))
}
