//! The services that were called, as many as there is room for: what `status` tells of, and `--max-services` bounds.
//! Their circuits are the stack's; here each has a handle, with which its circuit stays for as long as the service is kept.
//!
//! Whoever sends the messages chooses the names and must not fill the memory with them. A closed
//! breaker can be forgotten, because a new one is closed too; any other is kept, or else a caller
//! could close it by calling many other services.

mod idle;

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use breaker_layer::ConfigError;
use serde::ser::{Serialize, Serializer};

use self::idle::Idle;
use crate::fleet::{Names, Place};
use crate::protocol::{Calls, Fault};
use crate::settings::Settings;
use crate::stack::{Service, Stack, Transitions, Verdict};

/// Every service that was called and is not forgotten.
#[derive(Debug)]
pub struct Services {
    most: usize,
    stack: Stack,
    /// To be told what each is called.
    names: Option<Names>,
    kept: Vec<Kept>,
    by_name: BTreeMap<Arc<str>, Key>,
    /// The closed ones.
    idle: Idle,
}

/// A service, for as long as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub(crate) usize);

#[derive(Debug)]
struct Kept {
    name: Arc<str>,
    service: Service,
}

impl Services {
    /// No services yet.
    ///
    /// # Errors
    ///
    /// If the settings make no breaker.
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        Self::in_fleet(settings, None)
    }

    /// As [`Services::new`], with votes on the circuits.
    pub(crate) fn in_fleet(
        settings: &Settings,
        place: Option<&Place>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            most: settings.max_services.get(),
            names: place.map(Place::names),
            stack: Stack::in_fleet(settings, place)?,
            kept: Vec::new(),
            by_name: BTreeMap::new(),
            idle: Idle::new(),
        })
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
        let kept = Kept {
            name: name.into(),
            service: Service::default(),
        };
        let name = kept.name.clone();
        let key = if self.kept.len() < self.most {
            self.kept.push(kept);
            Key(self.kept.len() - 1)
        } else {
            let key = self.idle.pop().ok_or_else(|| self.no_room(&name))?;
            let mut gone = mem::replace(&mut self.kept[key.0], kept);
            self.stack.reset(key, &mut gone.service);
            self.by_name.remove(&gone.name);
            key
        };
        if let Some(names) = &self.names {
            names.set(key, &name);
        }
        self.by_name.insert(name, key);
        Ok(key)
    }

    /// Makes the calls to a service and says how they went.
    ///
    /// # Errors
    ///
    /// If there is no room for its circuit. There is, as long as no more services are kept than there may be circuits.
    pub async fn run(&mut self, key: Key, calls: &Calls<'_>) -> Result<Verdict, Fault> {
        let service = &mut self.kept[key.0].service;
        let verdict = self.stack.run(key, service, calls).await;
        self.done(key);
        verdict.map_err(|full| Fault::temporarily_unavailable(full.to_string()))
    }

    /// The transitions since this was last called, where they are to be told.
    pub fn transitions(&self) -> Transitions {
        self.stack.transitions()
    }

    /// Begins a service afresh.
    pub fn reset(&mut self, key: Key) {
        self.stack.reset(key, &mut self.kept[key.0].service);
        self.done(key);
    }

    /// Notes that a service was used just now.
    fn done(&mut self, key: Key) {
        if self.kept[key.0].service.is_closed() {
            self.idle.put(key);
        } else {
            self.idle.remove(key);
        }
    }

    fn no_room(&self, name: &str) -> Fault {
        let most = self.most;
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
                .map(|(name, key)| (&**name, self.kept[key.0].service.status())),
        )
    }
}
