//! What a permit does when it is used up.

use std::{sync::Arc, thread};

use breaker_core::{CallKind, Changes, EndedCall, Ending, Outcome, Phase, Recorded, State};

use super::{
    custom::{ask, asks},
    details::CallDetails,
    ticket::Ticket,
};
use crate::{
    failure::{Failure, Kinds, LastFailures},
    policy::Policies,
    storage::{AfterUnlock, CircuitState, Moment, RecordedOutcome, Slot},
};

/// Records how a call ended, of which the caller tells so much. `false` if its circuit is gone, so that it
/// counts nowhere yet.
#[inline(never)]
pub(super) fn settle(
    slot: &'static Slot,
    ticket: Ticket,
    ending: Ending,
    details: &CallDetails<'_>,
) -> bool {
    let mut now = Moment::of(slot);
    let took = details.took.or_else(|| ticket.took(|| now.read()));
    let kind = ticket.kind();
    let is_good = ending == Ending::Recorded(Outcome::Success) && kind == CallKind::Call;
    let is_fast = took.is_none_or(|took| slot.is_fast(took));
    if is_good && is_fast && slot.gate().skips_a_success() {
        return true;
    }
    let ending = match kind {
        CallKind::Uncounted if ticket.is_excluded() => Ending::Recorded(Outcome::Ignored),
        _ => ending,
    };
    let call = EndedCall {
        generation: 0,
        calm: ticket.was_calm(),
        kind,
        ending,
        took,
        broken: None,
    };
    let recording = Recording {
        slot,
        ticket,
        call,
        now,
        failure_kind: details.failure.kind(),
        asks_policy: true,
        tripped: None,
        after: AfterUnlock::default(),
    };
    recording.run(&details.failure)
}

/// A call that is being recorded.
struct Recording {
    slot: &'static Slot,
    ticket: Ticket,
    call: EndedCall,
    now: Moment,
    failure_kind: Option<u8>,
    /// The user's own policy has not been asked yet.
    asks_policy: bool,
    /// The kinds of the failures before the trip that this call caused.
    tripped: Option<Kinds>,
    after: AfterUnlock,
}

impl Recording {
    /// Tries until nothing is missing: what runs the user's code is done without the lock.
    #[inline]
    fn run(mut self, failure: &Failure<'_>) -> bool {
        let slot = self.slot;
        loop {
            match slot.change(|state| self.try_under_lock(state)) {
                Some(Done::Recorded) => {
                    if let Some(kinds) = self.tripped {
                        say_what_failed(slot, self.ticket, kinds, failure, &mut self.after);
                    }
                    self.after.run();
                    return true;
                }
                Some(Done::NeedsTime) => {
                    self.now.read();
                }
                Some(Done::AsksPolicy(policies, outcome)) => {
                    self.asks_policy = false;
                    self.call.broken = ask(slot, &policies, outcome, &self.call, &mut self.now);
                }
                Some(Done::Gone) | None => return false,
            }
        }
    }

    #[inline]
    fn try_under_lock(&mut self, state: &mut CircuitState) -> Done {
        // What was admitted before this circuit began is a straggler of another one.
        let Some(generation) = self.ticket.epoch().checked_sub(state.first) else {
            return Done::Gone;
        };
        self.call.generation = generation;
        if self.asks_policy
            && let Some(policies) = &state.plan.policies
            && let Some((policies, outcome)) = asks(state, policies, &self.call)
        {
            return Done::AsksPolicy(policies, outcome);
        }
        let (breaker, rules) = state.parts();
        if !self.now.is_at_hand() && breaker.may_need_time(rules, &self.call) {
            return Done::NeedsTime;
        }
        let recorded = breaker.record(rules, &self.call, || self.now.now());
        if let Some(kind) = self.failure_kind
            && recorded.in_time
            && self.call.is_failure()
        {
            state.kinds.add(kind);
        }
        if let Some(transition) = recorded.transition {
            self.tripped = (transition.to() == State::Open).then_some(state.kinds);
        }
        take_down(self.slot, state, &self.call, &recorded, &mut self.after);
        Done::Recorded
    }
}

