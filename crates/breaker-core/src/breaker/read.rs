//! What a circuit says of itself. Nothing moves.

use core::time::Duration;

use super::{Breaker, Phase, Rules};
use crate::{
    policy::{probes::Tally, trip::Evidence},
    time::Timestamp,
    verdict::State,
    window::Totals,
};

/// A state of a moment that refuses every call until a time: open, or isolated with an end.
#[derive(Clone, Copy)]
struct Opened {
    until: Timestamp,
    /// When the next call is a probe for certain.
    certain_at: Timestamp,
}

impl Breaker {
    /// The number of transitions so far.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The state with its data, as it was stored, whatever the time is.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The state as it was stored, whatever the time is.
    pub const fn stored_state(&self) -> State {
        self.phase.state()
    }

    /// Whether it only says what it would do, and refuses nothing.
    pub const fn is_shadow(&self) -> bool {
        self.shadow
    }

    /// When this state began, rounded up to a tenth of a millisecond. Of a half-open one whose places were all free it is when
    /// the first of them was taken again.
    pub const fn entered(&self) -> Timestamp {
        self.entered.rounded_up()
    }

    /// The state as a caller of this moment would meet it: it knows the time.
    pub fn state(&self, rules: Rules<'_>, now: Timestamp) -> State {
        match self.opened(rules, now) {
            Some(open) if now >= open.until.max(open.certain_at) => State::HalfOpen,
            // A half-open period that has lapsed.
            Some(_) if self.stored_state() == State::HalfOpen => State::Open,
            Some(_) | None => self.stored_state(),
        }
    }

    /// How long every call will be refused from now on, if any is; `None` if the operator refuses them and set no end.
    pub fn retry_after(&self, rules: Rules<'_>, now: Timestamp) -> Option<Duration> {
        match self.opened(rules, now) {
            Some(open) => Some(open.until.saturating_since(now)),
            None if self.phase == Phase::Isolated { until: None } => None,
            None => Some(Duration::ZERO),
        }
    }

    /// After how long [`Breaker::state`] makes an open or isolated circuit half-open if no call comes; `None` in any other
    /// state, and where the isolation has no end.
    pub fn half_open_in(&self, rules: Rules<'_>, now: Timestamp) -> Option<Duration> {
        let open = self.opened(rules, now)?;
        let left = open.until.max(open.certain_at).saturating_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// The state that refuses every call until a time and that a caller of this moment would meet: its own, or that of a
    /// half-open period which has lapsed.
    fn opened(&self, rules: Rules<'_>, now: Timestamp) -> Option<Opened> {
        let (until, certain_at) = match self.phase {
            Phase::Open { until, .. } => (until, self.certain_at(rules, until)),
            Phase::Isolated { until } => {
                let until = until?;
                (until, until)
            }
            _ => {
                let lapse = self.lapsed(rules, now)?;
                let wait = self.next_wait(rules, lapse.attempt, None);
                let until = lapse.at.rounded_after(wait);
                let random = rules.random(self.generation + 1);
                (until, rules.config.open.certain_at(until, random))
            }
        };
        Some(Opened { until, certain_at })
    }

    /// The failures that count in this state: those against the downstream, or those in the windows if they are more.
    pub fn failures(&self, rules: Rules<'_>, now: Timestamp) -> u32 {
        let windows = [self.calls(), self.time(now)];
        let in_windows = windows.into_iter().flatten().map(|totals| totals.failures);
        self.failures_in_phase(rules)
            .max(in_windows.max().unwrap_or_default())
    }

    /// The failures that count in this state, without its windows.
    pub(super) fn failures_in_phase(&self, rules: Rules<'_>) -> u32 {
        match self.phase {
            Phase::Closed(seen) | Phase::Recovering(seen) => {
                let left_over = self.left_over(rules, seen);
                rules.config.trip.failures(seen, left_over)
            }
            Phase::HalfOpen { tally, .. } => tally.failed,
            Phase::Open { .. } | Phase::Isolated { .. } | Phase::Disabled => 0,
        }
    }

    /// What speaks against the downstream of a closed circuit; nothing in any other state.
    pub fn evidence(&self) -> Evidence {
        match self.phase {
            Phase::Closed(evidence) | Phase::Recovering(evidence) => evidence,
            Phase::Open { .. }
            | Phase::HalfOpen { .. }
            | Phase::Isolated { .. }
            | Phase::Disabled => Evidence::default(),
        }
    }

    /// Whether every call passes and counts: closed, not recovering, and not in the shadow.
    pub const fn passes(&self) -> bool {
        matches!(self.phase, Phase::Closed(_)) && !self.shadow
    }

    /// Whether a success of this moment would change nothing, so that it need not be recorded. It never is where the
    /// configuration records every success.
    pub fn is_calm(&self, rules: Rules<'_>) -> bool {
        !rules.config.records_successes() && self.is_clean()
    }

    /// Whether nothing speaks against the downstream: closed, not in the shadow, without evidence and without calls given up
    /// in a row, and a window of calls is full of good ones.
    pub fn is_clean(&self) -> bool {
        let is_full = self.windows.as_ref().is_none_or(|held| held.is_clean());
        self.phase == Phase::CLOSED && !self.shadow && self.given_up == 0 && is_full
    }

    /// Until when every call is refused, whatever is drawn: that of an open circuit that is not in the shadow, or of one that
    /// is isolated with an end.
    pub const fn refuses_until(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Open { until, .. } if !self.shadow => Some(until),
            Phase::Isolated { until } => until,
            _ => None,
        }
    }

    /// Whether a call that is given up now counts as a failure.
    pub fn cancelled_is_failure(&self, rules: Rules<'_>) -> bool {
        rules.config.cancelled().is_failure(self.given_up + 1)
    }

    /// The probes of a circuit that is half-open for a caller of this moment.
    pub fn probes(&self, rules: Rules<'_>, now: Timestamp) -> Option<Tally> {
        let is_half_open = self.state(rules, now) == State::HalfOpen;
        is_half_open.then(|| match self.phase {
            Phase::HalfOpen { tally, .. } => tally,
            // Its time has come, and nobody has called since.
            _ => Tally::default(),
        })
    }

    /// The calls in the window of calls, where there is one.
    pub fn calls(&self) -> Option<Totals> {
        self.windows.as_ref()?.calls()
    }

    /// The calls in the window of time, where there is one.
    pub fn time(&self, now: Timestamp) -> Option<Totals> {
        self.windows.as_ref()?.time(now)
    }
}
