//! What keeps a circuit alive.

use super::Slot;

/// One of a circuit's owners; with the last one the circuit ends.
pub(crate) struct Handle {
    slot: &'static Slot,
}

impl Handle {
    /// Of a slot whose count of handles has this one in it.
    pub(super) const fn counted(slot: &'static Slot) -> Self {
        Self { slot }
    }

    #[inline]
    pub(crate) const fn slot(&self) -> &'static Slot {
        self.slot
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        self.slot.retain();
        Self { slot: self.slot }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.slot.release();
    }
}
