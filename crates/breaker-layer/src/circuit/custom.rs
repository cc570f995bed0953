//! The user's own policy is asked about a call. It runs with nothing held.

use std::{sync::Arc, time::Duration};

use breaker_core::{CallKind, EndedCall, Ending, Outcome, Phase, Reason, Timestamp};

use crate::{
    policy::{Policies, RecordedCall},
    storage::{CircuitState, Moment, Slot},
};

/// The policy to ask, and what it is told, if the call is one that it is told of. Out of the way of the circuits that have none.
#[cold]
#[inline(never)]
pub(super) fn asks(
    state: &CircuitState,
    policies: &Arc<Policies>,
    call: &EndedCall,
) -> Option<(Arc<Policies>, Outcome)> {
    let outcome = counted_outcome(state, call)?;
    Some((policies.clone(), outcome))
}

/// What a policy is told of a call that counts in a closed circuit.
fn counted_outcome(state: &CircuitState, call: &EndedCall) -> Option<Outcome> {
    let breaker = &state.breaker;
    let is_closed = matches!(breaker.phase(), Phase::Closed(_) | Phase::Recovering(_));
    if !is_closed || call.generation != breaker.generation() {
        return None;
    }
    match (call.kind, call.counts_as()) {
        (CallKind::Uncounted | CallKind::Readiness, _) => None,
        (_, Ending::Recorded(outcome)) => Some(outcome),
        (_, Ending::Cancelled) => {
            let is_failure = breaker.cancelled_is_failure(state.rules());
            is_failure.then_some(Outcome::Failure)
        }
    }
}

/// Why the circuit is to trip, if the user's policy says so.
#[cold]
pub(super) fn ask(
    slot: &'static Slot,
    policies: &Policies,
    outcome: Outcome,
    call: &EndedCall,
    now: &mut Moment,
) -> Option<Reason> {
    if now.read() < Timestamp::ZERO.saturating_add(slot.read(grace)?) {
        return None;
    }
    let policy = policies.of(call.generation)?;
    let code = policy.record(&RecordedCall {
        outcome,
        took: call.took.unwrap_or_default(),
        at: now.read(),
    });
    code.map(|code| Reason::Custom { code })
}

/// For how long from its beginning the circuit does not trip, if this is its first state.
fn grace(state: &CircuitState) -> Duration {
    match state.breaker.generation() {
        0 => state.plan.checked.grace(),
        _ => Duration::ZERO,
    }
}
