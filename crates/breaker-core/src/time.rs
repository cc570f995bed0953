//! Points in time, and the coarse ones that fit into a word.

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

    /// The time from `earlier` to this point; zero if `earlier` is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A duration's nanoseconds, at most `u64::MAX`.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// The coarse unit of the times that are kept in a word: a tenth of a millisecond.
pub(crate) const TICK: u64 = 100_000;

/// The longest wait that is allowed anywhere: 100 days. Ticks wrap after 318 days, so that of two ticks at most this
/// far apart it is always known which is the later one.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(100 * 24 * 3600);

/// A point in time in ticks, modulo 2³⁸.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tick(u64);

impl Tick {
    pub(crate) const BITS: u32 = 38;
    const MASK: u64 = (1 << Self::BITS) - 1;

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits & Self::MASK)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// The first tick that is not before `now + wait`.
    pub(crate) fn after(now: Timestamp, wait: Duration) -> Self {
        let (now, wait) = (now.0, nanos(wait.min(MAX_WAIT)));
        Self::from_bits(now / TICK + wait / TICK + (now % TICK + wait % TICK).div_ceil(TICK))
    }

    /// This tick, `span` later, rounded up to a tick.
    pub(crate) fn plus(self, span: Duration) -> Self {
        Self::from_bits(self.0 + nanos(span.min(MAX_WAIT)).div_ceil(TICK))
    }

    /// The time from `now` to this tick; zero once it is there.
    ///
    /// No wait is longer than [`MAX_WAIT`]: what looks longer lies in the past.
    pub(crate) const fn left(self, now: Timestamp) -> Duration {
        Duration::from_nanos(self.nanos_left(now))
    }

    /// As [`Tick::left`], in nanoseconds.
    #[inline]
    pub(crate) const fn nanos_left(self, now: Timestamp) -> u64 {
        if !self.is_ahead(now) {
            return 0;
        }
        let ticks = self.0.wrapping_sub(now.0 / TICK) & Self::MASK;
        (ticks * TICK).saturating_sub(now.0 % TICK)
    }

    /// Whether `now` has not come to this tick yet.
    #[inline]
    pub(crate) const fn is_ahead(self, now: Timestamp) -> bool {
        const MOST: u64 = MAX_WAIT.as_secs() * (1_000_000_000 / TICK) + 1;
        // A tick that has come is the farthest one ahead.
        self.0.wrapping_sub(now.0 / TICK + 1) & Self::MASK < MOST
    }
}

/// When a state was entered, and how far its deadline has moved since: what half-open keeps beside the [`Word`].
///
/// It carries its generation, so that one of an earlier state is not taken for this one's.
///
/// [`Word`]: crate::Word
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(u64);

impl Pace {
    /// How many times `probe_timeout` half-open may last from its entry.
    pub const SPAN: u32 = 4;
    /// The last admission is kept in steps of this part of `probe_timeout`.
    const STEPS: u64 = 16;
    /// The entry in ticks, modulo 14 years.
    const ENTRIES: u64 = (1 << 42) - 1;
    const EXTENSIONS: u64 = (1 << 6) - 1;

    /// The state of this generation was entered now.
    pub(crate) fn entered(generation: u16, now: Timestamp) -> Self {
        Self(u64::from(generation) << 48 | (now.0.div_ceil(TICK) & Self::ENTRIES) << 6)
    }

