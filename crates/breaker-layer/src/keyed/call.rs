//! A call to a key: how it is admitted, and what its outcome does.

use std::{sync::Arc, time::Duration};

use breaker_core::{Ending, Outcome, Timestamp};

use super::{
    entry::{Entry, Key},
    mode::Mode,
    parts::Policy,
    store::Store,
    table::Table,
};
use crate::{
    circuit::{CallDetails, Draw, Permit, dropped},
    error::Rejected,
    storage::GateState,
};

/// A call to a key.
pub(super) struct Call<K: Key> {
    store: &'static Store<K>,
    /// The number of the table.
    table: u64,
    hash: u64,
    key: K,
    is_excluded: bool,
    /// What its key's circuit gave, if there was one.
    given: Option<Given<K>>,
}

struct Given<K> {
    permit: Permit,
    entry: Arc<Entry<K>>,
    /// If the circuit is forgotten meanwhile, the call counts for the key's next one.
    is_renewable: bool,
}

impl<K: Key> Call<K> {
    /// Asks the circuit of this key. `None` if the call passes and counts for nothing, because there is no room.
    #[inline]
    pub(super) fn admit(
        table: &Table<K>,
        key: K,
        draw: &mut Draw,
    ) -> Result<Option<Self>, Rejected> {
        let hash = table.store.map.hash(&key);
        match table.store.find(hash, &key, table.shared.number) {
            None if table.shared.passes_alone(&key) => Ok(Some(Self::new(table, hash, key, None))),
            found => Self::ask(table, hash, key, found, draw),
        }
    }

    /// As [`Call::admit`], where a circuit was found, or may be needed.
    #[inline(never)]
    pub(super) fn ask(
        table: &Table<K>,
        hash: u64,
        key: K,
        mut found: Option<Arc<Entry<K>>>,
        draw: &mut Draw,
    ) -> Result<Option<Self>, Rejected> {
        let (store, shared) = (table.store, &table.shared);
        // Each round another circuit of the key was removed.
        loop {
            let entry = match found {
                Some(entry) => entry,
                None => {
                    match (shared.mode(), shared.others()) {
                        (Mode::Isolated(_), Some(others)) => others.acquire_drawn(draw)?.discard(),
                        (Mode::Disabled, _) => return Ok(None),
                        (Mode::Usual, Some(_)) => shared.end_isolation(),
                        _ => {}
                    }
                    if !shared.parts.keeps_calls(&key) {
                        return Ok(Some(Self::new(table, hash, key, None)));
                    }
                    let Some(made) = store.make(hash, &key, shared) else {
                        shared.tell_uncounted();
                        return Ok(None);
                    };
                    made
                }
            };
            let now = entry.touch(&shared.parts.clock);
            let permit = entry.circuit.acquire_drawn(draw)?;
            if let Some(given) = Given::by(entry, permit, now, shared.limits.keep) {
                return Ok(Some(Self::new(table, hash, key, Some(given))));
            }
            store.wait();
            found = store.find(hash, &key, shared.number);
        }
    }

    /// A call that has waited for this permit of its key's circuit; `None` if that is gone.
    pub(super) fn waited(
        table: &Table<K>,
        key: K,
        entry: Arc<Entry<K>>,
        permit: Permit,
    ) -> Option<Self> {
        let now = entry.touch(&table.shared.parts.clock);
        let hash = entry.hash;
        let given = Given::by(entry, permit, now, table.shared.limits.keep)?;
        Some(Self::new(table, hash, key, Some(given)))
    }

    #[inline]
    fn new(table: &Table<K>, hash: u64, key: K, given: Option<Given<K>>) -> Self {
        Self {
            store: table.store,
            table: table.shared.number,
            hash,
            key,
            is_excluded: false,
            given,
        }
    }

    /// Its outcome is ignored, whatever it is.
    pub(super) fn exclude(&mut self) {
        self.is_excluded = true;
        if let Some(given) = &mut self.given {
            given.permit.exclude();
        }
    }

