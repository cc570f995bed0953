//! Why there is no response.

use std::{fmt, num::NonZeroU64, ptr, sync::Arc, time::Duration};

use breaker_core::{Phase, Refusal, Timestamp, Word};

use crate::slot::Slot;

/// Any error, as Tower's layers pass it on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The circuit refused the call; the inner service was not called.
#[derive(Clone, Copy)]
pub struct Rejected {
    slot: &'static Slot,
    why: Why,
}

/// The word that refused and the time of that: the rest is worked out for whoever asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Why {
    word: Refusing,
    /// When it was; of a recovering circuit, how long until there is room.
    nanos: u64,
}

/// A word that refuses. None does so in the shadow: that bit is set here, so that there is always one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusing(NonZeroU64);

impl Refusing {
    #[inline]
    pub(crate) fn of(word: Word) -> Self {
        const SHADOW: NonZeroU64 = NonZeroU64::MIN.saturating_add(1).saturating_pow(47);
        Self(SHADOW | word.to_bits())
    }

    const fn word(self) -> Word {
        Word::from_bits(self.0.get())
    }
}

impl Why {
    /// Refused by this word at this time.
    #[inline]
    pub(crate) const fn at(word: Refusing, now: Timestamp) -> Self {
        Self {
            word,
            nanos: now.as_nanos(),
        }
    }

    /// Refused by this word of a recovering circuit.
    pub(crate) fn recovering(word: Word, wait: Duration) -> Self {
        // No wait is longer than a year.
        Self {
            word: Refusing::of(word),
            nanos: wait.as_nanos() as u64,
        }
    }

    pub(crate) const fn refusal(self) -> Refusal {
        match self.word.word().phase() {
            Phase::HalfOpen { .. } => Refusal::ProbesTaken,
            Phase::Recovering(_) => Refusal::Recovering {
                retry_after: Duration::from_nanos(self.nanos),
            },
            Phase::Open { .. } => Refusal::Open {
                retry_after: self.word.word().open_for(Timestamp::from_nanos(self.nanos)),
            },
            Phase::Closed(_) | Phase::Isolated | Phase::Disabled => Refusal::Isolated,
        }
    }
}

impl Rejected {
    #[inline]
    pub(crate) const fn new(slot: &'static Slot, why: Why) -> Self {
        Self { slot, why }
    }

    /// Why, with the figures.
    pub const fn refusal(&self) -> Refusal {
        self.why.refusal()
    }

    /// How long it is not worth trying again, from the moment of the refusal. Zero where a call may already be let
    /// through as a probe; `None` if only the operator knows.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.why.refusal().retry_after()
    }

    /// The name of the circuit; `None` once that circuit has been dropped.
    pub fn circuit(&self) -> Option<Arc<str>> {
        let generation = self.why.word.word().generation();
        // In this order: a name that is the next tenant's is found to be that.
        self.slot.name().filter(|_| self.slot.is_tenant(generation))
    }
}

impl PartialEq for Rejected {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.slot, other.slot) && self.why == other.why
    }
}

impl Eq for Rejected {}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("circuit ")?;
        if let Some(name) = self.circuit() {
            write!(f, "{name} ")?;
        }
        match self.refusal() {
            Refusal::Open { retry_after } if retry_after.is_zero() => f.write_str("open, probing"),
            Refusal::Open { retry_after } => write!(f, "open, retry after {retry_after:?}"),
            Refusal::ProbesTaken => f.write_str("half-open, probing"),
            Refusal::Recovering { retry_after } => {
                write!(f, "recovering, retry after {retry_after:?}")
            }
            Refusal::Isolated => f.write_str("isolated"),
            _ => f.write_str("rejecting"),
        }
    }
}

impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("circuit", &self.circuit())
            .field("refusal", &self.refusal())
            .finish()
    }
}

impl std::error::Error for Rejected {}

/// A call was rejected, or the inner service failed.
///
/// Its text says which of the two, and its [`source`](std::error::Error::source) the rest: print the chain of them.
///
/// Where the inner error is a [`BoxError`] this is no [`std::error::Error`]; use
/// [`BreakerLayer::boxed_errors`](crate::BreakerLayer::boxed_errors) there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The circuit refused the call. Trying again at once is not worth it.
    Rejected(Rejected),
    /// The inner service's own error.
    Inner(E),
}

impl<E> From<Rejected> for Error<E> {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(_) => f.write_str("call rejected"),
            Self::Inner(_) => f.write_str("inner service failed"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::Inner(error) => Some(error),
        }
    }
}
