//! The primitives that are shared between threads: std's, or loom's where they are checked.

#[cfg(all(breaker_loom, not(breaker_loom_rmw)))]
pub(crate) use loom::sync::atomic::AtomicU64;
#[cfg(breaker_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(breaker_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic::AtomicU64};

/// One whose loads and stores are read-modify-writes to loom.
///
/// loom 0.7 looks for other orders only at the last access to an atomic. So a compare-and-swap that follows a load of its own
/// thread is never tried before earlier loads of another one, which is the order of every loop here. Seen so, every access is
/// tried before every other, though no load sees an old value.
#[cfg(breaker_loom_rmw)]
pub(crate) struct AtomicU64(loom::sync::atomic::AtomicU64);

#[cfg(breaker_loom_rmw)]
impl AtomicU64 {
    pub(crate) fn new(value: u64) -> Self {
        Self(loom::sync::atomic::AtomicU64::new(value))
    }

    pub(crate) fn load(&self, _: std::sync::atomic::Ordering) -> u64 {
        self.0.fetch_or(0, std::sync::atomic::Ordering::AcqRel)
    }

    pub(crate) fn store(&self, value: u64, _: std::sync::atomic::Ordering) {
        self.0.swap(value, std::sync::atomic::Ordering::AcqRel);
    }
}

#[cfg(breaker_loom_rmw)]
impl std::ops::Deref for AtomicU64 {
    type Target = loom::sync::atomic::AtomicU64;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Locks a mutex that is no part of what loom checks. What a panic left behind is as good as what it found.
#[cfg(any(feature = "keyed", feature = "metrics"))]
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
