//! Where the time comes from: the only place that reads it.

pub use breaker_core::Timestamp;

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

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

/// Nanoseconds of std's clock, counted from [`BEFORE`] at the first time that was read; a paused clock may lie before that.
#[inline]
fn timestamp(now: Instant) -> Timestamp {
    match ORIGIN.get() {
        Some(Origin {
            hashed: Some(offset),
            ..
        }) => Timestamp::from_nanos(Parts::of(now).nanos().wrapping_add(*offset)),
        origin => since(origin, now),
    }
}

/// The first time that was read.
struct Origin {
    instant: Instant,
    /// What to add to the nanoseconds that an instant hashes, where it hashes those.
    hashed: Option<u64>,
}

static ORIGIN: OnceLock<Origin> = OnceLock::new();
/// The origin's place on a scale that begins before it.
const BEFORE: u64 = 1 << 62;

#[cold]
#[inline(never)]
fn since(origin: Option<&Origin>, now: Instant) -> Timestamp {
    let origin = origin.unwrap_or_else(|| ORIGIN.get_or_init(|| Origin::at(now)));
    let (since, until) = (
        now.saturating_duration_since(origin.instant),
        origin.instant.saturating_duration_since(now),
    );
    // 2⁶⁴ ns are 584 years; a process is younger.
    let nanos = |span: Duration| {
        span.as_secs().wrapping_mul(1_000_000_000) + u64::from(span.subsec_nanos())
    };
    Timestamp::from_nanos(BEFORE.wrapping_add(nanos(since)).wrapping_sub(nanos(until)))
}

impl Origin {
    fn at(instant: Instant) -> Self {
        let offset = BEFORE.wrapping_sub(Parts::of(instant).nanos());
        Self {
            instant,
            hashed: Parts::are_hashed(instant).then_some(offset),
        }
    }
}

/// The seconds and nanoseconds of an [`Instant`], as far as it hashes them.
///
/// std shows only the difference of two instants, and works it out in memory: that takes longer than the rest of a
/// rejection. What an instant hashes is not promised, so it is looked at before it is relied on.
#[derive(Default)]
struct Parts {
    seconds: u64,
    nanos: u32,
    other: bool,
}

impl Parts {
    #[inline]
    fn of(now: Instant) -> Self {
        let mut parts = Self::default();
        now.hash(&mut parts);
        parts
    }

    #[inline]
    const fn nanos(&self) -> u64 {
        self.seconds
            .wrapping_mul(1_000_000_000)
            .wrapping_add(self.nanos as u64)
    }

    /// Whether instants hash seconds and nanoseconds, nothing else, and as they should.
    fn are_hashed(now: Instant) -> bool {
        let steps = [
            Duration::ZERO,
            Duration::from_nanos(1),
            Duration::from_nanos(999_999_999),
            Duration::new(86_400, 123_456_789),
        ];
        let first = Self::of(now);
        steps.into_iter().all(|step| {
            now.checked_add(step).is_some_and(|later| {
                let (parts, span) = (Self::of(later), step.as_nanos() as u64);
                !parts.other
                    && parts.nanos < 1_000_000_000
                    && parts.nanos().wrapping_sub(first.nanos()) == span
            })
        })
    }
}

impl Hasher for Parts {
    #[inline]
    fn write_i64(&mut self, seconds: i64) {
        self.seconds = seconds.cast_unsigned();
    }

    #[inline]
    fn write_u64(&mut self, seconds: u64) {
        self.seconds = seconds;
    }

    #[inline]
    fn write_u32(&mut self, nanos: u32) {
        self.nanos = nanos;
    }

    fn write(&mut self, _: &[u8]) {
        self.other = true;
    }

    fn finish(&self) -> u64 {
        self.nanos()
    }
}

/// Nanoseconds of the time stamp counter since it was first read.
#[cfg(feature = "quanta")]
fn counter() -> Timestamp {
    static CLOCK: OnceLock<(quanta::Clock, u64)> = OnceLock::new();
    let (clock, origin) = CLOCK.get_or_init(|| {
        let clock = quanta::Clock::new();
        let origin = clock.raw();
        (clock, origin)
    });
    Timestamp::from_nanos(clock.delta_as_nanos(*origin, clock.raw()))
}

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

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::*;

    /// Spans that carry into the seconds, and that do not.
    const SPANS: [Duration; 5] = [
        Duration::ZERO,
        Duration::from_nanos(1),
        Duration::from_nanos(999_999_999),
        Duration::new(1, 1),
        Duration::new(100_000, 987_654_321),
    ];

    fn now() -> Instant {
        #[expect(clippy::disallowed_methods, reason = "these tests are about instants")]
        Instant::now()
    }

    #[test]
    fn an_instant_is_as_far_from_another_as_std_says_before_and_after_the_first_one() {
        let first = now();
        let at_first = timestamp(first);
        for span in SPANS {
            let later = timestamp(first + span);
            assert_eq!(later.saturating_since(at_first), span);
            if let Some(earlier) = first.checked_sub(span) {
                assert_eq!(at_first.saturating_since(timestamp(earlier)), span);
            }
        }
    }

    #[test]
    fn what_an_instant_hashes_gives_the_time_that_the_difference_of_two_gives() {
        let first = now();
        let origin = Origin::at(first);
        for span in SPANS {
            let later = first + span;
            let slow = since(Some(&origin), later);
            assert_eq!(slow, Timestamp::from_nanos(BEFORE).saturating_add(span));
            if let Some(offset) = origin.hashed {
                let fast = Parts::of(later).nanos().wrapping_add(offset);
                assert_eq!(fast, slow.as_nanos());
            }
        }
    }
}
