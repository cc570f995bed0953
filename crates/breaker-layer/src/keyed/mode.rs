//! The command that a whole table is under.

use std::time::Duration;

use breaker_core::{Command, Phase, Timestamp};

use crate::{circuit::Circuit, storage::CircuitState};

/// The command that a circuit or a whole table is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Usual,
    ObserveOnly,
    /// For so long yet; `None` if there is no end.
    Isolated(Option<Duration>),
    Disabled,
}

impl Mode {
    /// `now` is a time of the circuit's clock.
    pub(super) fn of(circuit: &Circuit, now: Timestamp) -> Self {
        let slot = circuit.slot();
        let mode = slot.read(|state| Self::of_state(state, slot.since_built(now)));
        mode.unwrap_or(Self::Usual)
    }

    /// `now` is a time since the circuit was built.
    pub(super) fn of_state(state: &CircuitState, now: Timestamp) -> Self {
        match state.breaker.phase() {
            Phase::Isolated { until: None } => Self::Isolated(None),
            Phase::Isolated { until: Some(until) } if now < until => {
                Self::Isolated(Some(until.saturating_since(now)))
            }
            Phase::Disabled => Self::Disabled,
            _ if state.breaker.is_shadow() => Self::ObserveOnly,
            _ => Self::Usual,
        }
    }

    pub(super) const fn command(self) -> Command {
        match self {
            Self::Usual => Command::Reset,
            Self::ObserveOnly => Command::ObserveOnly,
            Self::Isolated(left) => Command::Isolate(left),
            Self::Disabled => Command::Disable,
        }
    }

    /// Whether calls count, so that keys get circuits.
    pub(super) const fn counts(self) -> bool {
        match self {
            Self::Usual | Self::ObserveOnly => true,
            Self::Isolated(_) | Self::Disabled => false,
        }
    }
}
