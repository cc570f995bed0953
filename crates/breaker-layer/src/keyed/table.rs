//! A table of circuits, whatever its keys are, to those who do not keep it alive.

use std::sync::{Arc, Weak};

use super::{
    circuits::KeyedCircuits,
    entry::Key,
    tenant::{Mode, Tenant},
};
use crate::{circuit::Circuit, storage::Listener};

/// A table of circuits that may be gone.
pub(crate) trait Table: Send + Sync {
    /// The circuit of the key that has this name.
    fn find(&self, key: &str) -> Option<Circuit>;
    /// A part of its circuits, with the name of its key if it has one; `None` from where there are no more parts.
    fn part(&self, number: usize) -> Option<Vec<(Option<Arc<str>>, Circuit)>>;
    /// Has this observe every circuit of the table, those included that are made later.
    fn observe(&self, listener: &Listener);
    fn unobserve(&self, id: usize);
    fn is_gone(&self) -> bool;
}

impl<K: Key> KeyedCircuits<K> {
    pub(crate) fn to_table(&self) -> Arc<dyn Table> {
        Arc::new(Arc::downgrade(self.tenant()))
    }

    /// Every circuit.
    fn observable(&self) -> impl Iterator<Item = Circuit> {
        let of_no_key = self.tenant().others().into_iter().chain(self.keyless());
        self.living()
            .map(|(_, circuit)| circuit)
            .chain(of_no_key.cloned())
    }

    /// The circuits of no key: that of requests without one, and, under a command, that of all other keys.
    fn of_no_key(&self) -> impl Iterator<Item = Circuit> {
        let tenant = self.tenant();
        let is_commanded = tenant.mode() != Mode::Usual;
        let others = tenant.others().filter(|_| is_commanded);
        others.into_iter().chain(self.keyless()).cloned()
    }
}

impl<K: Key> Table for Weak<Tenant<K>> {
    fn find(&self, key: &str) -> Option<Circuit> {
        let circuits = KeyedCircuits::from_tenant(self.upgrade()?);
        circuits.tenant().parts.names.as_ref()?;
        let mut all = circuits.living().map(|(_, circuit)| circuit);
        all.find(|circuit| *circuit.name() == *key)
    }

    fn part(&self, number: usize) -> Option<Vec<(Option<Arc<str>>, Circuit)>> {
        let circuits = self.upgrade().map(KeyedCircuits::from_tenant)?;
        if number > 0 {
            return None;
        }
        let has_names = circuits.tenant().parts.names.is_some();
        let of_keys = circuits.living().map(|(_, circuit)| {
            let name = has_names.then(|| circuit.name());
            (name, circuit)
        });
        let of_no_key = circuits.of_no_key().map(|circuit| (None, circuit));
        Some(of_no_key.chain(of_keys).collect())
    }

    fn observe(&self, listener: &Listener) {
        let Some(circuits) = self.upgrade().map(KeyedCircuits::from_tenant) else {
            return;
        };
        let tenant = circuits.tenant();
        tenant.parts.observe(listener);
        // Circuits that are being made just now are there after this; later ones have the observer.
        tenant.registry.settle();
        for circuit in circuits.observable() {
            circuit
                .downgrade()
                .observe(listener.clone(), Some(&tenant.parts.name));
        }
    }

    fn unobserve(&self, id: usize) {
        let Some(circuits) = self.upgrade().map(KeyedCircuits::from_tenant) else {
            return;
        };
        let tenant = circuits.tenant();
        tenant.parts.unobserve(id);
        tenant.registry.settle();
        for circuit in circuits.observable() {
            circuit.downgrade().unobserve(id);
        }
    }

    fn is_gone(&self) -> bool {
        self.strong_count() == 0
    }
}
