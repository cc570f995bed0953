//! The permit of a call to one of many keys.

use std::{fmt, mem, time::Duration};

use breaker_core::{Ending, Outcome};

use super::{call::Call, entry::Key, table::Table};
use crate::{
    circuit::{CallDetails, Draw, Permit},
    classify::{AnyPermit, Failure},
    error::Rejected,
};

/// The right to make one call for a key, and the duty to say how it went: a [`Permit`](crate::Permit) that brings its key.
///
/// Dropped without [`KeyedPermit::record`] the call is cancelled; or it is a failure, as with a
/// [`Permit`](crate::Permit).
#[must_use = "a permit that is dropped is a cancelled call"]
pub struct KeyedPermit<K: Key> {
    held: Held<K>,
}

enum Held<K: Key> {
    /// The call counts for nothing.
    Nothing,
    /// That of the circuit which requests without a key share.
    Keyless(Permit),
    /// That of a key.
    Keyed(Call<K>),
}

impl<K: Key> KeyedPermit<K> {
    /// Asks the circuit of this key.
    #[inline]
    pub(super) fn of(table: &Table<K>, key: K, draw: &mut Draw) -> Result<Self, Rejected> {
        let call = Call::admit(table, key, draw)?;
        let held = call.map_or(Held::Nothing, Held::Keyed);
        Ok(Self { held })
    }

    pub(super) const fn keyed(call: Call<K>) -> Self {
        Self {
            held: Held::Keyed(call),
        }
    }

    pub(super) const fn uncounted() -> Self {
        Self {
            held: Held::Nothing,
        }
    }

    pub(super) const fn keyless(permit: Permit) -> Self {
        Self {
            held: Held::Keyless(permit),
        }
    }

    /// Says how the call went.
    #[inline]
    pub fn record(self, outcome: Outcome) {
        self.settle(Ending::Recorded(outcome), CallDetails::NOTHING);
    }

    /// Says how the call went and how long it took, for calls that were measured elsewhere.
    pub fn record_after(self, outcome: Outcome, took: Duration) {
        self.settle(Ending::Recorded(outcome), CallDetails::took(took));
    }

    /// Says how the call went, which is a failure, and what is known of it: see [`Failure`].
    pub fn record_failure(self, outcome: Outcome, failure: Failure<'_>) {
        self.settle(Ending::Recorded(outcome), CallDetails::failure(failure));
    }

    #[inline]
    fn settle(mut self, ending: Ending, details: CallDetails<'_>) {
        mem::replace(&mut self.held, Held::Nothing).settle(ending, details);
    }
}

impl<K: Key> AnyPermit for KeyedPermit<K> {
    #[inline]
    fn record(self, outcome: Outcome) {
        self.record(outcome);
    }

    fn record_failure(self, outcome: Outcome, failure: Failure<'_>) {
        self.record_failure(outcome, failure);
    }

    fn excluded(mut self) -> Self {
        self.held = match mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => Held::Nothing,
            Held::Keyless(permit) => Held::Keyless(permit.excluded()),
            Held::Keyed(mut call) => {
                call.exclude();
                Held::Keyed(call)
            }
        };
        self
    }

    fn answered(&mut self) {
        match &mut self.held {
            Held::Nothing => {}
            Held::Keyless(permit) => permit.answered(),
            Held::Keyed(call) => call.answered(),
        }
    }

    fn is_probe(&self) -> bool {
        match &self.held {
            Held::Nothing => false,
            Held::Keyless(permit) => permit.is_probe(),
            Held::Keyed(call) => call.is_probe(),
        }
    }
}

impl<K: Key> Drop for KeyedPermit<K> {
    fn drop(&mut self) {
        match mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => {}
            Held::Keyless(permit) => drop(permit),
            Held::Keyed(call) => call.give_up(),
        }
    }
}

impl<K: Key> fmt::Debug for KeyedPermit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedPermit")
    }
}

impl<K: Key> Held<K> {
    #[inline]
    fn settle(self, ending: Ending, details: CallDetails<'_>) {
        match self {
            Self::Nothing => {}
            Self::Keyless(permit) => {
                permit.settle(ending, details);
            }
            Self::Keyed(call) => call.settle(ending, details),
        }
    }
}
