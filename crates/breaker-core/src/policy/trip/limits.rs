//! The limits of one window.

use crate::{
    reason::{Reason, Rule},
    window::Totals,
};

/// The checked rules of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Limits {
    pub(super) failure_rate: Option<u32>,
    pub(super) failures: Option<u32>,
    pub(super) slow_rate: Option<u32>,
    pub(super) min_calls: u32,
}

impl Limits {
    /// The rule that these counts break.
    pub(crate) fn judge(&self, totals: Totals) -> Option<Reason> {
        if totals.failures == 0 && totals.slow == 0 {
            return None;
        }
        let Totals {
            calls,
            failures,
            slow,
        } = totals;
        let reached = |counted: u32, rate: Option<u32>| {
            rate.filter(|rate| {
                calls >= self.min_calls
                    && u64::from(counted) * 1_000_000 >= u64::from(*rate) * u64::from(calls)
            })
        };
        let broken = |rule, counted, threshold| Reason::Window {
            rule,
            counted,
            calls,
            threshold,
        };
        if let Some(threshold) = reached(failures, self.failure_rate) {
            return Some(broken(Rule::FailureRate, failures, threshold));
        }
        if let Some(threshold) = self.failures.filter(|most| failures >= *most) {
            return Some(broken(Rule::Failures, failures, threshold));
        }
        reached(slow, self.slow_rate).map(|threshold| broken(Rule::SlowRate, slow, threshold))
    }
}
