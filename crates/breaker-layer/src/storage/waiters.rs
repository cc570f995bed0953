//! Those who wait for a circuit: tasks and threads, each woken when its call may have become possible.
//!
//! A *watcher* is woken at every change, because nobody knows whether it then takes what the change made room for. Those *in
//! line* take it and go: only the first of them looks at the circuit and keeps the time, and whoever leaves the line wakes the
//! next. So a freed place for a probe wakes one of thousands, and a waiter that is dropped after it was woken passes that on.

use std::{collections::BTreeMap, task::Waker};

use super::Slot;
use crate::quiet::quietly;

/// Those that are there, each by its number: in the order in which they came. A waker is `None` once it is woken, until its
/// waiter has looked at the circuit.
#[derive(Default)]
pub(crate) struct Waiters {
    given: u64,
    watchers: BTreeMap<u64, Option<Waker>>,
    line: BTreeMap<u64, Option<Waker>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Woken at every change.
    Watcher,
    /// Woken in turn.
    InLine,
}

impl Waiters {
    const fn of(&mut self, kind: Kind) -> &mut BTreeMap<u64, Option<Waker>> {
        match kind {
            Kind::Watcher => &mut self.watchers,
            Kind::InLine => &mut self.line,
        }
    }

    /// Whether it is the turn of this waiter to look at the circuit and to keep the time.
    fn has_turn(&self, kind: Kind, number: u64) -> bool {
        kind == Kind::Watcher || self.line.keys().next() == Some(&number)
    }

    /// The waker of the first in line, unless it is woken already.
    fn take_first(&mut self) -> Option<Waker> {
        self.line.values_mut().next()?.take()
    }

    /// Whom a change concerns, to be woken with nothing held: where every call passes now, all of them.
    pub(super) fn take(&mut self, all_pass: bool) -> Vec<Waker> {
        let watchers = self.watchers.values_mut().filter_map(Option::take);
        let mut woken: Vec<_> = watchers.collect();
        if all_pass {
            woken.extend(self.line.values_mut().filter_map(Option::take));
        } else {
            woken.extend(self.take_first());
        }
        woken
    }

    /// The number of one that comes now.
    const fn next_number(&mut self) -> u64 {
        self.given += 1;
        self.given
    }

    fn register(&mut self, kind: Kind, number: u64, waker: Waker) -> (Option<Waker>, bool) {
        let replaced = self.of(kind).insert(number, Some(waker));
        (replaced.flatten(), self.has_turn(kind, number))
    }

    /// What is to be dropped, and who is next.
    fn leave(&mut self, kind: Kind, number: u64) -> (Option<Waker>, Option<Waker>) {
        let had_turn = self.has_turn(kind, number);
        let gone = self.of(kind).remove(&number).flatten();
        let is_next = had_turn && kind == Kind::InLine;
        (gone, is_next.then(|| self.take_first()).flatten())
    }
}

/// What a waiter has once it has registered.
#[derive(Clone, Copy)]
struct Place {
    number: u64,
    /// The circuit in which it has this number: the slot may have another one by now.
    first: u64,
}

/// A place among a circuit's waiters; dropped, it is given up.
pub(crate) struct Waiter {
    slot: &'static Slot,
    kind: Kind,
    place: Option<Place>,
}

impl Waiter {
    pub(crate) const fn of(slot: &'static Slot, kind: Kind) -> Self {
        Self {
            slot,
            kind,
            place: None,
        }
    }

    /// Has this waker woken in its turn, in place of the one before; says whether it is this waiter's turn to look at the
    /// circuit and to keep the time.
    ///
    /// A change that is stored by now may have woken nobody: look at the circuit again after this.
    pub(crate) fn register(&mut self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let (kind, place) = (self.kind, &mut self.place);
        let registered = self.slot.change(|state| {
            let (first, waiters) = (state.first, state.waiters());
            let number = match *place {
                Some(place) if place.first == first => place.number,
                _ => waiters.next_number(),
            };
            *place = Some(Place { number, first });
            waiters.register(kind, number, waker)
        });
        // What it replaced is dropped here, with nothing held, because it is the executor's.
        registered.is_none_or(|(_replaced, has_turn)| has_turn)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let Some(Place { number, first }) = self.place else {
            return;
        };
        let kind = self.kind;
        let left = self
            .slot
            .change(|state| (state.first == first).then(|| state.waiters().leave(kind, number)));
        // With nothing held.
        if let Some((_gone, Some(next))) = left.flatten() {
            quietly(|| next.wake());
        }
    }
}
