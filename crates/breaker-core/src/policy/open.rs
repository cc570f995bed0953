//! The open time: for how long calls are refused before a probe may go.

use core::{ops::RangeInclusive, time::Duration};

use crate::{
    config::Percent,
    setting::{Faults, Setting, Value},
    time::{MAX_WAIT, Tick, Timestamp, nanos},
};

/// How long the circuit stays open.
///
/// With `w` the wait, `j` the jitter, and `u` drawn evenly from −1 to 1 once each time the circuit opens, it stays open
/// for `w · (1 + j·u)`. An exponential wait, and one by attempt, is drawn from what of that lies between its shortest and
/// its longest; a probe share's longest wait may be exceeded by the jitter. Waits are rounded up to a tenth of a
/// millisecond.
///
/// Default: [`OpenTime::probe_share`] of 1 % from 250 ms to 30 s.
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias("waitDurationInOpenState", "BreakDuration", "resetTimeout"))]
pub struct OpenTime {
    kind: Kind,
    shortest: Duration,
    longest: Duration,
    factor: Option<f64>,
    jitter: Percent,
    longest_asked: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Fixed,
    Exponential,
    ByAttempt(Attempts),
    ProbeShare { share: Percent },
}

impl Default for OpenTime {
    fn default() -> Self {
        Self::probe_share(
            Percent(1.0),
            Duration::from_millis(250),
            Duration::from_secs(30),
        )
    }
}

impl OpenTime {
    /// The same wait each time, from 1 ms to 100 days, without jitter unless asked for.
    pub const fn fixed(wait: Duration) -> Self {
        Self::new(Kind::Fixed, wait, wait, Percent(0.0))
    }

    /// `shortest · 2ⁿ` at the n-th opening in a row, at most `longest`, with a jitter of 20 %.
    pub const fn exponential(shortest: Duration, longest: Duration) -> Self {
        Self::new(Kind::Exponential, shortest, longest, Percent(20.0))
    }

    /// Whatever `wait` says of the attempt: 0 when the circuit trips, one more each time the probes fail, at most 63.
    /// What it says is kept from `shortest` to `longest`. Without jitter unless asked for.
    #[doc(alias("BreakDurationGenerator", "waitIntervalFunctionInOpenState"))]
    pub const fn by_attempt(
        wait: fn(u32) -> Duration,
        shortest: Duration,
        longest: Duration,
    ) -> Self {
        Self::new(
            Kind::ByAttempt(Attempts(wait)),
            shortest,
            longest,
            Percent(0.0),
        )
    }

    /// Refuses every call for `shortest`; from then on each call becomes a probe with the probability `share`, and the
    /// first call after `longest` certainly does.
    ///
    /// So the load of the probes stays a fixed part of the traffic, a busy client finds a recovery soon and a quiet one
    /// within `longest`. Jitter, 20 %, applies to `longest`. Each call's draw is its own, even while a test's time stands
    /// still; circuits with the same seed and the same history draw the same.
    pub const fn probe_share(share: Percent, shortest: Duration, longest: Duration) -> Self {
        Self::new(Kind::ProbeShare { share }, shortest, longest, Percent(20.0))
    }

    const fn new(kind: Kind, shortest: Duration, longest: Duration, jitter: Percent) -> Self {
        Self {
            kind,
            shortest,
            longest,
            factor: None,
            jitter,
            longest_asked: Duration::from_secs(300),
        }
    }

    /// The factor of [`OpenTime::exponential`], from 1 to 100; 2 by default.
    #[must_use]
    pub const fn factor(mut self, factor: f64) -> Self {
        self.factor = Some(factor);
        self
    }

    /// How far the wait is spread so that a fleet does not probe in step: 0 %, or from 1 % to 100 %.
    #[must_use]
    pub const fn jitter(mut self, jitter: Percent) -> Self {
        self.jitter = jitter;
        self
    }

    /// The most that is granted when the downstream itself asks to be left alone
    /// ([`Outcome::Overload`](crate::Outcome::Overload)), from 0 (its wish is not heard) to 100 days. Default: 300 s.
    #[must_use]
    pub const fn longest_asked(mut self, longest: Duration) -> Self {
        self.longest_asked = longest;
        self
    }

