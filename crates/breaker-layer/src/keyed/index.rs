//! Which circuits there are, and which of them may go: what the lock of a table guards.

use std::sync::{Arc, Weak, atomic::Ordering::Relaxed};

use breaker_core::Timestamp;

use super::{
    entry::{Closed, Entry, Key, Limits, Rank, Standing},
    tenant::Tenant,
};
use crate::storage::Ended;

/// So many entries are looked at to find the one that goes.
const SAMPLE: usize = 32;
/// So many are looked at each time a circuit is made, so that what is spent goes in time.
const ROUND: usize = 8;

/// Each entry once: first those that were closed when they were last looked at, then the others.
pub(super) struct Index<K: Key> {
    pub(super) tenancy: u32,
    pub(super) tenant: Weak<Tenant<K>>,
    entries: Vec<Arc<Entry<K>>>,
    closed: usize,
    closed_hand: usize,
    held_hand: usize,
    pub(super) made: u64,
}

/// What was taken out of the index, to be dropped with nothing held.
pub(super) struct Gone<K> {
    /// Each with what its circuit was. Mostly there is no other, and a list would be an allocation.
    first: Option<(Arc<Entry<K>>, Ended)>,
    others: Vec<(Arc<Entry<K>>, Ended)>,
    /// How many of them were not closed.
    pub(super) abandoned: u64,
}

impl<K> Default for Gone<K> {
    fn default() -> Self {
        Self {
            first: None,
            others: Vec::new(),
            abandoned: 0,
        }
    }
}

