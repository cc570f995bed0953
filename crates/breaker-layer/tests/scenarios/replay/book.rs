//! What happened to a row's circuit, as its observer and its snapshots tell it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use breaker_layer::{
    Snapshot, State, TransitionEvent,
    observe::{Reason, Rule, Transition},
};

use super::{
    calls::Calls,
    ledger::Ledger,
    row::{self, CallResult, Keep, Name, Row, Step},
};

/// Every transition that an observer was told of since it was last asked.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Transition>>>);

impl Log {
    pub(crate) fn observer(&self) -> impl Fn(&TransitionEvent<'_>) + Send + Sync + 'static {
        let log = self.clone();
        move |event: &TransitionEvent<'_>| log.lock().push(event.transition())
    }

    pub(crate) fn take(&self) -> Vec<Transition> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Transition>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of a circuit by the name that rows have for it.
pub(crate) fn name(state: State, observe_only: bool) -> Name {
    match state {
        _ if observe_only => Name::MetricsOnly,
        State::Closed => Name::Closed,
        State::Open => Name::Open,
        State::HalfOpen => Name::HalfOpen,
        State::Isolated => Name::Isolated,
        State::Disabled => Name::Disabled,
        state => unreachable!("rows have no name for {state}"),
    }
}

/// Counts since the state that they are counted from, and events since the beginning.
pub(crate) struct Book<'a> {
    pub(crate) row: &'a Row,
    pub(crate) ledger: Option<Ledger>,
    /// Where counting began: the circuit's own totals are never reset.
    pub(crate) base: Snapshot,
    /// The calls that the circuit opened with.
    pub(crate) opened_with: Calls,
    /// The result that is being recorded.
    pub(crate) recording: Recording,
    name: Name,
    events: BTreeMap<&'static str, u32>,
}

/// A result as it counts in a window.
#[derive(Clone, Copy, Default)]
pub(crate) struct Recording {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
}

impl<'a> Book<'a> {
    pub(crate) fn new(row: &'a Row, ledger: Option<Ledger>, now: Snapshot) -> Self {
        Self {
            row,
            ledger,
            name: name(now.state, now.observe_only),
            base: now,
            opened_with: Calls::none(row.config.min_calls),
            recording: Recording::default(),
            events: BTreeMap::new(),
        }
    }

    /// The result of this step is recorded next.
    pub(crate) fn recording(&mut self, step: &Step) {
        let slow = step.ms.zip(self.row.config.slow_ms);
        self.recording = Recording {
            failed: step.result == Some(CallResult::Failure),
            slow: slow.is_some_and(|(ms, limit)| ms > limit),
        };
    }

    /// Somebody looks: a window that tumbles notices here that it is over.
    pub(crate) fn look(&self) {
        if let Some(ledger) = &self.ledger {
            ledger.counted();
        }
    }

    /// There was a transition; `at` is what had been counted by then, and `before` the time before what made it.
    pub(crate) fn entered(&mut self, transition: Transition, before: &Snapshot, at: &Snapshot) {
        let metrics = self.row.config.metrics;
        let is_kept = match transition.to() {
            State::Open => metrics.on_open == Keep::Retain,
            State::HalfOpen => metrics.on_half_open == Keep::Retain,
            _ => false,
        };
        if transition.to() == State::Open {
            self.opened_with = if is_kept {
                self.calls_at(transition, before)
            } else {
                Calls::none(self.row.config.min_calls)
            };
        }
        if !is_kept {
            self.base = at.clone();
        }
        self.tell(name(transition.to(), at.observe_only), transition.reason());
    }

    /// A call from before the last transition has ended: it counts in the circuit's totals, and in no state.
    pub(crate) fn skip(&mut self, before: &Snapshot, after: &Snapshot) {
        let base = &mut self.base;
        base.failed += after.failed - before.failed;
        base.ignored += after.ignored - before.ignored;
        base.cancelled += after.cancelled - before.cancelled;
        let more = after.succeeded.zip(before.succeeded);
        let more = more.map_or(0, |(after, before)| after - before);
        base.succeeded = base.succeeded.map(|succeeded| succeeded + more);
    }

    fn tell(&mut self, entered: Name, reason: Reason) {
        match self.rule(reason) {
            Some(Rule::FailureRate) => self.count("failure_rate_exceeded"),
            Some(Rule::SlowRate) => self.count("slow_rate_exceeded"),
            _ => {}
        }
        if entered == self.name {
            return;
        }
        self.name = entered;
        self.count("state_transition");
        match entered {
            Name::Open => self.count("opened"),
            Name::HalfOpen => self.count("half_opened"),
            Name::Closed => self.count("closed"),
            Name::Isolated | Name::Disabled | Name::MetricsOnly => {}
        }
    }

    fn rule(&self, reason: Reason) -> Option<Rule> {
        match reason {
            Reason::Window { rule, .. } => Some(rule),
            Reason::Custom { code } => match self.ledger.as_ref()?.rule(code)? {
                row::Rule::FailureRate { .. } => Some(Rule::FailureRate),
                row::Rule::SlowRate { .. } => Some(Rule::SlowRate),
                row::Rule::Consecutive { .. }
                | row::Rule::Failures { .. }
                | row::Rule::Average { .. } => None,
            },
            _ => None,
        }
    }

    fn count(&mut self, event: &'static str) {
        *self.events.entry(event).or_default() += 1;
    }

    pub(crate) fn events(&self, event: &str) -> u32 {
        self.events.get(event).copied().unwrap_or_default()
    }
}
