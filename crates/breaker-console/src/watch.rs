//! What the console remembers: the last transitions, and how much was called, failed and rejected in the last minutes.
//! All of it is bounded, whatever names and keys come.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use breaker_layer::{Registry, Snapshot, TransitionEvent, observe::Transition};
use tokio::time::Instant;

use crate::html::Clip;

/// So many transitions of a circuit are kept.
const TRANSITIONS: usize = 32;
/// Of so many circuits, those that changed last.
const CIRCUITS: usize = 1024;
/// A bar of the picture of the last minutes stands for so long.
pub(crate) const BAR: Duration = Duration::from_secs(5);
/// It has so many bars.
pub(crate) const BARS: usize = 60;
/// What was counted while nobody looked for so many bars is in none.
const GAP: u64 = 3;

/// A circuit on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(pub(crate) u64);

/// A transition that happened.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub(crate) transition: Transition,
    pub(crate) note: Option<String>,
}

/// Calls in a bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) rejected: u64,
}

impl Counts {
    fn of(snapshot: &Snapshot) -> Self {
        let uncounted = snapshot.failed;
        Self {
            calls: snapshot.admitted.unwrap_or(uncounted),
            failed: snapshot.failed,
            rejected: snapshot.rejected,
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(before.calls),
            failed: self.failed.saturating_sub(before.failed),
            rejected: self.rejected.saturating_sub(before.rejected),
        }
    }

    fn add(&mut self, more: Self) {
        self.calls += more.calls;
        self.failed += more.failed;
        self.rejected += more.rejected;
    }
}

pub(crate) struct Watch {
    held: Mutex<Held>,
    begun: Instant,
    ids: RandomState,
}

#[derive(Default)]
struct Held {
    circuits: HashMap<Id, Seen>,
    /// Grows with each use, to tell which circuit was used last.
    uses: u64,
}

/// What is remembered of a circuit.
#[derive(Default)]
struct Seen {
    key: Option<(Arc<str>, Arc<str>)>,
    past: VecDeque<Past>,
    bars: VecDeque<Counts>,
    bar: u64,
    counted: Option<Counts>,
    used: u64,
}

impl Watch {
    /// Watches every circuit of the registry.
    pub(crate) fn new(registry: &Registry) -> Arc<Self> {
        let watch = Arc::new(Self {
            held: Mutex::default(),
            begun: Instant::now(),
            ids: RandomState::new(),
        });
        // The registry may live on when the last console is gone.
        let weak = Arc::downgrade(&watch);
        registry.observe(move |event: &TransitionEvent<'_>| {
            if let Some(watch) = weak.upgrade() {
                watch.note(event);
            }
        });
        watch
    }

    pub(crate) fn id(&self, name: &str, key: Option<&str>) -> Id {
        Id(self.ids.hash_one((name, key)))
    }

    fn note(&self, event: &TransitionEvent<'_>) {
        let (name, key) = match event.table() {
            // A table's circuit that stands for no key is called as the table.
            Some(table) => (table, Some(event.circuit()).filter(|key| *key != table)),
            None => (event.circuit(), None),
        };
        let past = Past {
            transition: event.transition(),
            note: event.note().map(|note| Clip(note, 300).to_string()),
        };
        let id = self.id(name, key);
        let mut held = self.held();
        let seen = held.of(id);
        // Two threads may tell theirs out of order.
        let later = |other: &Past| other.transition.generation() < past.transition.generation();
        let place = seen
            .past
            .iter()
            .rposition(later)
            .map_or(0, |place| place + 1);
        seen.past.insert(place, past);
        if seen.past.len() > TRANSITIONS {
            seen.past.pop_front();
        }
        if seen.key.is_none() {
            seen.key = key.map(|key| (name.into(), key.into()));
        }
    }

    /// Counts what came since the circuit was looked at last.
    pub(crate) fn count(&self, id: Id, snapshot: &Snapshot) -> Vec<Counts> {
        let bar = (self.begun.elapsed().as_nanos() / BAR.as_nanos()) as u64;
        let counts = Counts::of(snapshot);
        let mut held = self.held();
        let seen = held.of(id);
        let gap = bar.saturating_sub(seen.bar);
        for _ in 0..gap.min(BARS as u64) {
            seen.bars.push_back(Counts::default());
        }
        seen.bar = bar;
        if seen.bars.is_empty() {
            seen.bars.push_back(Counts::default());
        }
        while seen.bars.len() > BARS {
            seen.bars.pop_front();
        }
        if let (Some(before), Some(now)) = (seen.counted, seen.bars.back_mut())
            && gap <= GAP
        {
            now.add(counts.since(before));
        }
        seen.counted = Some(counts);
        seen.bars.iter().copied().collect()
    }

    /// The last transitions of a circuit, the earliest first.
    pub(crate) fn past(&self, id: Id) -> Vec<Past> {
        let held = self.held();
        let seen = held.circuits.get(&id);
        seen.map_or_else(Vec::new, |seen| seen.past.iter().cloned().collect())
    }

    /// The keys of a table that changed last.
    pub(crate) fn changed_keys(&self, table: &str) -> Vec<Arc<str>> {
        let held = self.held();
        let keys = held.circuits.values().filter_map(|seen| seen.key.as_ref());
        let of_table = keys.filter(|(name, _)| **name == *table);
        of_table.map(|(_, key)| key.clone()).collect()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// What is remembered of this circuit. Where there is no room, the one goes that was used least lately.
    fn of(&mut self, id: Id) -> &mut Seen {
        self.uses += 1;
        if self.circuits.len() >= CIRCUITS && !self.circuits.contains_key(&id) {
            let oldest = self.circuits.iter().min_by_key(|(_, seen)| seen.used);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                self.circuits.remove(&oldest);
            }
        }
        let seen = self.circuits.entry(id).or_default();
        seen.used = self.uses;
        seen
    }
}
