//! A table of circuits, whatever its keys are, to those who do not keep it alive.

use std::sync::{Arc, Weak};

use super::{
    all::AllKeys,
    circuits::KeyedCircuits,
    entry::Key,
    map::Map,
    table::{Part, Table},
};
use crate::{circuit::Circuit, storage::Listener};

/// A table of circuits that may be gone.
pub(crate) trait AnyTable: Send + Sync {
    /// The circuit of the key that has this name.
    fn find(&self, key: &str) -> Option<Circuit>;
    /// A part of its circuits, with the name of its key if it has one; `None` from where there are no more parts.
    fn part(&self, number: usize) -> Option<Part>;
    /// Commands to the whole table.
    fn all(&self) -> Option<AllKeys>;
    /// Has this observe every circuit of the table, those included that are made later.
    fn observe(&self, listener: &Listener);
    fn unobserve(&self, id: usize);
    fn is_gone(&self) -> bool;
}

impl<K: Key> KeyedCircuits<K> {
    /// From now on its circuits can be found by name.
    pub(crate) fn to_any_table(&self) -> Arc<dyn AnyTable> {
        let Table { store, shared, .. } = &**self.table();
        if shared.parts.names.is_some() {
            store.lock().list.keep_names();
        }
        Arc::new(Arc::downgrade(self.table()))
    }
}

impl<K: Key> Table<K> {
    /// Does this to every circuit.
    fn each_there(&self, act: impl Fn(&Circuit)) {
        // Circuits that are being made just now are there after this.
        self.store.wait();
        self.living().for_each(|(_, circuit)| act(&circuit));
        let of_no_key = [self.shared.others(), self.keyless.as_ref()];
        of_no_key.into_iter().flatten().for_each(act);
    }

    /// The circuits of no key: that of requests without one, and, under a command, that of all other keys.
    fn of_no_key(&self) -> Vec<(Option<Arc<str>>, Circuit)> {
        let of_no_key = self.shared.commanded().into_iter().chain(&self.keyless);
        of_no_key.map(|circuit| (None, circuit.clone())).collect()
    }
}

impl<K: Key> Table<K> {
    /// The circuit of the key that has this name.
    pub(super) fn named(&self, key: &str) -> Option<Circuit> {
        let entry = self.store.lock().list.named(key).cloned()?;
        self.store.handle(&entry)
    }

    /// A part of its circuits: first those of no key, then a shard at a time.
    pub(super) fn numbered_part(&self, number: usize) -> Option<Part> {
        let Some(shard) = number.checked_sub(1) else {
            return Some(self.of_no_key());
        };
        if shard >= Map::<K>::SHARDS {
            return None;
        }
        let has_names = self.shared.parts.names.is_some();
        let entries = self.store.map.shard(shard).into_iter();
        let handles = entries.filter_map(|entry| self.store.handle(&entry));
        let named = handles.map(|circuit| (has_names.then(|| circuit.name()), circuit));
        Some(named.collect())
    }
}

impl<K: Key> AnyTable for Weak<Table<K>> {
    fn find(&self, key: &str) -> Option<Circuit> {
        self.upgrade()?.named(key)
    }

    fn part(&self, number: usize) -> Option<Part> {
        self.upgrade()?.numbered_part(number)
    }

    fn all(&self) -> Option<AllKeys> {
        Some(AllKeys::of(self.upgrade()?))
    }

    fn observe(&self, listener: &Listener) {
        if let Some(table) = self.upgrade() {
            let parts = &table.shared.parts;
            // Of circuits that are made later, too.
            parts.observe(listener);
            table.each_there(|circuit| {
                circuit
                    .downgrade()
                    .observe(listener.clone(), Some(&parts.name));
            });
        }
    }

    fn unobserve(&self, id: usize) {
        if let Some(table) = self.upgrade() {
            table.shared.parts.unobserve(id);
            table.each_there(|circuit| circuit.downgrade().unobserve(id));
        }
    }

    fn is_gone(&self) -> bool {
        self.strong_count() == 0
    }
}
