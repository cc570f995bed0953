//! Small numbers for threads: no two that run have the same.
//!
//! Whoever gets the number of a thread that has ended sees all that it did.

/// No thread's number.
pub(crate) const NOBODY: u16 = 0;
/// The number of a thread that has asked for none: nobody has it.
const UNNUMBERED: u16 = u16::MAX;

/// Whether this is the number of the thread that asks.
#[inline]
pub(crate) fn is_this(number: u16) -> bool {
    leases::NUMBER.with(std::cell::Cell::get) == number
}

/// The number of this thread; `None` where there are too many threads, or it is about to end.
pub(crate) fn this() -> Option<u16> {
    leases::NUMBER.with(|this| {
        if this.get() == UNNUMBERED {
            this.set(leases::number()?);
        }
        Some(this.get())
    })
}

#[cfg(not(breaker_loom))]
mod leases {
    use std::{
        cell::Cell,
        sync::{Mutex, PoisonError},
    };

    use super::{NOBODY, UNNUMBERED};

    thread_local! {
        pub(super) static NUMBER: Cell<u16> = const { Cell::new(UNNUMBERED) };
        static LEASE: Lease = Lease::take();
    }

    static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers {
        highest: NOBODY,
        free: Vec::new(),
    });

    struct Numbers {
        highest: u16,
        free: Vec<u16>,
    }

    impl Numbers {
        fn with<T>(act: impl FnOnce(&mut Self) -> T) -> T {
            act(&mut NUMBERS.lock().unwrap_or_else(PoisonError::into_inner))
        }

        fn take(&mut self) -> Option<u16> {
            self.free.pop().or_else(|| {
                let is_left = self.highest + 1 < UNNUMBERED;
                self.highest += u16::from(is_left);
                is_left.then_some(self.highest)
            })
        }
    }

    /// A number for as long as the thread lives.
    struct Lease(Option<u16>);

    impl Lease {
        fn take() -> Self {
            Self(Numbers::with(Numbers::take))
        }
    }

    impl Drop for Lease {
        fn drop(&mut self) {
            NUMBER.set(UNNUMBERED);
            if let Some(number) = self.0 {
                Numbers::with(|numbers| numbers.free.push(number));
            }
        }
    }

    pub(super) fn number() -> Option<u16> {
        LEASE.try_with(|lease| lease.0).ok().flatten()
    }
}

/// Under loom no number is used again soon.
#[cfg(breaker_loom)]
mod leases {
    use std::{
        cell::Cell,
        sync::atomic::{AtomicU16, Ordering::Relaxed},
    };

    use super::UNNUMBERED;

    loom::thread_local! {
        pub(super) static NUMBER: Cell<u16> = Cell::new(UNNUMBERED);
    }

    static NEXT: AtomicU16 = AtomicU16::new(0);

    pub(super) fn number() -> Option<u16> {
        Some(1 + NEXT.fetch_add(1, Relaxed) % 1000)
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::{collections::HashSet, sync::Barrier, thread};

    use super::{NOBODY, UNNUMBERED, is_this, this};

    #[test]
    fn no_two_threads_that_run_have_the_same_number() {
        for _ in 0..50 {
            let (barrier, threads) = (Barrier::new(20), 0..20);
            let numbers: HashSet<u16> = thread::scope(|scope| {
                let number = || {
                    assert!(!is_this(NOBODY));
                    let number = this().unwrap();
                    assert!(is_this(number));
                    barrier.wait();
                    number
                };
                let threads: Vec<_> = threads.map(|_| scope.spawn(number)).collect();
                threads.into_iter().map(|one| one.join().unwrap()).collect()
            });
            assert_eq!(numbers.len(), 20);
            assert!(!numbers.contains(&NOBODY) && !numbers.contains(&UNNUMBERED));
        }
    }
}
