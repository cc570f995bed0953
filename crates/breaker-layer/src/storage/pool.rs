//! Slots that wait for a circuit.

use std::sync::PoisonError;

use super::Slot;
use crate::sync::Mutex;

#[cfg(not(breaker_loom))]
static VACANT: Mutex<Vec<&'static Slot>> = Mutex::new(Vec::new());

// Under loom every execution of a model has slots of its own.
#[cfg(breaker_loom)]
loom::lazy_static! {
    static ref VACANT: Mutex<Vec<&'static Slot>> = Mutex::new(Vec::new());
}

/// A vacant slot: a used one, or else a new one, which is never unmapped.
pub(super) fn take() -> &'static Slot {
    let used = VACANT.lock().unwrap_or_else(PoisonError::into_inner).pop();
    used.unwrap_or_else(|| Box::leak(Box::new(Slot::vacant())))
}

/// To be called once, by whoever gave up the last handle.
pub(super) fn put(slot: &'static Slot) {
    let mut vacant = VACANT.lock().unwrap_or_else(PoisonError::into_inner);
    vacant.push(slot);
}
