//! The tasks that wait for a circuit: each is woken when a call may have become possible.

use std::{
    mem,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    task::Waker,
};

use super::Slot;

/// Each waiter's waker, under a number that no other has: at most one a waiter, and none of one that is gone.
#[derive(Default)]
pub(crate) struct Waiters(Vec<(u64, Waker)>);

impl Slot {
    /// Wakes every waiter, with nothing held.
    pub(crate) fn wake_waiters(&self) {
        let Waiters(woken) = self.with_waiters(mem::take);
        for (_, waker) in woken {
            waker.wake();
        }
    }

    fn with_waiters<T: Default>(&self, change: impl FnOnce(&mut Waiters) -> T) -> T {
        self.with_cold(|cold| {
            let extra = cold.extra.as_deref_mut();
            match extra.and_then(|extra| extra.waiters.as_deref_mut()) {
                Some(waiters) => change(waiters),
                None => T::default(),
            }
        })
    }
}

/// A place among a circuit's waiters; dropped, it is given up.
pub(crate) struct Waiter {
    slot: &'static Slot,
    number: Option<u64>,
}

impl Waiter {
    pub(crate) const fn of(slot: &'static Slot) -> Self {
        Self { slot, number: None }
    }

    /// Has this waker woken at the next change, in place of the one before.
    ///
    /// A change that is stored by now may have woken nobody: look at the circuit again after this.
    pub(crate) fn register(&mut self, waker: &Waker) {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = *self
            .number
            .get_or_insert_with(|| NUMBERS.fetch_add(1, Relaxed));
        let waker = waker.clone();
        // What it replaces is dropped with nothing held, because it is the executor's.
        let replaced = self.slot.with_cold(|cold| {
            let extra = cold.extra.get_or_insert_default();
            let Waiters(waiters) = &mut **extra.waiters.get_or_insert_default();
            match waiters.iter_mut().find(|(other, _)| *other == number) {
                Some((_, present)) => Some(mem::replace(present, waker)),
                None => {
                    waiters.push((number, waker));
                    None
                }
            }
        });
        drop(replaced);
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let gone = self.slot.with_waiters(|Waiters(waiters)| {
            let place = waiters.iter().position(|(other, _)| *other == number)?;
            Some(waiters.swap_remove(place))
        });
        drop(gone);
    }
}
