//! One circuit's time in a slot: what is left of a circuit to those who do not keep it alive.

use std::{ptr, sync::Arc};

use super::Slot;
use crate::{circuit::Circuit, observe::Observe, snapshot::Snapshot};

/// A slot from the generation on with which a circuit began in it.
#[derive(Clone, Copy)]
pub(crate) struct Tenancy {
    slot: &'static Slot,
    first: u16,
}

impl Tenancy {
    /// That of the circuit which has the slot now.
    pub(crate) fn of(slot: &'static Slot) -> Self {
        Self {
            slot,
            first: slot.settings().first(),
        }
    }

    pub(crate) const fn since(slot: &'static Slot, first: u16) -> Self {
        Self { slot, first }
    }

    /// In this order: a new tenant's settings are stored before its word.
    pub(crate) fn is_over(self) -> bool {
        self.slot.word().is_vacant() || self.slot.settings().first() != self.first
    }

    /// A handle of the circuit, if it is still there.
    pub(crate) fn circuit(self) -> Option<Circuit> {
        // Of the next tenant, it is given back at once.
        let circuit = self.slot.handle()?;
        (!self.is_over()).then_some(circuit)
    }

    /// Tells it from all others that there are.
    #[cfg(feature = "metrics")]
    pub(crate) fn id(self) -> (usize, u16) {
        (ptr::from_ref(self.slot).addr(), self.first)
    }

    pub(crate) fn snapshot(self) -> Option<Snapshot> {
        let snapshot = Snapshot::of(self.slot);
        (!self.is_over()).then_some(snapshot)
    }

    /// Adds an observer of transitions, unless it is there; `table` is the circuit's, if it is of one.
    pub(crate) fn observe(self, observer: &Arc<dyn Observe>, table: Option<&Arc<str>>) {
        self.slot.with_cold(|cold| {
            if !self.is_over() {
                let extra = cold.extra.get_or_insert_default();
                extra.observers.add_once(observer, table);
            }
        });
    }

    pub(crate) fn unobserve(self, observer: &Arc<dyn Observe>) {
        let removed = self
            .slot
            .with_cold(|cold| cold.extra.as_deref_mut()?.observers.remove(observer));
        // Dropped with nothing held, because it may be the user's.
        drop(removed);
    }
}

impl PartialEq for Tenancy {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.slot, other.slot) && self.first == other.first
    }
}

impl Eq for Tenancy {}
