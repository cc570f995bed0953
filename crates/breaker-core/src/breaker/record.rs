//! A call has ended.

use super::{
    Breaker, Cause, MOST_ATTEMPTS, Phase, Rules,
    ended::{CallKind, EndedCall, Ending, Recorded},
};
use crate::{
    config::Checked,
    policy::{
        cancelled::{Cancelled, MOST_GIVEN_UP},
        probes::{Shown, Tally},
        ramp::Allowance,
    },
    reason::Reason,
    time::Timestamp,
    transition::Transition,
    verdict::Outcome,
};

/// How an ending counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CountsAs {
    Success,
    Failure,
    Nothing,
}

/// A call, as it counts.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    pub(super) counts_as: CountsAs,
    pub(super) is_slow: bool,
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
        let counts_as = self.count(rules.config, call);
        let counted = Counted {
            counts_as,
            is_slow,
            has_place: call.kind != CallKind::Excluded,
        };
        match self.phase {
            Phase::Closed(evidence) | Phase::Recovering(evidence) => {
                let trips = self.record_closed(rules, evidence, call, counted, &mut now);
                if let Some(why) = trips {
                    let is_failure = counts_as == CountsAs::Failure;
                    let tripped = self.trip(rules, why, call, is_failure, now());
                    recorded.transition = Some(tripped);
                }
            }
            Phase::HalfOpen { attempt, tally } => {
                recorded.transition =
                    self.record_probe(rules, (attempt, tally), call, counted, now());
            }
            Phase::Open { .. } | Phase::Isolated { .. } | Phase::Disabled => {}
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
                    trip.judge(evidence, may_be_bad, 0, Timestamp::default)
                        .is_err()
                };
                let has_grace = self.may_be_in_grace(rules.config);
                let has_credit = may_be_bad && self.fleet.is_some();
                has_grace
                    || has_credit
                    || self.windows.is_some()
                    || call.broken.is_some()
                    || asks()
                    || may_trip()
            }
            Phase::HalfOpen { .. } => true,
            Phase::Open { .. } | Phase::Isolated { .. } | Phase::Disabled => false,
        }
    }

    /// How a call of this generation counts. Counts also the calls in a row that were given up, and the probes that were
    /// ignored: any answer ends the row.
    #[inline]
    fn count(&mut self, config: &Checked, call: &EndedCall) -> CountsAs {
        let (given_up, counts_as) = match (call.kind, call.ending) {
            (CallKind::Call | CallKind::Answered, Ending::Recorded(Outcome::Success)) => {
                (0, CountsAs::Success)
            }
            (
                CallKind::Call | CallKind::Answered,
                Ending::Recorded(Outcome::Failure | Outcome::Overload { .. }),
            ) => (0, CountsAs::Failure),
            (CallKind::Call, Ending::Cancelled) => {
                let given_up = (self.given_up + 1).min(MOST_GIVEN_UP);
                (given_up, CountsAs::cancelled(config, given_up))
            }
            (CallKind::Answered, Ending::Cancelled) => {
                self.ignored = self.ignored.saturating_add(1);
                (0, CountsAs::cancelled(config, 0))
            }
            (CallKind::Call | CallKind::Answered, Ending::Recorded(Outcome::Ignored))
            | (CallKind::Excluded, Ending::Recorded(_)) => {
                self.ignored = self.ignored.saturating_add(1);
                (0, CountsAs::Nothing)
            }
            (CallKind::Excluded, Ending::Cancelled)
            | (CallKind::Readiness | CallKind::Uncounted, _) => return CountsAs::Nothing,
        };
        self.given_up = given_up;
        counts_as
    }

    /// This reason, unless the call counts only because all calls are given up.
    pub(super) fn or_given_up(&self, config: &Checked, call: &EndedCall, reason: Reason) -> Reason {
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
                let evidence = rules.config.trip.once_recovered(self.trips, now);
                let phase = match rules.config.ramp {
                    Some(ramp) => {
                        self.allowance = Allowance::new(ramp, now);
                        Phase::Recovering(evidence)
                    }
                    None => Phase::Closed(evidence),
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

impl CountsAs {
    /// That of a call that was cancelled, as the last of so many in a row that were given up.
    const fn cancelled(config: &Checked, given_up: u16) -> Self {
        if config.cancelled().is_failure(given_up) {
            Self::Failure
        } else {
            Self::Nothing
        }
    }
}

impl Counted {
    /// The probes with this one, which gives its place back if it has one.
    fn added_to(self, tally: Tally) -> Tally {
        Tally {
            live: tally.live.saturating_sub(u32::from(self.has_place)),
            good: tally.good + u32::from(self.counts_as == CountsAs::Success),
            failed: tally.failed + u32::from(self.counts_as == CountsAs::Failure),
            slow: (tally.slow + u32::from(self.is_slow)).min(255),
        }
    }
}
