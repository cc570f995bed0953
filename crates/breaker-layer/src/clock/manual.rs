//! A clock for tests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use breaker_core::Timestamp;

use super::Clock;

/// A clock for tests: it stands still until it is moved.
///
/// ```
/// use std::time::Duration;
/// use breaker_layer::{Circuit, OpenTime, State, clock::ManualClock};
///
/// let clock = ManualClock::new();
/// let circuit = Circuit::builder("payments")
///     .open_time(OpenTime::fixed(Duration::from_secs(5)))
///     .clock(clock.clock())
///     .build()?;
/// circuit.trip();
/// clock.advance(Duration::from_secs(5));
/// assert_eq!(circuit.state(), State::HalfOpen);
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock at [`Timestamp::ZERO`].
    pub fn new() -> Self {
        Self::default()
    }

    /// The clock to give to a circuit.
    pub fn clock(&self) -> Clock {
        let nanos = self.0.clone();
        Clock::new(move || Timestamp::from_nanos(nanos.load(Ordering::Acquire)))
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Acquire))
    }

    /// Moves the time on; it stops at [`Timestamp::MAX`].
    pub fn advance(&self, span: Duration) {
        let later = |nanos| Some(Timestamp::from_nanos(nanos).saturating_add(span).as_nanos());
        // The closure always gives a value, so that this cannot fail.
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, later);
    }
}
