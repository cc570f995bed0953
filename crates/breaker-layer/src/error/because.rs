//! Why a circuit refuses: what follows a rejection in a chain of errors.

use std::{error::Error, fmt, ptr};

use breaker_core::{Reason, Refusal, State, Transition};

use super::Why;
use crate::{
    failure::LastFailures,
    storage::{CircuitState, Slot},
    text::OneLine,
};

/// All that a rejection knows, as the source of it: an error that stands for a rejection passes this on where it cannot lend
/// the rejection itself, and so [`Rejected::of`](super::Rejected::of) finds it.
#[derive(Clone, Copy)]
pub(super) struct Because {
    pub(super) slot: &'static Slot,
    pub(super) why: Why,
}

impl PartialEq for Because {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.slot, other.slot) && self.why == other.why
    }
}

impl Eq for Because {}

impl Because {
    /// Looks at the circuit, if it is still there, and gives the generation that refused.
    pub(super) fn read<T>(&self, look: impl FnOnce(&CircuitState, u64) -> T) -> Option<T> {
        let look = |state: &CircuitState| {
            // Where the slot has another circuit by now, that began later.
            let generation = self.why.epoch().checked_sub(state.first)?;
            Some(look(state, generation))
        };
        self.slot.read(look).flatten()
    }
}

/// What the circuit still knows when this is printed.
impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.read(|state, generation| {
            let note = state.note_of(generation).cloned();
            let failures = state.failures_of(generation).cloned();
            (state.trip_of(generation), failures, note)
        });
        let Some((trip, failures, note)) = known else {
            return f.write_str("it is gone");
        };
        match self.why.refusal() {
            Refusal::ProbesTaken { .. } => return f.write_str("its probes are under way"),
            Refusal::Recovering { .. } => return f.write_str("its traffic comes back gradually"),
            Refusal::Open { .. } => match trip {
                None => return f.write_str("it has opened again since"),
                Some(trip) => Opened(&trip, failures.as_deref()).fmt(f)?,
            },
            _ => f.write_str("by the operator")?,
        }
        match note {
            Some(note) => write!(f, ", because {}", OneLine(&note)),
            None => Ok(()),
        }
    }
}

/// That a circuit opened, and why, and what had failed.
pub(crate) struct Opened<'a>(
    pub(crate) &'a Transition,
    pub(crate) Option<&'a LastFailures>,
);

impl fmt::Display for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.reason(), self.0.from()) {
            (Reason::Operator, _) => f.write_str("opened by the operator"),
            (reason @ Reason::Custom { .. }, _) => write!(f, "tripped by {reason}"),
            (reason, State::HalfOpen) => write!(f, "opened again after {reason}"),
            (reason, _) => write!(f, "tripped after {reason}"),
        }?;
        match self.1 {
            Some(failures) => write!(f, " ({failures})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Because({self})")
    }
}

impl Error for Because {}
