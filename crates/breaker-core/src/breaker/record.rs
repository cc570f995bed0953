//! A call has ended.

use super::{
    Breaker, Cause, MOST_ATTEMPTS, Phase, Rules,
    ended::{CallKind, EndedCall, Ending, Recorded},
    windows::Seen,
};
use crate::{
    config::Checked,
    policy::{
        cancelled::{Cancelled, MOST_GIVEN_UP},
        probes::{Shown, Tally},
        ramp::Allowance,
        trip::Evidence,
    },
    reason::Reason,
    time::Timestamp,
    transition::Transition,
    verdict::Outcome,
    window::Call,
};

/// How an ending counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Good,
    Bad,
    None,
}

/// A call, as it counts.
#[derive(Clone, Copy)]
struct Counted {
    weight: Weight,
    is_slow: bool,
    /// As a probe it has a place, which it gives back.
    has_place: bool,
}

impl Breaker {
    /// Records how a call ended. A straggler of an earlier generation changes nothing.
    ///
    /// `now` gives the time of the call, always the same. It is asked only where time is needed: by a window of time, by
    /// half-open, and by a trip.
    // Called under a lock: inlined, it would fill the caller's stack frame.
    #[inline(never)]
    pub fn record(
        &mut self,
        rules: Rules<'_>,
        call: &EndedCall,
        mut now: impl FnMut() -> Timestamp,
    ) -> Recorded {
        let is_uncounted = call.kind == CallKind::Uncounted;
        let is_current = call.generation == self.generation && !is_uncounted;
        let is_slow = call.is_slow(rules.config.slow_after());
        let mut recorded = Recorded {
            transition: None,
            in_time: is_current || is_uncounted,
            is_slow: is_slow && call.kind != CallKind::Readiness,
        };
        if !is_current {
            return recorded;
        }
        let weight = self.weigh(rules.config, call);
        let counted = Counted {
            weight,
            is_slow,
            has_place: call.kind != CallKind::Excluded,
        };
        match self.phase {
            Phase::Closed(evidence) | Phase::Recovering(evidence) => {
                let trips = self.record_closed(rules, evidence, call, counted, &mut now);
                if let Some((reason, in_windows)) = trips {
                    let is_failure = weight == Weight::Bad;
                    let cause = self.cause(rules, (reason, is_failure), call, in_windows);
                    let now = now();
                    self.count_relapse(rules, now);
                    recorded.transition = Some(self.open(rules, self.relapses(), now, cause));
                }
            }
            Phase::HalfOpen { attempt, tally } => {
                recorded.transition =
                    self.record_probe(rules, (attempt, tally), call, counted, now());
            }
            Phase::Open { .. } | Phase::Isolated | Phase::Disabled => {}
        }
        recorded
    }

    /// Whether [`Breaker::record`] may ask for the time of this call, for whoever cannot tell it then. Where it says no, it
    /// will not.
    #[cold]
    pub fn may_need_time(&self, rules: Rules<'_>, call: &EndedCall) -> bool {
        let is_current = call.kind != CallKind::Uncounted && call.generation == self.generation;
        match self.phase {
            _ if !is_current => false,
            Phase::Recovering(_) => true,
            Phase::Closed(evidence) => {
                let may_be_bad = !matches!(
                    call.counts_as(),
                    Ending::Recorded(Outcome::Success | Outcome::Ignored)
                );
                let trip = &rules.config.trip;
                let asks = || may_be_bad && trip.asks_for_time(evidence, call.calm);
                let may_trip = || {
                    trip.judge(evidence, may_be_bad, Timestamp::default)
                        .is_err()
                };
                self.windows.is_some() || call.broken.is_some() || asks() || may_trip()
            }
            Phase::HalfOpen { .. } => true,
            Phase::Open { .. } | Phase::Isolated | Phase::Disabled => false,
        }
    }

    /// How a call of this generation counts. Counts also the calls in a row that were given up, and the probes that were
    /// ignored: any answer ends the row.
    #[inline]
    fn weigh(&mut self, config: &Checked, call: &EndedCall) -> Weight {
        let (given_up, weight) = match (call.kind, call.ending) {
            (CallKind::Call | CallKind::Answered, Ending::Recorded(Outcome::Success)) => {
                (0, Weight::Good)
            }
            (
                CallKind::Call | CallKind::Answered,
                Ending::Recorded(Outcome::Failure | Outcome::Overload { .. }),
            ) => (0, Weight::Bad),
            (CallKind::Call, Ending::Cancelled) => {
                let given_up = (self.given_up + 1).min(MOST_GIVEN_UP);
                (given_up, Weight::cancelled(config, given_up))
            }
            (CallKind::Answered, Ending::Cancelled) => {
                self.ignored = self.ignored.saturating_add(1);
                (0, Weight::cancelled(config, 0))
            }
            (CallKind::Call | CallKind::Answered, Ending::Recorded(Outcome::Ignored))
            | (CallKind::Excluded, Ending::Recorded(_)) => {
                self.ignored = self.ignored.saturating_add(1);
                (0, Weight::None)
            }
            (CallKind::Excluded, Ending::Cancelled)
            | (CallKind::Readiness | CallKind::Uncounted, _) => return Weight::None,
        };
        self.given_up = given_up;
        weight
    }

