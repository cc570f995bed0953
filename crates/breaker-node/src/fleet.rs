//! The node's place among other nodes, where it has one.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use breaker_fleet::{Fleet, Redis};
use breaker_layer::Registry;
use breaker_layer::keyed::{KeyedBuilder, KeyedCircuits};
use tokio::task::JoinHandle;

use crate::services::Key;
use crate::{Error, Settings};

/// What votes in the background, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    registry: Registry,
    names: Names,
    ticks: JoinHandle<()>,
}

/// What the services are called: the circuits of all nodes are matched by it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Arc<Mutex<Vec<Arc<str>>>>);

/// Begins to vote, if the settings say so. It does not wait for the store.
pub(crate) fn start(settings: &Settings) -> Result<Option<Place>, Error> {
    let Some(address) = &settings.fleet else {
        return Ok(None);
    };
    let registry = Registry::new();
    let store =
        Redis::open(address.as_str()).map_err(|error| Error::Fleet(format!("--fleet: {error}")))?;
    let fleet = Fleet::builder(&registry, store)
        .namespace(&settings.namespace)
        .zone(&settings.zone)
        // Who closes the log does not want to read it.
        .observe(|event| drop(writeln!(io::stderr(), "breaker-node: {event}")));
    let (_, ticks) = fleet
        .build()
        .map_err(|error| Error::Fleet(error.to_string()))?;
    Ok(Some(Place {
        registry,
        names: Names::default(),
        ticks: tokio::spawn(ticks),
    }))
}

impl Place {
    pub(crate) fn names(&self) -> Names {
        self.names.clone()
    }

    /// Has the circuits of the table called as the services are.
    pub(crate) fn named(&self, table: KeyedBuilder<Key>) -> KeyedBuilder<Key> {
        let names = self.names();
        table.name_by(move |key| names.get(*key))
    }

    /// Votes on these circuits.
    pub(crate) fn add(&self, circuits: &KeyedCircuits<Key>) {
        // It is the only one, so that there is room.
        let _ = self.registry.add_keyed(circuits);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.ticks.abort();
    }
}

impl Names {
    pub(crate) fn set(&self, key: Key, name: &Arc<str>) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() <= key.0 {
            names.resize(key.0 + 1, Arc::from(""));
        }
        names[key.0] = name.clone();
    }

    fn get(&self, key: Key) -> Arc<str> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(key.0).cloned().unwrap_or_default()
    }
}
