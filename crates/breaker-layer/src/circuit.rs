//! The circuit: one loop over one word, and the permits that it gives.

use std::{fmt, sync::Arc, time::Duration};

use breaker_core::{
    Config, ConfigError, Mode, Pace, Refusal, State, Timestamp, Transition, Word,
    machine::{Admission, Command, Rules},
};

use crate::{
    builder::CircuitBuilder,
    error::{Refusing, Rejected, Why},
    intern,
    observe::{Reconfigured, RejectedEvent},
    slot::{Settings, Slot, Tenancy},
    snapshot::Snapshot,
};

mod acquire;
#[cfg(feature = "keyed")]
mod keyed;
mod permit;
mod record;
#[cfg(feature = "tokio")]
mod waiting;
#[cfg(feature = "tokio")]
pub(crate) use acquire::{Pause, SHORTEST};

pub use permit::Permit;
#[cfg(feature = "keyed")]
pub(crate) use permit::dropped;
use permit::{StandsFor, Ticket};

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
pub struct Circuit {
    slot: &'static Slot,
}

impl Circuit {
    /// Begins a circuit of this name.
    pub fn builder(name: impl Into<Arc<str>>) -> CircuitBuilder {
        CircuitBuilder::new(name.into())
    }

    pub(crate) const fn of(slot: &'static Slot) -> Self {
        Self { slot }
    }

