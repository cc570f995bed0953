//! The circuit: what an operator and a caller can do with it.

use std::{fmt, sync::Arc, time::Duration};

use breaker_core::{Changes, Command, Config, ConfigError, Mode, State, Timestamp};

use crate::{
    snapshot::Snapshot,
    storage::{AfterUnlock, CircuitState, Handle, Reconfigured, Slot, Subject, WeakCircuit},
};

mod acquire;
mod admit;
mod custom;
mod details;
mod fleet;
#[cfg(feature = "keyed")]
mod keyed;
mod permit;
mod record;
mod ticket;
#[cfg(feature = "tokio")]
mod waiting;

#[cfg(feature = "tokio")]
pub(crate) use acquire::Pause;
pub(crate) use admit::Draw;
#[cfg(feature = "keyed")]
pub(crate) use details::CallDetails;
pub use permit::Permit;
#[cfg(feature = "keyed")]
pub(crate) use record::dropped;

/// A circuit breaker's state, shared by all its clones.
///
/// It guards one downstream. Calls go through a [`BreakerLayer`](crate::BreakerLayer), or ask by hand:
///
/// ```
/// use breaker_layer::{Circuit, Outcome, Rejected};
///
/// let circuit = Circuit::builder("payments").build()?;
/// match circuit.try_acquire() {
///     Ok(permit) => permit.record(Outcome::Success),
///     Err(rejected) => eprintln!("{rejected}"),
/// }
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
///
/// A healthy call on the default policy only reads: it writes nothing that another clone can touch.
#[doc(alias("CircuitBreaker", "TwoStepCircuitBreaker"))]
#[derive(Clone)]
pub struct Circuit {
    handle: Handle,
}

impl Circuit {
    pub(crate) const fn of(handle: Handle) -> Self {
        Self { handle }
    }

    /// That of a circuit that is still there.
    pub(crate) fn upgrade(circuit: WeakCircuit) -> Option<Self> {
        circuit.upgrade().map(Self::of)
    }

