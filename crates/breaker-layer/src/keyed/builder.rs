//! How a table of circuits is made.

use std::{
    fmt::{self, Display},
    sync::Arc,
    time::Duration,
};

use breaker_core::{Config, ConfigError};

use super::{
    circuits::KeyedCircuits,
    entry::Key,
    eviction::Limits,
    kept,
    mode::Mode,
    parts::{Given, Names, Parts},
    table::Table,
};
use crate::{
    clock::Clock,
    observe::{self, Observe},
    storage::Observers,
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
    given: Given<K>,
    limits: Limits,
    shares_keyless: bool,
}

impl<K: Key> KeyedCircuits<K> {
    /// Begins a table of this name. Each circuit is named after its key, as that displays.
    ///
    /// A key that does not display needs [`KeyedCircuits::builder_unnamed`].
    pub fn builder(name: impl Into<Arc<str>>) -> KeyedBuilder<K>
    where
        K: Display,
    {
        KeyedBuilder::new(name.into(), Some(Box::new(kept::name)))
    }

    /// Begins a table of this name, whose circuits are all called as the table, until
    /// [`KeyedBuilder::name_by`] says otherwise.
    ///
    /// ```
    /// use breaker_layer::keyed::KeyedCircuits;
    ///
    /// type Host = (String, u16);
    /// let hosts = KeyedCircuits::<Host>::builder_unnamed("hosts")
    ///     .name_by(|(host, port)| format!("{host}:{port}").into())
    ///     .build()?;
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn builder_unnamed(name: impl Into<Arc<str>>) -> KeyedBuilder<K> {
        KeyedBuilder::new(name.into(), None)
    }
}

impl<K: Key> KeyedBuilder<K> {
    pub(super) fn new(name: Arc<str>, names: Option<Box<Names<K>>>) -> Self {
        Self {
            given: Given {
                name,
                names,
                keeps: None,
                config: Config::new(),
                special: Vec::new(),
                clock: Clock::default(),
                observers: Observers::default(),
                seed: None,
            },
            limits: Limits {
                circuits: 10_000,
                idle: Duration::from_secs(3600),
                keep: Duration::from_secs(60),
                mode: Mode::Usual,
            },
            shares_keyless: false,
        }
    }

    /// The settings of every circuit: a [`Config`], or settings from a file. Default: those of [`Config::new`].
    /// [`KeyedCircuits::reconfigure`] changes them.
    pub fn config(mut self, config: impl Into<Config>) -> Self {
        self.given.config = config.into();
        self
    }

    /// Other settings for the keys of which this says `true`; where it does so several times the first counts. They stay
    /// when the table is [reconfigured](KeyedCircuits::reconfigure).
    ///
    /// It is asked when a circuit is made; for a call without one that was cancelled or panicked; and at each call without
    /// one, if some keys' settings have a window.
    pub fn config_for(
        mut self,
        is_meant: impl Fn(&K) -> bool + Send + Sync + 'static,
        config: impl Into<Config>,
    ) -> Self {
        self.given.special.push((Box::new(is_meant), config.into()));
        self
    }

    /// Names each circuit: for logs, rejections, events and a [`Registry`](crate::Registry). Default: what the key
    /// displays as, up to 256 bytes of it.
    ///
    /// A name is made when a circuit is, and never by the call of a healthy key. Metrics have keys only where
    /// `Metrics::with_keys` asks for them.
    pub fn name_by(mut self, name: impl Fn(&K) -> Arc<str> + Send + Sync + 'static) -> Self {
        self.given.names = Some(Box::new(name));
        self
    }

    /// Says how a key is copied that is to be kept. Default: it is cloned; those of `http`'s types and `bytes::Bytes` that
    /// share the memory of something larger are copied.
    ///
    /// It is for keys of your own that have such a part, and must give an equal key.
    ///
    /// ```
    /// use breaker_layer::keyed::KeyedCircuits;
    /// use http::{Method, uri::Authority};
    ///
    /// type Route = (Method, Authority);
    /// let routes = KeyedCircuits::<Route>::builder_unnamed("routes")
    ///     .name_by(|(method, host)| format!("{method} {host}").into())
    ///     // An authority shares the memory of its URL.
    ///     .keep_by(|(method, host)| (method.clone(), host.as_str().parse().expect("it is one")))
    ///     .build()?;
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn keep_by(mut self, keep: impl Fn(&K) -> K + Send + Sync + 'static) -> Self {
        self.given.keeps = Some(Box::new(keep));
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
        self.given.clock = clock;
        self
    }

    /// Adds an observer of every circuit, and of the table itself.
    pub fn observe(mut self, observer: impl Observe) -> Self {
        self.given
            .observers
            .add(observe::listener(Arc::new(observer)));
        self
    }

    /// Makes the jitter and the draws of probes repeatable: circuits with the same history wait equally long, and draw the
    /// same. Default: random.
    pub fn seed(mut self, seed: u16) -> Self {
        self.given.seed = Some(seed);
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
        let parts = Parts::new(self.given)?;
        let keyless = self.shares_keyless.then(|| parts.circuit_of_no_key());
        let observers = parts.observers();
        keyless
            .iter()
            .for_each(|circuit| observers.tell_began(circuit.handle()));
        let table = Table::new(limits, parts, keyless);
        Ok(KeyedCircuits::of(Arc::new(table)))
    }
}

impl<K> fmt::Debug for KeyedBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBuilder")
            .field("name", &self.given.name)
            .field("config", &self.given.config)
            .field("limits", &self.limits)
            .field("clock", &self.given.clock)
            .field("observers", &self.given.observers)
            .finish_non_exhaustive()
    }
}
