//! Where the time comes from: the only place that reads it.

pub use breaker_core::Timestamp;

mod instant;
mod manual;

use std::{fmt, sync::Arc, time::Instant};

use instant::timestamp;
pub use manual::ManualClock;

use crate::quiet::Quiet;

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

/// Which clock a circuit reads, in two bits.
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

    /// std's time.
    #[inline]
    pub(crate) fn std_now() -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads std's time"
        )]
        let now = timestamp(Instant::now());
        #[cfg(all(test, breaker_loom))]
        let now = crate::loom_tests::time::instead_of(now);
        now
    }

    /// The time, where the clock is not the user's own.
    pub(crate) fn now(self) -> Option<Timestamp> {
        let now = match self {
            Self::Std => Some(Self::std_now()),
            #[cfg(feature = "tokio")]
            Self::Tokio => Some(timestamp(tokio::time::Instant::now().into_std())),
            #[cfg(feature = "quanta")]
            Self::Quanta => Some(counter()),
            Self::User => None,
        };
        #[cfg(all(test, breaker_loom))]
        let now = now.map(crate::loom_tests::time::instead_of);
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

    /// A clock of the user's own: monotonic, counting from an origin of its choice. Where it panics it shows
    /// [`Timestamp::ZERO`], as if time had gone back.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let now = Quiet::new(now);
        Self(Kind::User(Arc::new(move || now.run(|now| now()))))
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

/// Nanoseconds of the time stamp counter since it was first read.
#[cfg(feature = "quanta")]
fn counter() -> Timestamp {
    static CLOCK: std::sync::OnceLock<(quanta::Clock, u64)> = std::sync::OnceLock::new();
    let (clock, origin) = CLOCK.get_or_init(|| {
        let clock = quanta::Clock::new();
        let origin = clock.raw();
        (clock, origin)
    });
    Timestamp::from_nanos(clock.delta_as_nanos(*origin, clock.raw()))
}
