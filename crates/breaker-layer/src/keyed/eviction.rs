//! Which circuits may be forgotten, and which of them first.
//!
//! Whoever chooses keys can make circuits of any kind: open ones, closed ones with much evidence, ones that have recovered. So
//! in a full table none of these is worth more than a circuit whose key is called more often. What one who fills the table cannot
//! have cheaply is many keys that are all called within the same second.

use std::{cmp::Reverse, time::Duration};

use breaker_core::{Phase, Reason, State, Timestamp};

use super::{entry::Entry, mode::Mode};
use crate::storage::CircuitState;

/// When circuits are forgotten.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) circuits: usize,
    pub(super) idle: Duration,
    pub(super) keep: Duration,
    /// The command that the whole table is under.
    pub(super) mode: Mode,
}

/// What can be done with a circuit, as long as it is in this version.
pub(super) enum Status {
    /// It must stay.
    Kept,
    /// It can go if there is no room.
    Evictable { version: u64, rank: Rank },
    /// It can go at once.
    Expired { version: u64 },
}

/// In a full table the least of those that are looked at goes first. The order of the fields is the order of comparison.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// For how many whole seconds its key was not called.
    idle_seconds: Reverse<u64>,
    is_open: bool,
    /// So short a time ago that late results of calls from before the trip may still come.
    has_tripped: bool,
    is_recovering: bool,
    score: u32,
    failures: u32,
    idle: Reverse<Duration>,
    /// Its number among all that the table has made.
    number: u64,
}

impl<K> Entry<K> {
    /// Whether it is worth a closer look: it is calm, and has not tripped or was kept long enough.
    pub(super) fn may_have_expired(&self, keep: Duration) -> bool {
        let slot = self.circuit.slot();
        let now = slot.now();
        let is_calm =
            |state: &CircuitState| state.breaker.is_clean() && !self.has_tripped(state, now, keep);
        !slot.is_shared() && slot.read(is_calm).unwrap_or_default()
    }

    /// What can be done with it. `now` is a time of the circuit's clock.
    pub(super) fn status(&self, now: Timestamp, limits: &Limits) -> Status {
        let slot = self.circuit.slot();
        if slot.is_shared() {
            return Status::Kept;
        }
        let now = slot.since_built(now);
        let status = |state: &CircuitState| self.status_in(state, now, limits);
        slot.read(status).unwrap_or(Status::Kept)
    }

    /// As [`Entry::status`], in this state. `now` is a time since the circuit was built.
    fn status_in(&self, state: &CircuitState, now: Timestamp, limits: &Limits) -> Status {
        let (breaker, version, idle) = (&state.breaker, state.version, self.idle(now));
        // What is not as the whole table is was commanded by itself.
        if !limits.mode.counts() || Mode::of_state(state, now) != limits.mode {
            return Status::Kept;
        }
        let is_open = match breaker.phase() {
            Phase::HalfOpen { tally, .. } if tally.live > 0 => return Status::Kept,
            Phase::Disabled => return Status::Kept,
            // An isolated one is half-open here: its time is over.
            Phase::Open { .. } | Phase::HalfOpen { .. } | Phase::Isolated { .. } => true,
            Phase::Closed(_) | Phase::Recovering(_) => false,
        };
        let has_expired = match is_open {
            // Its next call is a probe for certain, and nobody made it for long.
            true => idle >= limits.idle && state.name_at(now) == State::HalfOpen,
            false => self.has_expired(state, now, limits),
        };
        if has_expired {
            return Status::Expired { version };
        }
        // Open ones that are all in use do not drive each other out: then none would stay for long enough to trip.
        if is_open && (idle.as_secs() == 0 || was_tripped_by_operator(state)) {
            return Status::Kept;
        }
        let rank = self.rank(state, now, limits, is_open);
        Status::Evictable { version, rank }
    }

    /// Whether a closed circuit is as good as none.
    fn has_expired(&self, state: &CircuitState, now: Timestamp, limits: &Limits) -> bool {
        let idle = self.idle(now);
        // A call may be under way whose outcome is the first that the window is to hold.
        let keeps_none = !state.plan.checked.keeps_calls();
        let is_empty = || keeps_none || idle >= limits.keep && holds_no_calls(state, now);
        let is_unused = idle >= limits.idle || state.breaker.is_clean() && is_empty();
        is_unused && !self.has_tripped(state, now, limits.keep)
    }

    fn rank(&self, state: &CircuitState, now: Timestamp, limits: &Limits, is_open: bool) -> Rank {
        let (breaker, idle) = (&state.breaker, self.idle(now));
        Rank {
            idle_seconds: Reverse(idle.as_secs()),
            is_open,
            has_tripped: self.has_tripped(state, now, limits.keep),
            is_recovering: matches!(breaker.phase(), Phase::Recovering(_)),
            score: breaker.evidence().score,
            failures: breaker.failures(state.rules(), now),
            idle: Reverse(idle),
            number: self.number,
        }
    }

    /// Whether it tripped, and entered its present state less than `keep` ago.
    fn has_tripped(&self, state: &CircuitState, now: Timestamp, keep: Duration) -> bool {
        state.epoch() != self.first && now.saturating_since(state.breaker.entered()) < keep
    }
}

fn was_tripped_by_operator(state: &CircuitState) -> bool {
    let trip = state.trip_of(state.breaker.generation());
    trip.is_some_and(|trip| trip.reason() == Reason::Operator)
}

/// Whether nothing is kept besides the evidence that somebody may still ask for.
fn holds_no_calls(state: &CircuitState, now: Timestamp) -> bool {
    let calls = state.breaker.calls().unwrap_or_default();
    let time = state.breaker.time(now).unwrap_or_default();
    !state.plan.checked.count_calls() && calls.calls == 0 && time.calls == 0
}
