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

use breaker_core::{Phase, State, Timestamp, Word};
use papaya::Equivalent;

use super::tenant::{Mode, mode_of};
use crate::{circuit::Circuit, slot::Slot};

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
    /// The generation with which the circuit began.
    pub(super) first: u16,
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

/// What can be done with an entry.
pub(super) enum Standing {
    /// It must stay.
    Held,
    /// It could be due for a probe since long, and nobody came.
    Abandoned(Word),
    /// It is closed.
    Closed(Closed),
    /// It is closed, and as good as none.
    Spent(Word),
}

/// A closed circuit, as far as it was looked at.
pub(super) struct Closed {
    pub(super) word: Word,
    is_kept: bool,
    is_recovering: bool,
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
        let first = circuit.slot().word().generation();
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
        let config = self.circuit.slot().settings().rules().config;
        self.is_lasting.store(config.keeps_calls(), Relaxed);
    }

    /// Notes that its key is called. `now` is a time of the circuit's clock.
    pub(super) fn touch(&self, now: Timestamp) {
        let now = self.circuit.slot().since_built(now).as_nanos();
        // A later millisecond is soon enough: so most calls do not write.
        if now.saturating_sub(self.used.load(Relaxed)) >= 1_000_000 {
            self.used.store(now, Relaxed);
        }
    }

    /// Whether a permit that a closed circuit gave in this generation may count for the key's next circuit.
    pub(super) fn is_renewable(&self, generation: u16, now: Timestamp, keep: Duration) -> bool {
        let slot = self.circuit.slot();
        let in_state_for = || slot.in_state_for(generation, slot.since_built(now));
        generation == self.first || in_state_for().is_some_and(|span| span >= keep / 2)
    }

    /// Whether it is worth a closer look: it is calm, and has not tripped or was kept long enough.
    pub(super) fn may_be_spent(&self, keep: Duration) -> bool {
        let slot = self.circuit.slot();
        let word = slot.word();
        let is_kept = || {
            let now = slot.now();
            let pace = slot.pace();
            pace.generation() != word.generation() || now.saturating_since(pace.since(now)) < keep
        };
        slot.is_calm() && !slot.is_shared() && (word.generation() == self.first || !is_kept())
    }

    /// What can be done with it. `now` is a time of the circuit's clock.
    pub(super) fn standing(&self, now: Timestamp, limits: &Limits) -> Standing {
        let slot = self.circuit.slot();
        let (word, now) = (slot.word(), slot.since_built(now));
        // What is not as the whole table is was commanded by itself.
        let is_usual = limits.mode.counts() && mode_of(&self.circuit) == limits.mode;
        if slot.is_shared() || !is_usual {
            return Standing::Held;
        }
        let in_state_for = match word.generation() == self.first {
            true => Some(Duration::MAX),
            false => slot.in_state_for(word.generation(), now),
        };
        let Some(in_state_for) = in_state_for else {
            return Standing::Held;
        };
        let idle = now.saturating_since(Timestamp::from_nanos(self.used.load(Relaxed)));
        let is_recovering = match word.phase() {
            Phase::Closed(_) => false,
            Phase::Recovering(_) => true,
            Phase::Open { .. } if !is_due(slot, word, now) => return Standing::Held,
            Phase::HalfOpen { tally, .. } if tally.live > 0 => return Standing::Held,
            Phase::Open { .. } | Phase::HalfOpen { .. } => {
                return if idle >= limits.idle {
                    Standing::Abandoned(word)
                } else {
                    Standing::Held
                };
            }
            Phase::Isolated | Phase::Disabled => return Standing::Held,
        };
        let is_kept = in_state_for < limits.keep;
        // A call may be under way whose outcome is the first that the window is to hold.
        let keeps_none = !slot.settings().rules().config.keeps_calls();
        let is_empty = || keeps_none || idle >= limits.keep && slot.holds_no_calls(word, now);
        if !is_kept && (idle >= limits.idle || slot.is_calm() && is_empty()) {
            return Standing::Spent(word);
        }
        Standing::Closed(Closed {
            word,
            is_kept,
            is_recovering,
            idle,
        })
    }

    /// How soon a closed one is to go. `now` is a time of the circuit's clock.
    pub(super) fn rank(&self, closed: &Closed, now: Timestamp) -> Rank {
        let slot = self.circuit.slot();
        (
            closed.is_kept,
            closed.is_recovering,
            slot.evidence(closed.word, slot.since_built(now)),
            std::cmp::Reverse(closed.idle),
            self.number,
        )
    }
}

/// Whether the next call of an open circuit is a probe for certain.
fn is_due(slot: &Slot, word: Word, now: Timestamp) -> bool {
    slot.settings().rules().state(word, slot.pace(), now) == State::HalfOpen
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
