//! All that a circuit is, but for its gate: what its slot's lock guards.

use std::{sync::Arc, task::Waker};

use breaker_core::{
    Breaker, Changes, Ending, Outcome, Phase, Reason, Rules, State, Timestamp, Transition,
};

use super::{
    Observers, Slot, WeakCircuit,
    gate::{Flags, Gate, GateState},
    plan::Plan,
    waiters::Waiters,
};
use crate::failure::{Kinds, LastFailures};

/// What a circuit is built of.
pub(crate) struct Parts {
    pub(crate) name: Arc<str>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) seed: u16,
    pub(crate) observers: Observers,
}

/// A circuit, from its first state to its last.
// What every outcome writes comes first: it lies in the cache line of the lock, so that threads that share a failing circuit
// hand on one line and not three.
#[repr(C)]
pub(crate) struct CircuitState {
    /// How often it was changed, so that whoever judged it can tell whether it still is as it was.
    pub(crate) version: u64,
    pub(crate) counts: Counts,
    pub(crate) breaker: Breaker,
    /// The epoch of its first state.
    pub(crate) first: u64,
    pub(crate) plan: Arc<Plan>,
    flags: Flags,
    seed: u16,
    tells_recorded: bool,
    /// Of the failures of this state.
    pub(crate) kinds: Kinds,
    pub(crate) observers: Observers,
    pub(crate) name: Arc<str>,
    extra: Option<Box<Extra>>,
}

/// Totals, which only grow.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Counts {
    pub(crate) ignored: u64,
    pub(crate) cancelled: u64,
    pub(crate) failed: u64,
}

/// What most circuits do without.
#[derive(Default)]
pub(crate) struct Extra {
    /// How often the circuit has opened, and what it told of the last time.
    pub(crate) opened: u32,
    pub(crate) last_trip: Option<Transition>,
    /// What failed before that.
    pub(crate) last_failures: Option<Arc<LastFailures>>,
    note: Option<Box<Note>>,
    waiters: Option<Box<Waiters>>,
    /// Counted where the configuration asks for it.
    pub(crate) admitted: u64,
    pub(crate) succeeded: u64,
    pub(crate) slow: u64,
}

/// What the operator said, and which state began with it.
struct Note {
    text: Arc<str>,
    generation: u64,
}

impl CircuitState {
    pub(super) fn new(parts: Parts, first: u64) -> Self {
        let Parts {
            name,
            plan,
            seed,
            observers,
        } = parts;
        let rules = Rules {
            config: &plan.checked,
            seed,
        };
        let mut state = Self {
            breaker: Breaker::new(rules),
            name,
            plan,
            observers,
            counts: Counts::default(),
            first,
            version: 0,
            flags: Flags::default(),
            tells_recorded: false,
            kinds: Kinds::default(),
            seed,
            extra: None,
        };
        state.update_flags();
        state
    }

