//! How a circuit is made.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher, Hasher},
    sync::Arc,
    time::Duration,
};

use breaker_core::{Cancelled, Config, ConfigError, Mode, OpenTime, Probes, Ramp, Trip};

use crate::{
    circuit::Circuit,
    clock::Clock,
    observe::{self, Observe},
    policy::{Policies, TripPolicy},
    storage::{Observers, Parts, Plan, Slot},
};

/// The settings of a circuit.
///
/// ```
/// use std::time::Duration;
/// use breaker_layer::{Circuit, OpenTime, Percent, Probes, Trip};
///
/// let circuit = Circuit::builder("payments")
///     .trip(Trip::consecutive_failures(5))
///     .open_time(OpenTime::exponential(Duration::from_secs(1), Duration::from_secs(60)))
///     .probes(Probes::new(2))
///     .build()?;
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct CircuitBuilder {
    name: Arc<str>,
    config: Config,
    clock: Clock,
    seed: Option<u16>,
    observers: Observers,
    policies: Option<Arc<Policies>>,
}

impl Circuit {
    /// Begins a circuit of this name.
    pub fn builder(name: impl Into<Arc<str>>) -> CircuitBuilder {
        CircuitBuilder::new(name.into())
    }
}

impl CircuitBuilder {
    fn new(name: Arc<str>) -> Self {
        Self {
            name,
            config: Config::new(),
            clock: Clock::default(),
            seed: None,
            observers: Observers::default(),
            policies: None,
        }
    }

    /// All settings of the decisions at once, in place of those made so far: a [`Config`], or settings from a file.
    pub fn config(mut self, config: impl Into<Config>) -> Self {
        self.config = config.into();
        self
    }

    /// When to trip. Default: [`Trip::default`].
    pub fn trip(mut self, trip: Trip) -> Self {
        self.config = self.config.trip(trip);
        self
    }

    /// How long to stay open. Default: [`OpenTime::default`].
    pub fn open_time(mut self, open_time: OpenTime) -> Self {
        self.config = self.config.open_time(open_time);
        self
    }

    /// How to probe. Default: [`Probes::default`].
    pub fn probes(mut self, probes: Probes) -> Self {
        self.config = self.config.probes(probes);
        self
    }

    /// A call that takes longer is slow.
    #[doc(alias = "slowCallDurationThreshold")]
    pub fn slow_after(mut self, slow_after: Duration) -> Self {
        self.config = self.config.slow_after(slow_after);
        self
    }

    /// Failures are one event, and count as one failure, that come within this time of the first one, of calls that were admitted
    /// before it. Default: 5 ms. See [`Config::one_event`].
    pub fn one_event(mut self, within: Duration) -> Self {
        self.config = self.config.one_event(within);
        self
    }

    /// For so long from its beginning the circuit does not trip, and failures count for nothing but the totals. Default: zero.
    ///
    /// For a program whose first calls may fail: its connections are still to be made, and its downstreams start together with it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_layer::{Circuit, Outcome, State, Trip, clock::ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let circuit = Circuit::builder("payments")
    ///     .trip(Trip::consecutive_failures(5))
    ///     .grace(Duration::from_secs(30))
    ///     .clock(clock.clock())
    ///     .build()?;
    /// let fail = |calls| (0..calls).for_each(|_| circuit.try_acquire().unwrap().record(Outcome::Failure));
    /// fail(100);
    /// assert_eq!((circuit.state(), circuit.snapshot().failed), (State::Closed, 100));
    /// clock.advance(Duration::from_secs(30));
    /// fail(5);
    /// assert_eq!(circuit.state(), State::Open);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    ///
    /// A table has none, because a key's circuit begins with its first failure: there let `all().disable()` and, later, `all().reset()`
    /// do it. See [`Config::grace`].
    #[doc(alias = "allowWarmUp")]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.config = self.config.grace(grace);
        self
    }

    /// What a cancelled call counts as, as one is that a timeout outside the breaker gave up. Default: as nothing, but as a
    /// failure when all calls are cancelled and none is answered.
    pub fn cancelled(mut self, cancelled: Cancelled) -> Self {
        self.config = self.config.cancelled(cancelled);
        self
    }

    /// Whether a call that panics is a failure. If not, it is a cancelled one. Default: it is. The panic goes on.
    ///
    /// Futures of other calls that a panic drops are ignored: it says nothing of them. Of a [`Permit`](crate::Permit) in a
    /// caller's own hand nobody knows whose the panic is, and each one that it drops is a call that panicked.
    pub fn panic_is_failure(mut self, is_failure: bool) -> Self {
        self.config = self.config.panic_is_failure(is_failure);
        self
    }

    /// Lets traffic back gradually once the probes have succeeded. Default: at once.
    pub fn ramp(mut self, ramp: Ramp) -> Self {
        self.config = self.config.ramp(ramp);
        self
    }

    /// Counts admitted calls and successes too, which each healthy call then pays for. Default: no.
    pub fn count_calls(mut self, count: bool) -> Self {
        self.config = self.config.count_calls(count);
        self
    }

    /// What the circuit does from the beginning: observe only, or nothing at all. Default: the normal course.
    ///
    /// ```
    /// use breaker_layer::{Circuit, State, policy::Mode};
    ///
    /// let circuit = Circuit::builder("payments").mode(Mode::ObserveOnly).build()?;
    /// assert!(circuit.snapshot().observe_only);
    /// let circuit = Circuit::builder("retired").mode(Mode::Disabled).build()?;
    /// assert_eq!(circuit.state(), State::Disabled);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn mode(mut self, mode: Mode) -> Self {
        self.config = self.config.mode(mode);
        self
    }

    /// Where the time comes from. Default: [`Clock::default`].
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Adds an observer.
    pub fn observe(mut self, observer: impl Observe) -> Self {
        self.observers.add(observe::listener(Arc::new(observer)));
        self
    }

    /// Adds a trip policy of your own: makes that of each closed state. [`Trip::never`] leaves it alone with the decision.
    pub fn trip_policy<P: TripPolicy>(
        mut self,
        make: impl Fn() -> P + Send + Sync + 'static,
    ) -> Self {
        self.policies = Some(Arc::new(Policies::new(make)));
        self
    }

    /// Makes the jitter and the draws of probes repeatable: circuits with the same seed and history wait equally long, and
    /// draw the same. Default: random.
    pub fn seed(mut self, seed: u16) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Makes the circuit.
    ///
    /// # Errors
    ///
    /// Names the first setting that is out of its range, and the range. [`Config::each_fault`] names them all.
    pub fn build(self) -> Result<Circuit, ConfigError> {
        let (origin, observers) = (self.clock.now(), self.observers.clone());
        let parts = Parts {
            name: self.name,
            plan: Plan::new(self.config, self.clock, self.policies)?,
            seed: self.seed.unwrap_or_else(random_seed),
            observers: self.observers,
        };
        let circuit = Slot::begin(parts, origin, |_| ());
        observers.tell_began(&circuit);
        Ok(Circuit::of(circuit))
    }
}

/// Another one each time, so that a fleet does not probe in step.
pub(crate) fn random_seed() -> u16 {
    RandomState::new().build_hasher().finish() as u16
}

impl fmt::Debug for CircuitBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            config,
            clock,
            seed,
            observers,
            policies: _,
        } = self;
        f.debug_struct("CircuitBuilder")
            .field("name", name)
            .field("config", config)
            .field("clock", clock)
            .field("seed", seed)
            .field("observers", observers)
            .finish()
    }
}
