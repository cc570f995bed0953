//! Commands to a whole table.

use std::sync::Arc;

use breaker_core::{Command, Config, ConfigError};

use super::{
    circuits::KeyedCircuits,
    entry::Key,
    tenant::{Mode, mode_of},
};
use crate::circuit::Circuit;

/// Commands to every key of a table: those that have a circuit, those that have none, and those that come later. Made by
/// [`KeyedCircuits::all`].
///
/// A key can be made an exception afterwards, by a command of its own. Requests without a key are meant, too, where they
/// [share a circuit](super::KeyedBuilder::share_keyless).
#[derive(Clone, Debug)]
#[must_use = "it does nothing until a command is given"]
pub struct AllKeys<'a, K: Key> {
    circuits: &'a KeyedCircuits<K>,
    note: Option<Arc<str>>,
}

impl<K: Key> AllKeys<'_, K> {
    /// Says why: see [`Circuit::because`].
    pub fn because(self, note: impl Into<Arc<str>>) -> Self {
        // Nothing said is no reason.
        let note = Some(note.into()).filter(|note| !note.is_empty());
        Self { note, ..self }
    }

    /// Rejects every call until another command says otherwise: see [`Circuit::isolate`]. A key without a circuit is
    /// rejected in the name of the table.
    pub fn isolate(&self) {
        self.command(Command::Isolate);
    }

    /// Lets every call pass, uncounted, until another command says otherwise: see [`Circuit::disable`].
    pub fn disable(&self) {
        self.command(Command::Disable);
    }

    /// Starts all afresh, and rejects nothing: see [`Circuit::observe_only`].
    pub fn observe_only(&self) {
        self.command(Command::ObserveOnly);
    }

    /// Starts all afresh, and under no command any more. Circuits that may be forgotten are.
    pub fn reset(&self) {
        self.command(Command::Reset);
    }

    /// As [`KeyedCircuits::reconfigure`]. The reason stands in the events of the change.
    ///
    /// # Errors
    ///
    /// As [`Circuit::reconfigure`]; nothing has changed then.
    pub fn reconfigure(&self, config: impl Into<Config>) -> Result<(), ConfigError> {
        let (circuits, note) = (self.circuits, self.note.as_ref());
        let tenant = circuits.tenant();
        // Whose change is told as that of the whole table.
        let others = tenant.make_others();
        tenant.reconfigure(config.into())?;
        loop {
            // If other settings come meanwhile, the later ones hold everywhere in the end.
            let config = tenant.parts.config();
            let of_no_key = [Some(others), circuits.keyless()];
            let of_no_key = of_no_key.into_iter().flatten();
            let mut result = of_no_key
                .map(|circuit| circuit.go_on_with(config, note))
                .fold(Ok(()), Result::and);
            for (entry, circuit) in circuits.living() {
                if tenant.parts.special(&entry.key).is_none() {
                    result = result.and(circuit.go_on_with(config, note));
                    entry.reconfigured();
                }
            }
            if tenant.parts.config() == config {
                return result;
            }
        }
    }

    fn command(&self, command: Command) {
        let (circuits, note) = (self.circuits, self.note.as_ref());
        let tenant = circuits.tenant();
        if matches!(command, Command::Reset) && tenant.others().is_none() {
            circuits.each(|circuit| circuit.command(command, note));
            return circuits.sweep();
        }
        let others = tenant.command_others(command, note);
        loop {
            // If another command comes meanwhile, the later one holds everywhere in the end.
            let epoch = others.slot().gate().epoch();
            let note = note.cloned().or_else(|| others.note_in_force());
            let mode = mode_of(others);
            circuits.each(|circuit| circuit.command(mode.command(), note.as_ref()));
            if others.slot().gate().epoch() == epoch {
                break;
            }
        }
        tenant.end_command();
        if tenant.mode() == Mode::Usual {
            circuits.sweep();
        }
    }
}

impl<K: Key> KeyedCircuits<K> {
    /// Commands every key at once, those included that come later.
    ///
    /// ```
    /// use breaker_layer::{State, keyed::KeyedCircuits};
    ///
    /// let hosts = KeyedCircuits::<String>::builder("hosts").build()?;
    /// hosts.all().because("we suspect the breaker").disable();
    /// assert_eq!(hosts.state("shop.example"), State::Disabled);
    /// hosts.all().reset();
    /// assert_eq!(hosts.state("shop.example"), State::Closed);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub const fn all(&self) -> AllKeys<'_, K> {
        AllKeys {
            circuits: self,
            note: None,
        }
    }

    /// Goes on with other settings, for the circuits that there are and those that are made later: see
    /// [`Circuit::reconfigure`]. Keys with [settings of their own](super::KeyedBuilder::config_for) keep them.
    ///
    /// ```
    /// use breaker_layer::{Config, Trip, keyed::KeyedCircuits};
    ///
    /// let hosts = KeyedCircuits::<String>::builder("hosts").build()?;
    /// hosts.reconfigure(Config::new().trip(Trip::consecutive_failures(5)))?;
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`AllKeys::reconfigure`].
    pub fn reconfigure(&self, config: impl Into<Config>) -> Result<(), ConfigError> {
        self.all().reconfigure(config)
    }

    /// Does this to every circuit.
    fn each(&self, act: impl Fn(&Circuit)) {
        self.living().for_each(|(_, circuit)| act(&circuit));
        self.keyless().into_iter().for_each(act);
    }
}