    /// The state, and the rules for it.
    pub(crate) fn parts(&mut self) -> (&mut Breaker, Rules<'_>) {
        let rules = Rules {
            config: &self.plan.checked,
            seed: self.seed,
        };
        (&mut self.breaker, rules)
    }

    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules {
            config: &self.plan.checked,
            seed: self.seed,
        }
    }

    /// What is left of it, in this slot, to those who do not keep it alive.
    pub(crate) const fn weak(&self, slot: &'static Slot) -> WeakCircuit {
        WeakCircuit::new(slot, self.first)
    }

    pub(crate) fn name_at(&self, now: Timestamp) -> State {
        self.breaker.state(self.rules(), now)
    }

    /// Whether half-open ends at some time if no probe is answered.
    pub(crate) fn has_deadline(&self, now: Timestamp) -> bool {
        self.breaker.lapses_in(self.rules(), now).is_some()
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.first + self.breaker.generation()
    }

    /// What to publish of it.
    #[inline]
    pub(super) fn gate(&self) -> Gate {
        let breaker = &self.breaker;
        let state = match breaker.phase() {
            Phase::Isolated { until: None } => GateState::Isolated,
            Phase::Isolated { until: Some(_) } => GateState::IsolatedUntil,
            _ if breaker.is_shadow() => GateState::Ask,
            Phase::Closed(_) => GateState::Passes,
            Phase::Open { .. } => GateState::Open,
            Phase::Recovering(_) | Phase::HalfOpen { .. } | Phase::Disabled => GateState::Ask,
        };
        Gate::new(self.epoch(), state, breaker.is_clean(), self.flags)
    }

    /// What the plan and the observers want, of which the gate tells: to be called after they have changed.
    pub(super) fn update_flags(&mut self) {
        let (config, observers) = (&self.plan.checked, &self.observers);
        let tells_recorded = observers.want_recorded();
        let has_say = self.plan.policies.is_some() || tells_recorded;
        self.flags = Flags::of(self.plan.source)
            .timed(has_say || config.slow_after().is_some())
            .counted(config.count_calls())
            .recorded(has_say || config.counts_good_calls())
            .tells_rejections(observers.want_rejected());
        self.tells_recorded = tells_recorded;
    }

    /// Whether it is to be known how long calls take.
    pub(crate) const fn is_timed(&self) -> bool {
        self.flags.are_timed()
    }

    /// Changes who observes it.
    pub(super) fn change_observers<T>(&mut self, change: impl FnOnce(&mut Observers) -> T) -> T {
        let changed = change(&mut self.observers);
        self.update_flags();
        changed
    }

    /// Whether some observer wants to be told of every outcome.
    #[inline]
    pub(crate) const fn tells_recorded(&self) -> bool {
        self.tells_recorded
    }

    pub(crate) fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    pub(super) fn waiters(&mut self) -> &mut Waiters {
        self.extra_mut().waiters.get_or_insert_default()
    }

    /// Those whom a change concerns, to be woken with nothing held.
    pub(crate) fn wakers(&mut self) -> Vec<Waker> {
        let all_pass = self.lets_all_pass();
        let has_end = matches!(
            self.breaker.phase(),
            Phase::Open { .. } | Phase::Isolated { until: Some(_) }
        );
        let opened = has_end.then(|| self.plan.checked.probes_at_once() as usize);
        let extra = self.extra.as_deref_mut();
        match extra.and_then(|extra| extra.waiters.as_deref_mut()) {
            Some(waiters) => waiters.take(all_pass, opened),
            None => Vec::new(),
        }
    }

    /// Whether every call passes, whatever the settings say.
    pub(crate) fn lets_all_pass(&self) -> bool {
        let phase = self.breaker.phase();
        self.breaker.is_shadow() || matches!(phase, Phase::Closed(_) | Phase::Disabled)
    }

    pub(crate) fn count_admitted(&mut self) {
        if self.plan.checked.count_calls() {
            self.extra_mut().admitted += 1;
        }
    }

    /// Counts a call that has ended.
    #[inline]
    pub(crate) fn count_ended(&mut self, ending: Ending, is_slow: bool) {
        match ending {
            Ending::Recorded(Outcome::Success) => {
                if self.plan.checked.count_calls() {
                    self.extra_mut().succeeded += 1;
                }
            }
            Ending::Recorded(Outcome::Ignored) => self.counts.ignored += 1,
            Ending::Recorded(_) => self.counts.failed += 1,
            Ending::Cancelled => self.counts.cancelled += 1,
        }
        if is_slow {
            self.extra_mut().slow += 1;
        }
    }

    /// Takes down what changes say of the circuit's life.
    pub(crate) fn note_changes(&mut self, changes: Changes, note: Option<&Arc<str>>) {
        for transition in changes {
            self.kinds = Kinds::default();
            if transition.to() == State::Open {
                let extra = self.extra_mut();
                extra.opened = extra.opened.saturating_add(1);
                extra.last_trip = Some(transition);
                extra.last_failures = None;
            }
            if transition.reason() == Reason::Operator {
                self.note(note, transition.generation());
            }
        }
    }

    /// Puts the operator's newest note in place of the one before.
    pub(crate) fn note(&mut self, text: Option<&Arc<str>>, generation: u64) {
        if text.is_none() && self.extra.is_none() {
            return;
        }
        let note = |text: &Arc<str>| {
            let text = text.clone();
            Box::new(Note { text, generation })
        };
        self.extra_mut().note = text.map(note);
    }

    /// What the operator said with the command that is in force.
    pub(crate) fn note_in_force(&self) -> Option<&Arc<str>> {
        let note = self.extra()?.note.as_ref()?;
        let is_in_force = self.breaker.is_shadow() || note.generation == self.breaker.generation();
        is_in_force.then_some(&note.text)
    }

    /// What the operator said with the command that began this generation.
    pub(crate) fn note_of(&self, generation: u64) -> Option<&Arc<str>> {
        let note = self.extra()?.note.as_ref()?;
        (note.generation == generation).then_some(&note.text)
    }

    /// The trip with which this generation began, if it is the last one.
    pub(crate) fn trip_of(&self, generation: u64) -> Option<Transition> {
        let trip = self.extra()?.last_trip?;
        (trip.generation() == generation).then_some(trip)
    }

    /// Takes down what failed before the trip with which this epoch began, if it is the last one.
    pub(crate) fn note_failures(&mut self, epoch: u64, failures: &Arc<LastFailures>) {
        let first = self.first;
        let extra = self.extra_mut();
        let trip = extra.last_trip.map(|trip| first + trip.generation());
        if trip == Some(epoch) {
            extra.last_failures = Some(failures.clone());
        }
    }

    /// What failed before the trip with which this generation began.
    pub(crate) fn failures_of(&self, generation: u64) -> Option<&Arc<LastFailures>> {
        self.trip_of(generation)?;
        self.extra()?.last_failures.as_ref()
    }

    /// Has a circuit that nobody has seen yet begin under a command.
    #[cfg(feature = "keyed")]
    pub(crate) fn begin_under(&mut self, command: breaker_core::Command, note: Option<&Arc<str>>) {
        if command == breaker_core::Command::Reset {
            return;
        }
        let (breaker, rules) = self.parts();
        if let Some(transition) = breaker.command(rules, command, Timestamp::ZERO) {
            self.note(note, transition.generation());
        }
    }

    /// Goes on with another plan, and gives back the one before.
    pub(crate) fn reconfigure(&mut self, plan: Arc<Plan>, now: Timestamp) -> Arc<Plan> {
        let before = std::mem::replace(&mut self.plan, plan);
        let (old, new) = (&before.checked, &self.plan.checked);
        let rules = |config| Rules {
            config,
            seed: self.seed,
        };
        self.breaker.reconfigure(rules(old), rules(new), now);
        self.update_flags();
        before
    }
}