/// What became of a call that is to be recorded.
enum Done {
    Recorded,
    /// Nothing yet: the user's clock is to be read first, which is not done under the lock.
    NeedsTime,
    /// Nothing yet: the user's own policy is to be asked first, which is told of this outcome.
    AsksPolicy(Arc<Policies>, Outcome),
    /// Its circuit is gone.
    Gone,
}

/// Takes down what failed before a trip, of whose error the text is made with nothing held.
#[cold]
fn say_what_failed(
    slot: &'static Slot,
    ticket: Ticket,
    kinds: Kinds,
    failure: &Failure<'_>,
    after: &mut AfterUnlock,
) {
    let Some(failures) = LastFailures::of(kinds, failure) else {
        return;
    };
    let failures = Arc::new(failures);
    // The ticket's state is over; the one after it is the open one.
    slot.change(|state| state.note_failures(ticket.epoch() + 1, &failures));
    after.say_what_failed(failures);
}

/// A probe is excluded: its place is free for one whose outcome counts.
#[cold]
pub(super) fn give_place_back(slot: &'static Slot, ticket: Ticket) {
    let after = slot.change(|state| {
        let generation = ticket.epoch().checked_sub(state.first);
        let is_free = generation.is_some_and(|generation| state.breaker.exclude(generation));
        is_free.then(|| AfterUnlock::waking(state))
    });
    if let Some(Some(after)) = after {
        after.run();
    }
}

/// As [`settle`], of a call whose permit is dropped now.
#[inline(never)]
pub(super) fn record_dropped(slot: &'static Slot, ticket: Ticket) {
    let panic_is_failure = || slot.read(|state| state.plan.checked.panic_is_failure());
    let ending = dropped(|| panic_is_failure().unwrap_or_default());
    let details = match ending {
        Ending::Recorded(_) => CallDetails::failure(Failure::new(Some("panic"), None)),
        Ending::Cancelled => CallDetails::NOTHING,
    };
    settle(slot, ticket, ending, &details);
}

/// Counts what was recorded, and takes down whom to wake and to tell.
#[inline]
fn take_down(
    slot: &'static Slot,
    state: &mut CircuitState,
    call: &EndedCall,
    recorded: &Recorded,
    after: &mut AfterUnlock,
) {
    match recorded.transition {
        Some(transition) => *after = AfterUnlock::of(slot, state, Changes::one(transition), None),
        // A probe gave its place back.
        None if matches!(state.breaker.phase(), Phase::HalfOpen { .. }) => {
            *after = AfterUnlock::waking(state);
        }
        None => {}
    }
    if call.kind == CallKind::Readiness {
        return;
    }
    state.count_ended(call.counts_as(), recorded.is_slow);
    if state.tells_recorded() {
        add_recorded(slot, state, call, recorded, after);
    }
}

#[cold]
fn add_recorded(
    slot: &'static Slot,
    state: &CircuitState,
    call: &EndedCall,
    recorded: &Recorded,
    after: &mut AfterUnlock,
) {
    let slow_after = state.plan.checked.slow_after();
    let told = RecordedOutcome {
        outcome: match call.counts_as() {
            Ending::Recorded(outcome) => Some(outcome),
            Ending::Cancelled => None,
        },
        took: call.took,
        is_slow: slow_after.is_some_and(|limit| call.took.is_some_and(|took| took > limit)),
        is_straggler: !recorded.in_time,
    };
    after.add_recorded(slot, state, told);
}

/// How a call ends whose permit is dropped now; `panic_is_failure` is asked where its thread unwinds.
pub(crate) fn dropped(panic_is_failure: impl FnOnce() -> bool) -> Ending {
    if thread::panicking() && panic_is_failure() {
        Ending::Recorded(Outcome::Failure)
    } else {
        Ending::Cancelled
    }
}
