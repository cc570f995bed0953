//! The handle of a table of circuits.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
    vec,
};

use breaker_core::{Config, State};

use super::{
    builder::KeyedBuilder,
    entry::{Entry, Key},
    permit::KeyedPermit,
    tenant::Tenant,
    upkeep::Made,
};
use crate::{
    circuit::{Circuit, Draw},
    error::Rejected,
};

/// One circuit for each key that needs one; a handle that is cheap to clone.
///
/// It makes circuits by itself, for the calls of a [`KeyedBreakerLayer`](super::KeyedBreakerLayer) or for those that ask
/// it by hand:
///
/// ```
/// use breaker_layer::{Outcome, State, keyed::KeyedCircuits};
///
/// let hosts = KeyedCircuits::<&str>::builder("hosts").build()?;
/// for _ in 0..15 {
///     hosts.try_acquire("dead.example").unwrap().record(Outcome::Failure);
/// }
/// assert!(hosts.try_acquire("dead.example").is_err());
/// assert!(hosts.try_acquire("fine.example").is_ok());
/// assert_eq!(hosts.state(&"dead.example"), State::Open);
///
/// hosts.reset(&"dead.example");
/// hosts.isolate(&"fine.example").unwrap();
/// for (host, circuit) in hosts.iter() {
///     println!("{host}: {}", circuit.state());
/// }
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
///
/// A [`Circuit`] that it hands out stays its key's circuit for as long as that handle, or a clone of it, is there. With the
/// last clone of the table its circuits are gone, but for those that a handle holds; the storage waits for the next table
/// with such keys.
pub struct KeyedCircuits<K: Key> {
    tenant: Arc<Tenant<K>>,
}

impl<K: Key> KeyedCircuits<K> {
    /// Begins a table of this name.
    pub fn builder(name: impl Into<Arc<str>>) -> KeyedBuilder<K> {
        KeyedBuilder::new(name.into())
    }

    pub(super) fn of(tenant: Tenant<K>) -> Self {
        let tenant = Arc::new(tenant);
        tenant.registry.begin(&tenant);
        Self { tenant }
    }

    pub(super) const fn tenant(&self) -> &Arc<Tenant<K>> {
        &self.tenant
    }

    pub(super) const fn from_tenant(tenant: Arc<Tenant<K>>) -> Self {
        Self { tenant }
    }

    /// The name it was built with.
    pub fn name(&self) -> &str {
        &self.tenant.parts.name
    }

    /// The settings of every circuit but those that [`KeyedBuilder::config_for`] gave others.
    pub fn config(&self) -> Config {
        self.tenant.parts.usual.config()
    }

    /// Asks to make a call for this key.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the call must not be made.
    #[inline]
    pub fn try_acquire(&self, key: K) -> Result<KeyedPermit<K>, Rejected> {
        KeyedPermit::of(&self.tenant, key, &mut Draw::default())
    }

    /// As a caller that has drawn already, or does so now; without a key as was configured.
    #[inline]
    pub(super) fn acquire(
        &self,
        key: Option<K>,
        draw: &mut Draw,
    ) -> Result<KeyedPermit<K>, Rejected> {
        match (key, &self.tenant.keyless) {
            (Some(key), _) => KeyedPermit::of(&self.tenant, key, draw),
            (None, Some(shared)) => shared.acquire_drawn(draw).map(KeyedPermit::keyless),
            (None, None) => Ok(KeyedPermit::uncounted()),
        }
    }

    /// The circuit of a key, if it has one: a key without one is closed, with nothing against it.
    pub fn get(&self, key: &K) -> Option<Circuit> {
        loop {
            let entry = self.tenant.registry.with(key, Arc::clone)?;
            if let Some(circuit) = self.handle(&entry) {
                return Some(circuit);
            }
        }
    }

