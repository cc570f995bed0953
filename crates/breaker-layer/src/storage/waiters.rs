//! Those who wait for a circuit: tasks and threads, each woken when its call may have become possible.
//!
//! A *watcher* is woken at every change, because nobody knows whether it then takes what the change made room for. Those *in
//! line* take it and go: the first of them looks at the circuit and keeps the time, and whoever leaves the line wakes the next.
//! So a freed place for a probe wakes one of thousands, and a waiter that is dropped after it was woken passes that on.
//!
//! A circuit that opens has two times to keep: when the first in line may probe, and when half-open ends if that probe is never
//! answered. The second belongs to the *deputy*, the first of those who will find all places taken. So nobody is woken when
//! the probes begin.

use std::{collections::BTreeMap, task::Waker, time::Duration};

use breaker_core::Timestamp;

use super::{CircuitState, Slot};
use crate::quiet::quietly;

/// Those that are there, each by its number: in the order in which they came. A waker is `None` once it is woken, until its
/// waiter has looked at the circuit.
#[derive(Default)]
pub(crate) struct Waiters {
    given: u64,
    watchers: BTreeMap<u64, Option<Waker>>,
    line: BTreeMap<u64, InLine>,
}

struct InLine {
    /// `None` once it is woken, until it has looked at the circuit.
    waker: Option<Waker>,
    /// When it looks again by itself, if it is the deputy.
    alarm: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Woken at every change.
    Watcher,
    /// Woken in turn.
    InLine,
}

/// What a waiter does until it is woken.
#[derive(Clone, Copy)]
pub(crate) enum Turn {
    /// It looks at the circuit, and keeps the time that it finds there.
    Look,
    /// Nothing; the deputy looks again after this long.
    Wait(Option<Duration>),
}

/// What those in line need to know of the circuit.
#[derive(Clone, Copy)]
pub(super) struct Outlook {
    /// How many get a place, of those who wait for one.
    places: usize,
    /// When half-open ends if its probes are never answered: the half-open of now, or the next.
    lapse: Option<Timestamp>,
}

impl Outlook {
    pub(super) fn of(state: &CircuitState, now: Timestamp) -> Self {
        Self {
            places: state.rules().config.probes_at_once() as usize,
            lapse: state.breaker.next_lapse(state.rules(), now),
        }
    }
}

impl Waiters {
    /// Whom a change concerns, to be woken with nothing held: where every call passes now, all of them; and where the circuit
    /// has opened with so many places for probes, the deputy too.
    pub(super) fn take(&mut self, all_pass: bool, opened: Option<usize>) -> Vec<Waker> {
        let watchers = self.watchers.values_mut().filter_map(Option::take);
        let mut woken: Vec<_> = watchers.collect();
        let line = self.line.values_mut().enumerate();
        let concerned = line.filter(|(at, _)| all_pass || *at == 0 || Some(*at) == opened);
        woken.extend(concerned.filter_map(|(_, waiter)| waiter.waker.take()));
        woken
    }

    /// The number of one that comes now.
    const fn next_number(&mut self) -> u64 {
        self.given += 1;
        self.given
    }

    /// What is to be dropped, and what it does until it is woken.
    fn register(
        &mut self,
        (kind, number): (Kind, u64),
        waker: Waker,
        outlook: Outlook,
        now: Timestamp,
    ) -> (Option<Waker>, Turn) {
        if kind == Kind::Watcher {
            let replaced = self.watchers.insert(number, Some(waker));
            return (replaced.flatten(), Turn::Look);
        }
        let before = self.line.range(..number).take(outlook.places + 1).count();
        let (turn, alarm) = match (before, outlook.lapse) {
            (0, _) => (Turn::Look, None),
            (_, Some(lapse)) if before == outlook.places => {
                (Turn::Wait(Some(lapse.saturating_since(now))), Some(lapse))
            }
            _ => (Turn::Wait(None), None),
        };
        let waiter = InLine {
            waker: Some(waker),
            alarm,
        };
        let replaced = self.line.insert(number, waiter).and_then(|old| old.waker);
        (replaced, turn)
    }

    /// What is to be dropped, and who is next: nobody where all places are taken until a time, and the next one looks by then.
    fn leave(
        &mut self,
        kind: Kind,
        number: u64,
        full_until: Option<Timestamp>,
    ) -> (Option<Waker>, Option<Waker>) {
        if kind == Kind::Watcher {
            return (self.watchers.remove(&number).flatten(), None);
        }
        let had_turn = self.line.keys().next() == Some(&number);
        let gone = self.line.remove(&number).and_then(|waiter| waiter.waker);
        if !had_turn {
            return (gone, None);
        }
        let next = self.line.values_mut().next();
        let next = next.filter(|next| match (next.alarm, full_until) {
            (Some(alarm), Some(full_until)) => alarm > full_until,
            _ => true,
        });
        (gone, next.and_then(|next| next.waker.take()))
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

    /// Has this waker woken in its turn, in place of the one before; says what this waiter does until then.
    ///
    /// A change that is stored by now may have woken nobody: look at the circuit again after this.
    pub(crate) fn register(&mut self, waker: &Waker) -> Turn {
        let waker = waker.clone();
        let now = self.slot.now();
        let (kind, place) = (self.kind, &mut self.place);
        let registered = self.slot.change(|state| {
            let (first, outlook) = (state.first, Outlook::of(state, now));
            let waiters = state.waiters();
            let number = match *place {
                Some(place) if place.first == first => place.number,
                _ => waiters.next_number(),
            };
            *place = Some(Place { number, first });
            waiters.register((kind, number), waker, outlook, now)
        });
        // What it replaced is dropped here, with nothing held, because it is the executor's.
        registered.map_or(Turn::Look, |(_replaced, turn)| turn)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let Some(Place { number, first }) = self.place else {
            return;
        };
        let (kind, now) = (self.kind, self.slot.now());
        let left = self.slot.change(|state| {
            let full_until = state.breaker.full_until(state.rules(), now);
            (state.first == first).then(|| state.waiters().leave(kind, number, full_until))
        });
        // With nothing held.
        if let Some((_gone, Some(next))) = left.flatten() {
            quietly(|| next.wake());
        }
    }
}
