//! Where the time comes from: the only place that reads it.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use breaker_core::Timestamp;

/// A monotonic clock.
///
/// The default is std's; with the feature `tokio` it is Tokio's, which is the same except that
/// `tokio::time::pause` stops it and `advance` moves it.
#[derive(Clone)]
pub struct Clock(Kind);

#[derive(Clone)]
enum Kind {
    Std,
    #[cfg(feature = "tokio")]
    Tokio,
    #[cfg(feature = "quanta")]
    Quanta,
    User(Arc<User>),
}

/// A clock of the user's own.
pub(crate) type User = dyn Fn() -> Timestamp + Send + Sync;

/// Which clock a circuit reads, in four bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Std,
    #[cfg(feature = "tokio")]
    Tokio,
    #[cfg(feature = "quanta")]
    Quanta,
    User,
}

impl Source {
    pub(crate) const fn from_bits(bits: u64) -> Self {
        match bits {
            0 => Self::Std,
            #[cfg(feature = "tokio")]
            1 => Self::Tokio,
            #[cfg(feature = "quanta")]
            2 => Self::Quanta,
            _ => Self::User,
        }
    }

    pub(crate) const fn to_bits(self) -> u64 {
        match self {
            Self::Std => 0,
            #[cfg(feature = "tokio")]
            Self::Tokio => 1,
            #[cfg(feature = "quanta")]
            Self::Quanta => 2,
            Self::User => 3,
        }
    }

    /// The time, where the clock is not the user's own.
    pub(crate) fn now(self) -> Option<Timestamp> {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the time"
        )]
        let now = match self {
            Self::Std => Some(timestamp(Instant::now())),
            #[cfg(feature = "tokio")]
            Self::Tokio => Some(timestamp(tokio::time::Instant::now().into_std())),
            #[cfg(feature = "quanta")]
            Self::Quanta => Some(counter()),
            Self::User => None,
        };
        #[cfg(all(test, breaker_loom))]
        let now = now.map(|_| crate::loom_tests::time::now());
        now
    }
}

impl Clock {
    /// std's clock.
    pub const fn std() -> Self {
        Self(Kind::Std)
    }

    /// Tokio's clock, which a test can pause.
    #[cfg(feature = "tokio")]
    pub const fn tokio() -> Self {
        Self(Kind::Tokio)
    }

    /// The processor's time stamp counter, by way of the crate quanta. Circuits that time calls gain by it.
    #[cfg(feature = "quanta")]
    pub const fn quanta() -> Self {
        Self(Kind::Quanta)
    }

    /// A clock of the user's own: monotonic, counting from an origin of its choice.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Kind::User(Arc::new(now)))
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::User(now) => now(),
            Kind::Std => Source::Std.now().unwrap_or_default(),
            #[cfg(feature = "tokio")]
            Kind::Tokio => Source::Tokio.now().unwrap_or_default(),
            #[cfg(feature = "quanta")]
            Kind::Quanta => Source::Quanta.now().unwrap_or_default(),
        }
    }

    pub(crate) const fn source(&self) -> Source {
        match self.0 {
            Kind::Std => Source::Std,
            #[cfg(feature = "tokio")]
            Kind::Tokio => Source::Tokio,
            #[cfg(feature = "quanta")]
            Kind::Quanta => Source::Quanta,
            Kind::User(_) => Source::User,
        }
    }

    pub(crate) fn into_user(self) -> Option<Arc<User>> {
        match self.0 {
            Kind::User(now) => Some(now),
            Kind::Std => None,
            #[cfg(feature = "tokio")]
            Kind::Tokio => None,
            #[cfg(feature = "quanta")]
            Kind::Quanta => None,
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        #[cfg(feature = "tokio")]
        return Self::tokio();
        #[cfg(not(feature = "tokio"))]
        Self::std()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Std => "Clock::std",
            #[cfg(feature = "tokio")]
            Kind::Tokio => "Clock::tokio",
            #[cfg(feature = "quanta")]
            Kind::Quanta => "Clock::quanta",
            Kind::User(_) => "Clock::new",
        })
    }
}

/// Instants are counted from the first one that was read; a paused clock may lie before it.
fn timestamp(now: Instant) -> Timestamp {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    const BEFORE: u64 = 1 << 62;
    let origin = *ORIGIN.get_or_init(|| now);
    // 2⁶⁴ ns are 584 years; a process is younger.
    let nanos = |span: Duration| {
        span.as_secs().wrapping_mul(1_000_000_000) + u64::from(span.subsec_nanos())
    };
    Timestamp::from_nanos(match now.checked_duration_since(origin) {
        Some(since) => BEFORE.wrapping_add(nanos(since)),
        None => BEFORE.wrapping_sub(nanos(origin.saturating_duration_since(now))),
    })
}

/// Nanoseconds of the time stamp counter since it was first read.
#[cfg(feature = "quanta")]
fn counter() -> Timestamp {
    static CLOCK: OnceLock<(quanta::Clock, quanta::Instant)> = OnceLock::new();
    let (clock, origin) = CLOCK.get_or_init(|| {
        let clock = quanta::Clock::new();
        let origin = clock.now();
        (clock, origin)
    });
    Timestamp::ZERO.saturating_add(clock.now().saturating_duration_since(*origin))
}

/// A clock for tests: it stands still until it is moved.
///
/// ```
/// use std::time::Duration;
/// use breaker_layer::{Circuit, ManualClock, OpenTime, State};
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