    /// The circuit of a key, made if it has none.
    ///
    /// # Errors
    ///
    /// [`Full`] if there is no room for it.
    pub fn circuit(&self, key: &K) -> Result<Circuit, Full> {
        loop {
            if let Some(circuit) = self.get(key) {
                return Ok(circuit);
            }
            if let Made::No | Made::Gone = self.tenant.registry.make_for(key, &self.tenant) {
                let circuits = self.tenant.limits.circuits;
                return Err(Full { circuits });
            }
        }
    }

    /// The circuit that requests without a key share, if they do.
    pub fn keyless(&self) -> Option<&Circuit> {
        self.tenant.keyless.as_ref()
    }

    /// The state of a key, as a caller of this moment would meet it.
    pub fn state(&self, key: &K) -> State {
        let circuit = self.get(key);
        circuit.map_or(State::Closed, |circuit| circuit.state())
    }

    /// Rejects every call for this key until another command says otherwise.
    ///
    /// # Errors
    ///
    /// [`Full`] if there is no room for its circuit.
    pub fn isolate(&self, key: &K) -> Result<(), Full> {
        self.circuit(key).map(|circuit| circuit.isolate())
    }

    /// Starts this key afresh: closed, with nothing against it, and no longer under any command. Its circuit is forgotten
    /// at once, if it may be.
    pub fn reset(&self, key: &K) {
        if let Some(circuit) = self.get(key) {
            circuit.reset();
            drop(circuit);
            let registry = self.tenant.registry;
            if let Some(entry) = registry.with(key, Arc::clone) {
                registry.look_at(&entry);
            }
        }
    }

    /// Every key that has a circuit at this moment, in no order. Those that are forgotten before they come are left out.
    pub fn iter(&self) -> impl Iterator<Item = (K, Circuit)> + use<K> {
        Iter {
            circuits: self.clone(),
            entries: self.tenant.registry.all().into_iter(),
        }
    }

    /// How many keys have a circuit.
    pub fn len(&self) -> usize {
        self.tenant.registry.len()
    }

    /// Whether no key has a circuit.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many calls were not counted because there was no room for their key's circuit: on a policy without a window each
    /// failed or was cancelled, and its key had no circuit.
    pub fn uncounted(&self) -> u64 {
        self.tenant.registry.uncounted.load(Relaxed)
    }

    /// How many circuits were forgotten that were open or half-open: due for a probe, and their keys not called for the idle
    /// time.
    pub fn forgotten_open(&self) -> u64 {
        self.tenant.registry.abandoned.load(Relaxed)
    }

    /// Forgets every circuit that may be forgotten now. Calls do so too, though only while they make circuits: this is
    /// for giving memory back when there are none.
    pub fn sweep(&self) {
        self.tenant.registry.sweep(&self.tenant);
    }

    /// A handle of a circuit that is not forgotten yet.
    fn handle(&self, entry: &Arc<Entry<K>>) -> Option<Circuit> {
        let registry = self.tenant.registry;
        registry.hold(entry, || entry.circuit.clone())
    }
}

struct Iter<K: Key> {
    circuits: KeyedCircuits<K>,
    entries: vec::IntoIter<Arc<Entry<K>>>,
}

impl<K: Key> Iterator for Iter<K> {
    type Item = (K, Circuit);

    fn next(&mut self) -> Option<Self::Item> {
        let circuits = &self.circuits;
        self.entries.find_map(|entry| {
            let circuit = circuits.handle(&entry)?;
            Some((entry.key.clone(), circuit))
        })
    }
}

impl<K: Key> Clone for KeyedCircuits<K> {
    fn clone(&self) -> Self {
        Self {
            tenant: self.tenant.clone(),
        }
    }
}

impl<K: Key> fmt::Debug for KeyedCircuits<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedCircuits")
            .field("name", &self.name())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// There is no room for one more circuit: each is open, half-open, under an operator's command, or held by a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    circuits: usize,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let circuits = self.circuits;
        write!(
            f,
            "no room for one more circuit: all {circuits} are in use, and none of them is closed"
        )
    }
}

impl std::error::Error for Full {}
