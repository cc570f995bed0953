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

/// A call of the present generation, as it counts.
#[derive(Clone, Copy)]
struct Counted {
    /// The calls in a row that were given up, this one included; 0 if it was not given up.
    given_up: u16,
    weight: Weight,
    is_slow: bool,
}

impl Breaker {
    /// Records how a call ended. A straggler of an earlier generation changes nothing.
    ///
    /// `now` gives the time of the call, always the same. It is asked only where time is needed: by a window of time, by
    /// half-open, and by a trip.
    // Called under a lock: apart, what it takes and gives would be written to memory and read again there.
    #[inline(always)]
    pub fn record(
        &mut self,
        rules: Rules<'_>,
        call: EndedCall,
        mut now: impl FnMut() -> Timestamp,
    ) -> Recorded {
        let is_counted = call.kind != CallKind::Uncounted;
        let is_current = is_counted && call.generation == self.generation;
        let mut given_up = 0;
        if is_current {
            self.count_given_up(call);
            given_up = self.given_up;
        }
        let counted = Counted::new(rules.config, call, given_up);
        let transition = match self.phase {
            _ if !is_current => None,
            Phase::Closed(evidence) | Phase::Recovering(evidence) => {
                self.record_closed(rules, evidence, call, counted, now)
            }
            Phase::HalfOpen { attempt, tally } => {
                self.record_probe(rules, (attempt, tally), call, counted, now())
            }
            Phase::Open { .. } | Phase::Isolated | Phase::Disabled => None,
        };
        Recorded {
            transition,
            in_time: is_current || !is_counted,
            is_slow: counted.is_slow && call.kind != CallKind::Readiness,
        }
    }

    /// Whether [`Breaker::record`] may ask for the time of this call, for whoever cannot tell it then. It says no where it will
    /// not, and yes where a window has a say.
    pub fn may_need_time(&self, rules: Rules<'_>, call: EndedCall) -> bool {
        let is_current = call.kind != CallKind::Uncounted && call.generation == self.generation;
        match self.phase {
            _ if !is_current => false,
            Phase::Closed(evidence) | Phase::Recovering(evidence) => {
                let counted = Counted::new(rules.config, call, self.given_up + 1);
                let is_bad = counted.weight == Weight::Bad;
                let may_trip = || rules.config.trip.judge(evidence, is_bad).is_err();
                self.windows.is_some() || call.broken.is_some() || may_trip()
            }
            Phase::HalfOpen { .. } => true,
            Phase::Open { .. } | Phase::Isolated | Phase::Disabled => false,
        }
    }

    /// Counts the calls in a row that were given up, and the probes that were ignored. Any answer ends the row.
    #[inline]
    fn count_given_up(&mut self, call: EndedCall) {
        match (call.kind, call.ending) {
            (CallKind::Readiness | CallKind::Uncounted, _)
            | (CallKind::Excluded, Ending::Cancelled) => {}
            (CallKind::Call, Ending::Cancelled) => {
                self.given_up = (self.given_up + 1).min(MOST_GIVEN_UP);
            }
            (CallKind::Answered, Ending::Cancelled)
            | (CallKind::Excluded, Ending::Recorded(_))
            | (CallKind::Call | CallKind::Answered, Ending::Recorded(Outcome::Ignored)) => {
                self.given_up = 0;
                self.ignored = self.ignored.saturating_add(1);
            }
            (CallKind::Call | CallKind::Answered, Ending::Recorded(_)) => self.given_up = 0,
        }
    }

