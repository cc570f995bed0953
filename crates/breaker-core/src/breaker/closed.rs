//! A call of a closed circuit has ended: what speaks against the downstream, and whether that is enough.

use super::{
    Breaker, Cause, MOST_ATTEMPTS, Phase, Rules,
    ended::EndedCall,
    record::{Counted, CountsAs},
    windows::Seen,
};
use crate::{
    config::Checked, policy::trip::Evidence, reason::Reason, time::Timestamp,
    transition::Transition, window::Call,
};

impl Breaker {
    /// Counts a call of a closed circuit. If it trips: why, and the failures in the windows.
    #[inline]
    pub(super) fn record_closed(
        &mut self,
        rules: Rules<'_>,
        evidence: Evidence,
        call: &EndedCall,
        mut counted: Counted,
        mut now: impl FnMut() -> Timestamp,
    ) -> Option<(Reason, u32)> {
        let trip = &rules.config.trip;
        if self.may_be_in_grace(rules.config)
            && self.is_forgiven(rules.config, call, counted, now())
        {
            return None;
        }
        if counted.counts_as == CountsAs::Failure
            && trip.is_same_event(evidence, call.calm, &mut now)
        {
            counted.counts_as = CountsAs::Nothing;
        }
        let in_windows = self.count_in_windows(rules.config, counted, &mut now);
        let has_recovered = self.recover(rules.config, counted, &mut now);
        let judged = match (counted.counts_as, &self.fleet) {
            (CountsAs::Nothing, _) => Ok(evidence),
            (CountsAs::Success, None) => trip.judge(evidence, false, 0, &mut now),
            (CountsAs::Failure, None) => {
                let left_over = self.left_over(rules, evidence);
                trip.judge(evidence, true, left_over, &mut now)
            }
            (counts_as, Some(_)) => {
                let failed = counts_as == CountsAs::Failure;
                self.judge_with_others(rules, evidence, failed, &mut now)
            }
        };
        let evidence = match (judged, in_windows.broken, call.broken) {
            (Ok(evidence), None, None) => evidence,
            (Err(reason), ..) | (Ok(_), Some(reason), _) | (Ok(_), None, Some(reason)) => {
                return Some((reason, in_windows.failures));
            }
        };
        let is_recovering = matches!(self.phase, Phase::Recovering(_)) && !has_recovered;
        self.phase = match is_recovering {
            true => Phase::Recovering(evidence),
            false => Phase::Closed(evidence),
        };
        None
    }

    /// Whether this is a state in which a circuit counts no failures at first.
    pub(super) const fn may_be_in_grace(&self, config: &Checked) -> bool {
        config.grace > 0 && self.generation == 0
    }

    /// Whether what speaks against the downstream counts for nothing, because the circuit has just begun.
    #[cold]
    #[inline(never)]
    fn is_forgiven(
        &mut self,
        config: &Checked,
        call: &EndedCall,
        counted: Counted,
        now: Timestamp,
    ) -> bool {
        let is_bad =
            counted.counts_as == CountsAs::Failure || counted.is_slow || call.broken.is_some();
        let is_forgiven = is_bad && now < Timestamp::ZERO.saturating_add(config.grace());
        if is_forgiven {
            self.given_up = 0;
        }
        is_forgiven
    }

    /// Opens a closed circuit for this reason, with so many failures in its windows; the call that does it is a failure, or not.
    #[cold]
    pub(super) fn trip(
        &mut self,
        rules: Rules<'_>,
        (reason, in_windows): (Reason, u32),
        call: &EndedCall,
        is_failure: bool,
        now: Timestamp,
    ) -> Transition {
        let reason = self.or_given_up(rules.config, call, reason);
        let failures = match reason {
            Reason::ConsecutiveFailures { failures } => failures,
            _ => self.failures_in_phase(rules) + u32::from(is_failure),
        };
        let cause = Cause {
            reason,
            failures: failures.max(in_windows),
            asked: call.asked(),
        };
        self.count_relapse(rules, now);
        let attempt = self.relapses() + Self::probed_by_peers(rules, reason);
        self.open(rules, attempt, now, cause)
    }

    /// Counts a trip that comes so soon after closing that it was too early to close.
    fn count_relapse(&mut self, rules: Rules<'_>, now: Timestamp) {
        let closed_for = now.saturating_since(self.entered);
        let is_relapse = rules.config.open.is_relapse(closed_for);
        self.trips = match self.trips {
            trips @ 1.. if is_relapse => (trips + 1).min(MOST_ATTEMPTS as u8),
            _ => 1,
        };
    }

    #[inline]
    fn count_in_windows(
        &mut self,
        config: &Checked,
        call: Counted,
        now: impl FnOnce() -> Timestamp,
    ) -> Seen {
        let counts = call.counts_as != CountsAs::Nothing || call.is_slow;
        match &mut self.windows {
            Some(windows) if counts => {
                let call = Call {
                    failed: call.counts_as == CountsAs::Failure,
                    slow: call.is_slow,
                };
                windows.record(config, call, now)
            }
            _ => Seen::default(),
        }
    }

    /// Changes a recovering circuit's allowance, and says whether the recovery is over.
    #[inline]
    fn recover(
        &mut self,
        config: &Checked,
        call: Counted,
        now: impl FnOnce() -> Timestamp,
    ) -> bool {
        let is_recovering = matches!(self.phase, Phase::Recovering(_));
        match config.ramp {
            Some(ramp) if is_recovering && call.counts_as != CountsAs::Nothing => self
                .allowance
                .record(ramp, call.counts_as == CountsAs::Failure, now()),
            _ => false,
        }
    }
}
