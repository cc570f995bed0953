//! How rejections are counted: exactly, and by one thread without a lock.
//!
//! A locked addition takes longer than all else that a rejection does once it knows the time. So the first thread whose
//! call a circuit rejects has a count of its own, which nobody else writes; the others share one.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::Slot;
use crate::threads::{self, NOBODY};

/// After so many rejections that others counted it is worth a look whether the first thread is still there.
const LOOKS_AFTER: u64 = 256;

impl Slot {
    /// Counts a rejection of the thread that has a count of its own; `false`, and nothing is written, if this is another.
    #[inline]
    pub(crate) fn count_own_rejection(&self) -> bool {
        let own = &self.own_rejections;
        if threads::is_this(self.rejecter.load(Relaxed))
            && let Some(next) = own.load(Relaxed).checked_add(1)
        {
            own.store(next, Release);
            return true;
        }
        false
    }

    /// Counts a rejection of any thread. The first one gets a count of its own for those to come, and when it has ended
    /// another one goes on with it.
    pub(crate) fn count_rejection(&self) {
        let (counts, this) = (&self.counts, threads::this().unwrap_or(NOBODY));
        let rejecter = self.rejecter.load(Relaxed);
        let mut more = 1;
        if rejecter == this && this != NOBODY {
            // Its count is full. For a moment the sum lacks it, once in four billion rejections.
            more += u64::from(self.own_rejections.swap(0, Release));
        }
        let before = counts.rejections.fetch_add(more, Release);
        let is_free = || {
            rejecter == NOBODY || before.is_multiple_of(LOOKS_AFTER) && !threads::is_alive(rejecter)
        };
        if this != NOBODY && rejecter != this && is_free() {
            // If another thread comes first, this one does without. One that is about to end would have nobody go on who
            // knows what the last one did.
            let _ = self
                .rejecter
                .compare_exchange(rejecter, this, Relaxed, Relaxed);
        }
    }

    /// As if its thread had counted so many that one more has no room.
    #[cfg(test)]
    pub(crate) fn fill_own_rejections(&self) {
        self.own_rejections.store(u32::MAX, Release);
    }

    /// The calls that were rejected.
    pub(crate) fn rejections(&self) -> u64 {
        // First what is shared: whoever sees that a full count was added to it sees that this began afresh.
        let shared = self.counts.rejections.load(Acquire);
        shared + u64::from(self.own_rejections.load(Acquire))
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::{cell::OnceCell, sync::atomic::Ordering::Relaxed, thread};

    use crate::{Circuit, threads};

    fn isolated() -> Circuit {
        let circuit = Circuit::builder("isolated").build().unwrap();
        circuit.isolate();
        circuit
    }

    fn reject(circuit: &Circuit) {
        assert!(circuit.try_acquire().is_err());
    }

    #[test]
    fn a_thread_that_counts_for_itself_shares_what_is_full() {
        let circuit = isolated();
        let slot = circuit.slot();
        (0..3).for_each(|_| reject(&circuit));
        assert_eq!(slot.own_rejections.load(Relaxed), 2, "the first asks");
        circuit.slot().fill_own_rejections();
        (0..3).for_each(|_| reject(&circuit));
        assert_eq!(slot.own_rejections.load(Relaxed), 2);
        assert_eq!(circuit.snapshot().rejected, u64::from(u32::MAX) + 4);
    }

    #[test]
    fn a_thread_goes_on_with_the_count_of_one_that_has_ended() {
        let circuit = isolated();
        let slot = circuit.slot();
        for round in 1..=20 {
            thread::scope(|scope| {
                let all = || (0..1000).for_each(|_| reject(&circuit));
                scope.spawn(all).join().unwrap();
            });
            assert_eq!(circuit.snapshot().rejected, 1000 * round);
        }
        assert!(slot.own_rejections.load(Relaxed) > 20 * 700);
    }

    /// Whoever finds that nobody has it would not know what the one that has ended did.
    #[test]
    fn a_thread_that_is_about_to_end_leaves_the_count_to_its_last_owner() {
        struct AtTheEnd(Circuit);
        impl Drop for AtTheEnd {
            fn drop(&mut self) {
                (0..1000).for_each(|_| reject(&self.0));
            }
        }
        thread_local!(static AT_THE_END: OnceCell<AtTheEnd> = const { OnceCell::new() });
        let circuit = isolated();
        let first = circuit.clone();
        thread::spawn(move || reject(&first)).join().unwrap();
        let owner = circuit.slot().rejecter.load(Relaxed);
        let last = circuit.clone();
        // Of what a thread has, that goes first which it had last.
        let ending = thread::spawn(move || {
            AT_THE_END.with(|end| end.set(AtTheEnd(last)).is_ok());
            assert!(threads::this().is_some());
        });
        ending.join().unwrap();
        assert_eq!(circuit.slot().rejecter.load(Relaxed), owner);
        assert_eq!(circuit.snapshot().rejected, 1001);
    }

    #[test]
    fn threads_that_come_and_go_lose_none() {
        let circuit = isolated();
        for _ in 0..200 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..50).for_each(|_| reject(&circuit)));
                }
            });
        }
        assert_eq!(circuit.snapshot().rejected, 200 * 4 * 50);
    }
}
