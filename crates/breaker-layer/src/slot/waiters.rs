//! Those who wait for a circuit: tasks and threads, each woken when its call may have become possible.
//!
//! A *watcher* is woken at every change, because nobody knows whether it then takes what the change made room for. Those *in
//! line* take it and go: only the first of them looks at the circuit and keeps the time, and whoever leaves the line wakes the
//! next. So a freed place for a probe wakes one of thousands, and a waiter that is dropped after it was woken passes that on.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    task::Waker,
};

use breaker_core::Phase;

use super::Slot;

/// Those that are there, each by its number: in the order in which they came. A waker is `None` once it is woken, until its
/// waiter has looked at the circuit.
#[derive(Default)]
pub(crate) struct Waiters {
    watchers: BTreeMap<u64, Option<Waker>>,
    line: BTreeMap<u64, Option<Waker>>,
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
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Woken at every change.
    Watcher,
    /// Woken in turn.
    InLine,
}

impl Slot {
    /// Wakes whoever a change of the circuit may concern, with nothing held.
    pub(crate) fn wake_waiters(&self) {
        #[cfg(all(test, breaker_loom))]
        if !crate::loom_tests::waiters::are_there() {
            return;
        }
        let is_for_all = self.lets_all_pass();
        let woken = self.with_waiters(|waiters| {
            let mut woken: Vec<_> = take_all(&mut waiters.watchers).collect();
            if is_for_all {
                woken.extend(take_all(&mut waiters.line));
            } else {
                woken.extend(waiters.take_first());
            }
            woken
        });
        for waker in woken {
            waker.wake();
        }
    }

    /// Whether every call passes, whatever the settings say.
    pub(crate) fn lets_all_pass(&self) -> bool {
        let word = self.word();
        word.is_shadow() || matches!(word.phase(), Phase::Closed(_) | Phase::Disabled)
    }

    fn with_waiters<T: Default>(&self, change: impl FnOnce(&mut Waiters) -> T) -> T {
        self.with_cold(|cold| {
            let extra = cold.extra.as_deref_mut();
            match extra.and_then(|extra| extra.waiters.as_deref_mut()) {
                Some(waiters) => change(waiters),
                None => T::default(),
            }
        })
    }
}

/// A place among a circuit's waiters; dropped, it is given up.
pub(crate) struct Waiter {
    slot: &'static Slot,
    kind: Kind,
    number: Option<u64>,
}

impl Waiter {
    pub(crate) const fn of(slot: &'static Slot, kind: Kind) -> Self {
        Self {
            slot,
            kind,
            number: None,
        }
    }

    /// Has this waker woken in its turn, in place of the one before; says whether it is this waiter's turn to look at the
    /// circuit and to keep the time.
    ///
    /// A change that is stored by now may have woken nobody: look at the circuit again after this.
    pub(crate) fn register(&mut self, waker: &Waker) -> bool {
        let waker = waker.clone();
        // What it replaces is dropped with nothing held, because it is the executor's.
        let (replaced, has_turn) = self.slot.with_cold(|cold| {
            let extra = cold.extra.get_or_insert_default();
            let waiters = &mut **extra.waiters.get_or_insert_default();
            // Drawn with the lock held, or a later number might stand in line before.
            let number = *self.number.get_or_insert_with(next_number);
            let replaced = waiters.of(self.kind).insert(number, Some(waker));
            (replaced, waiters.has_turn(self.kind, number))
        });
        drop(replaced);
        has_turn
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let gone = self.slot.with_waiters(|waiters| {
            let passes_on = self.kind == Kind::InLine && waiters.has_turn(self.kind, number);
            let gone = waiters.of(self.kind).remove(&number);
            let next = if passes_on {
                waiters.take_first()
            } else {
                None
            };
            (gone, next)
        });
        // With nothing held.
        if let (_gone, Some(next)) = gone {
            next.wake();
        }
    }
}

fn take_all(waiters: &mut BTreeMap<u64, Option<Waker>>) -> impl Iterator<Item = Waker> {
    waiters.values_mut().filter_map(Option::take)
}

fn next_number() -> u64 {
    static NUMBERS: AtomicU64 = AtomicU64::new(0);
    NUMBERS.fetch_add(1, Relaxed)
}
