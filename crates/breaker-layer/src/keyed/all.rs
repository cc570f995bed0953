//! Commands to a whole table.

use std::{fmt, sync::Arc, time::Duration};

use breaker_core::{Command, Config, ConfigError};

use super::{
    circuits::KeyedCircuits,
    entry::Key,
    mode::Mode,
    table::{Part, Table},
};
use crate::circuit::Circuit;

/// Commands to every key of a table: those that have a circuit, those that have none, and those that come later. Made by
/// [`KeyedCircuits::all`], and by [`Registry::table`](crate::Registry::table) for whoever knows only the table's name.
///
/// A key can be made an exception afterwards, by a command of its own. Requests without a key are meant, too, where they
/// [share a circuit](super::KeyedBuilder::share_keyless).
#[derive(Clone)]
#[must_use = "it does nothing until a command is given"]
pub struct AllKeys {
    table: Arc<dyn Commands>,
    note: Option<Arc<str>>,
}

/// A table that can be commanded, whatever its keys are.
pub(super) trait Commands: Send + Sync {
    fn name(&self) -> &str;
    fn config(&self) -> Config;
    fn command(&self, command: Command, note: Option<&Arc<str>>);
    fn reset_if(&self, because: &str, note: Option<&Arc<str>>);
    fn reconfigure(&self, config: Config, note: Option<&Arc<str>>) -> Result<(), ConfigError>;
    fn len(&self) -> usize;
    fn find(&self, key: &str) -> Option<Circuit>;
    fn commanded(&self) -> Option<Circuit>;
    fn part(&self, number: usize) -> Option<Part>;
}

impl AllKeys {
    pub(super) const fn of(table: Arc<dyn Commands>) -> Self {
        Self { table, note: None }
    }

    /// The name of the table.
    pub fn name(&self) -> &str {
        self.table.name()
    }

    /// The settings in force: see [`KeyedCircuits::config`].
    pub fn config(&self) -> Config {
        self.table.config()
    }

    /// How many keys have a circuit: see [`KeyedCircuits::len`].
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no key has a circuit.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The circuit of the key that the table calls so, if it has one.
    ///
    /// ```
    /// use breaker_layer::{Registry, keyed::KeyedCircuits};
    ///
    /// let (registry, hosts) = (Registry::new(), KeyedCircuits::<String>::builder("hosts").build()?);
    /// registry.add_keyed(&hosts).unwrap();
    /// hosts.circuit("shop.example").unwrap().trip();
    /// let table = registry.table("hosts").unwrap();
    /// assert!(table.find("shop.example").unwrap().is_open());
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    ///
    /// Names are looked up once the table is in a [`Registry`](crate::Registry).
    pub fn find(&self, key: &str) -> Option<Circuit> {
        self.table.find(key)
    }

    /// The circuits that there are, each with what the table calls its key: see [`Found::key`](crate::registry::Found::key). A
    /// part of the table is looked at when its turn comes, so that the first circuits of a very large one come at once.
    ///
    /// ```
    /// use breaker_layer::keyed::KeyedCircuits;
    ///
    /// let hosts = KeyedCircuits::<String>::builder("hosts").name_by(|key| key.as_str().into()).build()?;
    /// hosts.circuit("shop.example").unwrap().trip();
    /// let (key, circuit) = hosts.all().circuits().next().unwrap();
    /// assert_eq!((key.as_deref(), circuit.is_open()), (Some("shop.example"), true));
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn circuits(&self) -> impl Iterator<Item = (Option<Arc<str>>, Circuit)> + use<> {
        let table = self.table.clone();
        (0..).map_while(move |number| table.part(number)).flatten()
    }

    /// The circuit that stands for all keys that have none, while the whole table is under a command: its snapshot says under
    /// which, why, and until when.
    ///
    /// ```
    /// use breaker_layer::{State, keyed::KeyedCircuits};
    ///
    /// let hosts = KeyedCircuits::<String>::builder("hosts").build()?;
    /// assert!(hosts.all().commanded().is_none());
    /// hosts.all().because("we move").isolate();
    /// let snapshot = hosts.all().commanded().unwrap().snapshot();
    /// assert_eq!((snapshot.state, snapshot.note.as_deref()), (State::Isolated, Some("we move")));
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn commanded(&self) -> Option<Circuit> {
        self.table.commanded()
    }

    /// Says why: see [`Circuit::because`].
    pub fn because(self, note: impl Into<Arc<str>>) -> Self {
        // Nothing said is no reason.
        let note = Some(note.into()).filter(|note| !note.is_empty());
        Self { note, ..self }
    }

    /// Rejects every call until another command says otherwise: see [`Circuit::isolate`]. A key without a circuit is
    /// rejected in the name of the table.
    pub fn isolate(&self) {
        self.command(Command::Isolate(None));
    }