    #[cfg(any(test, feature = "keyed"))]
    pub(crate) const fn slot(&self) -> &'static Slot {
        self.slot
    }

    /// The name it was built with.
    pub fn name(&self) -> Arc<str> {
        self.slot.name().unwrap_or_default()
    }

    /// Asks to make a call. The permit's [`record`](Permit::record) says how it went.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the call must not be made.
    #[inline]
    #[doc(alias("tryAcquirePermission", "Allow"))]
    pub fn try_acquire(&self) -> Result<Permit, Rejected> {
        self.acquire_drawn(&mut Draw::default())
    }

    /// As a caller that has drawn already, or does so now.
    #[inline]
    pub(crate) fn acquire_drawn(&self, draw: &mut Draw) -> Result<Permit, Rejected> {
        match self.acquire_at_once() {
            Some(permit) => Ok(permit),
            None => self.acquire_or_reject(draw),
        }
    }

    /// A permit, where the circuit is closed and nobody wants to know of it.
    #[inline]
    pub(crate) fn acquire_at_once(&self) -> Option<Permit> {
        let (word, settings) = (self.slot.word(), self.slot.settings());
        settings.passes_plainly(word).then(|| Permit {
            slot: self.slot,
            ticket: Ticket::of(word, settings),
        })
    }

    /// A permit, where every call passes. Without one nothing is counted, and nobody is told.
    #[inline]
    pub(crate) fn acquire_if_passing(&self) -> Option<Permit> {
        let (word, settings) = (self.slot.word(), self.slot.settings());
        word.passes().then(|| Permit {
            slot: self.slot,
            ticket: self.slot.admitted(settings, Ticket::of(word, settings)),
        })
    }

    /// As [`Circuit::acquire_drawn`], where there is none at once.
    #[inline(never)]
    pub(crate) fn acquire_or_reject(&self, draw: &mut Draw) -> Result<Permit, Rejected> {
        match self.acquire_if_passing() {
            Some(permit) => Ok(permit),
            None => self.ask_or_reject(draw),
        }
    }

    /// As [`Circuit::acquire_drawn`], where not every call passes.
    #[inline(never)]
    fn ask_or_reject(&self, draw: &mut Draw) -> Result<Permit, Rejected> {
        match self.slot.look() {
            (Some(refusing), now) => Err(self.reject(Why::at(refusing, now))),
            (None, now) => self.admit_at(now, draw).map_err(|why| self.reject(why)),
        }
    }

    /// A permit, or why there is none, which is not counted as a rejection.
    pub(crate) fn admit(&self, draw: &mut Draw) -> Result<Permit, Why> {
        self.admit_at(self.slot.now(), draw)
    }

    fn admit_at(&self, now: Timestamp, draw: &mut Draw) -> Result<Permit, Why> {
        let ticket = self.acquire_by(now, |rules, word, pace, now| {
            let lot = || draw.number(|| self.slot.draw(&rules, word, now));
            rules.admit(word, pace, now, lot)
        })?;
        Ok(Permit {
            slot: self.slot,
            ticket: self.slot.admitted(self.slot.settings(), ticket),
        })
    }

    fn acquire_by(
        &self,
        now: Timestamp,
        mut admit: impl FnMut(Rules<'_>, Word, Pace, Timestamp) -> Admission,
    ) -> Result<Ticket, Why> {
        let slot = self.slot;
        loop {
            let (word, pace, settings) = (slot.word(), slot.pace(), slot.settings());
            match admit(settings.rules(), word, pace, now) {
                Admission::Pass => return Ok(Ticket::of(word, settings)),
                Admission::PassUncounted => return Ok(Ticket::of(word, settings).uncounted()),
                Admission::Refuse(refusal) => return Err(Why::of(word, refusal)),
                Admission::PassWithinAllowance => {
                    return match slot.beside(settings).admit(word.generation(), now) {
                        Ok(()) => Ok(Ticket::of(word, settings)),
                        Err(_) if word.is_shadow() => Ok(Ticket::of(word, settings).uncounted()),
                        Err(left) => {
                            let retry_after = left.max(SHORTEST_RETRY);
                            Err(Why::of(word, Refusal::Recovering { retry_after }))
                        }
                    };
                }
                Admission::Probe(extended, next) => {
                    if slot.replace_pace(pace, extended) && slot.replace(word, next) {
                        if settings.rules().lapses_in(word, pace, now).is_none() {
                            // From here on there is a deadline to wait for.
                            slot.wake_waiters();
                        }
                        return Ok(Ticket::of(next, settings));
                    }
                }
                Admission::FirstProbe(next, transition) => {
                    if slot.move_on(word, next, transition, now, false) {
                        return Ok(Ticket::of(next, settings));
                    }
                }
                Admission::Lapsed(next, transition) => {
                    slot.move_on(word, next, transition, now, false);
                }
            }
        }
    }

    /// Why a call of this moment would be refused, without making it.
    #[inline]
    pub(crate) fn refusal(&self, draw: &mut Draw) -> Option<Why> {
        if self.slot.word().passes() {
            return None;
        }
        match self.slot.look() {
            (Some(refusing), now) => Some(Why::at(refusing, now)),
            (None, now) => self.refusal_drawn(now, draw),
        }
    }

    /// As [`Circuit::refusal`], where the settings have a say. A request that is refused has used up its draw.
    #[cold]
    fn refusal_drawn(&self, now: Timestamp, draw: &mut Draw) -> Option<Why> {
        let why = self.refusal_by(now, |rules, word, pace, now| {
            let lot = || draw.number(|| self.slot.draw(&rules, word, now));
            rules.admit(word, pace, now, lot)
        })?;
        draw.forget();
        Some(why)
    }

    fn refusal_by(
        &self,
        now: Timestamp,
        mut admit: impl FnMut(Rules<'_>, Word, Pace, Timestamp) -> Admission,
    ) -> Option<Why> {
        loop {
            let word = self.slot.word();
            match admit(self.slot.settings().rules(), word, self.slot.pace(), now) {
                Admission::Refuse(refusal) => return Some(Why::of(word, refusal)),
                Admission::Lapsed(next, transition) => {
                    self.slot.move_on(word, next, transition, now, false);
                }
                Admission::Pass
                | Admission::PassWithinAllowance
                | Admission::PassUncounted
                | Admission::Probe(..)
                | Admission::FirstProbe(..) => return None,
            }
        }
    }

    /// Counts a refusal, and makes the error of it.
    #[inline]
    pub(crate) fn reject(&self, why: Why) -> Rejected {
        if self.slot.count_own_rejection() {
            self.slot.rejected(why)
        } else {
            self.slot.reject_shared(why)
        }
    }

    /// The state as a caller of this moment would meet it. It reads and never moves: an open circuit whose wait is over
    /// is half-open.
    pub fn state(&self) -> State {
        let now = self.slot.now();
        self.slot
            .settings()
            .rules()
            .state(self.slot.word(), self.slot.pace(), now)
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
        self.slot.word().is_shadow() || !matches!(self.state(), State::Open | State::Isolated)
    }

    /// Everything there is to know at this moment.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.slot)
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
        self.command(Command::Isolate, None);
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
        self.slot.settings().said()
    }

    /// Goes on with other settings, and keeps the state and as much of the windows as fits.
    ///
    /// Calls pay nothing for it: they read which settings are in force, as they always do. Outcomes that are recorded
    /// during the change may be missing from a window that is moved. Where a window already holds more than the new settings
    /// allow, the next failure trips. Counting and timing begin with the calls that are admitted from then on.
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
    /// As [`CircuitBuilder::build`]; nothing has changed then.
    pub fn reconfigure(&self, config: impl Into<Config>) -> Result<(), ConfigError> {
        self.go_on_with(config.into(), None)
    }

    pub(crate) fn go_on_with(
        &self,
        new: Config,
        note: Option<&Arc<str>>,
    ) -> Result<(), ConfigError> {
        let old = self.slot.reconfigure(intern::store(new)?)?;
        self.slot.wake_waiters();
        if old != new {
            self.tell_reconfigured(old, new, note);
        }
        if old.starts_as() != new.starts_as() {
            let command = match new.starts_as() {
                Mode::ObserveOnly => Command::ObserveOnly,
                Mode::Disabled => Command::Disable,
                Mode::Isolated => Command::Isolate,
                _ => Command::Reset,
            };
            self.command(command, note);
        }
        Ok(())
    }

    #[cold]
    fn tell_reconfigured(&self, old: Config, new: Config, note: Option<&Arc<str>>) {
        if let Some((observers, subject)) = self.slot.observers() {
            observers.tell_reconfigured(&Reconfigured {
                subject,
                configs: Box::new([old, new]),
                note: note.cloned(),
            });
        }
    }

    pub(crate) fn command(&self, command: Command, note: Option<&Arc<str>>) {
        let (slot, now) = (self.slot, self.slot.now());
        loop {
            let word = slot.word();
            let Some((next, transition)) = slot.settings().rules().command(word, command, now)
            else {
                return slot.annotate(word, note);
            };
            if slot.enter(word, next, transition, now, word.pending(), note) {
                return;
            }
        }
    }

    /// What is left of the circuit to those who do not keep it alive.
    pub(crate) fn tenancy(&self) -> Tenancy {
        Tenancy::of(self.slot)
    }
}

