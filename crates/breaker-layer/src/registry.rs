//! Circuits by their names, for operators and health checks.

use std::{
    fmt, iter,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    circuit::Circuit,
    observe::{Observe, listener},
    storage::Listener,
};

mod list;
use list::{Entry, List, Place};

/// Finds circuits by their names: for a page that lists them, for an operator's commands, for health checks.
///
/// It keeps none of them alive, and forgets those that are gone. Clones share what is in it. With the feature `serde` it
/// can be written as a list, for such a page.
///
/// ```
/// use breaker_layer::{Circuit, Registry};
///
/// let registry = Registry::new();
/// let circuit = Circuit::builder("payments").build()?;
/// registry.add(&circuit).unwrap();
/// for found in registry.circuits() {
///     println!("{}: {}", found.name(), found.circuit().state());
/// }
/// registry.find("payments", None).unwrap().because("a test").isolate();
/// assert!(circuit.try_acquire().is_err());
/// drop(circuit);
/// assert!(registry.find("payments", None).is_none());
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[derive(Clone)]
#[doc(alias = "CircuitBreakerRegistry")]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    list: List,
    /// Of every circuit, those included that are added later.
    listeners: Vec<Listener>,
}

/// A circuit that a [`Registry`] found.
///
/// With the feature `serde` it can be written as an object: the name, the key and what [`Snapshot`](crate::Snapshot) holds.
#[derive(Clone, Debug)]
pub struct Found {
    name: Arc<str>,
    key: Option<Arc<str>>,
    circuit: Circuit,
}

impl Found {
    /// The name of the circuit, or of its table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its table calls its key, if it is of one: see `KeyedBuilder::name_by`. `None` for a table's circuit of requests
    /// without a key, and for that of all other keys while the whole table is under a command: see `KeyedCircuits::all`.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The circuit. It is kept alive for as long as this is held.
    pub const fn circuit(&self) -> &Circuit {
        &self.circuit
    }
}

/// There is no room for one more circuit or table of circuits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistryFull {
    most: usize,
}

impl fmt::Display for RegistryFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no room in the registry: it holds {}", self.most)
    }
}

impl std::error::Error for RegistryFull {}

impl Registry {
    /// One that holds up to 1024 circuits and tables.
    pub fn new() -> Self {
        Self::with_capacity(1024)
    }

    /// One that holds up to so many circuits and tables.
    pub fn with_capacity(most: usize) -> Self {
        let held = Mutex::default();
        Self {
            shared: Arc::new(Shared { most, held }),
        }
    }

    /// Adds a circuit, under its name. Of two with the same name the later one is found.
    ///
    /// It looks at all that are in it only where there are as many as it holds.
    ///
    /// # Errors
    ///
    /// [`RegistryFull`], if as many as it holds are alive.
    pub fn add(&self, circuit: &Circuit) -> Result<(), RegistryFull> {
        self.push(circuit.name(), Place::One(circuit.downgrade()))
    }

    /// Adds a table of circuits, under its name.
    ///
    /// # Errors
    ///
    /// As [`Registry::add`].
    #[cfg(feature = "keyed")]
    pub fn add_keyed<K: crate::keyed::Key>(
        &self,
        circuits: &crate::keyed::KeyedCircuits<K>,
    ) -> Result<(), RegistryFull> {
        self.push(
            circuits.name().into(),
            Place::Table(circuits.to_any_table()),
        )
    }

    /// The circuit of this name; `key` is what its table calls it, if it is of one. A key with nothing against it has no
    /// circuit to be found; `KeyedCircuits::circuit` makes one to command.
    pub fn find(&self, name: &str, key: Option<&str>) -> Option<Circuit> {
        self.latest(name, |place| place.find(key))
    }

    /// Commands to every key of the table of this name, those included that come later.
    ///
    /// ```
    /// use breaker_layer::{Registry, State, keyed::KeyedCircuits};
    ///
    /// let registry = Registry::new();
    /// let hosts = KeyedCircuits::<String>::builder("hosts").build()?;
    /// registry.add_keyed(&hosts).unwrap();
    /// registry.table("hosts").unwrap().because("they move").isolate();
    /// assert_eq!(hosts.state("shop.example"), State::Isolated);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    #[cfg(feature = "keyed")]
    pub fn table(&self, name: &str) -> Option<crate::keyed::AllKeys> {
        self.latest(name, Place::all)
    }

    /// Every circuit that is alive, in the order in which they were added. A table has one for each key that has
    /// something against it. [`Registry::iter`] gives them without a list.
    pub fn circuits(&self) -> Vec<Found> {
        self.iter().collect()
    }