    /// The downstream has answered.
    pub(super) fn answered(&mut self) {
        if let Some(given) = &mut self.given {
            given.permit.answered();
        }
    }

    pub(super) fn is_probe(&self) -> bool {
        let given = self.given.as_ref();
        given.is_some_and(|given| given.permit.is_probe())
    }

    /// Records that its permit was dropped.
    pub(super) fn give_up(self) {
        let ending = dropped(|| self.policy().is_none_or(|policy| policy.panic_is_failure()));
        self.settle(ending, CallDetails::NOTHING);
    }

    /// That of its key, unless the table is gone.
    fn policy(&self) -> Option<Policy> {
        let shared = self.store.shared(self.table)?;
        Some(shared.parts.policy(&self.key))
    }

    /// Records what became of it.
    #[inline]
    pub(super) fn settle(mut self, ending: Ending, details: CallDetails<'_>) {
        let needs_circuit = match self.given.take() {
            None => self.needs_circuit(ending),
            Some(given) => {
                let (entry, slot) = (given.entry, given.permit.slot());
                if self.record(given.permit, ending, details) || !given.is_renewable {
                    if !entry.keeps_calls() && slot.gate().is_calm() && !slot.is_shared() {
                        self.store.tidy(&entry);
                    }
                    return;
                }
                let is_success = !self.is_excluded && ending == Ending::Recorded(Outcome::Success);
                entry.keeps_calls() && is_success || self.needs_circuit(ending)
            }
        };
        let found = self.store.find(self.hash, &self.key, self.table);
        if needs_circuit || found.is_some() {
            self.settle_without_permit(found, needs_circuit, ending, details);
        }
    }

    /// Records a call that has no permit of a circuit that is there, with whichever its key has now, or with one that it
    /// makes.
    #[cold]
    fn settle_without_permit(
        &self,
        mut found: Option<Arc<Entry<K>>>,
        needs_circuit: bool,
        ending: Ending,
        details: CallDetails<'_>,
    ) {
        let (store, hash, key) = (self.store, self.hash, &self.key);
        // Each round another circuit of the key was removed.
        loop {
            let made = || store.make_late(hash, key, self.table);
            let Some(entry) = found.or_else(|| needs_circuit.then(made).flatten()) else {
                return;
            };
            let first = entry.circuit.first_permit(entry.first);
            if self.record(first, ending, details) {
                if !entry.keeps_calls() && entry.circuit.slot().gate().is_calm() {
                    store.tidy(&entry);
                }
                return;
            }
            store.wait();
            found = store.find(hash, key, self.table);
        }
    }

    /// Records it with this permit; says whether the permit's circuit is still there.
    fn record(&self, permit: Permit, ending: Ending, details: CallDetails<'_>) -> bool {
        let permit = match self.is_excluded {
            true => permit.excluded(),
            false => permit,
        };
        permit.settle(ending, details)
    }

    /// Whether this outcome needs a circuit, should there be none by now.
    fn needs_circuit(&self, ending: Ending) -> bool {
        match ending {
            _ if self.is_excluded => false,
            Ending::Recorded(Outcome::Success | Outcome::Ignored) => false,
            Ending::Recorded(_) => true,
            Ending::Cancelled => self
                .policy()
                .is_some_and(|policy| policy.counts_cancelled()),
        }
    }
}

impl<K: Key> Given<K> {
    /// What this permit is; `None` if the circuit was gone already.
    fn by(entry: Arc<Entry<K>>, permit: Permit, now: Timestamp, keep: Duration) -> Option<Self> {
        if permit.is_void() {
            permit.discard();
            return None;
        }
        let state = permit.slot().gate().state();
        // What was removed since counts as closed here: an open circuit has other permits.
        let was_closed = matches!(state, GateState::Passes | GateState::Vacant);
        Some(Self {
            is_renewable: was_closed && permit.epoch() == entry.first
                || entry.was_kept(permit.epoch(), now, keep),
            permit,
            entry,
        })
    }
}
