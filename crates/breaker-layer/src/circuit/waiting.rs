//! The circuit of a service that waits until its call may pass.

use std::time::Duration;

use breaker_core::CallKind;

use super::{Circuit, Permit, acquire::Pause, admit::For};
use crate::storage::{CircuitState, Kind, Waiter};

impl Circuit {
    pub(crate) const fn watcher(&self) -> Waiter {
        Waiter::of(self.slot(), Kind::Watcher)
    }

    /// After how long time alone changes the state, if it does.
    pub(crate) fn changes_in(&self) -> Option<Duration> {
        let now = self.slot().now();
        let changes_in = |state: &CircuitState| {
            let (breaker, rules) = (&state.breaker, state.rules());
            let half_open_in = breaker.half_open_in(rules, now);
            half_open_in.or_else(|| breaker.lapses_in(rules, now))
        };
        self.slot().read(changes_in).flatten()
    }

    /// Whether a waiting call may not pass yet, without taking anything for it.
    #[inline]
    pub(crate) fn pause(&self) -> Option<Pause> {
        if self.slot().gate().passes() {
            return None;
        }
        let why = self.refusal_waiting();
        why.map(|why| self.pause_of(why.refusal()))
    }

    /// Takes a permit for a call that is still to come, where the circuit does not simply let it pass.
    #[inline]
    pub(crate) fn acquire_ahead(&self) -> Result<Option<Permit>, Pause> {
        if self.slot().gate().passes() {
            return Ok(None);
        }
        let admitted = self.admit_waiting(For::Readiness);
        let permit = admitted.map_err(|why| self.pause_of(why.refusal()))?;
        if permit.ticket.kind() == CallKind::Uncounted {
            // It holds no place, and the call will ask for itself.
            permit.forget();
            return Ok(None);
        }
        Ok(Some(permit))
    }

    /// Whether a permit that was taken ahead is still one: the state that gave it has neither ended nor lapsed.
    pub(crate) fn holds(&self, permit: &Permit) -> bool {
        // Looking enters what a lapsed half-open becomes.
        let _ = self.pause();
        self.slot().gate().epoch() == permit.ticket.epoch()
    }

    /// Makes a permit that was taken ahead the permit of a call that begins now.
    pub(crate) fn begin(&self, permit: Permit) -> Permit {
        self.begin_call(permit)
    }
}
