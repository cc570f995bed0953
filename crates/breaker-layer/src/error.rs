//! Why there is no response.

use std::{fmt, sync::Arc, time::Duration};

use breaker_core::Refusal;

use crate::circuit::Tenure;

/// Any error, as Tower's layers pass it on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The circuit refused the call; the inner service was not called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    circuit: Tenure,
    refusal: Refusal,
}

impl Rejected {
    pub(crate) const fn new(circuit: Tenure, refusal: Refusal) -> Self {
        Self { circuit, refusal }
    }

    /// Why, with the figures.
    pub const fn refusal(&self) -> Refusal {
        self.refusal
    }

    /// How long it is not worth trying again, from the moment of the refusal. Zero where a call may already be let
    /// through as a probe; `None` if only the operator knows.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.refusal.retry_after()
    }

    /// The name of the circuit; `None` once that circuit has been dropped.
    pub fn circuit(&self) -> Option<Arc<str>> {
        self.circuit.name()
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("circuit ")?;
        if let Some(name) = self.circuit() {
            write!(f, "{name} ")?;
        }
        match self.refusal {
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
            .field("refusal", &self.refusal)
            .finish()
    }
}

impl std::error::Error for Rejected {}

/// A call was rejected, or the inner service failed.
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
            Self::Rejected(rejected) => rejected.fmt(f),
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
