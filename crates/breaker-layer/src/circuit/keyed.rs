//! The circuit of one of many keys, which may be forgotten.

use breaker_core::Word;

use super::{Circuit, Permit, Ticket};
use crate::slot::Slot;

impl Circuit {
    /// The permit of a call that began when there was no circuit yet: one of the first generation.
    pub(crate) fn first_permit(&self, first: u16) -> Permit {
        Permit {
            slot: self.slot,
            ticket: Ticket::of(Word::closed(first), self.slot.settings()),
        }
    }
}

impl Permit {
    pub(crate) const fn slot(&self) -> &'static Slot {
        self.slot
    }

    pub(crate) const fn generation(&self) -> u16 {
        self.ticket.generation()
    }

    pub(crate) const fn is_counted(&self) -> bool {
        self.ticket.is_counted()
    }

    /// Gives the permit up without a trace: its circuit was gone when it was given.
    pub(crate) const fn discard(self) {
        self.into_parts();
    }
}
