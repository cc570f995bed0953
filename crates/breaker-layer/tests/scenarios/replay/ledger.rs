//! The windows that the library does not have, as a trip policy of the user's own that keeps every call.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use breaker_layer::{
    Outcome,
    clock::{ManualClock, Timestamp},
    policy::{RecordedCall, TripPolicy},
};

use super::{
    row::Rule,
    terms::{Book, Counted, Terms},
};

/// The policy; its clones share what it keeps, so that the replayer can ask it.
#[derive(Clone)]
pub(crate) struct Ledger(Arc<Shared>);

struct Shared {
    clock: ManualClock,
    terms: Terms,
    book: Mutex<Book>,
}

/// The code that it gives for a call which demands an open period; the others are the places of the rules.
const DEMANDED: u32 = u32::MAX;

impl Ledger {
    pub(crate) fn new(clock: &ManualClock, terms: Terms) -> Self {
        Self(Arc::new(Shared {
            clock: clock.clone(),
            terms,
            book: Mutex::default(),
        }))
    }

    /// The calls in the window now; a tumbling one notices here that its time is over.
    pub(crate) fn counted(&self) -> Counted {
        let now = millis(self.0.clock.now());
        let mut book = self.book();
        self.0.terms.roll(&mut book, now);
        self.0.terms.count(&book, now)
    }

    pub(crate) fn counted_when_it_tripped(&self) -> Counted {
        self.book().tripped
    }

    /// The rule with the place that it gave as a code.
    pub(crate) fn rule(&self, code: u32) -> Option<Rule> {
        self.0.terms.rules.get(code as usize).copied()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TripPolicy for Ledger {
    fn record(&self, call: &RecordedCall) -> Option<u32> {
        let terms = &self.0.terms;
        let failed = match call.outcome() {
            Outcome::Success => false,
            Outcome::Failure => true,
            Outcome::Overload { .. } if terms.opens_on_demand => return Some(DEMANDED),
            Outcome::Overload { .. } => true,
            _ => return None,
        };
        let mut book = self.book();
        let (at, took) = (millis(call.at()), millis_of(call.took()));
        terms.enter(&mut book, at, took, failed);
        let counted = terms.count(&book, at);
        let is_judged =
            (failed || !terms.on_failure_only) && at - book.cleared_ms >= terms.warmup_ms;
        let broken = terms
            .rules
            .iter()
            .position(|rule| is_judged && terms.is_broken(rule, &book, counted, at))?;
        book.tripped = counted;
        u32::try_from(broken).ok()
    }
}

impl Ledger {
    /// A new state begins.
    pub(crate) fn clear(&self) {
        let now = millis(self.0.clock.now());
        let mut book = self.book();
        book.calls.clear();
        (book.cleared_ms, book.began_ms) = (now, now);
    }
}

fn millis(at: Timestamp) -> u64 {
    at.as_nanos() / 1_000_000
}

fn millis_of(span: Duration) -> u64 {
    span.as_millis() as u64
}
