//! What a table of circuits was built with, and what its operator has said since.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{
        AtomicU8,
        Ordering::{AcqRel, Relaxed},
    },
};

use breaker_core::{Cancelled, Checked, Command, Config, ConfigError, Phase, Timestamp};

use super::{
    entry::{Key, Limits},
    registry::{self, Registry},
};
use crate::{
    builder::random_seed,
    circuit::Circuit,
    clock::Clock,
    storage::{self, CircuitState, KeyedNews, Listener, Observers, Plan, Slot},
    sync::lock,
};

/// What a table of circuits was built with; with its last owner the table is gone.
pub(super) struct Tenant<K: Key> {
    pub(super) registry: &'static Registry<K>,
    pub(super) tenancy: u32,
    pub(super) limits: Limits,
    /// Requests without a key share it, if there is one.
    pub(super) keyless: Option<Circuit>,
    pub(super) parts: Parts<K>,
    /// That of all keys without one, once the whole table was commanded.
    others: OnceLock<Circuit>,
    /// What a call must look at, besides its key's circuit.
    asks: AtomicU8,
}

/// Some key keeps its circuit from the first call on.
const LASTING: u8 = 1;
/// The whole table is under a command.
const COMMANDED: u8 = 2;

/// The command that the whole table is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Usual,
    ObserveOnly,
    Isolated,
    Disabled,
}

impl Mode {
    pub(super) const fn command(self) -> Command {
        match self {
            Self::Usual => Command::Reset,
            Self::ObserveOnly => Command::ObserveOnly,
            Self::Isolated => Command::Isolate,
            Self::Disabled => Command::Disable,
        }
    }

    /// Whether calls count, so that keys get circuits.
    pub(super) const fn counts(self) -> bool {
        match self {
            Self::Usual | Self::ObserveOnly => true,
            Self::Isolated | Self::Disabled => false,
        }
    }
}

impl<K: Key> Tenant<K> {
    pub(super) fn new(
        (registry, tenancy): (&'static Registry<K>, u32),
        limits: Limits,
        keyless: Option<Circuit>,
        parts: Parts<K>,
    ) -> Self {
        let asks = AtomicU8::new(parts.asks(&parts.usual()));
        Self {
            registry,
            tenancy,
            limits,
            keyless,
            parts,
            others: OnceLock::new(),
            asks,
        }
    }

    /// Whether a call to this key, which has no circuit, passes without one.
    #[inline]
    pub(super) fn passes_alone(&self, key: &K) -> bool {
        match self.asks.load(Relaxed) & (LASTING | COMMANDED) {
            0 => true,
            LASTING => !self.parts.policy(key).is_lasting(),
            _ => false,
        }
    }

    /// Whether this key keeps its circuit from the first call on.
    pub(super) fn is_lasting(&self, key: &K) -> bool {
        self.asks.load(Relaxed) & LASTING != 0 && self.parts.policy(key).is_lasting()
    }

    /// The circuit of all keys that have none, if the whole table was ever commanded.
    pub(super) fn others(&self) -> Option<&Circuit> {
        self.others.get()
    }

    pub(super) fn mode(&self) -> Mode {
        self.others().map_or(Mode::Usual, mode_of)
    }

    /// With the present mode.
    pub(super) fn limits(&self) -> Limits {
        let mode = self.mode();
        Limits {
            mode,
            ..self.limits
        }
    }

    /// As [`Tenant::others`], made if there is none.
    pub(super) fn make_others(&self) -> &Circuit {
        let mut is_new = false;
        let others = self.others.get_or_init(|| {
            is_new = true;
            let parts = &self.parts;
            let (name, now) = (parts.name.clone(), parts.clock.now());
            parts.circuit(name, parts.usual(), now, |_| ())
        });
        if is_new {
            self.parts.observers().tell_began(others.handle());
        }
        others
    }

    /// Has all keys that have no circuit be under this command, and those that get one later.
    pub(super) fn command_others(&self, command: Command, note: Option<&Arc<str>>) -> &Circuit {
        let others = self.make_others();
        others.command(command, note);
        self.asks.fetch_or(COMMANDED, AcqRel);
        // Circuits that are being made just now are there after this; later ones see the mode.
        self.registry.settle();
        others
    }

    /// Calls go on as usual where the whole table is no longer under a command.
    pub(super) fn end_command(&self) {
        self.asks.fetch_and(!COMMANDED, AcqRel);
        // Whoever commanded it just now has stored that before the flag.
        if self.mode() != Mode::Usual {
            self.asks.fetch_or(COMMANDED, AcqRel);
        }
    }

    /// Changes the settings of the keys that have none of their own, for circuits that are made from now on.
    pub(super) fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        let parts = &self.parts;
        let policy = Policy::new(config, &parts.clock)?;
        let mut usual = lock(&parts.usual);
        *usual = policy.clone();
        let asks = parts.asks(&policy);
        self.asks.fetch_or(asks, AcqRel);
        self.asks.fetch_and(asks | COMMANDED, AcqRel);
        drop(usual);
        self.registry.settle();
        Ok(())
    }
}

/// The command that a circuit is under.
pub(super) fn mode_of(circuit: &Circuit) -> Mode {
    let mode = circuit.slot().read(mode_of_state);
    mode.unwrap_or(Mode::Usual)
}

pub(super) fn mode_of_state(state: &CircuitState) -> Mode {
    match state.breaker.phase() {
        Phase::Isolated => Mode::Isolated,
        Phase::Disabled => Mode::Disabled,
        _ if state.breaker.is_shadow() => Mode::ObserveOnly,
        _ => Mode::Usual,
    }
}

/// What circuits are made of.
pub(super) struct Parts<K> {
    pub(super) name: Arc<str>,
    /// What a key's circuit is called; as the table, where nothing says so.
    pub(super) names: Option<Box<Names<K>>>,
    /// What is kept of a key.
    pub(super) keeps: Option<Box<Keeps<K>>>,
    usual: Mutex<Policy>,
    special: Vec<(Box<Selects<K>>, Policy)>,
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
        Plan::new(config, clock.clone(), None).map(Self)
    }

    fn config(&self) -> &Checked {
        &self.0.checked
    }

    /// It keeps a circuit from the first call on.
    pub(super) fn is_lasting(&self) -> bool {
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
        Ok(Self {
            name: given.name,
            names: given.names,
            keeps: given.keeps,
            usual: Mutex::new(usual),
            special,
            clock: given.clock,
            observers: Mutex::new(observers),
            seed: given.seed,
        })
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

    /// What calls must look at.
    fn asks(&self, usual: &Policy) -> u8 {
        let special = self.special.iter().map(|(_, policy)| policy);
        let is_lasting = special.chain([usual]).any(Policy::is_lasting);
        if is_lasting { LASTING } else { 0 }
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
            None => super::kept::copy(key),
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
    pub(super) fn tell(&self, news: KeyedNews) {
        self.observers()
            .tell(|audience| audience.keyed(&self.name, news));
    }
}

impl<K: Key> Drop for Tenant<K> {
    fn drop(&mut self) {
        self.registry.vacate();
        registry::put(self.registry);
    }
}
