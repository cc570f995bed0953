//! The primitives that are shared between threads: std's, or loom's where they are checked.

use breaker_core::Cell64;

#[cfg(all(breaker_loom, not(breaker_loom_rmw)))]
pub(crate) use loom::sync::atomic::AtomicU64;
#[cfg(breaker_loom)]
pub(crate) use loom::sync::{Mutex, atomic::AtomicU32};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
#[cfg(not(breaker_loom))]
pub(crate) use std::sync::{
    Mutex,
    atomic::{AtomicU32, AtomicU64},
};

/// A cell of what lies beside a word.
pub(crate) struct Cell(AtomicU64);

impl Default for Cell {
    fn default() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl Cell {
    pub(crate) fn block(cells: usize) -> Box<[Self]> {
        (0..cells).map(|_| Self::default()).collect()
    }
}

impl Cell64 for Cell {
    fn get(&self) -> u64 {
        self.0.load(Acquire)
    }

    fn set(&self, bits: u64) {
        self.0.store(bits, Release);
    }

    #[inline(always)]
    fn replace(&self, old: u64, new: u64) -> bool {
        replace(&self.0, old, new)
    }

    fn increment(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Puts `new` there if `old` still stands.
///
/// Whoever comes too late pauses, for less than a microsecond, before it looks again: meanwhile the others do some dozen calls
/// without passing the cache line to and fro, which takes longer than a call.
#[inline(always)]
pub(crate) fn replace(place: &AtomicU64, old: u64, new: u64) -> bool {
    let is_ours = place.compare_exchange(old, new, AcqRel, Acquire).is_ok();
    if !is_ours {
        pause();
    }
    is_ours
}

#[inline(always)]
fn pause() {
    // To loom this would be the wish that another thread goes first.
    #[cfg(not(breaker_loom))]
    for _ in 0..16 {
        std::hint::spin_loop();
    }
}

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
        self.0.fetch_or(0, AcqRel)
    }

    pub(crate) fn store(&self, value: u64, _: std::sync::atomic::Ordering) {
        self.0.swap(value, AcqRel);
    }
}

#[cfg(breaker_loom_rmw)]
impl std::ops::Deref for AtomicU64 {
    type Target = loom::sync::atomic::AtomicU64;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
