//! A table of circuits, whatever its keys are, to those who do not keep it alive.

use std::sync::{Arc, Weak};

use super::{circuits::KeyedCircuits, entry::Key, tenant::Tenant};
use crate::circuit::Circuit;

/// A table of circuits that may be gone.
pub(crate) trait Table: Send + Sync {
    /// The circuit that the table calls so.
    fn find(&self, name: &str) -> Option<Circuit>;
    /// Every circuit of the table.
    fn all(&self) -> Vec<Circuit>;
    fn is_gone(&self) -> bool;
}

impl<K: Key> KeyedCircuits<K> {
    pub(crate) fn to_table(&self) -> Arc<dyn Table> {
        Arc::new(Arc::downgrade(self.tenant()))
    }
}

impl<K: Key> Table for Weak<Tenant<K>> {
    fn find(&self, name: &str) -> Option<Circuit> {
        let circuits = KeyedCircuits::from_tenant(self.upgrade()?);
        let mut all = circuits.iter().map(|(_, circuit)| circuit);
        all.find(|circuit| *circuit.name() == *name)
    }

    fn all(&self) -> Vec<Circuit> {
        let circuits = self.upgrade().map(KeyedCircuits::from_tenant);
        let circuits = circuits.iter().flat_map(KeyedCircuits::iter);
        circuits.map(|(_, circuit)| circuit).collect()
    }

    fn is_gone(&self) -> bool {
        self.strong_count() == 0
    }
}
