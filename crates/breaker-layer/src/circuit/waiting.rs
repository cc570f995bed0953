//! The circuit of a service that waits until its call may pass.

use std::time::Duration;

use super::{
    Circuit, Permit, StandsFor,
    acquire::{Pause, admit},
};
use crate::slot::{Kind, Waiter};

impl Circuit {
    pub(crate) const fn watcher(&self) -> Waiter {
        Waiter::of(self.slot, Kind::Watcher)
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
}
