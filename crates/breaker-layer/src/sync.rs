//! The primitives that are shared between threads: std's, or loom's where they are checked.

use breaker_core::Cell64;

#[cfg(breaker_loom)]
pub(crate) use loom::sync::{
    Mutex,
    atomic::{AtomicU32, AtomicU64},
};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
#[cfg(not(breaker_loom))]
pub(crate) use std::sync::{
    Mutex,
    atomic::{AtomicU32, AtomicU64},
};

/// A cell of what lies beside a word.
pub(crate) struct Cell(AtomicU64);

impl Cell {
    pub(crate) fn block(cells: usize) -> Box<[Self]> {
        (0..cells).map(|_| Self(AtomicU64::new(0))).collect()
    }
}

impl Cell64 for Cell {
    fn get(&self) -> u64 {
        self.0.load(Acquire)
    }

    fn set(&self, bits: u64) {
        self.0.store(bits, Release);
    }

    fn replace(&self, old: u64, new: u64) -> bool {
        self.0.compare_exchange(old, new, AcqRel, Acquire).is_ok()
    }

    fn increment(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}
