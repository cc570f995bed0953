//! A trip policy of the user's own, and what is said about a configuration.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use breaker_core::{Mode, Setting, Value};
use breaker_core::{Outcome, Timestamp};

use crate::quiet::Quiet;

/// Decides when a closed circuit trips, beside the rules of [`Trip`](crate::Trip) or instead of them.
///
/// Each closed state has one of its own, made at its first call: what was seen before counts no longer. It is told of each call that
/// was recorded in that state, on the task that made the call, possibly by several threads at once, so it keeps its state in
/// atomics or behind a lock of its own. A panic of its own ends there: the circuit does not trip for it.
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
/// }
///
/// let circuit = Circuit::builder("payments").trip(Trip::never()).trip_policy(ThreeStrikes::default).build()?;
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
}

impl<P: TripPolicy> TripPolicy for Quiet<P> {
    fn record(&self, call: &RecordedCall) -> Option<u32> {
        self.run(|policy| policy.record(call))
    }
}

/// The user's policy of each closed state of a circuit, one after another.
///
/// A state has its own and none is cleared: so no call of one state, however late, takes away what another has seen.
pub(crate) struct Policies {
    make: Box<Make>,
    last: Mutex<Option<Made>>,
}

type Make = dyn Fn() -> Option<Arc<dyn TripPolicy>> + Send + Sync;

/// That of the state of this generation.
#[derive(Clone)]
struct Made {
    generation: u64,
    policy: Arc<dyn TripPolicy>,
}

impl Policies {
    pub(crate) fn new<P: TripPolicy>(make: impl Fn() -> P + Send + Sync + 'static) -> Self {
        let make = Quiet::new(make);
        Self {
            make: Box::new(move || {
                let made = make.run(|make| Some(make()))?;
                Some(Arc::new(Quiet::new(made)))
            }),
            last: Mutex::default(),
        }
    }

    /// That of the state of this generation, made if there is none; `None` if there is a later one. It runs the user's code: not to
    /// be called with a lock held.
    pub(crate) fn of(&self, generation: u64) -> Option<Arc<dyn TripPolicy>> {
        if let Some(last) = &*self.lock()
            && last.generation >= generation
        {
            return (last.generation == generation).then(|| last.policy.clone());
        }
        let policy = (self.make)()?;
        let mut last = self.lock();
        // Another call of this state, or of a later one, may have made one meanwhile.
        let found = last.clone().filter(|last| last.generation >= generation);
        let replaced = match &found {
            Some(_) => None,
            None => last.replace(Made {
                generation,
                policy: policy.clone(),
            }),
        };
        drop(last);
        drop(replaced);
        match found {
            Some(found) => (found.generation == generation).then_some(found.policy),
            None => Some(policy),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Made>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
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
