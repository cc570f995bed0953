//! What a stack tells of itself.

use breaker_layer::State;
use serde::Serialize;

/// How the calls of a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One of them opened the breaker.
    Opened {
        /// The failures that had counted in the state that it left.
        failures: u32,
    },
    /// A probe closed the breaker.
    Closed,
    /// None of them was admitted.
    Rejected,
    /// Some of them failed.
    Failed {
        /// The failures that count now.
        failures: u32,
    },
    /// All of them succeeded.
    Succeeded {
        /// The state that the breaker is still in.
        state: &'static str,
    },
}

/// How a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The state, as a caller would meet it.
    pub state: &'static str,
    /// The failures that opened the breaker while it is open, else those that count now.
    pub failures: u32,
    /// The calls that reached the downstream.
    pub calls: u64,
    /// The calls that were rejected.
    pub rejected: u64,
    /// How long an open breaker rejects every call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u128>,
}

/// A state as the protocol calls it.
pub(super) fn name(state: State) -> &'static str {
    match state {
        State::Closed => "closed",
        State::Open => "open",
        State::HalfOpen => "half_open",
        State::Isolated => "isolated",
        State::Disabled => "disabled",
        _ => "unknown",
    }
}