impl<K> Gone<K> {
    fn push(&mut self, gone: (Arc<Entry<K>>, Ended)) {
        match self.first {
            None => self.first = Some(gone),
            Some(_) => self.others.push(gone),
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &(Arc<Entry<K>>, Ended)> {
        self.first.iter().chain(&self.others)
    }
}

impl<K: Key> Default for Index<K> {
    fn default() -> Self {
        Self {
            tenancy: 0,
            tenant: Weak::new(),
            entries: Vec::new(),
            closed: 0,
            closed_hand: 0,
            held_hand: 0,
            made: 0,
        }
    }
}

impl<K: Key> Index<K> {
    pub(super) fn push(&mut self, entry: Arc<Entry<K>>) {
        self.entries.push(entry);
        self.settle(self.entries.len() - 1);
        self.free(self.entries.len() - 1);
    }

    pub(super) fn take_all(&mut self) -> Vec<Arc<Entry<K>>> {
        self.closed = 0;
        std::mem::take(&mut self.entries)
    }

    pub(super) fn has(&self, entry: &Arc<Entry<K>>) -> bool {
        let place = entry.place.load(Relaxed) as usize;
        self.entries
            .get(place)
            .is_some_and(|there| Arc::ptr_eq(there, entry))
    }

    /// Looks at an entry, puts it where it belongs and takes it out if it is spent.
    pub(super) fn look_at(
        &mut self,
        entry: &Arc<Entry<K>>,
        now: Timestamp,
        limits: &Limits,
        gone: &mut Gone<K>,
    ) {
        if self.has(entry) {
            self.look(entry.place.load(Relaxed) as usize, now, limits, gone);
        }
    }

    /// Looks at every entry from this place down, for so many; gives back where to go on.
    pub(super) fn look_below(
        &mut self,
        place: usize,
        now: Timestamp,
        limits: &Limits,
        gone: &mut Gone<K>,
    ) -> usize {
        let place = place.min(self.entries.len());
        let end = place.saturating_sub(SAMPLE);
        for place in (end..place).rev() {
            self.look(place, now, limits, gone);
        }
        end
    }

    /// Whether there is room for one more, once those are gone that can go.
    pub(super) fn make_room(
        &mut self,
        now: Timestamp,
        limits: &Limits,
        gone: &mut Gone<K>,
    ) -> bool {
        self.look_around(ROUND, now, limits, gone);
        if self.entries.len() < limits.circuits {
            return true;
        }
        for _ in 0..SAMPLE {
            if self.closed == 0 {
                return false;
            }
            if self.evict(now, limits, gone) {
                return true;
            }
        }
        false
    }

    /// Takes the least of those that the hand comes to next.
    fn evict(&mut self, now: Timestamp, limits: &Limits, gone: &mut Gone<K>) -> bool {
        let mut least: Option<(Rank, Arc<Entry<K>>, _)> = None;
        for _ in 0..SAMPLE.min(self.closed) {
            self.closed_hand = next(self.closed_hand, self.closed);
            let place = self.closed_hand;
            if let Some(closed) = self.look(place, now, limits, gone) {
                let rank = self.entries[place].rank(&closed);
                let is_least = least.as_ref().is_none_or(|(least, ..)| rank < *least);
                if is_least {
                    least = Some((rank, self.entries[place].clone(), closed.version));
                }
            } else if self.entries.len() < limits.circuits {
                return true;
            } else if self.closed == 0 {
                break;
            }
        }
        let Some((_, entry, version)) = least else {
            return false;
        };
        // If something happened to it just now it stays, and another is found the next time.
        let slot = entry.circuit.slot();
        let Some(ended) = slot.end_if(|state| state.version == version) else {
            return false;
        };
        let place = entry.place.load(Relaxed) as usize;
        gone.push((self.take(place), ended));
        true
    }

    /// Looks at the next so many of either kind.
    fn look_around(&mut self, many: usize, now: Timestamp, limits: &Limits, gone: &mut Gone<K>) {
        for _ in 0..many.min(self.closed) {
            if self.closed > 0 {
                self.closed_hand = next(self.closed_hand, self.closed);
                self.look(self.closed_hand, now, limits, gone);
            }
        }
        for _ in 0..many.min(self.entries.len() - self.closed) {
            let held = self.entries.len() - self.closed;
            if held > 0 {
                self.held_hand = next(self.held_hand, held);
                self.look(self.closed + self.held_hand, now, limits, gone);
            }
        }
    }

    /// Looks at what is in a place, puts it where it belongs, takes it out if it is spent, and gives it if it could go.
    fn look(
        &mut self,
        place: usize,
        now: Timestamp,
        limits: &Limits,
        gone: &mut Gone<K>,
    ) -> Option<Closed> {
        let entry = &self.entries[place];
        let (version, is_closed) = match entry.standing(now, limits) {
            Standing::Held => {
                if place < self.closed {
                    self.hold(place);
                }
                return None;
            }
            Standing::Closed(closed) => {
                if place >= self.closed {
                    self.free(place);
                }
                return Some(closed);
            }
            Standing::Spent(version) => (version, true),
            Standing::Abandoned(version) => (version, false),
        };
        let slot = entry.circuit.slot();
        if let Some(ended) = slot.end_if(|state| state.version == version) {
            gone.push((self.take(place), ended));
            gone.abandoned += u64::from(!is_closed);
        }
        None
    }

    /// Moves a closed one to the others.
    fn hold(&mut self, place: usize) {
        self.closed -= 1;
        self.swap(place, self.closed);
    }

    /// Moves another one to the closed ones.
    fn free(&mut self, place: usize) {
        self.swap(place, self.closed);
        self.closed += 1;
    }

    fn take(&mut self, place: usize) -> Arc<Entry<K>> {
        let mut place = place;
        if place < self.closed {
            self.hold(place);
            place = self.closed;
        }
        let last = self.entries.len() - 1;
        self.swap(place, last);
        self.entries.swap_remove(last)
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.entries.swap(one, other);
        self.settle(one);
        self.settle(other);
    }

    /// An entry knows its place.
    fn settle(&self, place: usize) {
        self.entries[place].place.store(place as u32, Relaxed);
    }
}

/// The place after this one, of so many.
const fn next(place: usize, of: usize) -> usize {
    if place + 1 < of { place + 1 } else { 0 }
}
