//! The services that were called, as many as there is room for.
//!
//! Whoever sends the messages chooses the names and must not fill the memory with them. A closed
//! breaker can be forgotten, because a new one is closed too; any other is kept, or else a caller
//! could close it by calling many other services.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use serde::ser::{Serialize, Serializer};

use crate::protocol::Fault;
use crate::settings::Settings;
use crate::stack::Stack;

/// Every service that was called and is not forgotten.
#[derive(Debug)]
pub struct Services {
    settings: Settings,
    kept: Vec<Kept>,
    by_name: BTreeMap<Arc<str>, Key>,
    /// The closed ones, by the turn in which each was last used.
    idle: BTreeMap<u64, Key>,
    turn: u64,
}

/// A service, until the next one is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(usize);

#[derive(Debug)]
struct Kept {
    name: Arc<str>,
    stack: Stack,
    /// Its turn in `idle`, if it is there.
    idle_since: Option<u64>,
}

impl Services {
    /// No services yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            kept: Vec::new(),
            by_name: BTreeMap::new(),
            idle: BTreeMap::new(),
            turn: 0,
        }
    }

    /// Finds a service, or makes it.
    ///
    /// # Errors
    ///
    /// If there is no room for one more.
    pub fn find(&mut self, name: &str) -> Result<Key, Fault> {
        if let Some(&key) = self.by_name.get(name) {
            return Ok(key);
        }
        let is_full = self.kept.len() >= self.settings.max_services.get();
        if is_full && self.idle.is_empty() {
            return Err(self.no_room(name));
        }
        let name: Arc<str> = name.into();
        let kept = Kept {
            stack: self.make(&name)?,
            name: name.clone(),
            idle_since: None,
        };
        let forgotten = if is_full { self.idle.pop_first() } else { None };
        let key = forgotten.map_or(Key(self.kept.len()), |(_, key)| key);
        if forgotten.is_some() {
            self.by_name
                .remove(&mem::replace(&mut self.kept[key.0], kept).name);
        } else {
            self.kept.push(kept);
        }
        self.by_name.insert(name, key);
        Ok(key)
    }

    /// The stack of a service. Once it has been used, the service is [done](Self::done).
    pub fn stack(&mut self, key: Key) -> &mut Stack {
        &mut self.kept[key.0].stack
    }

    /// Begins a service afresh.
    ///
    /// # Errors
    ///
    /// If the settings make no breaker.
    pub fn reset(&mut self, key: Key) -> Result<(), Fault> {
        let stack = self.make(&self.kept[key.0].name)?;
        self.kept[key.0].stack = stack;
        Ok(())
    }

    /// Notes that a service was used just now.
    pub fn done(&mut self, key: Key) {
        let kept = &mut self.kept[key.0];
        let is_closed = kept.stack.is_closed();
        if is_closed && kept.idle_since == Some(self.turn) {
            return;
        }
        if let Some(turn) = kept.idle_since.take() {
            self.idle.remove(&turn);
        }
        if is_closed {
            self.turn += 1;
            self.idle.insert(self.turn, key);
            kept.idle_since = Some(self.turn);
        }
    }

    fn make(&self, name: &Arc<str>) -> Result<Stack, Fault> {
        Stack::new(name.clone(), &self.settings)
            .map_err(|error| Fault::temporarily_unavailable(error.to_string()))
    }

    fn no_room(&self, name: &str) -> Fault {
        let most = self.settings.max_services;
        Fault::temporarily_unavailable(format!(
            "no room for service {name}: the node keeps {most} services (--max-services), and none of them is closed"
        ))
    }
}

/// The status of each service, in the order of the bytes of the names.
impl Serialize for Services {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.by_name
                .iter()
                .map(|(name, key)| (&**name, self.kept[key.0].stack.status())),
        )
    }
}