    /// A pace as it was stored.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// What to store.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The generation whose state was entered.
    pub const fn generation(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// When the state was entered, which is not later than `now`.
    pub fn since(self, now: Timestamp) -> Timestamp {
        let gone = (now.0 / TICK).wrapping_sub(self.0 >> 6) & Self::ENTRIES;
        if gone > Self::ENTRIES / 2 {
            // Rounded up to the next tick.
            return now;
        }
        Timestamp((now.0 / TICK).saturating_sub(gone).saturating_mul(TICK))
    }

    /// How long ago the state was entered.
    pub fn age(self, now: Timestamp) -> Duration {
        now.saturating_since(self.since(now))
    }

    /// Whether `now` has not come to this tick, of this state or of a later one. Counted from the entry nothing is mistaken
    /// for what lies ahead, however long ago it was; where the entry or the tick is farther away than this can tell, it says
    /// no.
    #[inline]
    pub(crate) const fn is_before(self, now: Timestamp, until: Tick) -> bool {
        let entered = self.0 >> 6 & Self::ENTRIES;
        // In nanoseconds: the time is known last, and then nothing is left to do but to compare. Rounded up, the entry may
        // lie a tick ahead.
        let since = entered.wrapping_sub(1).wrapping_mul(TICK);
        let wait = (until.0.wrapping_sub(entered) & Tick::MASK) * TICK;
        now.0.wrapping_sub(since) < wait + TICK
    }

    /// The same entry with a probe admitted now.
    pub(crate) fn admitted(self, now: Timestamp, timeout: Duration) -> Self {
        let step = (nanos(timeout) / Self::STEPS).max(1);
        let gone = nanos(self.age(now));
        let most = u64::from(Self::SPAN - 1) * Self::STEPS;
        let steps = gone.div_ceil(step).min(most).max(self.0 & Self::EXTENSIONS);
        Self(self.0 & !Self::EXTENSIONS | steps)
    }

    /// How long half-open lasts without a verdict: `timeout` after the last admission, [`Pace::SPAN`] times that after entry.
    pub(crate) fn lasts(self, timeout: Duration) -> Duration {
        let step = (nanos(timeout) / Self::STEPS).max(1);
        timeout + Duration::from_nanos(step * (self.0 & Self::EXTENSIONS))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 24 * 3600 * 1_000_000_000;
    const MOST: u64 = 100 * DAY;

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
        assert_eq!(nanos(Duration::MAX), u64::MAX);
        assert_eq!(nanos(Duration::from_secs(1 << 40)), u64::MAX);
    }

    proptest! {
        #[test]
        fn a_tick_is_never_early_and_less_than_a_tick_late(now: u64, wait in 0..=MOST) {
            let left = Tick::after(Timestamp(now), Duration::from_nanos(wait)).left(Timestamp(now));
            prop_assert!((wait..wait + TICK).contains(&nanos(left)), "{:?}", left);
        }

        #[test]
        fn what_is_left_counts_down_to_zero_and_stays_there(
            now in 0..u64::MAX - 310 * DAY,
            wait in 0..=MOST,
            gone in 0..200 * DAY,
        ) {
            let tick = Tick::after(Timestamp(now), Duration::from_nanos(wait));
            let at_first = nanos(tick.left(Timestamp(now)));
            let left = nanos(tick.left(Timestamp(now + gone)));
            prop_assert_eq!(left, at_first.saturating_sub(gone));
        }

        #[test]
        fn a_wait_longer_than_the_longest_is_the_longest(now in 0..u64::MAX / 2) {
            let tick = Tick::after(Timestamp(now), Duration::MAX);
            prop_assert_eq!(tick, Tick::after(Timestamp(now), MAX_WAIT));
            prop_assert_eq!(tick.plus(Duration::MAX), tick.plus(MAX_WAIT));
        }

        #[test]
        fn an_entry_is_remembered_for_years(now in 0..u64::MAX / 2, later in 0..2000 * DAY) {
            let pace = Pace::entered(3, Timestamp(now));
            let age = nanos(pace.age(Timestamp(now + later)));
            prop_assert!(age <= later && age + TICK >= later, "{age}");
        }

        #[test]
        fn half_open_s_deadline_follows_the_last_admission_up_to_four_times_the_timeout(
            generation: u16,
            now in 0..u64::MAX - 310 * DAY,
            timeout in 1_000_000..=25 * DAY,
            admissions in prop::collection::vec(0.0..5.0, 0..6),
        ) {
            let limit = Duration::from_nanos(timeout);
            let mut pace = Pace::entered(generation, Timestamp(now));
            let mut last = 0;
            let mut admissions = admissions;
            admissions.sort_by(f64::total_cmp);
            for admission in admissions {
                last = (timeout as f64 * admission) as u64;
                pace = pace.admitted(Timestamp(now + last), limit);
            }
            prop_assert_eq!(pace.generation(), generation);
            prop_assert!(nanos(pace.since(Timestamp(now)).saturating_since(Timestamp(now))) == 0);

            let lasts = nanos(pace.lasts(limit).saturating_sub(pace.age(Timestamp(now))));
            let (least, most) = ((last + timeout).min(4 * timeout), 4 * timeout);
            let rounding = timeout / 16 + 2 * TICK;
            prop_assert!(lasts + 64 >= least, "{lasts} ns, at least {least}");
            prop_assert!(lasts <= (least + rounding).min(most + 2 * TICK), "{lasts} ns, for {least}");
        }

        #[test]
        fn an_admission_s_time_never_moves_the_deadline_back(
            now in DAY..u64::MAX / 2,
            later in 0..10_000_000_000u64,
            earlier in 0..10_000_000_000u64,
        ) {
            let timeout = Duration::from_secs(5);
            let pace = Pace::entered(1, Timestamp(now)).admitted(Timestamp(now + later), timeout);
            let again = pace.admitted(Timestamp(now + earlier.min(later)), timeout);
            prop_assert_eq!(again, pace);
        }
    }
}
