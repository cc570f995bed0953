//! Why a circuit refuses: what follows a rejection in a chain of errors.

use std::{error::Error, fmt, ptr};

use breaker_core::{Phase, Reason, State, Transition};

use super::Why;
use crate::{slot::Slot, text::OneLine};

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

/// What the circuit still knows when this is printed.
impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.why.word.word();
        let (slot, generation) = (self.slot, word.generation());
        // In this order: what is the next tenant's is found to be that.
        let (trip, note) = (slot.last_trip(generation), slot.note_of(generation));
        if !slot.is_here(generation) {
            return f.write_str("it is gone");
        }
        match word.phase() {
            Phase::HalfOpen { .. } => return f.write_str("its probes are under way"),
            Phase::Recovering(_) => return f.write_str("its traffic comes back gradually"),
            Phase::Open { .. } => match trip {
                None => return f.write_str("it has opened again since"),
                Some(trip) => Opened(&trip).fmt(f)?,
            },
            Phase::Closed(_) | Phase::Isolated | Phase::Disabled => {
                f.write_str("by the operator")?;
            }
        }
        match note {
            Some(note) => write!(f, ", because {}", OneLine(&note)),
            None => Ok(()),
        }
    }
}

/// That a circuit opened, and why.
pub(crate) struct Opened<'a>(pub(crate) &'a Transition);

impl fmt::Display for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.reason(), self.0.from()) {
            (Reason::Operator, _) => f.write_str("opened by the operator"),
            (reason @ Reason::Custom { .. }, _) => write!(f, "tripped by {reason}"),
            (reason, State::HalfOpen) => write!(f, "opened again after {reason}"),
            (reason, _) => write!(f, "tripped after {reason}"),
        }
    }
}

impl fmt::Debug for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Because({self})")
    }
}

impl Error for Because {}
