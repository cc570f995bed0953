//! Why there is no response.
//!
//! The errors here read as what they hold reads: their text and their sources are those of the error inside, so that a chain
//! of errors says nothing twice. What Tower's layers and error types wrap around a rejection does not hide it from
//! [`Rejected::of`].

use std::{error, fmt, sync::Arc, time::Duration};

use breaker_core::Refusal;

use crate::{
    failure::LastFailures,
    fault::chain,
    storage::Slot,
    text::{Millis, Quoted},
};

mod any;
mod because;
mod elapsed;
mod inner;

pub use any::AnyError;
pub use elapsed::Elapsed;

use because::Because;
pub(crate) use because::Opened;

/// Any error, as Tower's layers pass it on.
pub type BoxError = Box<dyn error::Error + Send + Sync>;

/// The circuit refused the call; the inner service was not called.
///
/// Its text is `circuit "payments" is open, retry after 5s`, or `is half-open, retry after 50ms`, and its [`source`](error::Error::source) adds why:
/// `tripped after 15 failures in a row`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[doc(alias(
    "CallNotPermittedException",
    "BrokenCircuitException",
    "ErrOpenState",
    "ErrTooManyRequests"
))]
pub struct Rejected(Because);

/// The state that refused, and how long it is not worth asking again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Why {
    /// `epoch 56 │ kind 8`: a rejection is handed on by value, so it is kept small.
    refused: u64,
    /// Zero where nobody knows.
    nanos: u64,
}

impl Why {
    const OPEN: u64 = 0;
    const PROBES_TAKEN: u64 = 1;
    const RECOVERING: u64 = 2;
    const ISOLATED: u64 = 3;

    /// Refused in this epoch, and for this reason.
    #[inline]
    pub(crate) fn new(epoch: u64, refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::Open { .. } => Self::OPEN,
            Refusal::ProbesTaken { .. } => Self::PROBES_TAKEN,
            Refusal::Recovering { .. } => Self::RECOVERING,
            _ => Self::ISOLATED,
        };
        let wait = refusal.retry_after().unwrap_or_default();
        Self {
            refused: epoch << 8 | kind,
            // No wait is longer than a year.
            nanos: wait.as_nanos() as u64,
        }
    }

    /// Refused in this epoch of an open circuit, for so many nanoseconds.
    #[inline]
    pub(crate) const fn open(epoch: u64, nanos: u64) -> Self {
        Self {
            refused: epoch << 8 | Self::OPEN,
            nanos,
        }
    }

    /// Refused in this epoch of an isolated circuit, for so many nanoseconds; zero where the operator set no end.
    #[inline]
    pub(crate) const fn isolated(epoch: u64, nanos: u64) -> Self {
        Self {
            refused: epoch << 8 | Self::ISOLATED,
            nanos,
        }
    }

    const fn epoch(self) -> u64 {
        self.refused >> 8
    }

    pub(crate) const fn refusal(self) -> Refusal {
        let retry_after = Duration::from_nanos(self.nanos);
        match self.refused & 0xff {
            Self::OPEN => Refusal::Open { retry_after },
            Self::PROBES_TAKEN => Refusal::ProbesTaken { retry_after },
            Self::RECOVERING => Refusal::Recovering { retry_after },
            _ => Refusal::Isolated {
                retry_after: if self.nanos > 0 {
                    Some(retry_after)
                } else {
                    None
                },
            },
        }
    }
}

impl Rejected {
    #[inline]
    pub(crate) const fn new(slot: &'static Slot, why: Why) -> Self {
        Self(Because { slot, why })
    }

