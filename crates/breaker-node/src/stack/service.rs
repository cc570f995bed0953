//! What the node keeps of a service that it has seen.

use breaker_layer::{Circuit, State};

use super::report::{Status, name};
use super::seen::Changes;

/// A service that was called. One that has never failed has no circuit, and is closed.
#[derive(Debug)]
pub struct Service {
    /// With this handle the circuit stays the service's for as long as the node keeps that.
    pub(super) circuit: Option<Circuit>,
    /// The state that was entered last.
    pub(super) state: State,
    /// The failures that had counted when the breaker last opened.
    opened_after: u32,
    /// The calls that reached the downstream.
    pub(super) calls: u64,
    pub(super) rejected: u64,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            circuit: None,
            state: State::Closed,
            opened_after: 0,
            calls: 0,
            rejected: 0,
        }
    }
}

impl Service {
    /// Whether the breaker is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// How the service is.
    #[must_use]
    pub fn status(&self) -> Status {
        let (calls, rejected) = (self.calls, self.rejected);
        let status = Status {
            state: name(State::Closed),
            failures: 0,
            calls,
            rejected,
            retry_after_ms: None,
        };
        let Some(circuit) = &self.circuit else {
            return status;
        };
        let snapshot = circuit.snapshot();
        let is_open = snapshot.state == State::Open;
        let retry_after = snapshot.retry_after.filter(|_| is_open);
        Status {
            state: name(snapshot.state),
            failures: if is_open {
                self.opened_after
            } else {
                snapshot.failures
            },
            retry_after_ms: retry_after.map(|left| left.as_nanos().div_ceil(1_000_000)),
            ..status
        }
    }

    /// The failures that count now.
    pub(super) fn failures(&self) -> u32 {
        let circuit = self.circuit.as_ref();
        circuit.map_or(0, |circuit| circuit.snapshot().failures)
    }

    pub(super) fn note(&mut self, changes: &Changes) {
        self.state = changes.state.unwrap_or(self.state);
        self.opened_after = changes.opened_after.unwrap_or(self.opened_after);
    }
}