    pub(crate) fn tell(self, tell: &mut dyn FnMut(Setting)) {
        let mut tell = |name, value| tell(Setting::new("open_time", name, value));
        let kind = match self.kind {
            Kind::Fixed => "fixed",
            Kind::Exponential => "exponential",
            Kind::ByAttempt(_) => "by_attempt",
            Kind::ProbeShare { .. } => "probe_share",
        };
        tell("kind", Value::Word(kind));
        if let Kind::ProbeShare { share } = self.kind {
            tell("share", share.into());
        }
        let (shortest, longest) = match self.kind {
            Kind::Fixed => ("wait", None),
            Kind::Exponential | Kind::ByAttempt(_) => ("shortest", Some("longest")),
            Kind::ProbeShare { .. } => ("not_before", Some("certain_after")),
        };
        tell(shortest, self.shortest.into());
        if let Some(longest) = longest {
            tell(longest, self.longest.into());
        }
        if let Some(factor) = self.factor {
            tell("factor", factor.into());
        }
        tell("jitter", self.jitter.into());
        tell("longest_asked", self.longest_asked.into());
    }

    pub(crate) fn checked(self, faults: &mut Faults<'_>) -> Opening {
        let range = Duration::from_millis(1)..=MAX_WAIT;
        let is_good = faults.check(
            range.contains(&self.shortest),
            "open_time.shortest",
            self.shortest,
            "a duration from 1 ms to 100 days",
        );
        let least = if is_good {
            self.shortest
        } else {
            *range.start()
        };
        // A fixed wait is both.
        if self.kind != Kind::Fixed {
            faults.check(
                (least..=MAX_WAIT).contains(&self.longest),
                "open_time.longest",
                self.longest,
                "a duration from the shortest to 100 days",
            );
        }
        let jitter = self.jitter.0;
        faults.check(
            jitter == 0.0 || (1.0..=100.0).contains(&jitter),
            "open_time.jitter",
            self.jitter,
            "0 %, or from 1 % to 100 %",
        );
        faults.check(
            self.longest_asked <= MAX_WAIT,
            "open_time.longest_asked",
            self.longest_asked,
            "a duration up to 100 days",
        );
        let factor = self.factor.unwrap_or(2.0);
        let takes = if self.kind == Kind::Exponential {
            "a number from 1 to 100"
        } else {
            "no value: only an exponential open time has a factor"
        };
        faults.check(
            (1.0..=100.0).contains(&factor)
                && (self.factor.is_none() || self.kind == Kind::Exponential),
            "open_time.factor",
            factor,
            takes,
        );
        let pattern = match self.kind {
            Kind::Fixed => Pattern::Fixed,
            Kind::Exponential => Pattern::Exponential {
                thousandths: (factor * 1e3) as u32,
            },
            Kind::ByAttempt(wait) => Pattern::ByAttempt(wait),
            // A small one is what a large fleet wants.
            Kind::ProbeShare { share } => Pattern::ProbeShare {
                millionths: faults.rate(share, "open_time.share", true),
            },
        };
        Opening {
            pattern,
            shortest: self.shortest,
            longest: self.longest,
            jitter: (self.jitter.0 * 1e4) as u32,
            longest_asked: self.longest_asked,
        }
    }

    #[cfg(test)]
    fn check(self) -> Result<Opening, crate::ConfigError> {
        crate::setting::first(|faults| self.checked(faults))
    }
}

/// The checked form, in whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Opening {
    pattern: Pattern,
    shortest: Duration,
    longest: Duration,
    /// In millionths.
    jitter: u32,
    longest_asked: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Pattern {
    Fixed,
    Exponential { thousandths: u32 },
    ByAttempt(Attempts),
    ProbeShare { millionths: u32 },
}

/// A wait by attempt; the same only where it is the same function.
#[derive(Clone, Copy, Debug)]
struct Attempts(fn(u32) -> Duration);

impl PartialEq for Attempts {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::fn_addr_eq(self.0, other.0)
    }
}

impl Eq for Attempts {}

impl core::hash::Hash for Attempts {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        (self.0 as usize).hash(state);
    }
}

/// Whether an open circuit lets a call be a probe.
pub(crate) enum Due {
    Yes,
    No,
}

impl Opening {
    /// For how long every call is refused, opening for the `attempt`-th time in a row; `asked` is the downstream's own wish.
    pub(crate) fn wait(&self, attempt: u32, random: u64, asked: Option<Duration>) -> Duration {
        let wait = match self.pattern {
            Pattern::Fixed => self.spread(self.longest, TINY..=MAX_WAIT, random),
            Pattern::Exponential { .. } | Pattern::ByAttempt(_) => {
                self.spread(self.grown(attempt), self.shortest..=self.longest, random)
            }
            Pattern::ProbeShare { .. } => self.shortest,
        };
        wait.max(asked.unwrap_or_default().min(self.longest_asked))
    }

