//! A table of circuits: what all its handles have in common.

use std::{borrow::Borrow, sync::Arc};

use super::{
    entry::{Entry, Key},
    eviction::Limits,
    map::Map,
    parts::Parts,
    shared::Shared,
    store::Store,
};
use crate::circuit::Circuit;

/// Circuits of a table, each with the name of its key if it has one.
pub(super) type Part = Vec<(Option<Arc<str>>, Circuit)>;

/// A table of circuits. With its last handle its circuits are gone, but for those that somebody holds.
pub(super) struct Table<K: Key> {
    pub(super) store: &'static Store<K>,
    pub(super) shared: Arc<Shared<K>>,
    /// Requests without a key share it, if there is one.
    pub(super) keyless: Option<Circuit>,
}

impl<K: Key> Table<K> {
    pub(super) fn new(limits: Limits, parts: Parts<K>, keyless: Option<Circuit>) -> Self {
        let shared = Arc::new(Shared::new(limits, parts));
        Self {
            store: Store::of(&shared),
            shared,
            keyless,
        }
    }

    /// The circuit of a key with this hash.
    pub(super) fn find<Q>(&self, hash: u64, key: &Q) -> Option<Arc<Entry<K>>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.store.find(hash, key, self.shared.number)
    }

    /// The circuits of keys, a part of them at a time.
    pub(super) fn entries(&self) -> impl Iterator<Item = Arc<Entry<K>>> + use<K> {
        let map = &self.store.map;
        (0..Map::<K>::SHARDS).flat_map(|number| map.shard(number))
    }

    /// Every circuit that is not forgotten before it comes.
    pub(super) fn living(&self) -> impl Iterator<Item = (Arc<Entry<K>>, Circuit)> {
        let store = self.store;
        self.entries()
            .filter_map(|entry| store.handle(&entry).map(|circuit| (entry, circuit)))
    }
}

impl<K: Key> Drop for Table<K> {
    fn drop(&mut self) {
        self.store.release();
    }
}
