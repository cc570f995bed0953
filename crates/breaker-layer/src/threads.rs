//! Numbers for threads, none of which is given twice.

use std::cell::Cell;

/// No thread's number.
pub(crate) const NOBODY: u32 = 0;
/// The number of a thread that has asked for none: nobody has it.
const UNNUMBERED: u32 = u32::MAX;

pub(crate) use leases::is_alive;

/// Whether this is the number of the thread that asks.
#[inline]
pub(crate) fn is_this(number: u32) -> bool {
    leases::NUMBER.with(Cell::get) == number
}

/// The number of this thread; `None` after four billion threads, or if it is about to end.
pub(crate) fn this() -> Option<u32> {
    leases::NUMBER.with(|this| {
        if this.get() == UNNUMBERED {
            this.set(leases::take()?);
        }
        Some(this.get())
    })
}

#[cfg(not(breaker_loom))]
mod leases {
    use std::{
        cell::Cell,
        collections::BTreeSet,
        sync::{Mutex, MutexGuard, PoisonError},
    };

    use super::{NOBODY, UNNUMBERED};

    thread_local! {
        pub(super) static NUMBER: Cell<u32> = const { Cell::new(UNNUMBERED) };
        static LEASE: Lease = Lease::new();
    }

    static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers {
        last: NOBODY,
        alive: BTreeSet::new(),
    });

    struct Numbers {
        last: u32,
        alive: BTreeSet<u32>,
    }

    fn numbers() -> MutexGuard<'static, Numbers> {
        NUMBERS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number, until the thread ends.
    struct Lease(Option<u32>);

    impl Lease {
        fn new() -> Self {
            let mut numbers = numbers();
            let next = numbers.last + 1;
            if next == UNNUMBERED {
                return Self(None);
            }
            numbers.last = next;
            numbers.alive.insert(next);
            Self(Some(next))
        }
    }

    impl Drop for Lease {
        fn drop(&mut self) {
            NUMBER.set(UNNUMBERED);
            if let Some(number) = self.0 {
                numbers().alive.remove(&number);
            }
        }
    }

    pub(super) fn take() -> Option<u32> {
        LEASE.try_with(|lease| lease.0).ok().flatten()
    }

    /// Whether the thread of this number has not ended. Of one that has, all that it did is seen.
    pub(crate) fn is_alive(number: u32) -> bool {
        numbers().alive.contains(&number)
    }
}

#[cfg(breaker_loom)]
mod leases {
    use std::{
        cell::Cell,
        sync::atomic::{AtomicU32, Ordering::Relaxed},
    };

    use super::UNNUMBERED;

    loom::thread_local! {
        pub(super) static NUMBER: Cell<u32> = Cell::new(UNNUMBERED);
    }

    static LAST: AtomicU32 = AtomicU32::new(0);

    pub(super) fn take() -> Option<u32> {
        Some(LAST.fetch_add(1, Relaxed) + 1)
    }

    /// loom does not tell when a thread has ended.
    pub(crate) fn is_alive(_: u32) -> bool {
        true
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::{collections::HashSet, sync::Barrier, thread};

    use super::{NOBODY, UNNUMBERED, is_alive, is_this, this};

    #[test]
    fn no_two_threads_have_the_same_number() {
        let mut all = HashSet::new();
        for _ in 0..20 {
            let barrier = Barrier::new(20);
            let number = || {
                assert!(!is_this(NOBODY));
                let number = this().unwrap();
                assert!(is_this(number) && is_alive(number));
                barrier.wait();
                number
            };
            thread::scope(|scope| {
                let threads: Vec<_> = (0..20).map(|_| scope.spawn(number)).collect();
                for thread in threads {
                    let number = thread.join().unwrap();
                    assert!(number != NOBODY && number != UNNUMBERED);
                    assert!(all.insert(number), "{number} twice");
                    assert!(!is_this(number));
                }
            });
        }
    }

    #[test]
    fn a_thread_that_has_ended_is_known_not_to_be_alive() {
        let number = thread::spawn(|| this().unwrap()).join().unwrap();
        assert!(!is_alive(number));
    }
}