impl Clone for Circuit {
    fn clone(&self) -> Self {
        self.slot.retain();
        Self { slot: self.slot }
    }
}

impl Drop for Circuit {
    fn drop(&mut self) {
        self.slot.release();
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

impl Slot {
    /// The ticket of a call that begins now, and what is written of it, where the settings ask for that.
    #[inline(always)]
    fn admitted(&'static self, settings: Settings, ticket: Ticket) -> Ticket {
        if !settings.has(Settings::ADMISSIONS) {
            return ticket;
        }
        let config = settings.rules().config;
        // One that finds its circuit gone asks another.
        let is_gone = || !ticket.is_counted() && self.was_vacant(ticket.generation());
        if config.count_calls() && !is_gone() {
            self.beside(settings).count_admitted();
        }
        let is_timed = config.slow_after().is_some()
            || settings.has(Settings::POLICY)
            || settings.has(Settings::TELL_RECORDED);
        if is_timed {
            ticket.started(self.now())
        } else {
            ticket
        }
    }

    /// What time it is; and the word, if it is that of an open circuit whose time has not come, whatever its settings.
    #[inline(never)]
    fn look(&self) -> (Option<Refusing>, Timestamp) {
        let now = self.now();
        let (pace, word) = (self.pace(), self.word());
        let refusing = word.refuses_all(pace, now).then(|| Refusing::of(word));
        (refusing, now)
    }

    /// Makes a transition, unless the word has changed; the call that made it failed, or not.
    fn move_on(
        &'static self,
        word: Word,
        next: Word,
        transition: Transition,
        now: Timestamp,
        failed: bool,
    ) -> bool {
        let failures = word.pending() + u32::from(failed);
        self.enter(word, next, transition, now, failures, None)
    }

    /// As [`Circuit::reject`], of a thread that has no count of its own.
    #[inline(never)]
    fn reject_shared(&'static self, why: Why) -> Rejected {
        self.count_rejection();
        self.rejected(why)
    }

    /// The error of a rejection that is counted.
    #[inline]
    fn rejected(&'static self, why: Why) -> Rejected {
        if self.settings().has(Settings::TELL_REJECTED) {
            return self.reject_aloud(why);
        }
        Rejected::new(self, why)
    }

    #[cold]
    #[inline(never)]
    fn reject_aloud(&'static self, why: Why) -> Rejected {
        if let Some((observers, subject)) = self.observers() {
            let (subject, refusal) = (&subject, why.refusal());
            observers.tell_rejected(&RejectedEvent { subject, refusal });
        }
        Rejected::new(self, why)
    }
}

/// No rejection of a recovering circuit says to come again sooner: timers know no less.
const SHORTEST_RETRY: Duration = Duration::from_millis(1);

/// A request's own random number, drawn once.
#[derive(Default)]
pub(crate) struct Draw(Option<u32>);

impl Draw {
    fn number(&mut self, draw: impl FnOnce() -> u32) -> u32 {
        *self.0.get_or_insert_with(draw)
    }

    /// The next request draws again.
    #[inline]
    pub(crate) const fn forget(&mut self) {
        self.0 = None;
    }
}
