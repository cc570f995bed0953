//! The states with their own data.

use crate::{
    policy::{probes::Tally, trip::Evidence},
    time::{Stamp, Timestamp},
    verdict::State,
};

/// The state of a circuit with its own data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Calls pass and are counted.
    Closed(Evidence),
    /// Closed, but within an allowance that grows.
    Recovering(Evidence),
    /// Calls are refused.
    Open {
        /// How often in a row it has opened without closing, less one; stays at 63.
        attempt: u32,
        /// Until when all calls are refused.
        until: Timestamp,
    },
    /// Probes pass.
    HalfOpen {
        /// That of the open state before it.
        attempt: u32,
        /// Its probes.
        tally: Tally,
    },
    /// Held open by the operator.
    Isolated {
        /// Until when, if the operator said so.
        until: Option<Timestamp>,
    },
    /// Held closed by the operator.
    Disabled,
}

impl Phase {
    /// Closed, with nothing against the downstream.
    pub(super) const CLOSED: Self = Self::Closed(Evidence {
        score: 0,
        calls: 0,
        row: 0,
        since: Stamp::ZERO,
    });

    /// The state without its data.
    pub(super) const fn state(self) -> State {
        match self {
            Self::Closed(_) | Self::Recovering(_) => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
            Self::Isolated { .. } => State::Isolated,
            Self::Disabled => State::Disabled,
        }
    }
}
