//! How circuits are made and forgotten.

use std::sync::{
    Arc,
    atomic::Ordering::{AcqRel, Relaxed},
};

use super::{
    entry::{ByKey, Entry, Key, Sought},
    index::{Gone, Index},
    registry::Registry,
    tenant::Tenant,
};
use crate::{
    circuit::{Circuit, Permit},
    storage::KeyedNews,
};

/// What became of the wish for a circuit.
pub(super) enum Made<K> {
    /// There is one now, or there was.
    Yes(Arc<Entry<K>>),
    /// There is no room.
    No,
    /// The table is gone.
    Gone,
}

impl<K: Key> Registry<K> {
    /// Records a call that has no circuit of its own with whichever its key has now, or with one that it makes.
    #[cold]
    pub(super) fn settle_call(
        &self,
        key: &K,
        tenancy: u32,
        needs_circuit: bool,
        settle: impl Fn(Permit) -> bool,
    ) {
        loop {
            let entry = match self.find(key, tenancy) {
                Some(entry) => entry,
                None if !needs_circuit => return,
                None => match self.make(key, tenancy) {
                    Made::Yes(entry) => entry,
                    Made::No => return self.pass_uncounted(tenancy),
                    Made::Gone => return,
                },
            };
            let permit = entry.circuit.first_permit(entry.first);
            let slot = permit.slot();
            if settle(permit) {
                if !entry.is_lasting() && slot.gate().is_calm() {
                    self.tidy(key, tenancy, false);
                }
                return;
            }
            self.settle();
        }
    }

    /// After a call that may have left its circuit without anything to say: forgets that, or notes that it has closed.
    #[cold]
    pub(super) fn tidy(&self, key: &K, tenancy: u32, has_closed: bool) {
        let keep = self.keep();
        let look = |entry: &Arc<Entry<K>>| {
            let is_due = has_closed || entry.may_be_spent(keep);
            (is_due && entry.tenancy == tenancy).then(|| entry.clone())
        };
        if let Some(entry) = self.with(key, look).flatten() {
            self.look_at(&entry);
        }
    }

    /// Does something to a circuit that is not taken away meanwhile, if it is there.
    pub(super) fn hold<T>(&self, entry: &Arc<Entry<K>>, act: impl FnOnce() -> T) -> Option<T> {
        let index = self.index();
        index.has(entry).then(act)
    }

    /// Makes the circuit of a key, unless there is one.
    pub(super) fn make(&self, key: &K, tenancy: u32) -> Made<K> {
        match self.tenant(tenancy) {
            Some(tenant) if tenant.mode().counts() => self.make_for(key, &tenant),
            // Nothing counts that is recorded from now on.
            Some(_) | None => Made::Gone,
        }
    }

    pub(super) fn make_for(&self, key: &K, tenant: &Tenant<K>) -> Made<K> {
        let parts = &tenant.parts;
        // The user's functions run before the lock is taken.
        let (special, name, now) = (parts.special(key), parts.name_of(key), parts.clock.now());
        // Dropped with nothing held, if there is a circuit by now: keys are the user's.
        let mut kept = Some(parts.kept(key));
        let (made, began) = self.change(tenant, |index, gone| {
            let map = self.map.pin();
            if let Some(ByKey(entry)) = map.get(&Sought(key)) {
                return (Made::Yes(entry.clone()), None);
            }
            let limits = &tenant.limits();
            let has_room = index.make_room(now, limits, gone);
            self.remove(gone);
            let Some(kept) = kept.take_if(|_| has_room) else {
                return (Made::No, None);
            };
            // Whoever changes what holds for the whole table waits for the lock before he looks for its circuits.
            let policy = special.unwrap_or_else(|| parts.usual());
            let is_lasting = policy.is_lasting();
            let command = limits.mode.command();
            let note = tenant.others().and_then(Circuit::note_in_force);
            let circuit = parts.circuit(name, policy, now, |state| {
                state.begin_under(command, note.as_ref());
            });
            // Held, it is not taken away before its observers know of it.
            let began = (!parts.observers().is_empty()).then(|| circuit.clone());
            index.made += 1;
            let (tenancy, number) = (tenant.tenancy, index.made);
            let entry = Entry::new(kept, circuit, is_lasting, tenancy, number);
            let entry = Arc::new(entry);
            self.turn.fetch_add(1, AcqRel);
            map.insert(ByKey(entry.clone()));
            self.turn.fetch_add(1, AcqRel);
            index.push(entry.clone());
            (Made::Yes(entry), began)
        });
        if let Some(circuit) = began {
            parts.observers().tell_began(circuit.handle());
        }
        made
    }

    /// Looks at a circuit, and takes it away if it is spent.
    pub(super) fn look_at(&self, entry: &Arc<Entry<K>>) {
        let Some(tenant) = self.tenant(entry.tenancy) else {
            return;
        };
        let now = tenant.parts.clock.now();
        self.change(&tenant, |index, gone| {
            index.look_at(entry, now, &tenant.limits(), gone);
            self.remove(gone);
        });
    }

    /// Looks at every circuit, a few at a time, and takes those away that are spent.
    pub(super) fn sweep(&self, tenant: &Tenant<K>) {
        let mut place = usize::MAX;
        while place > 0 {
            let now = tenant.parts.clock.now();
            place = self.change(tenant, |index, gone| {
                let place = index.look_below(place, now, &tenant.limits(), gone);
                self.remove(gone);
                place
            });
        }
    }

    /// Changes which circuits there are, and then, with nothing held, buries those that are gone.
    ///
    /// The map is pinned for longer than the index is locked: it drops keys when its last pin goes, and they are the user's.
    fn change<T>(
        &self,
        tenant: &Tenant<K>,
        act: impl FnOnce(&mut Index<K>, &mut Gone<K>) -> T,
    ) -> T {
        let mut gone = Gone::default();
        let map = self.map.pin();
        let mut index = self.index();
        let done = act(&mut index, &mut gone);
        drop(index);
        drop(map);
        self.bury(gone, tenant);
        done
    }

    /// Within [`Registry::change`].
    fn remove(&self, gone: &Gone<K>) {
        let map = self.map.pin();
        for (entry, _) in gone.entries() {
            map.remove(&Sought(&entry.key));
        }
    }

    /// With nothing held.
    fn bury(&self, gone: Gone<K>, tenant: &Tenant<K>) {
        for (_, ended) in gone.entries() {
            ended.tell();
        }
        for _ in 0..gone.abandoned {
            let total = self.abandoned.fetch_add(1, Relaxed) + 1;
            tenant.parts.tell(KeyedNews::ForgottenOpen { total });
        }
    }

    /// A call passes uncounted because there is no room for its key's circuit.
    pub(super) fn pass_uncounted(&self, tenancy: u32) {
        if let Some(tenant) = self.tenant(tenancy) {
            let total = self.uncounted.fetch_add(1, Relaxed) + 1;
            tenant.parts.tell(KeyedNews::Uncounted { total });
        }
    }
}