    /// As [`Registry::circuits`], but one after another: for pages of very many circuits, which are written as they go. Those
    /// that begin or end meanwhile may come or not.
    ///
    /// ```
    /// use breaker_layer::{Circuit, Registry};
    ///
    /// let registry = Registry::new();
    /// let circuit = Circuit::builder("payments").build()?;
    /// registry.add(&circuit).unwrap();
    /// let open = registry.iter().filter(|found| found.circuit().is_open());
    /// assert_eq!(open.count(), 0);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Found> + use<> {
        self.entries().flat_map(|Entry { name, place }| {
            place.circuits().map(move |(key, circuit)| Found {
                name: name.clone(),
                key,
                circuit,
            })
        })
    }

    /// The circuits that are of no table, one after another, in the order in which they were added.
    ///
    /// ```
    /// use breaker_layer::{Circuit, Registry};
    ///
    /// let registry = Registry::new();
    /// let circuit = Circuit::builder("payments").build()?;
    /// registry.add(&circuit).unwrap();
    /// assert!(registry.singles().all(|found| found.key().is_none()));
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn singles(&self) -> impl Iterator<Item = Found> + use<> {
        self.entries().filter_map(|Entry { name, place }| {
            let circuit = place.find(None)?;
            Some(Found {
                name,
                key: None,
                circuit,
            })
        })
    }

    /// Every table of circuits, those included whose keys have nothing against them.
    ///
    /// ```
    /// use breaker_layer::{Registry, keyed::KeyedCircuits};
    ///
    /// let registry = Registry::new();
    /// let hosts = KeyedCircuits::<String>::builder("hosts").build()?;
    /// registry.add_keyed(&hosts).unwrap();
    /// let table = registry.tables().next().unwrap();
    /// assert_eq!((table.name(), table.len()), ("hosts", 0));
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    #[cfg(feature = "keyed")]
    pub fn tables(&self) -> impl Iterator<Item = crate::keyed::AllKeys> + use<> {
        self.entries().filter_map(|entry| entry.place.all())
    }

    /// Has this observe every circuit, those included that are added later. [`Registry::events`] are a stream of the same.
    ///
    /// ```
    /// use std::sync::{Arc, atomic::{AtomicU32, Ordering::Relaxed}};
    /// use breaker_layer::{Circuit, Registry, TransitionEvent};
    ///
    /// let (registry, seen) = (Registry::new(), Arc::new(AtomicU32::new(0)));
    /// let count = seen.clone();
    /// registry.observe(move |_: &TransitionEvent<'_>| { count.fetch_add(1, Relaxed); });
    /// let circuit = Circuit::builder("payments").build()?;
    /// registry.add(&circuit).unwrap();
    /// circuit.trip();
    /// assert_eq!(seen.load(Relaxed), 1);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn observe(&self, observer: impl Observe) {
        self.listen(listener(Arc::new(observer)));
    }

    /// Whether every circuit is ready: see [`Circuit::is_ready`]. A table is ready whatever its keys are.
    pub fn is_ready(&self) -> bool {
        let mut single = self.entries().filter_map(|entry| entry.place.find(None));
        single.all(|circuit| circuit.is_ready())
    }

    /// What this finds in the last added of those with this name in which it finds anything.
    fn latest<T>(&self, name: &str, find: impl Fn(&Place) -> Option<T>) -> Option<T> {
        let name = name.into();
        let mut before = u64::MAX;
        loop {
            let (number, place) = self.held().list.latest(&name, before)?;
            // With nothing held: it may be the circuit's last handle that is dropped here.
            if let Some(found) = find(&place) {
                return Some(found);
            }
            before = number;
        }
    }

    /// The living entries, one after another, with nothing held in between; but for those that are added from now on.
    fn entries(&self) -> impl Iterator<Item = Entry> + use<> {
        let registry = self.clone();
        let (mut next, end) = (0, self.held().list.next());
        iter::from_fn(move || {
            let (number, entry) = registry.held().list.first_from(next)?;
            next = number + 1;
            (number < end).then_some(entry)
        })
    }

    /// Has this observe every circuit, those included that are added later.
    pub(crate) fn listen(&self, listener: Listener) {
        self.held().listeners.push(listener.clone());
        self.entries()
            .for_each(|entry| entry.place.observe(&listener));
    }

    pub(crate) fn unlisten(&self, id: usize) {
        self.held().listeners.retain(|listener| listener.id() != id);
        self.entries().for_each(|entry| entry.place.unobserve(id));
    }

    fn push(&self, name: Arc<str>, place: Place) -> Result<(), RegistryFull> {
        let most = self.shared.most;
        let mut held = self.held();
        let entry = Entry {
            name,
            place: place.clone(),
        };
        let has_room = held.list.add(entry, most);
        let listeners = held.listeners.clone();
        drop(held);
        if !has_room {
            return Err(RegistryFull { most });
        }
        listeners
            .iter()
            .for_each(|listener| place.observe(listener));
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        let held = &self.shared.held;
        held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.entries().map(|entry| entry.name).collect();
        f.debug_struct("Registry").field("names", &names).finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Found {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Listed<'a> {
            circuit: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            key: Option<&'a str>,
            is_ready: bool,
            #[serde(flatten)]
            snapshot: crate::Snapshot,
        }
        let listed = Listed {
            circuit: self.name(),
            key: self.key(),
            is_ready: self.circuit.is_ready(),
            snapshot: self.circuit.snapshot(),
        };
        listed.serialize(serializer)
    }
}

/// As a list of every [`Found`], one after another.
#[cfg(feature = "serde")]
impl serde::Serialize for Registry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::Registry;
    use crate::Circuit;

    #[test]
    fn a_registry_is_written_as_a_list_of_its_circuits() {
        let registry = Registry::new();
        let circuit = Circuit::builder("payments").build().unwrap();
        registry.add(&circuit).unwrap();
        circuit.because("they move").isolate();
        assert!(circuit.try_acquire().is_err());
        let written = serde_json::to_value(&registry).unwrap();
        let one = &written[0];
        assert_eq!(
            (&one["circuit"], &one["state"]),
            (&"payments".into(), &"isolated".into())
        );
        assert_eq!(
            (&one["note"], &one["rejected"]),
            (&"they move".into(), &1.into())
        );
        assert_eq!(
            (&one["is_ready"], &one["retry_after"]),
            (&false.into(), &serde_json::Value::Null)
        );
        assert_eq!(one.get("key"), None);
        drop(circuit);
        assert_eq!(
            serde_json::to_value(&registry).unwrap(),
            serde_json::json!([])
        );
    }
}
