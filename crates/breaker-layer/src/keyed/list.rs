//! All circuits of a table in a list, and which of them go.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use breaker_core::Timestamp;

use super::{
    entry::Entry,
    eviction::{Limits, Rank, Status},
};
use crate::storage::Ended;

/// So many are looked at each time a circuit is made, so that what has expired goes in time.
const ROUND: usize = 8;

/// Each circuit once.
pub(super) struct List<K> {
    entries: Vec<Arc<Entry<K>>>,
    /// Which was looked at last.
    hand: usize,
    /// What was taken out of the list, and is still in the map.
    removed: Vec<Removed<K>>,
    /// By name and number, if they are looked up so.
    by_name: Option<ByName<K>>,
}

type ByName<K> = BTreeMap<(Arc<str>, u64), Arc<Entry<K>>>;

/// A circuit that is gone.
pub(super) struct Removed<K> {
    pub(super) entry: Arc<Entry<K>>,
    pub(super) ended: Ended,
}

impl<K> Default for List<K> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            hand: 0,
            removed: Vec::new(),
            by_name: None,
        }
    }
}

impl<K> List<K> {
    /// So many circuits are looked at to find the one that goes.
    pub(super) const SAMPLE: usize = 32;

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn push(&mut self, entry: Arc<Entry<K>>) {
        if let Some(by_name) = &mut self.by_name {
            by_name.insert(entry.name_and_number(), entry.clone());
        }
        self.entries.push(entry);
        self.note_place(self.entries.len() - 1);
    }

    /// Where this circuit is, unless it is gone.
    fn place_of(&self, entry: &Arc<Entry<K>>) -> Option<usize> {
        let place = entry.place.load(Relaxed) as usize;
        let there = self.entries.get(place)?;
        Arc::ptr_eq(there, entry).then_some(place)
    }

    pub(super) fn has(&self, entry: &Arc<Entry<K>>) -> bool {
        self.place_of(entry).is_some()
    }

    /// From now on [`List::named`] finds them.
    pub(super) fn keep_names(&mut self) {
        if self.by_name.is_none() {
            let named = |entry: &Arc<Entry<K>>| (entry.name_and_number(), entry.clone());
            self.by_name = Some(self.entries.iter().map(named).collect());
        }
    }

    /// A circuit with this name, if names are kept.
    pub(super) fn named(&self, name: &str) -> Option<&Arc<Entry<K>>> {
        let name: Arc<str> = name.into();
        let all = (name.clone(), 0)..=(name, u64::MAX);
        let mut named = self.by_name.as_ref()?.range(all);
        named.next().map(|(_, entry)| entry)
    }

    pub(super) fn take_all(&mut self) -> Vec<Arc<Entry<K>>> {
        mem::take(self).entries
    }

    /// What was removed since this was asked last.
    pub(super) fn take_removed(&mut self) -> Vec<Removed<K>> {
        mem::take(&mut self.removed)
    }

    /// Removes a circuit if it has expired.
    pub(super) fn check(&mut self, entry: &Arc<Entry<K>>, now: Timestamp, limits: &Limits) {
        if let Some(place) = self.place_of(entry) {
            self.check_place(place, now, limits);
        }
    }

    /// Removes those that have expired of the next circuits below this place; gives back where to go on.
    pub(super) fn check_below(&mut self, place: usize, now: Timestamp, limits: &Limits) -> usize {
        let place = place.min(self.entries.len());
        let end = place.saturating_sub(Self::SAMPLE);
        for place in (end..place).rev() {
            self.check_place(place, now, limits);
        }
        end
    }

    /// Whether there is room for one more, once those are gone that can go.
    pub(super) fn make_room(&mut self, now: Timestamp, limits: &Limits) -> bool {
        for _ in 0..ROUND {
            if let Some(place) = self.next_place() {
                self.check_place(place, now, limits);
            }
        }
        while self.entries.len() >= limits.circuits {
            let least = self.least(now, limits);
            if self.entries.len() < limits.circuits {
                break;
            }
            let Some((_, entry, version)) = least else {
                return false;
            };
            // If anything has just happened to it, it stays, and another one is looked for.
            if let Some(place) = self.place_of(&entry) {
                self.remove_unless_changed(place, version);
            }
        }
        true
    }

    /// Of some circuits the one that is to go first. Those that have expired go meanwhile.
    fn least(&mut self, now: Timestamp, limits: &Limits) -> Option<(Rank, Arc<Entry<K>>, u64)> {
        let mut least: Option<(Rank, Arc<Entry<K>>, u64)> = None;
        for _ in 0..Self::SAMPLE.min(self.entries.len()) {
            let place = self.next_place()?;
            if let Some((rank, version)) = self.check_place(place, now, limits)
                && least.as_ref().is_none_or(|(least, ..)| rank < *least)
            {
                least = Some((rank, self.entries[place].clone(), version));
            }
        }
        least
    }

    fn next_place(&mut self) -> Option<usize> {
        self.hand = (self.hand + 1).checked_rem(self.entries.len())?;
        Some(self.hand)
    }

    /// Removes the circuit in a place if it has expired; gives its rank and version if it may be evicted.
    fn check_place(
        &mut self,
        place: usize,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<(Rank, u64)> {
        match self.entries[place].status(now, limits) {
            Status::Kept => None,
            Status::Evictable { version, rank } => Some((rank, version)),
            Status::Expired { version } => {
                self.remove_unless_changed(place, version);
                None
            }
        }
    }

    /// Removes a circuit, unless anything has happened to it since this version.
    fn remove_unless_changed(&mut self, place: usize, version: u64) {
        let slot = self.entries[place].circuit.slot();
        if let Some(ended) = slot.end_if(|state| state.version == version) {
            let entry = self.remove(place);
            self.removed.push(Removed { entry, ended });
        }
    }

    fn remove(&mut self, place: usize) -> Arc<Entry<K>> {
        let entry = self.entries.swap_remove(place);
        if place < self.entries.len() {
            self.note_place(place);
        }
        if let Some(by_name) = &mut self.by_name {
            by_name.remove(&entry.name_and_number());
        }
        entry
    }

    /// An entry knows its place.
    fn note_place(&self, place: usize) {
        self.entries[place].place.store(place as u32, Relaxed);
    }
}
