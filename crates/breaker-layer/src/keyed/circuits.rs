//! The handle of a table of circuits.

use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use breaker_core::{Config, Phase, State};

use super::{
    entry::{Entry, Key},
    permit::KeyedPermit,
    tenant::{Tenant, mode_of_state},
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
    tenant: Arc<Tenant<K>>,
}

impl<K: Key> KeyedCircuits<K> {
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

    /// The settings in force, of every key but those that [`KeyedBuilder::config_for`](super::KeyedBuilder::config_for) gave others.
    pub fn config(&self) -> Config {
        self.tenant.parts.config()
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
    pub(super) fn acquire_drawn(
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

    /// The circuit of a key, if it has one. A key without one is closed, with nothing against it, or as a command to
    /// [all keys](Self::all) says.
    pub fn get<Q>(&self, key: &Q) -> Option<Circuit>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        loop {
            let entry = self.tenant.registry.with(key, Arc::clone)?;
            if let Some(circuit) = self.handle(&entry) {
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
        loop {
            let Made::Yes(entry) = self.tenant.registry.make_for(&key, &self.tenant) else {
                return Err(Full::of(&self.tenant));
            };
            if let Some(circuit) = self.handle(&entry) {
                return Ok(circuit);
            }
        }
    }

    /// The circuit that requests without a key share, if they do.
    pub fn keyless(&self) -> Option<&Circuit> {
        self.tenant.keyless.as_ref()
    }

    /// The state of a key, as a caller of this moment would meet it.
    pub fn state<Q>(&self, key: &Q) -> State
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let circuit = self.get(key);
        let circuit = circuit.as_ref().or(self.tenant.others());
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
            let registry = self.tenant.registry;
            if let Some(entry) = registry.with(key, Arc::clone) {
                registry.look_at(&entry);
            }
        }
    }

    /// Every key that has a circuit at this moment, in no order. Those that are forgotten before they come are left out.
    pub fn iter(&self) -> impl Iterator<Item = (K, Circuit)> + use<K> {
        self.living()
            .map(|(entry, circuit)| (entry.key.clone(), circuit))
    }

    /// Every circuit that is not forgotten before it comes.
    pub(super) fn living(&self) -> impl Iterator<Item = (Arc<Entry<K>>, Circuit)> + use<K> {
        let circuits = self.clone();
        let entries = self.tenant.registry.all().into_iter();
        entries.filter_map(move |entry| circuits.handle(&entry).map(|circuit| (entry, circuit)))
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

/// There is no room for one more circuit, and no circuit may be forgotten for it.
///
/// Its text says why they may not: they are open or half-open, or under an operator's command, or held by a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    circuits: usize,
    open: usize,
    commanded: usize,
    held: usize,
}

impl Full {
    #[cold]
    fn of<K: Key>(tenant: &Tenant<K>) -> Self {
        let mut full = Self {
            circuits: tenant.limits.circuits,
            open: 0,
            commanded: 0,
            held: 0,
        };
        for entry in tenant.registry.all() {
            let (slot, mode) = (entry.circuit.slot(), tenant.mode());
            let of_state = slot.read(|state| (mode_of_state(state), state.breaker.phase()));
            let count = match of_state {
                Some((own, _)) if !mode.counts() || own != mode => &mut full.commanded,
                Some((_, Phase::Open { .. } | Phase::HalfOpen { .. })) => &mut full.open,
                _ if slot.is_shared() => &mut full.held,
                // It may go, the next time.
                _ => continue,
            };
            *count += 1;
        }
        full
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no room for one more circuit beside {}", self.circuits)?;
        let mut before = ": ";
        for (many, what) in [
            (self.open, "open or half-open"),
            (self.commanded, "under an operator's command"),
            (self.held, "held by a handle"),
        ] {
            if many > 0 {
                write!(f, "{before}{many} {what}")?;
                before = ", ";
            }
        }
        Ok(())
    }
}

impl std::error::Error for Full {}
