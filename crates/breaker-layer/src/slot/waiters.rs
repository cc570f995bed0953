//! Those who wait for a circuit: tasks and threads, each woken when its call may have become possible.
//!
//! A *watcher* is woken at every change, because nobody knows whether it then takes what the change made room for. Those *in
//! line* take it and go: only the first of them looks at the circuit and keeps the time, and whoever leaves the line wakes the
//! next. So a freed place for a probe wakes one of thousands, and a waiter that is dropped after it was woken passes that on.

use std::{
    collections::VecDeque,
    mem,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    task::Waker,
};

use breaker_core::Phase;

use super::Slot;

/// In the order in which they came; none is there that is gone.
#[derive(Default)]
pub(crate) struct Waiters(VecDeque<Entry>);

pub(crate) struct Entry {
    /// No other waiter has it.
    number: u64,
    kind: Kind,
    /// `None` once it is woken, until it has looked at the circuit.
    waker: Option<Waker>,
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
        let woken = self.with_waiters(|Waiters(waiters)| {
            let mut line = false;
            let mut concerns = |entry: &Entry| {
                let is_first = entry.kind == Kind::InLine && !mem::replace(&mut line, true);
                is_for_all || is_first || entry.kind == Kind::Watcher
            };
            let woken = waiters.iter_mut().filter_map(|entry| {
                if concerns(entry) {
                    entry.waker.take()
                } else {
                    None
                }
            });
            woken.collect::<Vec<_>>()
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

    /// Has this waker woken in its turn, in place of the one before; says whether it is the turn of this waiter to look at the
    /// circuit and to keep the time.
    ///
    /// A change that is stored by now may have woken nobody: look at the circuit again after this.
    pub(crate) fn register(&mut self, waker: &Waker) -> bool {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = *self
            .number
            .get_or_insert_with(|| NUMBERS.fetch_add(1, Relaxed));
        let (kind, waker) = (self.kind, waker.clone());
        // What it replaces is dropped with nothing held, because it is the executor's.
        let (replaced, is_first) = self.slot.with_cold(|cold| {
            let extra = cold.extra.get_or_insert_default();
            let Waiters(waiters) = &mut **extra.waiters.get_or_insert_default();
            let place = place_of(waiters, number).unwrap_or_else(|| {
                waiters.push_back(Entry {
                    number,
                    kind,
                    waker: None,
                });
                waiters.len() - 1
            });
            let replaced = waiters[place].waker.replace(waker);
            (replaced, is_first(waiters, place))
        });
        drop(replaced);
        is_first
    }
}

fn place_of(waiters: &VecDeque<Entry>, number: u64) -> Option<usize> {
    waiters.iter().position(|entry| entry.number == number)
}

/// Whether nobody is in line before this one.
fn is_first(waiters: &VecDeque<Entry>, place: usize) -> bool {
    let mut before = waiters.iter().take(place);
    waiters[place].kind == Kind::Watcher || before.all(|entry| entry.kind == Kind::Watcher)
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let gone = self.slot.with_waiters(|Waiters(waiters)| {
            let place = place_of(waiters, number)?;
            let was_first = is_first(waiters, place);
            let gone = waiters.remove(place)?;
            let next = if gone.kind == Kind::InLine && was_first {
                let mut rest = waiters.iter_mut().skip(place);
                rest.find(|entry| entry.kind == Kind::InLine)
                    .and_then(|entry| entry.waker.take())
            } else {
                None
            };
            Some((gone, next))
        });
        // With nothing held.
        if let Some((_gone, Some(next))) = gone {
            next.wake();
        }
    }
}