    /// Whether a call of this moment may be the first probe; `draw` gives this request's own random number.
    pub(crate) fn due(
        &self,
        until: Tick,
        now: Timestamp,
        random: impl FnOnce() -> u64,
        draw: impl FnOnce() -> u32,
    ) -> Due {
        if !until.left(now).is_zero() {
            return Due::No;
        }
        match self.pattern {
            Pattern::ProbeShare { millionths } if !self.is_certain(until, now, random()) => {
                let drawn = u64::from(draw()) * 1_000_000 < u64::from(millionths) << 32;
                if drawn { Due::Yes } else { Due::No }
            }
            Pattern::ProbeShare { .. }
            | Pattern::Fixed
            | Pattern::Exponential { .. }
            | Pattern::ByAttempt(_) => Due::Yes,
        }
    }

    /// For how long every call is refused at the least.
    pub(crate) const fn shortest(&self) -> Duration {
        self.shortest
    }

    /// Whether the next call is a probe for certain.
    pub(crate) fn is_certain(&self, until: Tick, now: Timestamp, random: u64) -> bool {
        self.certain_in(until, now, random).is_zero()
    }

    /// After how long the next call is a probe for certain.
    pub(crate) fn certain_in(&self, until: Tick, now: Timestamp, random: u64) -> Duration {
        self.certain_at(until, random).left(now)
    }

    fn certain_at(&self, until: Tick, random: u64) -> Tick {
        match self.pattern {
            Pattern::ProbeShare { .. } => until.plus(
                self.spread(self.longest, self.shortest..=MAX_WAIT, random)
                    .saturating_sub(self.shortest),
            ),
            Pattern::Fixed | Pattern::Exponential { .. } | Pattern::ByAttempt(_) => until,
        }
    }

    /// When a caller that waits for readiness, and so is never drawn, may probe: after the shortest wait, doubled with
    /// each attempt and spread by the jitter.
    pub(crate) fn due_for_waiting(&self, until: Tick, attempt: u32, random: u64) -> Tick {
        match self.pattern {
            Pattern::ProbeShare { .. } => {
                let grown = grow(self.shortest, attempt, 2000, self.longest);
                let wait = self.spread(grown, self.shortest..=self.longest, random);
                until.plus(wait.saturating_sub(self.shortest))
            }
            Pattern::Fixed | Pattern::Exponential { .. } | Pattern::ByAttempt(_) => until,
        }
    }

    fn grown(&self, attempt: u32) -> Duration {
        match self.pattern {
            Pattern::Exponential { thousandths } => {
                grow(self.shortest, attempt, thousandths, self.longest)
            }
            Pattern::ByAttempt(Attempts(wait)) => wait(attempt).clamp(self.shortest, self.longest),
            Pattern::Fixed | Pattern::ProbeShare { .. } => self.shortest,
        }
    }

    /// A wait drawn evenly from those that are within the jitter of `wait` and within the bounds.
    fn spread(&self, wait: Duration, bounds: RangeInclusive<Duration>, random: u64) -> Duration {
        let (wait, jitter) = (u128::from(nanos(wait)), u128::from(self.jitter));
        let (least, most) = (
            u128::from(nanos(*bounds.start())),
            u128::from(nanos(*bounds.end())),
        );
        let low = (wait - wait * jitter / 1_000_000).clamp(least, most);
        let high = (wait + wait * jitter / 1_000_000).clamp(least, most);
        let drawn = low + (((high - low) * u128::from(random >> 32)) >> 32);
        Duration::from_nanos(u64::try_from(drawn).unwrap_or(u64::MAX))
    }
}

/// No open time is shorter, whatever the jitter.
const TINY: Duration = Duration::from_millis(1);

