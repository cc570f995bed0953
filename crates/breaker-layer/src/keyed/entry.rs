//! A key that has a circuit.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use breaker_core::Timestamp;

use crate::{circuit::Circuit, clock::Clock, storage::CircuitState};

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

/// A key and its circuit.
pub(super) struct Entry<K> {
    pub(super) key: K,
    /// The hash of the key when the circuit was made.
    pub(super) hash: u64,
    pub(super) circuit: Circuit,
    /// The epoch with which the circuit began.
    pub(super) first: u64,
    /// It has windows or counts, and is not forgotten as soon as its score is zero.
    keeps_calls: AtomicBool,
    /// The number of its table.
    pub(super) table: u64,
    /// Its number among all that the table has made.
    pub(super) number: u64,
    /// When its key was last called, in nanoseconds since it was made.
    used: AtomicU64,
    /// Where it is in the list, which alone reads and writes this.
    pub(super) place: AtomicU32,
}

impl<K> Entry<K> {
    pub(super) fn new(key: K, hash: u64, circuit: Circuit, table: u64, number: u64) -> Self {
        let entry = Self {
            key,
            hash,
            first: circuit.slot().gate().epoch(),
            circuit,
            keeps_calls: AtomicBool::new(false),
            table,
            number,
            used: AtomicU64::new(0),
            place: AtomicU32::new(0),
        };
        entry.note_settings();
        entry
    }

    /// The circuit's name, and what tells it from others with the same.
    pub(super) fn name_and_number(&self) -> (Arc<str>, u64) {
        (self.circuit.name(), self.number)
    }

    #[inline]
    pub(super) fn keeps_calls(&self) -> bool {
        self.keeps_calls.load(Relaxed)
    }

    /// Its circuit has other settings by now.
    pub(super) fn note_settings(&self) {
        let keeps_calls = |state: &CircuitState| state.plan.checked.keeps_calls();
        let keeps_calls = self.circuit.slot().read(keeps_calls);
        self.keeps_calls
            .store(keeps_calls.unwrap_or_default(), Relaxed);
    }

    /// Notes that its key is called, and says when.
    pub(super) fn touch(&self, clock: &Clock) -> Timestamp {
        let now = clock.now();
        let used = self.circuit.slot().since_built(now).as_nanos();
        // A later millisecond is soon enough: so most calls do not write.
        if used.saturating_sub(self.used.load(Relaxed)) >= 1_000_000 {
            self.used.store(used, Relaxed);
        }
        now
    }

    /// For how long its key was not called. `now` is a time since the circuit was built.
    pub(super) fn idle(&self, now: Timestamp) -> Duration {
        now.saturating_since(Timestamp::from_nanos(self.used.load(Relaxed)))
    }

    /// Whether a permit that a closed circuit gave in this epoch, which is not its first, may count for the key's next circuit.
    pub(super) fn was_kept(&self, epoch: u64, now: Timestamp, keep: Duration) -> bool {
        let slot = self.circuit.slot();
        let now = slot.since_built(now);
        let was_kept = |state: &CircuitState| {
            let in_state_for = now.saturating_since(state.breaker.entered());
            let is_closed = state.breaker.stored_state() == breaker_core::State::Closed;
            is_closed && state.epoch() == epoch && in_state_for >= keep / 2
        };
        // One that was removed just now had been closed for long, or gave this permit after it closed.
        slot.read(was_kept).unwrap_or(true)
    }
}