    /// Rejects every call for this long, from 1 ms to 100 days, or until another command says otherwise: see
    /// [`Circuit::isolate_for`]. Then each circuit there is goes on half-open, and a key without one has nothing against it, as
    /// usual.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_layer::{State, clock::ManualClock, keyed::KeyedCircuits};
    ///
    /// let clock = ManualClock::new();
    /// let hosts = KeyedCircuits::<String>::builder("hosts").clock(clock.clock()).build()?;
    /// hosts.all().because("we move").isolate_for(Duration::from_secs(600));
    /// assert_eq!(hosts.state("shop.example"), State::Isolated);
    /// clock.advance(Duration::from_secs(600));
    /// assert_eq!(hosts.state("shop.example"), State::Closed);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn isolate_for(&self, span: Duration) {
        self.command(Command::Isolate(Some(span)));
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

    /// As [`AllKeys::reset`], but only of what is under a command that was given for this reason. A key under another one stays so.
    ///
    /// ```
    /// use breaker_layer::{State, keyed::KeyedCircuits};
    ///
    /// let hosts = KeyedCircuits::<String>::builder("hosts").build()?;
    /// hosts.all().because("we move").isolate();
    /// hosts.circuit("shop.example").unwrap().because("they are hacked").isolate();
    /// hosts.all().because("we have moved").reset_if("we move");
    /// assert_eq!(hosts.state("shop.example"), State::Isolated);
    /// assert_eq!(hosts.state("mail.example"), State::Closed);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn reset_if(&self, because: &str) {
        self.table.reset_if(because, self.note.as_ref());
    }

    /// As [`KeyedCircuits::reconfigure`]. The reason stands in the events of the change.
    ///
    /// # Errors
    ///
    /// As [`Circuit::reconfigure`]; nothing has changed then.
    pub fn reconfigure(&self, config: impl Into<Config>) -> Result<(), ConfigError> {
        self.table.reconfigure(config.into(), self.note.as_ref())
    }

    fn command(&self, command: Command) {
        self.table.command(command, self.note.as_ref());
    }
}

impl fmt::Debug for AllKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllKeys")
            .field("table", &self.name())
            .field("note", &self.note)
            .finish()
    }
}

impl<K: Key> Commands for Table<K> {
    fn name(&self) -> &str {
        &self.shared.parts.name
    }

    fn config(&self) -> Config {
        self.shared.parts.config()
    }

    fn len(&self) -> usize {
        self.store.lock().list.len()
    }

    fn find(&self, key: &str) -> Option<Circuit> {
        self.named(key)
    }

    fn commanded(&self) -> Option<Circuit> {
        self.shared.commanded().cloned()
    }

    fn part(&self, number: usize) -> Option<Part> {
        self.numbered_part(number)
    }

    fn reconfigure(&self, config: Config, note: Option<&Arc<str>>) -> Result<(), ConfigError> {
        let Self { store, shared, .. } = self;
        let parts = &shared.parts;
        // Whose change is told as that of the whole table.
        let others = shared.make_others();
        parts.reconfigure(config)?;
        // Circuits that are being made just now are there after this; later ones have these settings.
        store.wait();
        loop {
            // If other settings come meanwhile, the later ones hold everywhere in the end.
            let config = parts.config();
            let of_no_key = [Some(others), self.keyless.as_ref()];
            let of_no_key = of_no_key.into_iter().flatten();
            let mut result = of_no_key
                .map(|circuit| circuit.go_on_with(config, note))
                .fold(Ok(()), Result::and);
            for (entry, circuit) in self.living() {
                if parts.special(&entry.key).is_none() {
                    result = result.and(circuit.go_on_with(config, note));
                    entry.note_settings();
                }
            }
            if parts.config() == config {
                return result;
            }
        }
    }

    fn command(&self, command: Command, note: Option<&Arc<str>>) {
        let Self { store, shared, .. } = self;
        if matches!(command, Command::Reset) && shared.others().is_none() {
            self.each(|circuit| circuit.command(command, note));
            return store.sweep(shared);
        }
        let others = shared.command_others(command, note);
        // Circuits that are being made just now are there after this; later ones see the mode.
        store.wait();
        loop {
            // If another command comes meanwhile, the later one holds everywhere in the end.
            let epoch = others.slot().gate().epoch();
            let note = note.cloned().or_else(|| others.note_in_force());
            let mode = Mode::of(others, shared.parts.clock.now());
            self.each(|circuit| circuit.command(mode.command(), note.as_ref()));
            if others.slot().gate().epoch() == epoch {
                break;
            }
        }
        shared.end_command();
        if shared.mode() == Mode::Usual {
            store.sweep(shared);
        }
    }

    fn reset_if(&self, because: &str, note: Option<&Arc<str>>) {
        let Self { store, shared, .. } = self;
        if let Some(others) = shared.others() {
            others.reset_if(because, note);
            shared.end_command();
        }
        // Circuits that are being made just now are there after this; later ones are not under it.
        store.wait();
        self.each(|circuit| circuit.reset_if(because, note));
        if shared.mode() == Mode::Usual {
            store.sweep(shared);
        }
    }
}

impl<K: Key> Table<K> {
    /// Does this to every circuit.
    fn each(&self, act: impl Fn(&Circuit)) {
        self.living().for_each(|(_, circuit)| act(&circuit));
        self.keyless.iter().for_each(act);
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
    pub fn all(&self) -> AllKeys {
        AllKeys::of(self.table().clone())
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
}
