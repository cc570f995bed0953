//! A trip policy of the user's own, and what is said about a configuration.

use std::time::Duration;

pub use breaker_core::{Mode, Setting, Value};
use breaker_core::{Outcome, Timestamp};

use crate::quiet::Quiet;

/// Decides when a closed circuit trips, beside the rules of [`Trip`](crate::Trip) or instead of them.
///
/// It is told of each call that was recorded while the circuit was closed, on the task that made the call, possibly by
/// several threads at once, so it keeps its state in atomics or behind a lock of its own. A panic of its own ends there: the circuit does not
/// trip for it.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
/// use breaker_layer::{Circuit, Outcome, State, Trip, policy::{RecordedCall, TripPolicy}};
///
/// /// Trips at the third failure, whatever happens between them.
/// #[derive(Default)]
/// struct ThreeStrikes(AtomicU32);
///
/// impl TripPolicy for ThreeStrikes {
///     fn record(&self, call: &RecordedCall) -> Option<u32> {
///         let failed = call.outcome() == Outcome::Failure;
///         let strikes = self.0.fetch_add(u32::from(failed), Relaxed) + u32::from(failed);
///         (strikes >= 3).then_some(strikes)
///     }
///
///     fn clear(&self) {
///         self.0.store(0, Relaxed);
///     }
/// }
///
/// let circuit = Circuit::builder("payments").trip(Trip::never()).trip_policy(ThreeStrikes::default()).build()?;
/// for outcome in [Outcome::Failure, Outcome::Failure, Outcome::Success, Outcome::Failure] {
///     circuit.try_acquire().unwrap().record(outcome);
/// }
/// assert_eq!(circuit.state(), State::Open);
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[doc(alias = "ReadyToTrip")]
pub trait TripPolicy: Send + Sync + 'static {
    /// A call was recorded; a number of your own as the reason, if the circuit is to trip.
    fn record(&self, call: &RecordedCall) -> Option<u32>;

    /// The circuit changed its state: what was seen before counts no longer.
    fn clear(&self);
}

impl<P: TripPolicy> TripPolicy for Quiet<P> {
    fn record(&self, call: &RecordedCall) -> Option<u32> {
        self.run(|policy| policy.record(call))
    }

    fn clear(&self) {
        self.run(P::clear);
    }
}

/// A call that was recorded while the circuit was closed.
#[derive(Clone, Copy, Debug)]
pub struct RecordedCall {
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    pub(crate) at: Timestamp,
}

impl RecordedCall {
    /// How it went.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// How long it took.
    pub const fn took(&self) -> Duration {
        self.took
    }

    /// When it was recorded, since the circuit was built.
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}