/// `wait` times the factor to the power of `attempt`, at most `longest`.
fn grow(wait: Duration, attempt: u32, thousandths: u32, longest: Duration) -> Duration {
    let longest = u128::from(nanos(longest));
    let mut grown = u128::from(nanos(wait));
    for _ in 0..attempt {
        grown = (grown * u128::from(thousandths) / 1000).min(longest);
    }
    Duration::from_nanos(u64::try_from(grown).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn wait(open_time: OpenTime, attempt: u32, random: u64) -> Duration {
        open_time.check().unwrap().wait(attempt, random, None)
    }

    proptest! {
        #[test]
        fn a_wait_is_within_its_jitter_and_its_bounds(
            shortest in 1..10_000u64,
            times in 1..1000u64,
            factor in 1.0..100.0,
            jitter in 1.0..=100.0,
            attempt in 0..=63u32,
            random: u64,
        ) {
            let (least, most) = (Duration::from_millis(shortest), Duration::from_millis(shortest * times));
            let open_time = OpenTime::exponential(least, most).factor(factor).jitter(Percent(jitter));
            let factor = (factor * 1e3).floor() / 1e3;
            let grown = (least.as_secs_f64() * factor.powi(attempt as i32)).min(most.as_secs_f64());
            let width = grown * jitter / 100.0;
            let waited = wait(open_time, attempt, random);
            prop_assert!((least..=most).contains(&waited));
            prop_assert!((waited.as_secs_f64() - grown).abs() <= width + 1e-6, "{waited:?} for {grown} s");
        }

        #[test]
        fn no_wait_overflows_or_is_zero(
            shortest in 1..=8_640_000_000u64,
            attempt: u32,
            random: u64,
            asked: u64,
        ) {
            let least = Duration::from_millis(shortest);
            for open_time in [
                OpenTime::fixed(least),
                OpenTime::exponential(least, MAX_WAIT).factor(100.0),
                OpenTime::by_attempt(|_| Duration::MAX, least, MAX_WAIT),
                OpenTime::by_attempt(|_| Duration::ZERO, least, MAX_WAIT),
                OpenTime::probe_share(Percent(1.0), least, MAX_WAIT),
            ] {
                let open_time = open_time.jitter(Percent(100.0)).longest_asked(MAX_WAIT);
                let opening = open_time.check().unwrap();
                let asked = Duration::from_nanos(asked);
                let waited = opening.wait(attempt.min(63), random, Some(asked));
                prop_assert!((Duration::from_millis(1)..=MAX_WAIT).contains(&waited), "{waited:?}");
            }
        }

        #[test]
        fn a_probe_share_draws_its_share_of_the_numbers(draw: u32, share in 0.01..=100.0) {
            let opening = OpenTime::probe_share(Percent(share), SECOND, 60 * SECOND).check().unwrap();
            let now = Timestamp::from_nanos(nanos(SECOND));
            let until = Tick::after(now, Duration::ZERO);
            let is_due = matches!(opening.due(until, now, || 0, || draw), Due::Yes);
            let line = share / 100.0 * 4_294_967_296.0;
            prop_assume!((f64::from(draw) - line).abs() > 5000.0);
            prop_assert_eq!(is_due, f64::from(draw) < line);
        }
    }

    #[test]
    fn the_jitter_reaches_from_one_end_to_the_other() {
        let open_time = OpenTime::fixed(10 * SECOND).jitter(Percent(20.0));
        assert_eq!(wait(open_time, 0, 0), 8 * SECOND);
        assert!(wait(open_time, 0, u64::MAX) > 12 * SECOND - Duration::from_micros(1));
        assert_eq!(wait(open_time, 0, 1 << 63), 10 * SECOND);
    }

    #[test]
    fn what_the_downstream_asks_for_makes_a_wait_longer_and_never_shorter() {
        let opening = OpenTime::fixed(5 * SECOND)
            .longest_asked(60 * SECOND)
            .check()
            .unwrap();
        let granted = |asked| opening.wait(0, 0, Some(asked));
        assert_eq!(granted(SECOND), 5 * SECOND);
        assert_eq!(granted(30 * SECOND), 30 * SECOND);
        assert_eq!(granted(Duration::MAX), 60 * SECOND);
    }

    #[test]
    fn nobody_is_drawn_before_the_shortest_wait_is_over() {
        let opening = OpenTime::probe_share(Percent(100.0), SECOND, 60 * SECOND)
            .check()
            .unwrap();
        let until = Tick::after(Timestamp::ZERO, SECOND);
        let before = Timestamp::from_nanos(nanos(SECOND) - 1);
        assert!(matches!(opening.due(until, before, || 0, || 0), Due::No));
        let then = Timestamp::from_nanos(nanos(SECOND));
        assert!(matches!(
            opening.due(until, then, || 0, || u32::MAX),
            Due::Yes
        ));
    }
}
