//! Points in time.

use core::time::Duration;

/// A point in time: nanoseconds since an origin that the clock chose.
///
/// Only differences mean anything. `u64` holds 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The origin of the clock.
    pub const ZERO: Self = Self(0);
    /// The last point in time; arithmetic saturates here.
    pub const MAX: Self = Self(u64::MAX);

    /// The point `nanos` nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The point `span` later, at most [`Timestamp::MAX`].
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }

    /// This point as a short stamp, whose differences mean something.
    pub(crate) const fn stamp(self) -> Stamp {
        Stamp((self.0 >> Stamp::UNIT) as u32)
    }

    /// This point, rounded up to a tenth of a millisecond.
    pub(crate) const fn rounded_up(self) -> Self {
        Self(self.0.div_ceil(STEP).saturating_mul(STEP))
    }

    /// The point `span` later, rounded up to a tenth of a millisecond; no span is longer than [`MAX_WAIT`].
    pub(crate) fn rounded_after(self, span: Duration) -> Self {
        self.saturating_add(span.min(MAX_WAIT)).rounded_up()
    }

    /// The time from `earlier` to this point; zero if `earlier` is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A point in time to an eighth of a millisecond, of which 6.5 days are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Stamp(u32);

impl Stamp {
    pub(crate) const ZERO: Self = Self(0);
    /// The bits that are cut off.
    const UNIT: u32 = 17;

    /// The one before, which no event since this one has.
    pub(crate) const fn previous(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }

    /// How long before `now` it was, to its unit.
    pub(crate) const fn before(self, now: Timestamp) -> Duration {
        let units = now.stamp().0.wrapping_sub(self.0);
        Duration::from_nanos((units as u64) << Self::UNIT)
    }
}

/// A duration's nanoseconds, at most `u64::MAX`.
pub(crate) const fn nanos(span: Duration) -> u64 {
    let nanos = span.as_nanos();
    if nanos > u64::MAX as u128 {
        u64::MAX
    } else {
        nanos as u64
    }
}

/// To this the end of an open time and the beginning of a state are rounded up: a tenth of a millisecond.
const STEP: u64 = 100_000;

/// The longest wait that is allowed anywhere: 100 days.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(100 * 24 * 3600);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn points_in_time_saturate() {
        let early = Timestamp::from_nanos(5);
        assert_eq!(Timestamp::MAX.saturating_add(Duration::MAX), Timestamp::MAX);
        assert_eq!(early.saturating_add(Duration::MAX), Timestamp::MAX);
        assert_eq!(early.saturating_since(Timestamp::MAX), Duration::ZERO);
        assert_eq!(
            Timestamp::MAX.saturating_since(Timestamp::ZERO),
            Duration::from_nanos(u64::MAX)
        );
        assert_eq!(Timestamp::MAX.rounded_up(), Timestamp::MAX);
        assert_eq!(nanos(Duration::MAX), u64::MAX);
        assert_eq!(nanos(Duration::from_secs(1 << 40)), u64::MAX);
    }

    #[test]
    fn a_stamp_tells_how_long_ago_it_was_also_where_its_number_begins_again() {
        for start in [0, 1 << 48, (1 << 49) - 1_000_000, u64::MAX / 2] {
            let then = Timestamp(start);
            for millis in [0, 1, 5, 60_000, 86_400_000] {
                let now = then.saturating_add(Duration::from_millis(millis));
                let off = then
                    .stamp()
                    .before(now)
                    .abs_diff(Duration::from_millis(millis));
                assert!(off < Duration::from_micros(132), "{off:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_rounded_wait_is_never_early_and_less_than_a_step_late(
            now in 0..u64::MAX - 2 * nanos(MAX_WAIT),
            wait in 0..=nanos(MAX_WAIT),
        ) {
            let now = Timestamp(now);
            let until = now.rounded_after(Duration::from_nanos(wait));
            let waited = nanos(until.saturating_since(now));
            prop_assert!((wait..wait + STEP).contains(&waited), "{waited} ns");
            prop_assert_eq!(until.as_nanos() % STEP, 0);
            prop_assert_eq!(until.rounded_up(), until);
        }

        #[test]
        fn a_wait_longer_than_the_longest_is_the_longest(now: u64) {
            let now = Timestamp(now);
            prop_assert_eq!(now.rounded_after(Duration::MAX), now.rounded_after(MAX_WAIT));
        }
    }
}
