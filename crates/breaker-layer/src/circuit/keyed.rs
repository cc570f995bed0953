//! The circuit of one of many keys, which may be forgotten.

use std::sync::Arc;

use super::{Circuit, Permit, ticket::Ticket};
use crate::storage::{CircuitState, Slot};

impl Circuit {
    /// The permit of a call that began when there was no circuit yet: one of its first state.
    pub(crate) fn first_permit(&self, first: u64) -> Permit {
        Permit {
            slot: self.slot(),
            ticket: Ticket::calm(first),
        }
    }

    /// What the operator said with the command that is in force.
    pub(crate) fn note_in_force(&self) -> Option<Arc<str>> {
        let note = |state: &CircuitState| state.note_in_force().cloned();
        self.slot().read(note).flatten()
    }
}

impl Permit {
    pub(crate) const fn slot(&self) -> &'static Slot {
        self.slot
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.ticket.epoch()
    }

    /// Whether its circuit was gone when it was asked.
    pub(crate) const fn is_void(&self) -> bool {
        self.ticket.is_void()
    }

    /// Gives the permit up without a trace.
    pub(crate) const fn discard(self) {
        self.into_parts();
    }
}
