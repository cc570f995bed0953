//! What a permit knows of its admission.

use std::time::Duration;

use breaker_core::{CallKind, Timestamp};

use crate::storage::Gate;

/// Which state admitted a call, what it counts as, and when it began.
#[derive(Clone, Copy)]
pub(super) struct Ticket {
    /// The gate that let it pass, of which the epoch counts, and whether it was calm.
    gate: Gate,
    /// `kind 3 │ excluded 1 │ timed 1 │ nanoseconds 59`: the lower bits of when a timed call began, or how long it took if it is
    /// answered. Zero is a call that counts and is not timed.
    call: u64,
}

const CALL: u64 = CallKind::Call as u64;
const ANSWERED: u64 = CallKind::Answered as u64;
const READINESS: u64 = CallKind::Readiness as u64;

impl Ticket {
    const KIND: u32 = 61;
    const EXCLUDED: u64 = 1 << 60;
    const TIMED: u64 = 1 << 59;
    /// 18 years.
    const NANOS: u64 = Self::TIMED - 1;

    /// A call's, that this gate let pass.
    #[inline]
    pub(super) const fn of(gate: Gate) -> Self {
        Self { gate, call: 0 }
    }

    /// Of a call that began in this epoch.
    pub(super) const fn new(epoch: u64, kind: CallKind) -> Self {
        let gate = Gate::vacant(epoch);
        Self { gate, call: 0 }.of_kind(kind)
    }

    /// Of a call that was admitted where there was no circuit, so that nothing spoke against its key, and that counts for the one
    /// that began in this epoch.
    #[cfg(feature = "keyed")]
    pub(super) const fn calm(epoch: u64) -> Self {
        Self::of(Gate::calm(epoch))
    }

    /// Where there was no circuit: none has this epoch.
    pub(super) const fn void() -> Self {
        Self::new(0, CallKind::Uncounted)
    }

    #[cfg(feature = "keyed")]
    pub(super) const fn is_void(self) -> bool {
        self.epoch() == 0
    }

    /// A call's that counts, and that is not timed.
    #[inline]
    pub(super) const fn is_plain(self) -> bool {
        self.call == 0
    }

    pub(super) const fn epoch(self) -> u64 {
        self.gate.epoch()
    }

    /// Whether nothing spoke against the downstream when the call was admitted.
    pub(super) const fn was_calm(self) -> bool {
        self.gate.is_calm()
    }

    pub(super) const fn kind(self) -> CallKind {
        match self.call >> Self::KIND {
            CALL if self.is_excluded() => CallKind::Excluded,
            CALL => CallKind::Call,
            ANSWERED => CallKind::Answered,
            READINESS => CallKind::Readiness,
            _ => CallKind::Uncounted,
        }
    }

    pub(super) const fn of_kind(self, kind: CallKind) -> Self {
        let rest = self.call & ((1 << Self::KIND) - 1);
        Self {
            call: rest | (kind as u64) << Self::KIND,
            ..self
        }
    }

    /// Its outcome is ignored, whatever it is.
    pub(super) const fn excluded(self) -> Self {
        Self {
            call: self.call | Self::EXCLUDED,
            ..self
        }
    }

    pub(super) const fn is_excluded(self) -> bool {
        self.call & Self::EXCLUDED != 0
    }

    pub(super) const fn started(self, now: Timestamp) -> Self {
        self.timed(now.as_nanos() & Self::NANOS)
    }

    /// As a call that has taken its time by now, if it is timed.
    pub(super) fn answered(self, now: Option<Timestamp>) -> Self {
        let took = now.and_then(|now| self.took(|| now));
        let nanos = |took: Duration| (took.as_nanos() as u64).min(Self::NANOS);
        let timed = took.map_or(self, |took| self.timed(nanos(took)));
        timed.of_kind(CallKind::Answered)
    }

    const fn timed(self, nanos: u64) -> Self {
        let rest = self.call & !Self::NANOS;
        Self {
            call: rest | Self::TIMED | nanos,
            ..self
        }
    }

    pub(super) const fn is_timed(self) -> bool {
        self.call & Self::TIMED != 0
    }

    /// The time from a start of which only the lower bits are known; none if time has gone back.
    const fn since(start: u64, now: u64) -> u64 {
        match now.wrapping_sub(start) & Self::NANOS {
            back if back > Self::NANOS / 2 => 0,
            since => since,
        }
    }

    /// For how long a timed call has gone on.
    pub(super) fn took(self, now: impl FnOnce() -> Timestamp) -> Option<Duration> {
        let nanos = self.call & Self::NANOS;
        match self.kind() {
            _ if !self.is_timed() => None,
            CallKind::Answered => Some(Duration::from_nanos(nanos)),
            _ => Some(Duration::from_nanos(Self::since(nanos, now().as_nanos()))),
        }
    }
}