    /// The rejection that this error is, or that is among its sources.
    ///
    /// It is found through [`Error`] and [`AnyError`], boxes, anyhow, hyper-util's and reqwest's errors, the `Status` of a tonic
    /// client (with `BreakerLayer::grpc`), and whatever else passes its source on. It is a copy, since not every error that stands for a rejection can lend one.
    ///
    /// ```
    /// use breaker_layer::{BoxError, Circuit, Rejected};
    ///
    /// let circuit = Circuit::builder("payments").build()?;
    /// circuit.isolate();
    /// let refused: Result<(), BoxError> = circuit.call(|| std::fs::write("/dev/null", "x")).map_err(Into::into);
    /// let error = refused.unwrap_err();
    /// let rejected = Rejected::of(&*error).unwrap();
    /// assert_eq!(rejected.circuit().as_deref(), Some("payments"));
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn of(error: &(dyn error::Error + 'static)) -> Option<Self> {
        chain(error).find_map(|link| {
            let because = || link.downcast_ref::<Because>();
            let rejected = link.downcast_ref::<Self>().copied();
            rejected.or_else(|| because().copied().map(Self))
        })
    }

    /// Why, with the figures.
    pub const fn refusal(&self) -> Refusal {
        self.0.why.refusal()
    }

    /// How long it is not worth trying again, from the moment of the refusal; `None` if only the operator knows.
    ///
    /// It is never zero. Whoever sleeps for as long as each rejection says, and then asks again, is rejected a few times
    /// while one probe is under way, and comes when a probe is due for certain:
    ///
    /// - open, all calls are rejected: the time left until a call may be a probe;
    /// - open, and this call [was not drawn](crate::OpenTime::probe_share) as a probe: as long again as the circuit has been
    ///   open, until the next call is certainly one at the most;
    /// - half-open, and all places are taken: as long again as probes have been under way, from 50 ms to the deadline;
    /// - recovering: the time until the allowance has room, 1 ms at least;
    /// - isolated: the time until the isolation ends, where the operator [set an end](crate::Circuit::isolate_for).
    pub const fn retry_after(&self) -> Option<Duration> {
        self.0.why.refusal().retry_after()
    }

    /// What failed before the circuit opened, as far as it is known and the circuit still knows it.
    pub fn last_failures(&self) -> Option<Arc<LastFailures>> {
        let failures = self
            .0
            .read(|state, generation| state.failures_of(generation).cloned());
        failures.flatten()
    }

    /// The name of the circuit; `None` once that circuit has been dropped.
    pub fn circuit(&self) -> Option<Arc<str>> {
        self.0.read(|state, _| state.name.clone())
    }
}

/// As one line, in which a name cannot do harm; spans are in whole milliseconds.
impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.circuit() {
            Some(name) => write!(f, "circuit {} is ", Quoted(&name))?,
            None => f.write_str("the circuit is ")?,
        }
        match self.refusal() {
            Refusal::Open { retry_after } => {
                write!(f, "open, retry after {}", Millis(retry_after))
            }
            Refusal::ProbesTaken { retry_after } => {
                write!(f, "half-open, retry after {}", Millis(retry_after))
            }
            Refusal::Recovering { retry_after } => {
                write!(f, "recovering, retry after {}", Millis(retry_after))
            }
            Refusal::Isolated {
                retry_after: Some(retry_after),
            } => write!(f, "isolated, retry after {}", Millis(retry_after)),
            Refusal::Isolated { retry_after: None } => f.write_str("isolated"),
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

impl error::Error for Rejected {
    /// Why the circuit refuses, as far as the circuit still knows when this is printed.
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.0)
    }
}

/// A call was rejected, took longer than its limit, or failed.
///
/// It reads as the error that it holds: its text and its [`source`](error::Error::source) are those of that error.
///
/// Where the inner error is a [`BoxError`] or an `anyhow::Error`, which are no [`std::error::Error`], this is none either.
/// [`Error::boxed`], [`Circuit::run_boxed`](crate::Circuit::run_boxed) and
/// [`BreakerLayer::boxed_errors`](crate::BreakerLayer::boxed_errors) make one that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The circuit refused the call. Trying again at once is not worth it.
    Rejected(Rejected),
    /// The call took longer than its limit. Only `Circuit::run_within` has one; the Tower layer never gives this.
    Elapsed(Elapsed),
    /// The call's own error; of a layer, the inner service's.
    Inner(E),
}

impl<E> Error<E> {
    /// Whether the circuit refused the call.
    pub const fn is_rejected(&self) -> bool {
        matches!(self, Self::Rejected(_))
    }

    /// The rejection, if it is one of this circuit's. [`Rejected::of`] looks into the inner error, too.
    pub const fn rejected(&self) -> Option<Rejected> {
        match self {
            Self::Rejected(rejected) => Some(*rejected),
            Self::Elapsed(_) | Self::Inner(_) => None,
        }
    }

    /// The call's own error, if it was made and gave one.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Inner(error) => Some(error),
            Self::Rejected(_) | Self::Elapsed(_) => None,
        }
    }

    /// The same with another error in place of the call's own.
    pub fn map_inner<F>(self, map: impl FnOnce(E) -> F) -> Error<F> {
        match self {
            Self::Rejected(rejected) => Error::Rejected(rejected),
            Self::Elapsed(elapsed) => Error::Elapsed(elapsed),
            Self::Inner(error) => Error::Inner(map(error)),
        }
    }

    /// The same with the call's own error in a box that is an error itself, so that `?` takes it.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// use breaker_layer::{BoxError, Circuit, Error};
    ///
    /// async fn pay(circuit: &Circuit) -> Result<u32, BoxError> {
    ///     let paid = circuit.run(async { Ok::<_, BoxError>("12".parse()?) });
    ///     Ok(paid.await.map_err(Error::boxed)?)
    /// }
    /// # let circuit = Circuit::builder("payments").build().unwrap();
    /// # assert_eq!(pay(&circuit).await.unwrap(), 12);
    /// # });
    /// ```
    pub fn boxed(self) -> Error<AnyError>
    where
        E: Into<BoxError>,
    {
        self.map_inner(AnyError::new)
    }
}

impl<E> From<Rejected> for Error<E> {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl<E> From<Elapsed> for Error<E> {
    fn from(elapsed: Elapsed) -> Self {
        Self::Elapsed(elapsed)
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejected) => rejected.fmt(f),
            Self::Elapsed(elapsed) => elapsed.fmt(f),
            Self::Inner(error) => error.fmt(f),
        }
    }
}

impl<E: error::Error + 'static> error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Rejected(rejected) => rejected.source(),
            Self::Elapsed(elapsed) => elapsed.source(),
            Self::Inner(error) => error.source(),
        }
    }
}
