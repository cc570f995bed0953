//! What a table of circuits was built with.

use std::{cell::Cell, sync::Arc};

use breaker_core::{Beside, Cancelled, Checked, Config, ConfigError, Mode, Timestamp};

use super::{
    entry::{Key, Limits},
    registry::{self, Registry},
};
use crate::{
    builder::random_seed,
    circuit::Circuit,
    clock::Clock,
    intern,
    observe::{KeyedNews, Observers},
    slot::{Extra, Settings, Slot},
};

/// What a table of circuits was built with; with its last owner the table is gone.
pub(super) struct Tenant<K: Key> {
    pub(super) registry: &'static Registry<K>,
    pub(super) tenancy: u32,
    pub(super) limits: Limits,
    /// Requests without a key share it, if there is one.
    pub(super) keyless: Option<Circuit>,
    pub(super) parts: Parts<K>,
    /// Some key keeps its circuit from the first call on.
    pub(super) has_lasting: bool,
}

impl<K: Key> Tenant<K> {
    /// Whether this key keeps its circuit from the first call on.
    #[inline]
    pub(super) fn is_lasting(&self, key: &K) -> bool {
        self.has_lasting && self.parts.policy(key).is_lasting
    }
}

/// What circuits are made of.
pub(super) struct Parts<K> {
    pub(super) name: Arc<str>,
    pub(super) names: Option<Box<Names<K>>>,
    pub(super) usual: Policy,
    pub(super) special: Vec<(Box<Selects<K>>, Policy)>,
    pub(super) clock: Clock,
    pub(super) observers: Observers,
    pub(super) seed: Option<u16>,
}

pub(super) type Names<K> = dyn Fn(&K) -> Arc<str> + Send + Sync;
pub(super) type Selects<K> = dyn Fn(&K) -> bool + Send + Sync;

/// A checked configuration, and what it means for a key.
#[derive(Clone, Copy)]
pub(super) struct Policy {
    settings: Settings,
    /// It keeps a circuit from the first call on.
    pub(super) is_lasting: bool,
    /// A cancelled call may count, and so needs a circuit.
    pub(super) counts_cancelled: bool,
    pub(super) panic_is_failure: bool,
}

impl Policy {
    pub(super) fn new(
        config: Config,
        clock: &Clock,
        observers: &Observers,
    ) -> Result<Self, ConfigError> {
        if config.starts_as() != Mode::Normal {
            let takes = "`normal` in a table of circuits: most keys have none, and pass";
            return Err(ConfigError::new("mode", takes));
        }
        let interned = intern::store(config)?;
        let config = interned.config;
        Ok(Self {
            settings: Settings::new(interned, clock.source(), false, observers, 0),
            is_lasting: holds_calls(config),
            counts_cancelled: config.cancelled() != Cancelled::Ignored,
            panic_is_failure: config.panic_is_failure(),
        })
    }
}

impl Policy {
    /// The configuration as it was said.
    pub(super) fn config(&self) -> Config {
        self.settings.said()
    }
}

/// Whether a circuit of this configuration holds more than its score.
fn holds_calls(config: &Checked) -> bool {
    let cells = vec![Cell::new(0); config.cells()];
    let beside = Beside::new(config, &cells);
    let windows = [beside.calls(0), beside.time(0, Timestamp::ZERO)];
    windows.iter().any(Option::is_some) || beside.counted().is_some()
}

impl<K> Parts<K> {
    /// The policy of a key.
    pub(super) fn policy(&self, key: &K) -> Policy {
        let special = self.special.iter().find(|(selects, _)| selects(key));
        special.map_or(self.usual, |(_, policy)| *policy)
    }

    /// Whether any key has such a policy.
    pub(super) fn any(&self, is: impl Fn(&Policy) -> bool) -> bool {
        is(&self.usual) || self.special.iter().any(|(_, policy)| is(policy))
    }

    /// What a key's circuit is called.
    pub(super) fn name_of(&self, key: &K) -> Arc<str> {
        match &self.names {
            Some(names) => names(key),
            None => self.name.clone(),
        }
    }

    pub(super) fn circuit(&self, name: Arc<str>, policy: Policy, origin: Timestamp) -> Circuit {
        let seed = self.seed.unwrap_or_else(random_seed);
        let extra = Extra {
            observers: self.observers.clone(),
            clock: self.clock.clone().into_user(),
            ..Extra::default()
        };
        Circuit::of(Slot::let_to(
            name,
            policy.settings.seeded(seed),
            origin,
            extra,
        ))
    }

    /// With nothing held.
    pub(super) fn tell(&self, news: KeyedNews) {
        self.observers.tell_keyed(&self.name, news);
    }
}

impl<K: Key> Drop for Tenant<K> {
    fn drop(&mut self) {
        self.registry.vacate();
        registry::put(self.registry);
    }
}
