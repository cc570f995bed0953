//! std's instants as timestamps.

use std::{
    hash::{Hash, Hasher},
    sync::OnceLock,
    time::{Duration, Instant},
};

use breaker_core::Timestamp;

/// Nanoseconds of std's clock, counted from [`BEFORE`] at the first time that was read; a paused clock may lie before that.
#[inline]
pub(super) fn timestamp(now: Instant) -> Timestamp {
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