    /// Counts a call of a closed circuit. If it trips: why, and the failures in the windows.
    #[inline]
    fn record_closed(
        &mut self,
        rules: Rules<'_>,
        evidence: Evidence,
        call: &EndedCall,
        mut counted: Counted,
        mut now: impl FnMut() -> Timestamp,
    ) -> Option<(Reason, u32)> {
        let trip = &rules.config.trip;
        if counted.weight == Weight::Bad && trip.is_same_event(evidence, call.calm, &mut now) {
            counted.weight = Weight::None;
        }
        let in_windows = self.count_in_windows(rules.config, counted, &mut now);
        let has_recovered = self.recover(rules.config, counted, &mut now);
        let judged = match counted.weight {
            Weight::None => Ok(evidence),
            Weight::Good => trip.judge(evidence, false, &mut now),
            Weight::Bad => trip.judge(evidence, true, &mut now),
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

    /// What makes a closed circuit open for this reason; the call that does it is a failure, or not.
    #[cold]
    fn cause(
        &self,
        rules: Rules<'_>,
        (reason, is_failure): (Reason, bool),
        call: &EndedCall,
        in_windows: u32,
    ) -> Cause {
        let reason = self.or_given_up(rules.config, call, reason);
        let failures = match reason {
            Reason::ConsecutiveFailures { failures } => failures,
            _ => self.failures_in_phase(rules) + u32::from(is_failure),
        };
        Cause {
            reason,
            failures: failures.max(in_windows),
            asked: call.asked(),
        }
    }

    /// This reason, unless the call counts only because all calls are given up.
    fn or_given_up(&self, config: &Checked, call: &EndedCall, reason: Reason) -> Reason {
        let calls = self.given_up;
        match config.cancelled() {
            Cancelled::FailureAfter(most) if call.is_cancelled() && calls > most => {
                Reason::GivenUp {
                    calls: calls.into(),
                }
            }
            Cancelled::FailureAfter(_) | Cancelled::Failure | Cancelled::Ignored => reason,
        }
    }

    /// Counts a trip that comes so soon after closing that it was too early to close.
    fn count_relapse(&mut self, rules: Rules<'_>, now: Timestamp) {
        let is_relapse = rules
            .config
            .open
            .is_relapse(now.saturating_since(self.entered));
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
        let counts = call.weight != Weight::None || call.is_slow;
        match &mut self.windows {
            Some(windows) if counts => {
                let call = Call {
                    failed: call.weight == Weight::Bad,
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
            Some(ramp) if is_recovering && call.weight != Weight::None => {
                self.allowance
                    .record(ramp, call.weight == Weight::Bad, now())
            }
            _ => false,
        }
    }

    #[inline(never)]
    fn record_probe(
        &mut self,
        rules: Rules<'_>,
        (attempt, tally): (u32, Tally),
        call: &EndedCall,
        counted: Counted,
        now: Timestamp,
    ) -> Option<Transition> {
        if let Some(lapsed) = self.lapse(rules, now) {
            // It comes after the deadline, and changes nothing itself.
            return Some(lapsed);
        }
        let tally = counted.added_to(tally);
        match rules.config.probes.judge(tally, self.ignored.into()) {
            Shown::Undecided => {
                self.phase = Phase::HalfOpen { attempt, tally };
                None
            }
            Shown::Good(reason) => {
                let phase = match rules.config.ramp {
                    Some(ramp) => {
                        self.allowance = Allowance::new(ramp, now);
                        Phase::Recovering(Evidence::default())
                    }
                    None => Phase::CLOSED,
                };
                Some(self.enter(phase, reason, tally.failed, now))
            }
            Shown::Bad(reason) => {
                let cause = Cause {
                    reason: self.or_given_up(rules.config, call, reason),
                    failures: tally.failed,
                    asked: call.asked(),
                };
                Some(self.open(rules, (attempt + 1).min(MOST_ATTEMPTS), now, cause))
            }
        }
    }
}

impl Weight {
    /// That of a call that was cancelled, as the last of so many in a row that were given up.
    const fn cancelled(config: &Checked, given_up: u16) -> Self {
        if config.cancelled().is_failure(given_up) {
            Self::Bad
        } else {
            Self::None
        }
    }
}

impl Counted {
    /// The probes with this one, which gives its place back if it has one.
    fn added_to(self, tally: Tally) -> Tally {
        Tally {
            live: tally.live.saturating_sub(u32::from(self.has_place)),
            good: tally.good + u32::from(self.weight == Weight::Good),
            failed: tally.failed + u32::from(self.weight == Weight::Bad),
            slow: (tally.slow + u32::from(self.is_slow)).min(255),
        }
    }
}
