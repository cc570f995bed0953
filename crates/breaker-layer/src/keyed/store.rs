//! Where the circuits of a table are kept: storage that is reused and never unmapped, as the circuits' own is.
//!
//! The response future of a call needs the table when its result is there. A reference count for that would be two writes
//! a call to memory that all clones share, so it holds a plain reference to the store and the number of the table. What a
//! store keeps when its table is gone is a few kilobytes.
//!
//! Everything that changes which circuits there are happens under one lock. So of two threads that see the first failure of
//! a key one makes the circuit and the other finds it. Removal races with calls: a circuit is ended only in the version that
//! was looked at, and stays if a call has changed it since. Whoever finds a circuit that has ended waits for the lock, and looks
//! again: then it is no longer in the map.

use std::{
    any::Any,
    borrow::Borrow,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{
    entry::{Entry, Key},
    list::List,
    map::Map,
    shared::Shared,
};
use crate::circuit::Circuit;

/// The circuits of one table, or none at present.
pub(super) struct Store<K: Key> {
    pub(super) map: Map<K>,
    /// For how long a circuit is kept that has tripped, in nanoseconds.
    keep: AtomicU64,
    changing: Mutex<Changing<K>>,
}

/// What is read and changed under the lock.
pub(super) struct Changing<K: Key> {
    pub(super) list: List<K>,
    shared: Weak<Shared<K>>,
    /// How many circuits the table has made.
    pub(super) made: u64,
}

impl<K: Key> Store<K> {
    /// One for the circuits of this table.
    pub(super) fn of(shared: &Arc<Shared<K>>) -> &'static Self {
        let cells = Map::<K>::cells_for(shared.limits.circuits);
        let store = pool::take(|store: &Self| store.map.cells() == cells);
        let store = store.unwrap_or_else(|| Box::leak(Box::new(Self::vacant(cells))));
        let keep = shared.limits.keep.as_nanos();
        let keep = u64::try_from(keep).unwrap_or(u64::MAX);
        store.keep.store(keep, Relaxed);
        store.lock().shared = Arc::downgrade(shared);
        store
    }

    fn vacant(cells: usize) -> Self {
        Self {
            map: Map::new(cells),
            keep: AtomicU64::new(0),
            changing: Mutex::new(Changing {
                list: List::default(),
                shared: Weak::new(),
                made: 0,
            }),
        }
    }

    /// Removes every circuit, and waits for the next table.
    pub(super) fn release(&'static self) {
        let mut changing = self.lock();
        changing.shared = Weak::new();
        let entries = changing.list.take_all();
        self.map.clear();
        drop(changing);
        for entry in entries {
            // One that somebody has a handle of lives on by itself.
            if let Some(ended) = entry.circuit.slot().end_if(|_| true) {
                ended.tell();
            }
        }
        pool::put(self);
    }

    pub(super) fn keep(&self) -> Duration {
        Duration::from_nanos(self.keep.load(Relaxed))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Changing<K>> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until what is being changed just now is done.
    pub(super) fn wait(&self) {
        drop(self.lock());
    }

    /// What the table of this number was built with, unless it is gone. To be dropped with nothing held: it may be the last.
    pub(super) fn shared(&self, table: u64) -> Option<Arc<Shared<K>>> {
        let shared = self.lock().shared.upgrade();
        shared.filter(|shared| shared.number == table)
    }

    /// The circuit of a key with this hash, in the table of this number.
    #[inline]
    pub(super) fn find<Q>(&self, hash: u64, key: &Q, table: u64) -> Option<Arc<Entry<K>>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let found = self.map.find(hash, key);
        found.filter(|entry| entry.table == table)
    }

    /// A handle of a circuit, unless it is removed.
    pub(super) fn handle(&self, entry: &Arc<Entry<K>>) -> Option<Circuit> {
        let changing = self.lock();
        let is_there = changing.list.has(entry);
        is_there.then(|| entry.circuit.clone())
    }
}

impl<K: Key> Changing<K> {
    /// Whether the store is this table's, which may be gone by now.
    pub(super) fn is_of(&self, shared: &Shared<K>) -> bool {
        std::ptr::eq(self.shared.as_ptr(), shared)
    }
}

/// Stores that wait for a table, of whatever key.
mod pool {
    use super::{Any, Key, Mutex, MutexGuard, PoisonError, Store};

    type Vacant = Vec<&'static (dyn Any + Send + Sync)>;
    static VACANT: Mutex<Vacant> = Mutex::new(Vec::new());

    /// One that fits.
    pub(super) fn take<K: Key>(fits: impl Fn(&Store<K>) -> bool) -> Option<&'static Store<K>> {
        let mut vacant = vacant();
        let is_it = |any: &&(dyn Any + Send + Sync)| any.downcast_ref().is_some_and(&fits);
        let place = vacant.iter().position(is_it)?;
        vacant.swap_remove(place).downcast_ref()
    }

    pub(super) fn put<K: Key>(store: &'static Store<K>) {
        vacant().push(store);
    }

    fn vacant() -> MutexGuard<'static, Vacant> {
        VACANT.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
