//! The handle of a table of circuits.

use std::{borrow::Borrow, fmt, hash::Hash, sync::Arc};

use breaker_core::{Config, State};

use super::{entry::Key, full::Full, list::List, permit::KeyedPermit, table::Table};
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
/// # let hosts = KeyedCircuits::<&str>::builder("hosts").clock(breaker_layer::clock::ManualClock::new().clock()).build()?;
/// for _ in 0..15 {
///     hosts.try_acquire("dead.example").unwrap().record(Outcome::Failure);
/// }
/// assert!(hosts.try_acquire("dead.example").is_err());
/// assert!(hosts.try_acquire("fine.example").is_ok());
/// assert_eq!(hosts.state(&"dead.example"), State::Open);
///
/// hosts.reset("dead.example");
/// hosts.circuit(&"fine.example")?.because("they move").isolate(); // one key
/// hosts.all().because("we move").isolate(); // every key, later ones included
/// for (host, circuit) in hosts.iter() {
///     println!("{host}: {}", circuit.state());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`KeyedCircuits::run`] and [`KeyedCircuits::call`] do both steps at once.
///
/// # Commands
///
/// [`KeyedCircuits::circuit`] gives one key's [`Circuit`], which has all commands and [`Circuit::snapshot`]; there may be
/// no room for it: [`Full`]. [`KeyedCircuits::all`] commands every key, and [`KeyedCircuits::reconfigure`] gives them other
/// settings. Keys are looked up in any form that they can be borrowed as: a `String` by a `&str`.
///
/// A [`Circuit`] that it hands out stays its key's circuit for as long as that handle, or a clone of it, is there. With the
/// last clone of the table its circuits are gone, but for those that a handle holds; the storage waits for the next table
/// with such keys.
pub struct KeyedCircuits<K: Key> {
    table: Arc<Table<K>>,
}

impl<K: Key> KeyedCircuits<K> {
    pub(super) const fn of(table: Arc<Table<K>>) -> Self {
        Self { table }
    }

    pub(super) const fn table(&self) -> &Arc<Table<K>> {
        &self.table
    }

    /// The name it was built with.
    pub fn name(&self) -> &str {
        &self.table.shared.parts.name
    }

    /// The settings in force, of every key but those that [`KeyedBuilder::config_for`](super::KeyedBuilder::config_for) gave others.
    pub fn config(&self) -> Config {
        self.table.shared.parts.config()
    }

    /// Asks to make a call for this key.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the call must not be made.
    #[inline]
    pub fn try_acquire(&self, key: K) -> Result<KeyedPermit<K>, Rejected> {
        KeyedPermit::of(&self.table, key, &mut Draw::default())
    }

    /// As a caller that has drawn already, or does so now; without a key as was configured.
    #[inline]
    pub(super) fn acquire_drawn(
        &self,
        key: Option<K>,
        draw: &mut Draw,
    ) -> Result<KeyedPermit<K>, Rejected> {
        match (key, &self.table.keyless) {
            (Some(key), _) => KeyedPermit::of(&self.table, key, draw),
            (None, Some(shared)) => shared.acquire_drawn(draw).map(KeyedPermit::keyless),
            (None, None) => Ok(KeyedPermit::uncounted()),
        }
    }

    /// The circuit of a key, if it has one. A key without one is closed, with nothing against it, or as a command to
    /// [all keys](Self::all) says.
    pub fn get<Q>(&self, key: &Q) -> Option<Circuit>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.table.store.map.hash(key);
        // Each round another circuit of the key was removed.
        loop {
            let entry = self.table.find(hash, key)?;
            if let Some(circuit) = self.table.store.handle(&entry) {
                return Some(circuit);
            }
        }
    }

    /// The circuit of a key, made if it has none.
    ///
    /// ```
    /// use breaker_layer::{State, keyed::KeyedCircuits};
    ///
    /// let hosts = KeyedCircuits::<String>::builder("hosts").build()?;
    /// hosts.circuit("shop.example")?.trip();
    /// assert_eq!(hosts.state("shop.example"), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Full`] if there is no room for it.
    pub fn circuit<Q>(&self, key: &Q) -> Result<Circuit, Full>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(circuit) = self.get(key) {
            return Ok(circuit);
        }
        let key = key.to_owned();
        let Table { store, shared, .. } = &*self.table;
        let hash = store.map.hash(&key);
        // Each attempt looks for room in the next part of the table.
        for _ in 0..=self.len() / List::<K>::SAMPLE {
            let made = store.make(hash, &key, shared);
            if let Some(circuit) = made.and_then(|entry| store.handle(&entry)) {
                return Ok(circuit);
            }
        }
        Err(Full::of(&self.table))
    }

    /// The circuit that requests without a key share, if they do.
    pub fn keyless(&self) -> Option<&Circuit> {
        self.table.keyless.as_ref()
    }

    /// The state of a key, as a caller of this moment would meet it.
    pub fn state<Q>(&self, key: &Q) -> State
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let circuit = self.get(key);
        let circuit = circuit.as_ref().or_else(|| self.table.shared.commanded());
        circuit.map_or(State::Closed, Circuit::state)
    }

    /// Starts this key afresh, if it has a circuit: closed, with nothing against it, and no longer under any command. Its
    /// circuit is forgotten at once, if it may be.
    pub fn reset<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(circuit) = self.get(key) {
            circuit.reset();
            drop(circuit);
            let store = self.table.store;
            if let Some(entry) = self.table.find(store.map.hash(key), key) {
                store.check(&entry);
            }
        }
    }

    /// Every key that has a circuit at this moment, in no order. Those that are forgotten before they come are left out.
    pub fn iter(&self) -> impl Iterator<Item = (K, Circuit)> + use<K> {
        let table = self.table.clone();
        self.table.entries().filter_map(move |entry| {
            let circuit = table.store.handle(&entry)?;
            Some((entry.key.clone(), circuit))
        })
    }

    /// How many keys have a circuit.
    pub fn len(&self) -> usize {
        self.table.store.lock().list.len()
    }

    /// Whether no key has a circuit.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many calls were not counted because there was no room for their key's circuit: on a policy without a window each
    /// failed or was cancelled, and its key had no circuit.
    pub fn uncounted(&self) -> u64 {
        self.table.shared.uncounted()
    }

    /// How many circuits were forgotten that were open or half-open: because the table was full and their keys were not called
    /// for a second or more, or because nobody made the probe that was due for the idle time.
    pub fn forgotten_open(&self) -> u64 {
        self.table.shared.forgotten_open()
    }

    /// Forgets every circuit that may be forgotten now. Calls do so too, though only while they make circuits: this is
    /// for giving memory back when there are none.
    pub fn sweep(&self) {
        self.table.store.sweep(&self.table.shared);
    }
}

impl<K: Key> Clone for KeyedCircuits<K> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
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
