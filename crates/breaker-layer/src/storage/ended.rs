//! A circuit that has ended.

use breaker_core::Timestamp;

use super::{CircuitState, Subject, WeakCircuit};

/// All that a circuit was, out of its slot. It is dropped with nothing held: parts of it are the user's.
#[must_use = "its observers are to be told"]
pub(crate) struct Ended {
    pub(super) state: CircuitState,
    pub(super) circuit: WeakCircuit,
    pub(super) origin: Timestamp,
    pub(super) rejected: u64,
}

impl Ended {
    /// Tells the observers what the circuit counted to the last.
    pub(crate) fn tell(&self) {
        if self.state.observers.is_empty() {
            return;
        }
        let subject = &Subject::of(&self.state, self.circuit.slot());
        self.state.observers.tell(|sink| sink.ended(subject, self));
    }

    pub(crate) const fn state(&self) -> &CircuitState {
        &self.state
    }

    pub(crate) const fn rejected(&self) -> u64 {
        self.rejected
    }

    /// The time by its clock, which may be the user's, since it was built.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::ZERO.saturating_add(self.state.plan.now().saturating_since(self.origin))
    }
}
