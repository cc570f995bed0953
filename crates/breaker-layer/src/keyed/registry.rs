//! Where a table's circuits are found: storage that is reused and never unmapped, as the circuits' own is.
//!
//! The response future of a call needs the table when its result is there. A reference count for that would be two writes
//! a call to memory that all clones share, so it holds a plain reference and the number of the tenancy.
//!
//! Look-ups take no lock; everything that changes which circuits there are happens under one. So of two threads that see
//! the first failure of a key one makes the circuit and the other finds it. Removal races with calls: a circuit is ended only
//! in the version that was judged, so that one which a call has changed since stays. Whoever finds a circuit that has ended
//! waits for the lock and looks again. A found circuit's slot gets no other tenant before all who could have found it have gone on: for them
//! the map keeps what it held, as epoch-based maps do.
//!
//! The map is papaya's. Unlike `DashMap`'s its look-ups write nothing that other threads read, and what was taken out is
//! dropped within a few batches of 32, where scc's `HashIndex` kept up to 40 %. BENCHMARKS.md has the figures.

use std::{
    any::Any,
    borrow::Borrow,
    hash::{Hash, RandomState},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed},
        },
    },
    time::Duration,
};

use papaya::{Guard, HashSet};

use super::{
    entry::{ByKey, Entry, Key, Sought},
    index::Index,
    tenant::{Policy, Tenant},
};

/// One table of circuits, or none at present.
pub(super) struct Registry<K: Key> {
    pub(super) map: HashSet<ByKey<K>, RandomState>,
    /// Odd while a circuit is being put into the map, and another number before and after.
    pub(super) turn: AtomicU64,
    /// For how long a circuit is kept that has tripped, in nanoseconds.
    keep: AtomicU64,
    index: Mutex<Index<K>>,
    pub(super) uncounted: AtomicU64,
    pub(super) abandoned: AtomicU64,
}

impl<K: Key> Registry<K> {
    fn vacant() -> Self {
        Self {
            map: HashSet::with_hasher(RandomState::new()),
            turn: AtomicU64::new(0),
            keep: AtomicU64::new(0),
            index: Mutex::default(),
            uncounted: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
        }
    }

    /// A place for a new table, and the number of its tenancy.
    pub(super) fn take() -> (&'static Self, u32) {
        let registry = take().unwrap_or_else(|| Box::leak(Box::new(Self::vacant())));
        registry.uncounted.store(0, Relaxed);
        registry.abandoned.store(0, Relaxed);
        (registry, registry.index().tenancy)
    }

    pub(super) fn begin(&self, tenant: &Arc<Tenant<K>>) {
        let keep = tenant.limits.keep.as_nanos();
        self.keep
            .store(u64::try_from(keep).unwrap_or(u64::MAX), Relaxed);
        self.index().tenant = Arc::downgrade(tenant);
    }

    pub(super) fn keep(&self) -> Duration {
        Duration::from_nanos(self.keep.load(Relaxed))
    }

    /// Takes every circuit away.
    pub(super) fn vacate(&self) {
        let mut index = self.index();
        index.tenancy = index.tenancy.wrapping_add(1);
        let tenant = mem::take(&mut index.tenant);
        let gone = index.take_all();
        drop(index);
        drop(tenant);
        let guard = self.map.guard();
        self.map.clear(&guard);
        guard.flush();
        drop(guard);
        for entry in gone {
            let slot = entry.circuit.slot();
            // One that somebody has a handle of lives on by itself.
            if let Some(ended) = slot.end_if(|_| true) {
                ended.tell();
            }
        }
    }

    pub(super) fn index(&self) -> MutexGuard<'_, Index<K>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever has the table in this tenancy. To be dropped with nothing held, because it may be the last to go.
    pub(super) fn tenant(&self, tenancy: u32) -> Option<Arc<Tenant<K>>> {
        let index = self.index();
        if index.tenancy == tenancy {
            index.tenant.upgrade()
        } else {
            None
        }
    }

    /// That of a key in this tenancy. It runs the user's functions.
    pub(super) fn policy(&self, tenancy: u32, key: &K) -> Option<Policy> {
        let tenant = self.tenant(tenancy)?;
        Some(tenant.parts.policy(key))
    }

    /// Changes whenever a circuit is made.
    #[inline]
    pub(super) fn turn(&self) -> u64 {
        self.turn.load(Acquire)
    }

    /// Whether no circuit was made since `turn`.
    #[inline]
    pub(super) fn is_still(&self, turn: u64) -> bool {
        turn.is_multiple_of(2) && self.turn() == turn
    }

    /// Looks at the circuit of a key without a lock. What it runs should be quick, and must not be the user's.
    #[inline]
    pub(super) fn with<Q, T>(&self, key: &Q, look: impl FnOnce(&Arc<Entry<K>>) -> T) -> Option<T>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let map = self.map.pin();
        map.get(&Sought(key)).map(|ByKey(entry)| look(entry))
    }

    /// The circuit of a key in this tenancy.
    pub(super) fn find(&self, key: &K, tenancy: u32) -> Option<Arc<Entry<K>>> {
        self.with(key, Arc::clone)
            .filter(|entry| entry.tenancy == tenancy)
    }

    pub(super) fn all(&self) -> Vec<Arc<Entry<K>>> {
        let map = self.map.pin();
        map.iter().map(|ByKey(entry)| entry.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// Waits until a circuit that is gone can no longer be found.
    pub(super) fn settle(&self) {
        drop(self.index());
    }
}

/// Places that wait for a table, of whatever key.
static VACANT: Mutex<Vec<&'static (dyn Any + Send + Sync)>> = Mutex::new(Vec::new());

fn take<K: Key>() -> Option<&'static Registry<K>> {
    let mut vacant = VACANT.lock().unwrap_or_else(PoisonError::into_inner);
    let place = vacant.iter().position(|any| any.is::<Registry<K>>())?;
    vacant.swap_remove(place).downcast_ref()
}

pub(super) fn put<K: Key>(registry: &'static Registry<K>) {
    let mut vacant = VACANT.lock().unwrap_or_else(PoisonError::into_inner);
    vacant.push(registry);
}
