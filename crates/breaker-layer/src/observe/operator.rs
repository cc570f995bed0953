//! Commands with a reason.

use std::{sync::Arc, time::Duration};

use breaker_core::{Command, Config, ConfigError};

use crate::{circuit::Circuit, storage::CircuitState};

/// A circuit's commands, with a reason that its snapshot and its events carry. Made by [`Circuit::because`].
#[derive(Clone, Debug)]
#[must_use = "a reason alone does nothing"]
pub struct Operator<'a> {
    circuit: &'a Circuit,
    note: Arc<str>,
}

impl Operator<'_> {
    /// As [`Circuit::trip`].
    pub fn trip(&self) {
        self.command(Command::Trip(None));
    }

    /// As [`Circuit::trip_for`].
    pub fn trip_for(&self, wait: Duration) {
        self.command(Command::Trip(Some(wait)));
    }

    /// As [`Circuit::half_open`].
    pub fn half_open(&self) {
        self.command(Command::HalfOpen);
    }

    /// As [`Circuit::close`].
    pub fn close(&self) {
        self.command(Command::Close);
    }

    /// As [`Circuit::isolate`]. Where the circuit is isolated already, it goes on for this reason.
    pub fn isolate(&self) {
        self.command(Command::Isolate(None));
    }

    /// As [`Circuit::isolate_for`].
    pub fn isolate_for(&self, span: Duration) {
        self.command(Command::Isolate(Some(span)));
    }

    /// As [`Circuit::disable`]. Where the circuit is disabled already, it goes on for this reason.
    pub fn disable(&self) {
        self.command(Command::Disable);
    }

    /// As [`Circuit::observe_only`].
    pub fn observe_only(&self) {
        self.command(Command::ObserveOnly);
    }

    /// As [`Circuit::reset`].
    pub fn reset(&self) {
        self.command(Command::Reset);
    }

    /// As [`Circuit::reset`], where the command in force was given for this reason. Any other one stays.
    ///
    /// ```
    /// use breaker_layer::{Circuit, State};
    ///
    /// let circuit = Circuit::builder("payments").build()?;
    /// circuit.because("they move").isolate();
    /// circuit.because("they did not").reset_if("another reason");
    /// assert_eq!(circuit.state(), State::Isolated);
    /// circuit.because("they have moved").reset_if("they move");
    /// assert_eq!(circuit.state(), State::Closed);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn reset_if(&self, because: &str) {
        self.circuit.reset_if(because, self.note());
    }

    /// As [`Circuit::reconfigure`]. The reason stands in the event of the change, and in that of the mode if it is another one.
    ///
    /// ```
    /// use breaker_layer::{Circuit, Trip};
    ///
    /// let circuit = Circuit::builder("payments").build()?;
    /// let more = circuit.config().trip(Trip::consecutive_failures(9));
    /// circuit.because("they fail in rows of eight").reconfigure(more)?;
    /// assert_eq!(circuit.config(), more);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Circuit::reconfigure`].
    pub fn reconfigure(&self, config: impl Into<Config>) -> Result<(), ConfigError> {
        self.circuit.go_on_with(config.into(), self.note())
    }

    fn command(&self, command: Command) {
        self.circuit.command(command, self.note());
    }

    /// Nothing said is no reason.
    fn note(&self) -> Option<&Arc<str>> {
        Some(&self.note).filter(|note| !note.is_empty())
    }
}

impl Circuit {
    /// As [`Operator::reset_if`].
    pub(crate) fn reset_if(&self, because: &str, note: Option<&Arc<str>>) {
        let is_it = |state: &CircuitState, _| {
            let in_force = state.note_in_force();
            in_force.is_some_and(|note| **note == *because)
        };
        self.command_if(is_it, Command::Reset, note);
    }

    /// Commands the circuit, and says why: the reason stands in the event of the transition, and in
    /// [`Snapshot::note`](crate::Snapshot::note) for as long as the command is in force.
    ///
    /// ```
    /// use breaker_layer::Circuit;
    ///
    /// let circuit = Circuit::builder("payments").build()?;
    /// circuit.because("their database moves, until 04:00").isolate();
    /// assert_eq!(circuit.snapshot().note.as_deref(), Some("their database moves, until 04:00"));
    /// circuit.reset();
    /// assert_eq!(circuit.snapshot().note, None);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn because(&self, note: impl Into<Arc<str>>) -> Operator<'_> {
        Operator {
            circuit: self,
            note: note.into(),
        }
    }
}
