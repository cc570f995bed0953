//! How a table of circuits is made.

use std::{fmt, sync::Arc, time::Duration};

use breaker_core::{Config, ConfigError};

use super::{
    circuits::KeyedCircuits,
    entry::{Key, Limits},
    registry::Registry,
    tenant::{Names, Parts, Policy, Selects, Tenant},
};
use crate::{
    clock::Clock,
    observe::{Observe, Observers},
};

/// The settings of a table of circuits.
///
/// ```
/// use std::time::Duration;
/// use breaker_layer::{Config, OpenTime, Trip, keyed::KeyedCircuits};
///
/// let tenants = KeyedCircuits::<u64>::builder("tenants")
///     .config(Config::new().open_time(OpenTime::fixed(Duration::from_secs(5))))
///     .config_for(|tenant| *tenant < 100, Config::new().trip(Trip::consecutive_failures(50)))
///     .max_circuits(50_000)
///     .build()?;
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct KeyedBuilder<K> {
    name: Arc<str>,
    names: Option<Box<Names<K>>>,
    config: Config,
    special: Vec<(Box<Selects<K>>, Config)>,
    limits: Limits,
    shares_keyless: bool,
    clock: Clock,
    observers: Observers,
    seed: Option<u16>,
}

impl<K: Key> KeyedBuilder<K> {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            names: None,
            config: Config::new(),
            special: Vec::new(),
            limits: Limits {
                circuits: 10_000,
                idle: Duration::from_secs(3600),
                keep: Duration::from_secs(60),
            },
            shares_keyless: false,
            clock: Clock::default(),
            observers: Observers::default(),
            seed: None,
        }
    }

    /// The settings of every circuit: a [`Config`], or settings from a file. Default: those of [`Config::new`].
    pub fn config(mut self, config: impl Into<Config>) -> Self {
        self.config = config.into();
        self
    }

    /// Other settings for the keys of which this says `true`; where it does so several times the first counts.
    ///
    /// It is asked when a circuit is made; for a call without one that was cancelled or panicked; and at each call without
    /// one, if some keys' settings have a window.
    pub fn config_for(
        mut self,
        is_meant: impl Fn(&K) -> bool + Send + Sync + 'static,
        config: impl Into<Config>,
    ) -> Self {
        self.special.push((Box::new(is_meant), config.into()));
        self
    }

    /// Names each circuit after its key, for observers and rejections. Default: all have the name of the table, so that
    /// whoever makes up keys does not make up names in your metrics too.
    pub fn name_by(mut self, name: impl Fn(&K) -> Arc<str> + Send + Sync + 'static) -> Self {
        self.names = Some(Box::new(name));
        self
    }

    /// The most circuits there are at a time, from 1 to 2²⁴. Default: 10 000, about 4 MB beside the keys.
    ///
    /// On a policy without a window only keys that are in trouble have a circuit, and who has ten thousand of them in
    /// trouble at a time has another problem. With a window each key that is called has one: it should be as many as there
    /// are.
    pub fn max_circuits(mut self, circuits: usize) -> Self {
        self.limits.circuits = circuits;
        self
    }

    /// After so long without a call a key's closed circuit is forgotten, whatever speaks against it; and an open one that
    /// is due for a probe, which is told. From 1 s to 100 days. Default: one hour.
    pub fn idle_time(mut self, idle: Duration) -> Self {
        self.limits.idle = idle;
        self
    }

    /// For how long a circuit that has tripped is kept after it closed, so that late results of calls from before the
    /// trip find it and are known as late, up to 100 days. Default: one minute.
    pub fn keep_after_trip(mut self, keep: Duration) -> Self {
        self.limits.keep = keep;
        self
    }

    /// Has requests without a key share one circuit. Default: they pass, and count for nothing.
    pub fn share_keyless(mut self) -> Self {
        self.shares_keyless = true;
        self
    }

    /// Where the time comes from. Default: [`Clock::default`].
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Adds an observer of every circuit, and of the table itself.
    pub fn observe(mut self, observer: impl Observe) -> Self {
        self.observers.add(Arc::new(observer));
        self
    }

    /// Makes the jitter and the draws of probes repeatable: circuits with the same history wait equally long, and draw the
    /// same. Default: random.
    pub fn seed(mut self, seed: u16) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Makes the table.
    ///
    /// # Errors
    ///
    /// Names the first setting that is out of its range, and the range.
    pub fn build(self) -> Result<KeyedCircuits<K>, ConfigError> {
        const DAYS: Duration = Duration::from_secs(100 * 24 * 3600);
        let limits = self.limits;
        let ranges = [
            (
                (1..=1 << 24).contains(&limits.circuits),
                "max_circuits",
                "a number from 1 to 2^24",
            ),
            (
                (Duration::from_secs(1)..=DAYS).contains(&limits.idle),
                "idle_time",
                "a duration from 1 s to 100 days",
            ),
            (
                limits.keep <= DAYS,
                "keep_after_trip",
                "a duration up to 100 days",
            ),
        ];
        if let Some((_, setting, takes)) = ranges.into_iter().find(|(good, ..)| !good) {
            return Err(ConfigError::new(setting, takes));
        }
        let clock = self.clock;
        let observers = self.observers.of_table(&self.name);
        let usual = Policy::new(self.config, &clock, &observers)?;
        let special = self.special.into_iter();
        let special = special
            .map(|(selects, config)| Ok((selects, Policy::new(config, &clock, &observers)?)))
            .collect::<Result<_, _>>()?;
        let parts = Parts {
            name: self.name,
            names: self.names,
            usual,
            special,
            clock,
            observers,
            seed: self.seed,
        };
        let keyless = self
            .shares_keyless
            .then(|| parts.circuit(parts.name.clone(), usual, parts.clock.now()));
        keyless
            .iter()
            .for_each(|circuit| parts.observers.tell_began(circuit));
        let (registry, tenancy) = Registry::take();
        Ok(KeyedCircuits::of(Tenant {
            registry,
            tenancy,
            limits,
            keyless,
            has_lasting: parts.any(|policy| policy.is_lasting),
            parts,
        }))
    }
}

impl<K> fmt::Debug for KeyedBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBuilder")
            .field("name", &self.name)
            .field("config", &self.config)
            .field("limits", &self.limits)
            .field("clock", &self.clock)
            .field("observers", &self.observers)
            .finish_non_exhaustive()
    }
}
