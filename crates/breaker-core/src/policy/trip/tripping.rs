//! The checked form of when a closed circuit trips.

use super::{
    evidence::{Evidence, Test},
    limits::Limits,
};
use crate::{reason::Reason, window::Grid};

/// The checked form, in whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tripping {
    pub(super) row: Option<u32>,
    pub(super) test: Option<Test>,
    /// The rules over the last so many calls.
    pub(crate) calls: Option<(u32, Limits)>,
    /// The rules over the buckets of time.
    pub(crate) time: Option<(Grid, Limits)>,
}

impl Tripping {
    /// The most failures in a row that are counted.
    pub(super) const MOST_ROW: u32 = (1 << 12) - 1;

    /// What a recorded call adds to the evidence, or why that is enough.
    #[inline]
    pub(crate) fn judge(&self, seen: Evidence, failed: bool) -> Result<Evidence, Reason> {
        let row = match self.row {
            Some(_) if failed => seen.row.saturating_add(1).min(Self::MOST_ROW),
            _ => 0,
        };
        if self.row.is_some_and(|most| row >= most) {
            return Err(Reason::ConsecutiveFailures { failures: row });
        }
        let (score, calls) = match self.test {
            Some(test) => test.judge(seen, failed)?,
            None => (0, 0),
        };
        Ok(Evidence { score, calls, row })
    }

    /// The failures that the evidence stands for.
    pub(crate) fn failures(&self, seen: Evidence) -> u32 {
        let counted = self.test.map_or(0, |test| test.failures(seen));
        counted.max(seen.row)
    }
}
