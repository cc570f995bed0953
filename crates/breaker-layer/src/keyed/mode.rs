//! The command that a whole table is under.

use breaker_core::{Command, Phase};

use crate::{circuit::Circuit, storage::CircuitState};

/// The command that a circuit or a whole table is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Usual,
    ObserveOnly,
    Isolated,
    Disabled,
}

impl Mode {
    pub(super) fn of(circuit: &Circuit) -> Self {
        let mode = circuit.slot().read(Self::of_state);
        mode.unwrap_or(Self::Usual)
    }

    pub(super) fn of_state(state: &CircuitState) -> Self {
        match state.breaker.phase() {
            Phase::Isolated => Self::Isolated,
            Phase::Disabled => Self::Disabled,
            _ if state.breaker.is_shadow() => Self::ObserveOnly,
            _ => Self::Usual,
        }
    }

    pub(super) const fn command(self) -> Command {
        match self {
            Self::Usual => Command::Reset,
            Self::ObserveOnly => Command::ObserveOnly,
            Self::Isolated => Command::Isolate,
            Self::Disabled => Command::Disable,
        }
    }

    /// Whether calls count, so that keys get circuits.
    pub(super) const fn counts(self) -> bool {
        match self {
            Self::Usual | Self::ObserveOnly => true,
            Self::Isolated | Self::Disabled => false,
        }
    }
}
