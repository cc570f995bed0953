//! What a table was built with, and what its operator has said since.

use std::sync::{
    Arc, OnceLock,
    atomic::{
        AtomicBool, AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
};

use breaker_core::{Command, Timestamp};

use super::{
    entry::Key,
    eviction::Limits,
    mode::Mode,
    parts::{Parts, Policy},
};
use crate::{
    circuit::Circuit,
    storage::{CircuitState, KeyedEvent},
};

/// What all handles of a table share, apart from its circuits.
pub(super) struct Shared<K> {
    /// Tells the table from all others that there ever are.
    pub(super) number: u64,
    pub(super) limits: Limits,
    pub(super) parts: Parts<K>,
    /// That of all keys without one, once the whole table was commanded.
    others: OnceLock<Circuit>,
    /// The whole table is under a command.
    is_commanded: AtomicBool,
    uncounted: AtomicU64,
    forgotten_open: AtomicU64,
}

impl<K: Key> Shared<K> {
    pub(super) fn new(limits: Limits, parts: Parts<K>) -> Self {
        static TABLES: AtomicU64 = AtomicU64::new(0);
        Self {
            number: TABLES.fetch_add(1, Relaxed),
            limits,
            parts,
            others: OnceLock::new(),
            is_commanded: AtomicBool::new(false),
            uncounted: AtomicU64::new(0),
            forgotten_open: AtomicU64::new(0),
        }
    }

    /// Whether a call to this key, which has no circuit, passes without one.
    #[inline]
    pub(super) fn passes_alone(&self, key: &K) -> bool {
        !self.is_commanded.load(Relaxed) && !self.parts.keeps_calls(key)
    }

    /// The circuit of all keys that have none, if the whole table was ever commanded.
    pub(super) fn others(&self) -> Option<&Circuit> {
        self.others.get()
    }

    pub(super) fn mode(&self) -> Mode {
        self.others().map_or(Mode::Usual, |others| {
            Mode::of(others, self.parts.clock.now())
        })
    }

    /// As [`Shared::mode`], at this time of the table's clock.
    pub(super) fn mode_at(&self, now: Timestamp) -> Mode {
        self.others()
            .map_or(Mode::Usual, |others| Mode::of(others, now))
    }

    /// As [`Shared::others`], while the whole table is under a command.
    pub(super) fn commanded(&self) -> Option<&Circuit> {
        self.others().filter(|_| self.mode() != Mode::Usual)
    }

    /// With the mode at this time of the table's clock.
    pub(super) fn limits(&self, now: Timestamp) -> Limits {
        let mode = self.mode_at(now);
        Limits {
            mode,
            ..self.limits
        }
    }

    /// A circuit for a key that has these settings of its own, if any, and under the command that the whole table is under.
    pub(super) fn new_circuit(
        &self,
        name: Arc<str>,
        special: Option<Policy>,
        now: Timestamp,
    ) -> Circuit {
        let policy = special.unwrap_or_else(|| self.parts.usual());
        let (command, note) = (
            self.mode_at(now).command(),
            self.others().and_then(Circuit::note_in_force),
        );
        self.parts.circuit(name, policy, now, |state| {
            state.begin_under(command, note.as_ref());
        })
    }

    /// As [`Shared::others`], made if there is none.
    pub(super) fn make_others(&self) -> &Circuit {
        let mut is_new = false;
        let others = self.others.get_or_init(|| {
            is_new = true;
            self.parts.circuit_of_no_key()
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
        self.is_commanded.store(true, SeqCst);
        others
    }

    /// Calls go on as usual where the time is over for which the whole table was isolated.
    pub(super) fn end_isolation(&self) {
        if !self.is_commanded.load(Relaxed) {
            return;
        }
        if let Some(others) = self.others() {
            let is_over = |state: &CircuitState, now| {
                Mode::of_state(state, now) == Mode::Usual && !state.breaker.passes()
            };
            // Observers are told, and those who wait are woken.
            others.command_if(is_over, Command::Reset, None);
        }
        self.end_command();
    }

    /// Calls go on as usual where the whole table is no longer under a command.
    pub(super) fn end_command(&self) {
        self.is_commanded.store(false, SeqCst);
        // Whoever commanded it just now has stored that before the flag.
        if self.mode() != Mode::Usual {
            self.is_commanded.store(true, SeqCst);
        }
    }

    /// How many calls passed uncounted, because there was no room.
    pub(super) fn uncounted(&self) -> u64 {
        self.uncounted.load(Relaxed)
    }

    /// How many circuits were forgotten that were not closed.
    pub(super) fn forgotten_open(&self) -> u64 {
        self.forgotten_open.load(Relaxed)
    }

    /// A call passes uncounted, because there is no room for its key's circuit. To be called with nothing held.
    pub(super) fn tell_uncounted(&self) {
        let total = self.uncounted.fetch_add(1, Relaxed) + 1;
        self.parts.tell(KeyedEvent::Uncounted { total });
    }

    /// A circuit is forgotten that was not closed. To be called with nothing held.
    pub(super) fn tell_forgotten_open(&self) {
        let total = self.forgotten_open.fetch_add(1, Relaxed) + 1;
        self.parts.tell(KeyedEvent::ForgottenOpen { total });
    }
}
