//! A store in memory, for tests of several processes in one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use crate::store::{Answer, Lease, Put, Read, Report, Store, StoreError, View};

/// A store in memory, for tests. Clones are the same store. Its time is Tokio's, so that a test can pause it.
///
/// ```
/// use breaker_fleet::{Fleet, InMemory};
/// use breaker_layer::Registry;
///
/// # tokio_test::block_on(async {
/// let store = InMemory::new();
/// let (_here, ticks) = Fleet::builder(&Registry::new(), store.clone()).build().unwrap();
/// tokio::spawn(ticks);
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct InMemory(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    hashes: BTreeMap<String, Hash>,
    /// Each with its end, if it has one.
    leases: BTreeMap<String, Option<Instant>>,
    is_down: bool,
    exchanges: u64,
}

#[derive(Debug, Default)]
struct Hash {
    fields: BTreeMap<String, String>,
    ends: Option<Instant>,
}

impl InMemory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on every exchange fails, or none does.
    pub fn set_down(&self, is_down: bool) {
        self.held().is_down = is_down;
    }

    /// Forgets everything, as `FLUSHALL` does.
    pub fn flush(&self) {
        let mut held = self.held();
        held.hashes.clear();
        held.leases.clear();
    }

    /// Writes a field past all processes, as a stranger could.
    pub fn put(&self, hash: &str, field: &str, value: &str) {
        let mut held = self.held();
        let hash = held.hashes.entry(hash.to_owned()).or_default();
        hash.fields.insert(field.to_owned(), value.to_owned());
    }

    /// Takes a lease that does not end, as a stranger could.
    pub fn lease_for_ever(&self, name: &str) {
        self.held().leases.insert(name.to_owned(), None);
    }

    /// What is in a hash.
    pub fn fields(&self, hash: &str) -> BTreeMap<String, String> {
        let mut held = self.held();
        held.sweep();
        let hash = held.hashes.get(hash);
        hash.map(|hash| hash.fields.clone()).unwrap_or_default()
    }

    /// The names of all hashes.
    pub fn hashes(&self) -> Vec<String> {
        let mut held = self.held();
        held.sweep();
        held.hashes.keys().cloned().collect()
    }

    /// How many exchanges there were.
    pub fn exchanges(&self) -> u64 {
        self.held().exchanges
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn sweep(&mut self) {
        let now = Instant::now();
        self.leases
            .retain(|_, ends| ends.is_none_or(|ends| ends > now));
        self.hashes.retain(|_, hash| {
            let is_over = hash.ends.is_some_and(|ends| ends <= now);
            !is_over && !hash.fields.is_empty()
        });
    }

    fn put(&mut self, put: &Put) {
        let hash = self.hashes.entry(put.hash.clone()).or_default();
        hash.fields.insert(put.field.clone(), put.value.clone());
        if let Some(keep) = put.keep {
            hash.ends = Instant::now().checked_add(keep);
        }
    }

    fn read(&self, read: &Read) -> Answer {
        match read {
            Read::Hash { hash, most } => {
                let fields = self.hashes.get(hash).map(|hash| &hash.fields);
                let fields = fields.into_iter().flatten().take(*most);
                Answer::Fields(fields.map(|(k, v)| (k.clone(), v.clone())).collect())
            }
            Read::Left(what) => {
                let ends = self.leases.get(what).copied().flatten();
                Answer::Left(ends.map(|ends| ends.saturating_duration_since(Instant::now())))
            }
        }
    }

    fn up(&mut self) -> Result<(), StoreError> {
        self.exchanges += 1;
        if self.is_down {
            return Err(StoreError::new("the store is down"));
        }
        self.sweep();
        Ok(())
    }
}

impl Store for InMemory {
    async fn exchange(&self, report: &Report) -> Result<View, StoreError> {
        let mut held = self.held();
        held.up()?;
        report.puts.iter().for_each(|put| held.put(put));
        for (hash, field) in &report.removes {
            if let Some(hash) = held.hashes.get_mut(hash) {
                hash.fields.remove(field);
            }
        }
        let answers = report.reads.iter().map(|read| held.read(read)).collect();
        Ok(View {
            answers,
            ignored: 0,
        })
    }

    async fn lease(&self, wanted: &[Lease]) -> Result<Vec<bool>, StoreError> {
        let mut held = self.held();
        held.up()?;
        let now = Instant::now();
        let take = |Lease { name, lasts }: &Lease| {
            let is_free = !held.leases.contains_key(name);
            if is_free {
                held.leases.insert(name.clone(), now.checked_add(*lasts));
            }
            is_free
        };
        Ok(wanted.iter().map(take).collect())
    }
}
