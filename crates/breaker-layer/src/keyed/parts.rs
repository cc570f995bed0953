//! What the circuits of a table are made of.

use std::sync::{
    Arc, Mutex,
    atomic::{
        AtomicBool,
        Ordering::{Relaxed, Release},
    },
};

use breaker_core::{Cancelled, Checked, Config, ConfigError, Timestamp};

use super::{entry::Key, kept};
use crate::{
    builder::random_seed,
    circuit::Circuit,
    clock::Clock,
    storage::{self, CircuitState, KeyedEvent, Listener, Observers, Plan, Slot},
    sync::lock,
};

/// What circuits are made of.
pub(super) struct Parts<K> {
    pub(super) name: Arc<str>,
    /// What a key's circuit is called; as the table, where nothing says so.
    pub(super) names: Option<Box<Names<K>>>,
    /// What is kept of a key.
    pub(super) keeps: Option<Box<Keeps<K>>>,
    usual: Mutex<Policy>,
    special: Vec<(Box<Selects<K>>, Policy)>,
    /// Some keys have a circuit from the first call on.
    some_keep_calls: AtomicBool,
    pub(super) clock: Clock,
    observers: Mutex<Observers>,
    seed: Option<u16>,
}

pub(super) type Names<K> = dyn Fn(&K) -> Arc<str> + Send + Sync;
pub(super) type Keeps<K> = dyn Fn(&K) -> K + Send + Sync;
pub(super) type Selects<K> = dyn Fn(&K) -> bool + Send + Sync;

/// The settings of a key.
#[derive(Clone)]
pub(super) struct Policy(Arc<Plan>);

impl Policy {
    fn new(config: Config, clock: &Clock) -> Result<Self, ConfigError> {
        if config.starts_as() != breaker_core::Mode::Normal {
            let takes = "`normal` in a table of circuits: most keys have none, and pass";
            return Err(ConfigError::new("mode", takes));
        }
        let plan = Plan::new(config, clock.clone(), None)?;
        if !plan.checked.grace().is_zero() {
            let takes =
                "zero in a table of circuits: a key's circuit begins with its first failure";
            return Err(ConfigError::new("grace", takes));
        }
        Ok(Self(plan))
    }

    fn config(&self) -> &Checked {
        &self.0.checked
    }

    /// It has windows or counts, so that a key needs a circuit from the first call on.
    pub(super) fn keeps_calls(&self) -> bool {
        self.config().keeps_calls()
    }

    /// A cancelled call may count, and so needs a circuit.
    pub(super) fn counts_cancelled(&self) -> bool {
        self.config().cancelled() != Cancelled::Ignored
    }

    pub(super) fn panic_is_failure(&self) -> bool {
        self.config().panic_is_failure()
    }
}

/// What a builder was told.
pub(super) struct Given<K> {
    pub(super) name: Arc<str>,
    pub(super) names: Option<Box<Names<K>>>,
    pub(super) keeps: Option<Box<Keeps<K>>>,
    pub(super) config: Config,
    pub(super) special: Vec<(Box<Selects<K>>, Config)>,
    pub(super) clock: Clock,
    pub(super) observers: Observers,
    pub(super) seed: Option<u16>,
}

impl<K: Key> Parts<K> {
    pub(super) fn new(given: Given<K>) -> Result<Self, ConfigError> {
        let observers = given.observers.of_table(&given.name);
        let usual = Policy::new(given.config, &given.clock)?;
        let special = given.special.into_iter();
        let special = special
            .map(|(selects, config)| Ok((selects, Policy::new(config, &given.clock)?)))
            .collect::<Result<_, _>>()?;
        let parts = Self {
            name: given.name,
            names: given.names,
            keeps: given.keeps,
            usual: Mutex::new(usual.clone()),
            special,
            some_keep_calls: AtomicBool::new(false),
            clock: given.clock,
            observers: Mutex::new(observers),
            seed: given.seed,
        };
        parts.note_settings(&usual);
        Ok(parts)
    }

    /// Gives the keys that have none of their own other settings, for circuits that are made from now on.
    pub(super) fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        let policy = Policy::new(config, &self.clock)?;
        let mut usual = lock(&self.usual);
        self.note_settings(&policy);
        let before = std::mem::replace(&mut *usual, policy);
        drop(usual);
        // With nothing held: the clock in it is the user's.
        drop(before);
        Ok(())
    }

    fn note_settings(&self, usual: &Policy) {
        let special = self.special.iter().map(|(_, policy)| policy);
        let some = special.chain([usual]).any(Policy::keeps_calls);
        self.some_keep_calls.store(some, Release);
    }

    /// The settings of the keys that have none of their own.
    pub(super) fn config(&self) -> Config {
        lock(&self.usual).0.said
    }

    pub(super) fn usual(&self) -> Policy {
        lock(&self.usual).clone()
    }

    /// The settings that this key has of its own.
    pub(super) fn special(&self, key: &K) -> Option<Policy> {
        let special = self.special.iter().find(|(selects, _)| selects(key));
        special.map(|(_, policy)| policy.clone())
    }

    /// The policy of a key.
    pub(super) fn policy(&self, key: &K) -> Policy {
        self.special(key).unwrap_or_else(|| self.usual())
    }

    /// Whether this key has a circuit from the first call on.
    #[inline]
    pub(super) fn keeps_calls(&self, key: &K) -> bool {
        self.some_keep_calls.load(Relaxed) && self.policy(key).keeps_calls()
    }

    /// What a key's circuit is called.
    pub(super) fn name_of(&self, key: &K) -> Arc<str> {
        match &self.names {
            Some(names) => names(key),
            None => self.name.clone(),
        }
    }

    /// What is kept of a key.
    pub(super) fn kept(&self, key: &K) -> K {
        match &self.keeps {
            // What is not the same key would never be found.
            Some(keeps) => Some(keeps(key))
                .filter(|kept| kept == key)
                .unwrap_or_else(|| key.clone()),
            None => kept::copy(key),
        }
    }

    /// A new circuit, which `prepare` changes before anybody sees it.
    pub(super) fn circuit(
        &self,
        name: Arc<str>,
        policy: Policy,
        origin: Timestamp,
        prepare: impl FnOnce(&mut CircuitState),
    ) -> Circuit {
        let parts = storage::Parts {
            name,
            plan: policy.0,
            seed: self.seed.unwrap_or_else(random_seed),
            observers: self.observers(),
        };
        Circuit::of(Slot::begin(parts, origin, prepare))
    }

    /// A circuit of the table itself.
    pub(super) fn circuit_of_no_key(&self) -> Circuit {
        let (name, now) = (self.name.clone(), self.clock.now());
        self.circuit(name, self.usual(), now, |_| ())
    }

    pub(super) fn observers(&self) -> Observers {
        lock(&self.observers).clone()
    }

    /// Adds an observer of the circuits that are made from now on.
    pub(super) fn observe(&self, listener: &Listener) {
        lock(&self.observers).add_to(listener.clone(), Some(&self.name));
    }

    pub(super) fn unobserve(&self, id: usize) {
        let removed = lock(&self.observers).remove(id);
        drop(removed);
    }

    /// With nothing held.
    pub(super) fn tell(&self, event: KeyedEvent) {
        self.observers().tell(|sink| sink.keyed(&self.name, event));
    }
}