    #[inline]
    fn record_closed(
        &mut self,
        rules: Rules<'_>,
        evidence: Evidence,
        call: EndedCall,
        counted: Counted,
        mut now: impl FnMut() -> Timestamp,
    ) -> Option<Transition> {
        let in_windows = self.count_in_windows(rules.config, counted, &mut now);
        let has_recovered = self.recover(rules.config, counted);
        let judged = match counted.weight {
            Weight::None => Ok(evidence),
            Weight::Good => rules.config.trip.judge(evidence, false),
            Weight::Bad => rules.config.trip.judge(evidence, true),
        };
        match (judged, in_windows.broken.or(call.broken)) {
            (Ok(evidence), None) => {
                let is_recovering = matches!(self.phase, Phase::Recovering(_)) && !has_recovered;
                self.phase = match is_recovering {
                    true => Phase::Recovering(evidence),
                    false => Phase::Closed(evidence),
                };
                None
            }
            (Err(reason), _) | (Ok(_), Some(reason)) => {
                let reason = counted.given_up(rules.config, reason);
                let is_bad = counted.weight == Weight::Bad;
                Some(self.trip(rules, (reason, is_bad), call, in_windows.failures, now()))
            }
        }
    }

    /// Opens a closed circuit for this reason; the call that does it is a failure, or not.
    #[cold]
    fn trip(
        &mut self,
        rules: Rules<'_>,
        (reason, is_failure): (Reason, bool),
        call: EndedCall,
        in_windows: u32,
        now: Timestamp,
    ) -> Transition {
        let failures = match reason {
            Reason::ConsecutiveFailures { failures } => failures,
            _ => self.failures_in_phase(rules) + u32::from(is_failure),
        };
        let cause = Cause {
            reason,
            failures: failures.max(in_windows),
            asked: call.asked(),
        };
        self.open(rules, 0, now, cause)
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
    fn recover(&mut self, config: &Checked, call: Counted) -> bool {
        let is_recovering = matches!(self.phase, Phase::Recovering(_));
        match config.ramp {
            Some(ramp) if is_recovering && call.weight != Weight::None => {
                self.allowance.record(ramp, call.weight == Weight::Bad)
            }
            _ => false,
        }
    }

    #[inline(never)]
    fn record_probe(
        &mut self,
        rules: Rules<'_>,
        (attempt, tally): (u32, Tally),
        call: EndedCall,
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
                        self.allowance = Allowance::new(ramp);
                        Phase::Recovering(Evidence::default())
                    }
                    None => Phase::CLOSED,
                };
                Some(self.enter(phase, reason, tally.failed, now))
            }
            Shown::Bad(reason) => {
                let cause = Cause {
                    reason: counted.given_up(rules.config, reason),
                    failures: tally.failed,
                    asked: call.asked(),
                };
                Some(self.open(rules, (attempt + 1).min(MOST_ATTEMPTS), now, cause))
            }
        }
    }
}

impl Counted {
    #[inline]
    fn new(config: &Checked, call: EndedCall, given_up: u16) -> Self {
        let ending = call.counts_as();
        let is_cancelled = matches!(ending, Ending::Cancelled);
        let weight = match ending {
            Ending::Recorded(Outcome::Success) => Weight::Good,
            Ending::Recorded(Outcome::Failure | Outcome::Overload { .. }) => Weight::Bad,
            Ending::Cancelled if config.cancelled().is_failure(given_up) => Weight::Bad,
            Ending::Recorded(Outcome::Ignored) | Ending::Cancelled => Weight::None,
        };
        let limit = config.slow_after();
        let took_too_long = limit.is_some_and(|limit| call.took.is_some_and(|took| took > limit));
        Self {
            given_up: if is_cancelled { given_up } else { 0 },
            weight,
            is_slow: took_too_long && (is_cancelled || weight != Weight::None),
        }
    }

    /// Why it opens the circuit: for this reason, unless it counts only because all calls are given up.
    fn given_up(self, config: &Checked, reason: Reason) -> Reason {
        match config.cancelled() {
            Cancelled::FailureAfter(calls) if self.given_up > calls => Reason::GivenUp {
                calls: self.given_up.into(),
            },
            Cancelled::FailureAfter(_) | Cancelled::Failure | Cancelled::Ignored => reason,
        }
    }

    /// The probes with this one, which gives its place back.
    fn added_to(self, tally: Tally) -> Tally {
        Tally {
            live: tally.live.saturating_sub(1),
            good: tally.good + u32::from(self.weight == Weight::Good),
            failed: tally.failed + u32::from(self.weight == Weight::Bad),
            slow: (tally.slow + u32::from(self.is_slow)).min(255),
        }
    }
}
