//! A key that has a circuit.

use std::{
    borrow::Borrow,
    hash::{Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use breaker_core::{Phase, State, Timestamp};
use papaya::Equivalent;

use super::tenant::{Mode, mode_of_state};
use crate::{circuit::Circuit, storage::CircuitState};

/// What a circuit can be had for: a host name, an authority, a tenant's number.
///
/// Implemented for every type that can be looked up, cloned, and shared between threads: `String`, `Arc<str>`, integers,
/// `http::uri::Authority`, tuples of them.
///
/// It is cloned for each circuit that is made, and the clone is kept for as long as the circuit. Of a key that shares the
/// memory of a larger buffer, that buffer is kept: [`KeyedBuilder::keep_by`](super::KeyedBuilder::keep_by) says how to copy
/// it. The types of `http` and `bytes::Bytes` are copied without being told.
///
/// Its `hash`, `eq` and `clone` must not use the table, which may be locked then. Its `drop` may.
pub trait Key: Hash + Eq + Clone + Send + Sync + 'static {}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Key for K {}

/// When circuits are forgotten.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) circuits: usize,
    pub(super) idle: Duration,
    pub(super) keep: Duration,
    /// The command that the whole table is under.
    pub(super) mode: Mode,
}

/// A key and its circuit.
pub(super) struct Entry<K> {
    pub(super) key: K,
    pub(super) circuit: Circuit,
    /// The epoch with which the circuit began.
    pub(super) first: u64,
    /// It is not forgotten as soon as its score is zero: it holds more than a score.
    is_lasting: AtomicBool,
    /// The table's tenancy.
    pub(super) tenancy: u32,
    /// Its number among all that the table has made.
    number: u64,
    /// When its key was last called, in nanoseconds since it was made.
    used: AtomicU64,
    /// Where it is in the index, which alone reads and writes this.
    pub(super) place: AtomicU32,
}

/// What can be done with an entry whose circuit is in this version.
pub(super) enum Standing {
    /// It must stay.
    Held,
    /// It could be due for a probe since long, and nobody came.
    Abandoned(u64),
    /// It is closed.
    Closed(Closed),
    /// It is closed, and as good as none.
    Spent(u64),
}

/// A closed circuit, as far as it was looked at.
pub(super) struct Closed {
    pub(super) version: u64,
    is_kept: bool,
    is_recovering: bool,
    evidence: (u32, u32),
    idle: Duration,
}

/// Who is to go: the lesser goes first.
///
/// Kept after a trip, lets traffic back gradually, evidence, not idle for long, made late.
pub(super) type Rank = (bool, bool, (u32, u32), std::cmp::Reverse<Duration>, u64);

impl<K> Entry<K> {
    pub(super) fn new(
        key: K,
        circuit: Circuit,
        is_lasting: bool,
        tenancy: u32,
        number: u64,
    ) -> Self {
        let first = circuit.slot().gate().epoch();
        Self {
            key,
            circuit,
            first,
            is_lasting: AtomicBool::new(is_lasting),
            tenancy,
            number,
            used: AtomicU64::new(0),
            place: AtomicU32::new(0),
        }
    }

    #[inline]
    pub(super) fn is_lasting(&self) -> bool {
        self.is_lasting.load(Relaxed)
    }

    /// Its circuit has other settings.
    pub(super) fn reconfigured(&self) {
        let keeps_calls = |state: &CircuitState| state.plan.checked.keeps_calls();
        let is_lasting = self.circuit.slot().read(keeps_calls);
        self.is_lasting
            .store(is_lasting.unwrap_or_default(), Relaxed);
    }

    /// Notes that its key is called. `now` is a time of the circuit's clock.
    pub(super) fn touch(&self, now: Timestamp) {
        let now = self.circuit.slot().since_built(now).as_nanos();
        // A later millisecond is soon enough: so most calls do not write.
        if now.saturating_sub(self.used.load(Relaxed)) >= 1_000_000 {
            self.used.store(now, Relaxed);
        }
    }

    /// Whether a permit that a closed circuit gave in this epoch may count for the key's next circuit.
    pub(super) fn is_renewable(&self, epoch: u64, now: Timestamp, keep: Duration) -> bool {
        let slot = self.circuit.slot();
        let now = slot.since_built(now);
        let was_kept = |state: &CircuitState| {
            let in_state_for = now.saturating_since(state.breaker.entered());
            state.epoch() == epoch && in_state_for >= keep / 2
        };
        epoch == self.first || slot.read(was_kept).unwrap_or_default()
    }

    /// Whether it is worth a closer look: it is calm, and has not tripped or was kept long enough.
    pub(super) fn may_be_spent(&self, keep: Duration) -> bool {
        let slot = self.circuit.slot();
        let now = slot.now();
        let is_calm = |state: &CircuitState| {
            let in_state_for = now.saturating_since(state.breaker.entered());
            let is_kept = state.epoch() != self.first && in_state_for < keep;
            state.breaker.is_clean() && !is_kept
        };
        !slot.is_shared() && slot.read(is_calm).unwrap_or_default()
    }

    /// What can be done with it. `now` is a time of the circuit's clock.
    pub(super) fn standing(&self, now: Timestamp, limits: &Limits) -> Standing {
        let slot = self.circuit.slot();
        if slot.is_shared() {
            return Standing::Held;
        }
        let now = slot.since_built(now);
        let idle = now.saturating_since(Timestamp::from_nanos(self.used.load(Relaxed)));
        let judge = |state: &CircuitState| self.judge(state, now, idle, limits);
        slot.read(judge).unwrap_or(Standing::Held)
    }

    fn judge(
        &self,
        state: &CircuitState,
        now: Timestamp,
        idle: Duration,
        limits: &Limits,
    ) -> Standing {
        // What is not as the whole table is was commanded by itself.
        if !limits.mode.counts() || mode_of_state(state) != limits.mode {
            return Standing::Held;
        }
        let breaker = &state.breaker;
        let is_recovering = match breaker.phase() {
            Phase::Closed(_) => false,
            Phase::Recovering(_) => true,
            // The next call of an open circuit is not a probe for certain.
            Phase::Open { .. } if state.name_at(now) != State::HalfOpen => return Standing::Held,
            Phase::HalfOpen { tally, .. } if tally.live > 0 => return Standing::Held,
            Phase::Open { .. } | Phase::HalfOpen { .. } if idle >= limits.idle => {
                return Standing::Abandoned(state.version);
            }
            Phase::Open { .. } | Phase::HalfOpen { .. } | Phase::Isolated | Phase::Disabled => {
                return Standing::Held;
            }
        };
        let in_state_for = now.saturating_since(breaker.entered());
        let is_kept = state.epoch() != self.first && in_state_for < limits.keep;
        // A call may be under way whose outcome is the first that the window is to hold.
        let keeps_none = !state.plan.checked.keeps_calls();
        let is_empty = || keeps_none || idle >= limits.keep && holds_no_calls(state, now);
        if !is_kept && (idle >= limits.idle || breaker.is_clean() && is_empty()) {
            return Standing::Spent(state.version);
        }
        Standing::Closed(Closed {
            version: state.version,
            is_kept,
            is_recovering,
            evidence: (
                breaker.evidence().score,
                breaker.failures(state.rules(), now),
            ),
            idle,
        })
    }

    /// How soon a closed one is to go.
    pub(super) fn rank(&self, closed: &Closed) -> Rank {
        (
            closed.is_kept,
            closed.is_recovering,
            closed.evidence,
            std::cmp::Reverse(closed.idle),
            self.number,
        )
    }
}

/// Whether nothing is kept besides the evidence that somebody may still ask for.
fn holds_no_calls(state: &CircuitState, now: Timestamp) -> bool {
    let calls = state.breaker.calls().unwrap_or_default();
    let time = state.breaker.time(now).unwrap_or_default();
    !state.plan.checked.count_calls() && calls.calls == 0 && time.calls == 0
}

/// An entry that is found by its key.
pub(super) struct ByKey<K>(pub(super) Arc<Entry<K>>);

/// A key that is looked for, in any form that it can be borrowed as.
pub(super) struct Sought<'a, Q: ?Sized>(pub(super) &'a Q);

impl<Q: Hash + ?Sized> Hash for Sought<'_, Q> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<Q: Eq + ?Sized, K: Borrow<Q>> Equivalent<ByKey<K>> for Sought<'_, Q> {
    #[inline]
    fn equivalent(&self, found: &ByKey<K>) -> bool {
        found.0.key.borrow() == self.0
    }
}

impl<K: Hash> Hash for ByKey<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl<K: PartialEq> PartialEq for ByKey<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl<K: Eq> Eq for ByKey<K> {}
