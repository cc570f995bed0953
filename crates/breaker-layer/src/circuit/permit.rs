//! Permits: what an admitted call holds until its outcome is recorded.

use std::{fmt, mem, thread, time::Duration};

use breaker_core::{Outcome, Phase, Timestamp, Word, machine::Fate};

use crate::slot::{Settings, Slot};

/// The right to make one call, and the duty to say how it went.
///
/// Dropped without [`Permit::record`] the call is cancelled: [`Cancelled`](crate::Cancelled) says what that counts as.
/// Dropped while its thread unwinds it is a failure, unless
/// [`panic_is_failure`](crate::CircuitBuilder::panic_is_failure) says otherwise. It may outlive its circuit, and then changes
/// nothing.
#[must_use = "a permit that is dropped is a cancelled call"]
pub struct Permit {
    pub(super) slot: &'static Slot,
    pub(super) ticket: Ticket,
}

impl Permit {
    /// Says how the call went.
    #[inline]
    #[doc(alias("onSuccess", "onError"))]
    pub fn record(self, outcome: Outcome) {
        self.settle(Fate::Recorded(outcome), None);
    }

    /// Says how the call went and how long it took, for calls that were measured elsewhere.
    pub fn record_after(self, outcome: Outcome, took: Duration) {
        self.settle(Fate::Recorded(outcome), Some(took));
    }

    /// As [`Permit::record`], for any fate. `false` if the circuit is gone, so that it counts nowhere yet.
    #[inline]
    pub(crate) fn settle(self, fate: Fate, took: Option<Duration>) -> bool {
        let (slot, ticket) = self.into_parts();
        match (fate, took) {
            // Nothing speaks against the downstream, and neither does this.
            (Fate::Recorded(Outcome::Success), None) if ticket.is_bare() => {
                slot.is_calm() || slot.record_plain::<false>(ticket)
            }
            (Fate::Recorded(Outcome::Success), None) => slot.record_apart(ticket, false),
            (Fate::Recorded(Outcome::Failure), None) => slot.record_plain::<true>(ticket),
            _ => slot.record(ticket, fate, took),
        }
    }

    /// The downstream has answered, whatever is still to come: how long the call took is known, and from now on it is none
    /// that was given up before it was answered.
    pub(crate) fn answered(&mut self) {
        if self.ticket.stands_for() != StandsFor::Call {
            return;
        }
        self.ticket = if self.ticket.is_timed() {
            self.ticket.answered(self.slot.now())
        } else {
            self.ticket.standing_for(StandsFor::AnsweredCall)
        };
    }

    /// The permit of a call whose outcome is ignored, whatever it is.
    pub(crate) const fn excluded(mut self) -> Self {
        self.ticket = self.ticket.standing_for(StandsFor::ExcludedCall);
        self
    }

    /// Whether the call is a probe, while half-open lasts.
    pub(crate) fn is_probe(&self) -> bool {
        let word = self.slot.word();
        let is_half_open = matches!(word.phase(), Phase::HalfOpen { .. });
        is_half_open && word.generation() == self.ticket.generation()
    }

    #[inline]
    pub(super) const fn into_parts(self) -> (&'static Slot, Ticket) {
        let parts = (self.slot, self.ticket);
        mem::forget(self);
        parts
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        self.slot.record_dropped(self.ticket);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("generation", &self.ticket.generation())
            .finish_non_exhaustive()
    }
}

/// What became of a call whose permit is dropped now; `panic_is_failure` is asked where its thread unwinds.
pub(crate) fn dropped(panic_is_failure: impl FnOnce() -> bool) -> Fate {
    if thread::panicking() && panic_is_failure() {
        Fate::Recorded(Outcome::Failure)
    } else {
        Fate::CANCELLED
    }
}

/// What a permit knows of its admission, in one word:
/// `generation 16 │ uncounted 1 │ timed 1 │ stands for 2 │ started 43 │ recorded 1`.
///
/// The start is kept in units of 32 ns, modulo 3 days; of an answered call that is how long it took. *Recorded* is a call
/// whose success is recorded even while nothing speaks against the downstream.
#[derive(Clone, Copy)]
pub(super) struct Ticket(u64);

/// What a permit was given for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StandsFor {
    /// A call whose outcome counts.
    Call,
    /// A call whose outcome is ignored, whatever it is.
    ExcludedCall,
    /// A promise of readiness, which is no call yet.
    Readiness,
    /// A call whose outcome counts, and that the downstream has answered: its time is over.
    AnsweredCall,
}

impl Ticket {
    const UNCOUNTED: u64 = 1 << 47;
    const TIMED: u64 = 1 << 46;
    const TIMES: u64 = ((1 << 43) - 1) << 1;

    #[inline]
    pub(super) const fn of(word: Word, settings: Settings) -> Self {
        Self(word.to_bits() >> 48 << 48 | settings.successes())
    }

    /// Whether this is a call's that counts in this word's generation.
    #[inline]
    pub(super) const fn counts_in(self, word: Word) -> bool {
        (self.0 ^ word.to_bits()) >> 48 == 0 && self.0 & (Self::UNCOUNTED | 3 << 44) == 0
    }

    /// Nothing but a call that counts.
    #[inline]
    const fn is_bare(self) -> bool {
        self.0 << 16 == 0
    }

    /// Whether this is a plain call's, and counts in a closed circuit's word.
    #[inline]
    pub(super) const fn is_of(self, word: Word) -> bool {
        self.is_bare() && word.is_closed_in(self.generation())
    }

    pub(super) const fn uncounted(self) -> Self {
        Self(self.0 | Self::UNCOUNTED)
    }

    pub(super) const fn started(self, now: Timestamp) -> Self {
        Self(self.0 | Self::TIMED | now.as_nanos() >> 4 & Self::TIMES)
    }

    /// As a call that has taken its time by now.
    pub(super) const fn answered(self, now: Timestamp) -> Self {
        let took = self.nanos(now) >> 4 & Self::TIMES;
        Self(self.0 & !Self::TIMES | took).standing_for(StandsFor::AnsweredCall)
    }

    pub(super) const fn generation(self) -> u16 {
        (self.0 >> 48) as u16
    }

    pub(super) const fn is_counted(self) -> bool {
        self.0 & Self::UNCOUNTED == 0
    }

    pub(super) const fn standing_for(self, what: StandsFor) -> Self {
        Self(self.0 & !(3 << 44) | (what as u64) << 44)
    }

    pub(super) const fn stands_for(self) -> StandsFor {
        match self.0 >> 44 & 3 {
            0 => StandsFor::Call,
            1 => StandsFor::ExcludedCall,
            2 => StandsFor::Readiness,
            _ => StandsFor::AnsweredCall,
        }
    }

    pub(super) const fn is_timed(self) -> bool {
        self.0 & Self::TIMED != 0
    }

    pub(super) const fn took(self, now: Timestamp) -> Duration {
        Duration::from_nanos(self.nanos(now))
    }

    /// For how many nanoseconds a timed call has gone on.
    pub(super) const fn nanos(self, now: Timestamp) -> u64 {
        let started = self.0 & Self::TIMES;
        if matches!(self.stands_for(), StandsFor::AnsweredCall) {
            return started << 4;
        }
        ((now.as_nanos() >> 4 & Self::TIMES).wrapping_sub(started) & Self::TIMES) << 4
    }
}
