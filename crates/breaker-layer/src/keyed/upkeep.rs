//! How circuits are made and forgotten.

use std::sync::Arc;

use breaker_core::Phase;

use super::{
    entry::{Entry, Key},
    list::Removed,
    shared::Shared,
    store::{Changing, Store},
};

impl<K: Key> Store<K> {
    /// The circuit of a key with this hash, made if there is none; `None` if there is no room, or the table is gone.
    pub(super) fn make(&self, hash: u64, key: &K, shared: &Shared<K>) -> Option<Arc<Entry<K>>> {
        let parts = &shared.parts;
        // The user's functions run before the lock is taken.
        let (special, name, now) = (parts.special(key), parts.name_of(key), parts.clock.now());
        // What is not used is dropped with nothing held: keys are the user's.
        let mut kept = Some(parts.kept(key));
        let (made, began) = self.change(shared, |changing| {
            if !changing.is_of(shared) {
                return (None, None);
            }
            if let Some(entry) = self.map.find(hash, key) {
                return (Some(entry), None);
            }
            let has_room = changing.list.make_room(now, &shared.limits(now));
            let Some(kept) = kept.take_if(|_| has_room) else {
                return (None, None);
            };
            // Whoever changes what holds for the whole table waits for the lock before he looks for its circuits.
            let circuit = shared.new_circuit(name, special, now);
            // Held, it is not removed before its observers know of it.
            let began = (!parts.observers().is_empty()).then(|| circuit.clone());
            changing.made += 1;
            let entry = Entry::new(kept, hash, circuit, shared.number, changing.made);
            let entry = Arc::new(entry);
            self.map.insert(&entry);
            changing.list.push(entry.clone());
            (Some(entry), began)
        });
        if let Some(circuit) = began {
            parts.observers().tell_began(circuit.handle());
        }
        made
    }

    /// As [`Store::make`], for a call that may have outlived the table of this number. It passes uncounted if there is no room.
    pub(super) fn make_late(&self, hash: u64, key: &K, table: u64) -> Option<Arc<Entry<K>>> {
        // While all keys are isolated or disabled nothing counts.
        let shared = self.shared(table);
        let shared = shared.filter(|shared| shared.mode().counts())?;
        let made = self.make(hash, key, &shared);
        if made.is_none() {
            shared.tell_uncounted();
        }
        made
    }

    /// After a call that may have left its circuit with nothing to say: forgets that.
    #[cold]
    pub(super) fn tidy(&self, entry: &Arc<Entry<K>>) {
        if entry.may_have_expired(self.keep()) {
            self.check(entry);
        }
    }

    /// Looks at a circuit, and forgets it if it has expired.
    pub(super) fn check(&self, entry: &Arc<Entry<K>>) {
        if let Some(shared) = self.shared(entry.table) {
            let now = shared.parts.clock.now();
            self.change(&shared, |changing| {
                changing.list.check(entry, now, &shared.limits(now));
            });
        }
    }

    /// Looks at every circuit, a few at a time, and forgets those that have expired.
    pub(super) fn sweep(&self, shared: &Shared<K>) {
        let mut place = usize::MAX;
        while place > 0 {
            let now = shared.parts.clock.now();
            place = self.change(shared, |changing| {
                changing.list.check_below(place, now, &shared.limits(now))
            });
        }
    }

    /// Changes which circuits there are; then, with nothing held, tells of those that are gone.
    fn change<T>(&self, shared: &Shared<K>, act: impl FnOnce(&mut Changing<K>) -> T) -> T {
        let mut changing = self.lock();
        let done = act(&mut changing);
        let removed = changing.list.take_removed();
        for Removed { entry, .. } in &removed {
            self.map.remove(entry);
        }
        drop(changing);
        for Removed { ended, .. } in removed {
            ended.tell();
            let phase = ended.state().breaker.phase();
            if let Phase::Open { .. } | Phase::HalfOpen { .. } | Phase::Isolated { .. } = phase {
                shared.tell_forgotten_open();
            }
        }
        done
    }
}
