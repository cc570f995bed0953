//! What is left of a circuit to those who do not keep it alive.

use std::{ptr, sync::Arc};

use super::{CircuitState, Handle, Listener, Slot};

/// A circuit that may be gone by now.
#[derive(Clone, Copy)]
pub(crate) struct WeakCircuit {
    slot: &'static Slot,
    /// The epoch of its first state, which no other circuit has.
    first: u64,
}

impl WeakCircuit {
    pub(super) const fn new(slot: &'static Slot, first: u64) -> Self {
        Self { slot, first }
    }

    pub(crate) fn is_over(self) -> bool {
        self.read(|_| ()).is_none()
    }

    /// A handle of the circuit, if it is still there.
    pub(crate) fn upgrade(self) -> Option<Handle> {
        self.read(|_| self.slot.one_more_handle()).flatten()
    }

    /// Looks at the circuit, if it is still there.
    pub(crate) fn read<T>(self, look: impl FnOnce(&CircuitState) -> T) -> Option<T> {
        self.slot
            .read(|state| (state.first == self.first).then(|| look(state)))
            .flatten()
    }

    pub(crate) const fn slot(self) -> &'static Slot {
        self.slot
    }

    /// Tells it from all others that there are.
    #[cfg(feature = "metrics")]
    pub(crate) fn id(self) -> (usize, u64) {
        (ptr::from_ref(self.slot).addr(), self.first)
    }

    /// Adds an observer, unless it is there; `table` is the circuit's, if it is of one.
    pub(crate) fn observe(self, listener: Listener, table: Option<&Arc<str>>) {
        self.slot.change(|state| {
            if state.first == self.first {
                state.change_observers(|observers| observers.add_to(listener, table));
            }
        });
    }

    /// Takes away the observer of this number.
    pub(crate) fn unobserve(self, id: usize) {
        let removed = self.slot.change(|state| match state.first == self.first {
            true => state.change_observers(|observers| observers.remove(id)),
            false => None,
        });
        // Dropped with nothing held, because it may be the user's.
        drop(removed);
    }
}

impl PartialEq for WeakCircuit {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.slot, other.slot) && self.first == other.first
    }
}

impl Eq for WeakCircuit {}
