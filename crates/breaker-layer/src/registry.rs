//! Circuits by their names, for operators and health checks.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{circuit::Circuit, observe::Observe, slot::Tenancy};

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
    entries: Vec<Entry>,
    /// Of every circuit, those included that are added later.
    observers: Vec<Arc<dyn Observe>>,
}

/// A circuit or a table of them, by name.
#[derive(Clone)]
struct Entry {
    name: Arc<str>,
    place: Place,
}

#[derive(Clone)]
enum Place {
    One(Tenancy),
    #[cfg(feature = "keyed")]
    Table(Arc<dyn crate::keyed::Table>),
}

/// A circuit that a [`Registry`] found.
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
    /// # Errors
    ///
    /// [`RegistryFull`], if as many as it holds are alive.
    pub fn add(&self, circuit: &Circuit) -> Result<(), RegistryFull> {
        self.push(Entry {
            name: circuit.name(),
            place: Place::One(circuit.tenancy()),
        })
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
        self.push(Entry {
            name: circuits.name().into(),
            place: Place::Table(circuits.to_table()),
        })
    }

    /// The circuit of this name; `key` is what its table calls it, if it is of one. A key with nothing against it has no
    /// circuit to be found; `KeyedCircuits::circuit` makes one to command.
    pub fn find(&self, name: &str, key: Option<&str>) -> Option<Circuit> {
        let entries = self.living();
        let mut named = entries.iter().rev().filter(|entry| *entry.name == *name);
        named.find_map(|entry| match (&entry.place, key) {
            (Place::One(tenancy), None) => tenancy.circuit(),
            (Place::One(_), Some(_)) => None,
            #[cfg(feature = "keyed")]
            (Place::Table(table), Some(key)) => table.find(key),
            #[cfg(feature = "keyed")]
            (Place::Table(_), None) => None,
        })
    }

    /// Every circuit that is alive, in the order in which they were added. A table has one for each key that has
    /// something against it.
    pub fn circuits(&self) -> Vec<Found> {
        let entries = self.living();
        let mut found = Vec::with_capacity(entries.len());
        for Entry { name, place } in entries {
            match place {
                Place::One(tenancy) => found.extend(tenancy.circuit().map(|circuit| Found {
                    name,
                    key: None,
                    circuit,
                })),
                #[cfg(feature = "keyed")]
                Place::Table(table) => {
                    let all = table.all().into_iter();
                    found.extend(all.map(|(key, circuit)| Found {
                        name: name.clone(),
                        key,
                        circuit,
                    }));
                }
            }
        }
        found
    }

    /// Whether every circuit is ready: see [`Circuit::is_ready`]. A table is ready whatever its keys are.
    pub fn is_ready(&self) -> bool {
        let single = |entry: Entry| match entry.place {
            Place::One(tenancy) => tenancy.circuit(),
            #[cfg(feature = "keyed")]
            Place::Table(_) => None,
        };
        let mut circuits = self.living().into_iter().filter_map(single);
        circuits.all(|circuit| circuit.is_ready())
    }

    /// Those that are not known to be gone.
    fn living(&self) -> Vec<Entry> {
        self.held().entries.clone()
    }

    /// Has this observe every circuit, those included that are added later.
    pub(crate) fn observe(&self, observer: Arc<dyn Observe>) {
        let mut held = self.held();
        let entries = held.entries.clone();
        held.observers.push(observer.clone());
        drop(held);
        entries.iter().for_each(|entry| entry.observe(&observer));
    }

    pub(crate) fn unobserve(&self, observer: &Arc<dyn Observe>) {
        let mut held = self.held();
        let entries = held.entries.clone();
        held.observers.retain(|other| !Arc::ptr_eq(other, observer));
        drop(held);
        entries.iter().for_each(|entry| entry.unobserve(observer));
    }

    fn push(&self, entry: Entry) -> Result<(), RegistryFull> {
        let most = self.shared.most;
        let mut held = self.held();
        let all = mem::take(&mut held.entries).into_iter();
        let (gone, living): (Vec<_>, Vec<_>) = all.partition(Entry::is_gone);
        held.entries = living;
        let has_room = held.entries.len() < most;
        let observers = held.observers.clone();
        if has_room {
            held.entries.push(entry.clone());
        }
        drop(held);
        // Dropped with nothing held, because keys are the user's.
        drop(gone);
        if !has_room {
            return Err(RegistryFull { most });
        }
        observers
            .iter()
            .for_each(|observer| entry.observe(observer));
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        let held = &self.shared.held;
        held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn observe(&self, observer: &Arc<dyn Observe>) {
        match &self.place {
            Place::One(tenancy) => tenancy.observe(observer, None),
            #[cfg(feature = "keyed")]
            Place::Table(table) => table.observe(observer),
        }
    }

    fn unobserve(&self, observer: &Arc<dyn Observe>) {
        match &self.place {
            Place::One(tenancy) => tenancy.unobserve(observer),
            #[cfg(feature = "keyed")]
            Place::Table(table) => table.unobserve(observer),
        }
    }

    fn is_gone(&self) -> bool {
        match &self.place {
            Place::One(tenancy) => tenancy.is_over(),
            #[cfg(feature = "keyed")]
            Place::Table(table) => table.is_gone(),
        }
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.living().into_iter().map(|entry| entry.name).collect();
        f.debug_struct("Registry").field("names", &names).finish()
    }
}

/// As a list of objects: the name, the key and what [`Snapshot`](crate::Snapshot) holds.
#[cfg(feature = "serde")]
impl serde::Serialize for Registry {
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
        serializer.collect_seq(self.circuits().iter().map(|found| Listed {
            circuit: found.name(),
            key: found.key(),
            is_ready: found.circuit().is_ready(),
            snapshot: found.circuit().snapshot(),
        }))
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
