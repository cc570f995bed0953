//! The circuit of those who wait until their call may pass.

use std::time::Duration;

use breaker_core::{
    Pace, Refusal, Timestamp, Word,
    machine::{Admission, Rules},
};

use super::{Circuit, Permit, StandsFor};
use crate::slot::Waiter;

/// A call may not pass yet. It is time to ask again after this long, or when the circuit changes.
pub(crate) struct Pause(pub(crate) Option<Duration>);

impl Circuit {
    pub(crate) const fn waiter(&self) -> Waiter {
        Waiter::of(self.slot)
    }

    /// After how long time alone changes the state, if it does.
    pub(crate) fn changes_in(&self) -> Option<Duration> {
        let slot = self.slot;
        let (rules, now) = (slot.settings().rules(), slot.now());
        let (word, pace) = (slot.word(), slot.pace());
        let half_open_in = rules.half_open_in(word, pace, now);
        half_open_in.or_else(|| rules.lapses_in(word, pace, now))
    }

    /// Whether a waiting call may not pass yet, without taking anything for it.
    #[inline]
    pub(crate) fn pause(&self) -> Option<Pause> {
        if self.slot.word().passes() {
            return None;
        }
        self.refusal_by(self.slot.now(), admit)
            .map(|why| self.pause_of(why.refusal()))
    }

    /// Takes a permit for a call that is still to come, where the circuit does not simply let it pass.
    #[inline]
    pub(crate) fn acquire_ahead(&self) -> Result<Option<Permit>, Pause> {
        if self.slot.word().passes() {
            return Ok(None);
        }
        let mut ticket = self
            .acquire_by(self.slot.now(), admit)
            .map_err(|why| self.pause_of(why.refusal()))?;
        ticket = ticket.standing_for(StandsFor::Readiness);
        Ok(Some(Permit {
            slot: self.slot,
            ticket,
        }))
    }

    /// Whether a permit that was taken ahead is still one: the state that gave it has neither ended nor lapsed.
    pub(crate) fn holds(&self, permit: &Permit) -> bool {
        // Looking enters what a lapsed half-open becomes.
        let _ = self.pause();
        self.slot.word().generation() == permit.ticket.generation()
    }

    /// Makes a permit that was taken ahead the permit of a call that begins now.
    pub(crate) fn begin(&self, mut permit: Permit) -> Permit {
        permit.ticket = permit.ticket.standing_for(StandsFor::Call);
        permit.ticket = self.slot.admitted(self.slot.settings(), permit.ticket);
        permit
    }

    #[cold]
    fn pause_of(&self, refusal: Refusal) -> Pause {
        let (slot, now) = (self.slot, self.slot.now());
        Pause(match refusal {
            Refusal::Open { retry_after } | Refusal::Recovering { retry_after } => {
                Some(retry_after)
            }
            // A probe that gives its place back wakes those who wait.
            Refusal::ProbesTaken { .. } => {
                slot.settings()
                    .rules()
                    .lapses_in(slot.word(), slot.pace(), now)
            }
            // Isolated, and whatever else only an operator ends.
            _ => None,
        })
    }
}

fn admit(rules: Rules<'_>, word: Word, pace: Pace, now: Timestamp) -> Admission {
    rules.admit_waiting(word, pace, now)
}