    #[cfg(feature = "keyed")]
    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }

    #[inline]
    pub(crate) const fn slot(&self) -> &'static Slot {
        self.handle.slot()
    }

    /// The name it was built with.
    pub fn name(&self) -> Arc<str> {
        let name = self.slot().read(|state| state.name.clone());
        name.unwrap_or_default()
    }

    /// The state as a caller of this moment would meet it. It reads and never moves: an open circuit whose wait is over
    /// is half-open.
    pub fn state(&self) -> State {
        let now = self.slot().now();
        let state = self.slot().read(|state| state.name_at(now));
        // Only a table's circuits end before their last handle.
        state.unwrap_or(State::Closed)
    }

    /// Whether [`Circuit::state`] is open: it has tripped, and its wait is not over. An isolated circuit rejects too; see
    /// [`Circuit::is_ready`].
    ///
    /// ```
    /// use breaker_layer::Circuit;
    ///
    /// let circuit = Circuit::builder("payments").build()?;
    /// assert!(!circuit.is_open());
    /// circuit.trip();
    /// assert!(circuit.is_open());
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn is_open(&self) -> bool {
        self.state() == State::Open
    }

    /// Whether calls pass, or may pass as probes, at this moment: not while the circuit is open or isolated, unless it
    /// only observes. Like [`Circuit::state`] it knows the time: an open circuit whose wait is over is ready.
    pub fn is_ready(&self) -> bool {
        let now = self.slot().now();
        let is_ready = self.slot().read(|state| {
            let is_shut = matches!(state.name_at(now), State::Open | State::Isolated);
            state.breaker.is_shadow() || !is_shut
        });
        is_ready.unwrap_or(true)
    }

    /// Whether it only observes and rejects nothing: see [`Circuit::observe_only`].
    ///
    /// ```
    /// use breaker_layer::Circuit;
    ///
    /// let circuit = Circuit::builder("payments").build()?;
    /// circuit.observe_only();
    /// assert!(circuit.is_observe_only());
    /// circuit.reset();
    /// assert!(!circuit.is_observe_only());
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn is_observe_only(&self) -> bool {
        let is_shadow = self.slot().read(|state| state.breaker.is_shadow());
        is_shadow.unwrap_or(false)
    }

    /// Everything there is to know at this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.slot())
    }

    /// Opens the circuit as if it had tripped, for the usual open time.
    #[doc(alias = "transitionToOpenState")]
    pub fn trip(&self) {
        self.command(Command::Trip(None), None);
    }

    /// Opens the circuit for this long, from 1 ms to 100 days.
    pub fn trip_for(&self, wait: Duration) {
        self.command(Command::Trip(Some(wait)), None);
    }

    /// Makes the circuit half-open: the next calls are probes.
    #[doc(alias = "transitionToHalfOpenState")]
    pub fn half_open(&self) {
        self.command(Command::HalfOpen, None);
    }

    /// Closes the circuit.
    #[doc(alias = "transitionToClosedState")]
    pub fn close(&self) {
        self.command(Command::Close, None);
    }

    /// Rejects every call until another command says otherwise.
    #[doc(alias("transitionToForcedOpenState", "IsolateAsync"))]
    pub fn isolate(&self) {
        self.command(Command::Isolate(None), None);
    }

    /// Rejects every call for this long, from 1 ms to 100 days, or until another command says otherwise. Then the circuit is
    /// half-open: the next calls are probes, so that a downstream that is not back yet gets a few calls and no burst.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_layer::{Circuit, State, clock::ManualClock};
    ///
    /// let clock = ManualClock::new();
    /// let circuit = Circuit::builder("payments").clock(clock.clock()).build()?;
    /// circuit.because("their database moves").isolate_for(Duration::from_secs(600));
    /// assert_eq!(circuit.state(), State::Isolated);
    /// let rejected = circuit.try_acquire().unwrap_err();
    /// assert_eq!(rejected.to_string(), r#"circuit "payments" is isolated, retry after 600s"#);
    /// clock.advance(Duration::from_secs(600));
    /// assert_eq!(circuit.state(), State::HalfOpen);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    ///
    /// An isolated circuit is isolated for this long from now on, whatever end it had. Unlike [`Circuit::trip_for`] it ends
    /// [`Circuit::observe_only`], is told as isolated and not as open, and is followed by a probe for certain, whatever the
    /// [open time](crate::OpenTime) says.
    pub fn isolate_for(&self, span: Duration) {
        self.command(Command::Isolate(Some(span)), None);
    }

    /// Lets every call pass, uncounted, until another command says otherwise.
    #[doc(alias = "transitionToDisabledState")]
    pub fn disable(&self) {
        self.command(Command::Disable, None);
    }

    /// Starts afresh and goes on as usual, but rejects nothing: [`Circuit::state`], the snapshot and the observers say
    /// what it would have done, until [`Circuit::reset`], [`Circuit::isolate`] or [`Circuit::disable`].
    #[doc(alias = "transitionToMetricsOnlyState")]
    pub fn observe_only(&self) {
        self.command(Command::ObserveOnly, None);
    }

    /// Starts afresh: closed, with nothing against the downstream, and no longer under any command.
    pub fn reset(&self) {
        self.command(Command::Reset, None);
    }

    /// The settings in force: those it was built with, or was given last.
    ///
    /// ```
    /// use breaker_layer::{Circuit, Trip};
    ///
    /// let circuit = Circuit::builder("payments").trip(Trip::consecutive_failures(5)).build()?;
    /// circuit.reconfigure(circuit.config().trip(Trip::consecutive_failures(9)))?;
    /// assert!(circuit.config().to_string().starts_with("trip[0].consecutive_failures = 9, "));
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn config(&self) -> Config {
        let config = self.slot().read(|state| state.plan.said);
        config.unwrap_or_default()
    }

    /// Goes on with other settings, and keeps the state and as much of the windows as fits.
    ///
    /// Where a window already holds more than the new settings allow, the next outcome trips. Counting and timing begin with the
    /// calls that are admitted from then on.
    ///
    /// An open time that is shorter now cuts the wait of an open circuit, counted from when it opened; a longer one leaves that
    /// as it is. What the downstream asked for and [`Circuit::trip_for`] are not cut. The draw of a
    /// [probe share](crate::OpenTime::probe_share) is by the new settings at once.
    ///
    /// A [mode](Config::mode) that is another than before is entered, as by its command; the same one changes nothing that
    /// an operator did meanwhile. [`Circuit::because`] says why. Observers are told: see [`Observe::reconfigured`](crate::Observe::reconfigured).
    ///
    /// # Errors
    ///
    /// As [`CircuitBuilder::build`](crate::CircuitBuilder::build); nothing has changed then.
    pub fn reconfigure(&self, config: impl Into<Config>) -> Result<(), ConfigError> {
        self.go_on_with(config.into(), None)
    }

    pub(crate) fn go_on_with(
        &self,
        new: Config,
        note: Option<&Arc<str>>,
    ) -> Result<(), ConfigError> {
        let slot = self.slot();
        let Some(plan) = slot.read(|state| state.plan.clone()) else {
            return Ok(());
        };
        let (plan, now) = (plan.with(new)?, slot.now());
        let changed = slot.change_plan(|state| {
            let before = state.reconfigure(plan, now);
            let after = if before.said.starts_as() == new.starts_as() {
                AfterUnlock::waking(state)
            } else {
                obey(slot, state, command_of(new.starts_as()), now, note)
            };
            (before, after)
        });
        let Some((before, after)) = changed else {
            return Ok(());
        };
        let old = before.said;
        if old != new {
            self.tell_reconfigured(old, new, note);
        }
        after.run();
        Ok(())
    }

    #[cold]
    fn tell_reconfigured(&self, old: Config, new: Config, note: Option<&Arc<str>>) {
        let slot = self.slot();
        let told = slot.read(|state| (state.observers.clone(), Subject::of(state, slot)));
        if let Some((observers, subject)) = told {
            let change = Reconfigured {
                subject,
                configs: Box::new([old, new]),
                note: note.cloned(),
            };
            observers.tell(|sink| sink.reconfigured(&change));
        }
    }

    pub(crate) fn command(&self, command: Command, note: Option<&Arc<str>>) {
        self.command_if(|_, _| true, command, note);
    }

    /// As [`Circuit::command`], if the circuit is as it should be.
    pub(crate) fn command_if(
        &self,
        is_it: impl FnOnce(&CircuitState, Timestamp) -> bool,
        command: Command,
        note: Option<&Arc<str>>,
    ) {
        let slot = self.slot();
        let now = slot.now();
        let after =
            slot.change(|state| is_it(state, now).then(|| obey(slot, state, command, now, note)));
        if let Some(after) = after.flatten() {
            after.run();
        }
    }

    /// The circuit to those who do not keep it alive.
    pub(crate) fn downgrade(&self) -> WeakCircuit {
        self.slot().weak()
    }
}

/// Does what the operator commands.
fn obey(
    slot: &'static Slot,
    state: &mut CircuitState,
    command: Command,
    now: Timestamp,
    note: Option<&Arc<str>>,
) -> AfterUnlock {
    let (breaker, rules) = state.parts();
    if let Some(transition) = breaker.command(rules, command, now) {
        return AfterUnlock::of(slot, state, Changes::one(transition), note);
    }
    // It stands already, and goes on for this reason.
    if note.is_some() {
        state.note(note, state.breaker.generation());
    }
    AfterUnlock::waking(state)
}

/// What enters this mode.
const fn command_of(mode: Mode) -> Command {
    match mode {
        Mode::ObserveOnly => Command::ObserveOnly,
        Mode::Disabled => Command::Disable,
        Mode::Isolated => Command::Isolate(None),
        _ => Command::Reset,
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circuit")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish()
    }
}
