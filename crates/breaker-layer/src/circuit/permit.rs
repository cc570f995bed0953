//! Permits: what an admitted call holds until its outcome is recorded.

use std::{fmt, mem, time::Duration};

use breaker_core::{CallKind, Ending, Outcome, Phase};

use super::{
    details::CallDetails,
    record::{give_place_back, record_dropped, settle},
    ticket::Ticket,
};
use crate::{
    failure::Failure,
    storage::{CircuitState, Slot},
};

/// The right to make one call, and the duty to say how it went.
///
/// Dropped without [`Permit::record`] the call is cancelled: [`Cancelled`](crate::Cancelled) says what that counts as.
/// Dropped while its thread unwinds it is a failure, unless
/// [`panic_is_failure`](crate::CircuitBuilder::panic_is_failure) says otherwise. It may outlive its circuit, and then changes
/// nothing.
#[must_use = "a permit that is dropped is a cancelled call"]
pub struct Permit {
    pub(super) slot: &'static Slot,
    pub(super) ticket: Ticket,
}

impl Permit {
    /// Says how the call went.
    #[inline]
    #[doc(alias("onSuccess", "onError"))]
    pub fn record(self, outcome: Outcome) {
        self.settle(Ending::Recorded(outcome), CallDetails::NOTHING);
    }

    /// Says how the call went and how long it took, for calls that were measured elsewhere.
    pub fn record_after(self, outcome: Outcome, took: Duration) {
        self.settle(Ending::Recorded(outcome), CallDetails::took(took));
    }

    /// Says how the call went, which is a failure, and what is known of it: see [`Failure`].
    pub fn record_failure(self, outcome: Outcome, failure: Failure<'_>) {
        self.settle(Ending::Recorded(outcome), CallDetails::failure(failure));
    }

    /// As [`Permit::record`], for any ending. `false` if the circuit is gone, so that it counts nowhere yet.
    #[inline]
    pub(crate) fn settle(self, ending: Ending, details: CallDetails<'_>) -> bool {
        let (slot, ticket) = self.into_parts();
        // Nothing speaks against the downstream, and neither does this.
        let is_good =
            matches!(ending, Ending::Recorded(Outcome::Success)) && details.took.is_none();
        if is_good && ticket.is_plain() && slot.gate().skips_a_success() {
            return true;
        }
        settle(slot, ticket, ending, &details)
    }

    /// The downstream has answered, whatever is still to come: how long the call took is known, and from now on it is none
    /// that was given up before it was answered.
    pub(crate) fn answered(&mut self) {
        if self.ticket.kind() == CallKind::Call {
            let now = self.ticket.is_timed().then(|| self.slot.now());
            self.ticket = self.ticket.answered(now);
        }
    }

    /// The permit of a call whose outcome is ignored, whatever it is.
    pub(crate) fn excluded(mut self) -> Self {
        self.exclude();
        self
    }

    /// As [`Permit::excluded`]. A probe gives its place back at once: no verdict waits for it.
    pub(crate) fn exclude(&mut self) {
        let may_be_probe = self.ticket.kind() == CallKind::Call && !self.slot.gate().passes();
        if may_be_probe {
            give_place_back(self.slot, self.ticket);
        }
        self.ticket = self.ticket.excluded();
    }

    /// Whether the call is a probe, while half-open lasts.
    pub(crate) fn is_probe(&self) -> bool {
        let is_half_open =
            |state: &CircuitState| matches!(state.breaker.phase(), Phase::HalfOpen { .. });
        let is_probe =
            |state: &CircuitState| state.epoch() == self.ticket.epoch() && is_half_open(state);
        self.slot.read(is_probe).unwrap_or_default()
    }

    /// Gives it up without a trace.
    #[cfg(feature = "tokio")]
    pub(super) const fn forget(self) {
        let _ = self.into_parts();
    }

    #[inline]
    pub(super) const fn into_parts(self) -> (&'static Slot, Ticket) {
        let parts = (self.slot, self.ticket);
        mem::forget(self);
        parts
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        record_dropped(self.slot, self.ticket);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("kind", &self.ticket.kind())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::*;
    use crate::{Circuit, Probes};

    #[test]
    fn a_call_that_passes_uncounted_and_is_excluded_is_ignored_and_gives_no_place_back() {
        for end in [|permit: Permit| permit.record(Outcome::Failure), drop] {
            let builder = Circuit::builder("shadow").probes(Probes::new(1));
            let circuit = builder.build().unwrap();
            circuit.observe_only();
            circuit.half_open();
            let _probe = circuit.try_acquire().unwrap();
            end(circuit.try_acquire().unwrap().excluded());
            let snapshot = circuit.snapshot();
            assert_eq!(snapshot.probes.unwrap().live, 1);
            assert_eq!(
                (snapshot.ignored, snapshot.failed, snapshot.cancelled),
                (1, 0, 0)
            );
        }
    }
}
