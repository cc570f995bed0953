//! When a closed circuit trips.

use core::time::Duration;

use crate::{
    config::{ConfigError, Percent},
    setting::{Faults, Setting, Value},
    verdict::{Reason, Rule},
    window::{Grid, RingOnly, Totals},
    word::{Evidence, FULL_SCORE, MOST_CALLS, MOST_ROW, Word},
};

/// When a closed circuit trips: one rule, or any of several.
///
/// Default: [`Trip::evidence`] that more than 70 % rather than at most 30 % of the calls fail, with one false trip in
/// e¹² (162 755) calls at 30 %.
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "ReadyToTrip")]
pub struct Trip {
    row: Option<u32>,
    evidence: Option<Belief>,
    calls: Rules,
    time: Rules,
    has_tiny_rates: bool,
    /// Which setting cannot be combined as it was, and why.
    conflict: Option<(&'static str, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Belief {
    tolerated: Percent,
    intolerable: Percent,
    calls_per_false_trip: u64,
}

/// The rules that share one window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Rules {
    window: Option<Window>,
    failure_rate: Option<Percent>,
    failures: Option<u32>,
    slow_rate: Option<Percent>,
    min_calls: Option<u32>,
}

/// The calls that a rate is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias("slidingWindowSize", "slidingWindowType"))]
pub struct Window(Extent);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// The buckets that it was given; it has none.
    Calls {
        calls: u32,
        buckets: Option<u32>,
    },
    Time {
        time: Duration,
        buckets: u32,
    },
}

impl Window {
    /// The last `calls` calls, from 1 to 1 048 575: two bits each.
    #[doc(alias = "COUNT_BASED")]
    pub const fn calls(calls: u32) -> Self {
        Self(Extent::Calls {
            calls,
            buckets: None,
        })
    }

    /// The calls of the last `time`, from 10 ms to one day, in ten buckets: the window moves by a tenth of its span.
    #[doc(alias("SamplingDuration", "TIME_BASED"))]
    pub const fn time(time: Duration) -> Self {
        Self(Extent::Time { time, buckets: 10 })
    }

    /// In so many buckets, from 1 to 60. A window of calls has none, and `build` says so.
    #[must_use]
    pub const fn buckets(self, buckets: u32) -> Self {
        Self(match self.0 {
            Extent::Time { time, .. } => Extent::Time { time, buckets },
            Extent::Calls { calls, .. } => Extent::Calls {
                calls,
                buckets: Some(buckets),
            },
        })
    }
}

impl Default for Trip {
    fn default() -> Self {
        Self::evidence(Percent(30.0), Percent(70.0), 162_755)
    }
}

impl Trip {
    const NEVER: Self = Self {
        row: None,
        evidence: None,
        calls: Rules {
            window: None,
            failure_rate: None,
            failures: None,
            slow_rate: None,
            min_calls: None,
        },
        time: Rules {
            window: None,
            failure_rate: None,
            failures: None,
            slow_rate: None,
            min_calls: None,
        },
        has_tiny_rates: false,
        conflict: None,
    };

    /// Never: the circuit opens only by hand or by a policy of the user's own.
    pub const fn never() -> Self {
        Self::NEVER
    }

    /// After so many failures in a row, from 1 to 4095.
    #[doc(alias = "ConsecutiveFailures")]
    pub const fn consecutive_failures(failures: u32) -> Self {
        Self {
            row: Some(failures),
            ..Self::NEVER
        }
    }

    /// When the calls seen are evidence that the downstream fails at `intolerable` or more rather than at `tolerated`
    /// or less.
    ///
    /// A one-sided sequential test. Each failure adds `ln(p1/p0)` to a score and each success `ln((1−p1)/(1−p0))`,
    /// which is negative; the score is never below zero and trips at `ln(calls_per_false_trip)`. While `p0` of the calls
    /// fail there are on average at least that many calls between two trips. Between 2 and 10¹⁸ calls.
    ///
    /// Source: E. S. Page, "Continuous Inspection Schemes", Biometrika 41 (1954), built on A. Wald, "Sequential Tests
    /// of Statistical Hypotheses" (1945); the bound: G. Lorden, "Procedures for Reacting to a Change in Distribution" (1971).
    pub const fn evidence(
        tolerated: Percent,
        intolerable: Percent,
        calls_per_false_trip: u64,
    ) -> Self {
        Self {
            evidence: Some(Belief {
                tolerated,
                intolerable,
                calls_per_false_trip,
            }),
            ..Self::NEVER
        }
    }

    /// When at least this share of the calls in the window failed, once it holds [`Trip::min_calls`].
    ///
    /// A rate is from 1 % to 100 %: `Percent(0.5)` is not a half, and `build` says so. See [`Trip::with_tiny_rates`].
    #[doc(alias("failureRateThreshold", "FailureRatio"))]
    pub const fn failure_rate(rate: Percent, window: Window) -> Self {
        Self::windowed(Rules {
            window: Some(window),
            failure_rate: Some(rate),
            failures: None,
            slow_rate: None,
            min_calls: None,
        })
    }

    /// When so many calls in the window failed, however many succeeded.
    pub const fn failures(failures: u32, window: Window) -> Self {
        Self::windowed(Rules {
            window: Some(window),
            failure_rate: None,
            failures: Some(failures),
            slow_rate: None,
            min_calls: None,
        })
    }

    /// When at least this share of the calls in the window took longer than
    /// [`Config::slow_after`](crate::Config::slow_after), once it holds [`Trip::min_calls`].
    #[doc(alias = "slowCallRateThreshold")]
    pub const fn slow_rate(rate: Percent, window: Window) -> Self {
        Self::windowed(Rules {
            window: Some(window),
            failure_rate: None,
            failures: None,
            slow_rate: Some(rate),
            min_calls: None,
        })
    }

    const fn windowed(rules: Rules) -> Self {
        match rules.window {
            Some(Window(Extent::Time { .. })) => Self {
                time: rules,
                ..Self::NEVER
            },
            Some(Window(Extent::Calls { .. })) | None => Self {
                calls: rules,
                ..Self::NEVER
            },
        }
    }

    /// How many calls a window must hold before its rates say anything: from 1 to the window's calls, or to a million.
    /// Default: 20, or the size of a smaller window of calls.
    #[must_use]
    #[doc(alias("minimumNumberOfCalls", "MinimumThroughput"))]
    pub const fn min_calls(mut self, calls: u32) -> Self {
        if self.calls.window.is_none() && self.time.window.is_none() {
            self.conflict = Some((
                "trip.min_calls",
                "no value here: only rules over a window have it",
            ));
        }
        self.calls.min_calls = Some(calls);
        self.time.min_calls = Some(calls);
        self
    }

    /// Lets the rates of these rules be below 1 %, which `build` otherwise takes for a mistake.
    ///
    /// ```
    /// # use breaker_core as breaker_layer;
    /// use breaker_layer::{Config, Percent, Trip, Window};
    ///
    /// let rate = Trip::failure_rate(Percent(0.5), Window::calls(10_000));
    /// let error = Config::new().trip(rate).build().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "`trip.failure_rate` is 0.5%, but takes a rate from 1 % to 100 %; did you mean 50%?"
    /// );
    /// Config::new().trip(rate.with_tiny_rates()).build()?;
    /// # Ok::<(), breaker_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn with_tiny_rates(mut self) -> Self {
        self.has_tiny_rates = true;
        self
    }

    /// When any of these says so; of none of them no circuit can be built. Rules over a window of calls share one window, and so do rules over a window of time:
    /// its size and `min_calls` must be the same in each.
    #[must_use]
    pub fn any_of<const N: usize>(rules: [Self; N]) -> Self {
        if N == 0 {
            let conflict = ("trip", "at least one rule in `any_of`; `never` says none");
            return Self {
                conflict: Some(conflict),
                ..Self::NEVER
            };
        }
        rules.into_iter().fold(Self::NEVER, Self::or)
    }

    fn or(self, other: Self) -> Self {
        let mut conflict = self.conflict.or(other.conflict);
        let row = either(
            self.row,
            other.row,
            "trip.consecutive_failures",
            &mut conflict,
        );
        let evidence = either(
            self.evidence,
            other.evidence,
            "trip.evidence",
            &mut conflict,
        );
        let calls = self.calls.or(other.calls, &mut conflict);
        let time = self.time.or(other.time, &mut conflict);
        Self {
            row,
            evidence,
            calls,
            time,
            has_tiny_rates: self.has_tiny_rates || other.has_tiny_rates,
            conflict,
        }
    }

    pub(crate) fn judges_slowness(&self) -> bool {
        let rules = [self.calls, self.time];
        rules.iter().any(|rules| rules.slow_rate.is_some())
    }

    pub(crate) fn tell(self, tell: &mut dyn FnMut(Setting)) {
        let mut rule = 0;
        let mut of_rule = |settings: &[(&'static str, Option<Value>)]| {
            for (name, value) in settings {
                if let Some(value) = *value {
                    tell(Setting::of_rule(rule, name, value));
                }
            }
            rule += 1;
        };
        if let Some(row) = self.row {
            of_rule(&[("consecutive_failures", Some(row.into()))]);
        }
        if let Some(belief) = self.evidence {
            of_rule(&[
                ("evidence.tolerated", Some(belief.tolerated.into())),
                ("evidence.intolerable", Some(belief.intolerable.into())),
                (
                    "evidence.calls_per_false_trip",
                    Some(belief.calls_per_false_trip.into()),
                ),
            ]);
        }
        for rules in [self.calls, self.time] {
            let Some(Window(extent)) = rules.window else {
                continue;
            };
            let (size, buckets) = match extent {
                Extent::Calls { calls, buckets } => (("calls", calls.into()), buckets),
                Extent::Time { time, buckets } => (("time", time.into()), Some(buckets)),
            };
            of_rule(&[
                (size.0, Some(size.1)),
                ("buckets", buckets.map(Value::from)),
                ("min_calls", rules.min_calls.map(Value::from)),
                ("failure_rate", rules.failure_rate.map(Value::from)),
                ("failures", rules.failures.map(Value::from)),
                ("slow_rate", rules.slow_rate.map(Value::from)),
            ]);
        }
        if rule == 0 {
            tell(Setting::new("trip", "", "never"));
        }
    }

    pub(crate) fn checked(self, faults: &mut Faults<'_>) -> Tripping {
        if let Some((setting, takes)) = self.conflict {
            faults.add(ConfigError::new(setting, takes));
        }
        if let Some(row) = self.row {
            faults.check(
                (1..=MOST_ROW).contains(&row),
                "trip.consecutive_failures",
                row,
                "a number from 1 to 4095",
            );
        }
        let test = self.evidence.map(|belief| belief.checked(faults));
        let (calls, time) = (
            self.calls.checked(self.has_tiny_rates, faults),
            self.time.checked(self.has_tiny_rates, faults),
        );
        // A window that is no good must not be laid out.
        let is_good = faults.are_none();
        Tripping {
            row: self.row,
            test,
            calls: calls
                .filter(|_| is_good)
                .and_then(|(extent, limits)| match extent {
                    Extent::Calls { calls, .. } => Some((calls, limits)),
                    Extent::Time { .. } => None,
                }),
            time: time
                .filter(|_| is_good)
                .and_then(|(extent, limits)| match extent {
                    Extent::Time { time, buckets } => Some((Grid::new(time, buckets), limits)),
                    Extent::Calls { .. } => None,
                }),
        }
    }

    #[cfg(test)]
    fn check(self) -> Result<Tripping, ConfigError> {
        crate::setting::first(|faults| self.checked(faults))
    }
}

const TWO_VALUES: &str = "one value; two rules give it different ones";

/// The one that is there; two that differ are a conflict.
fn either<T: PartialEq>(
    one: Option<T>,
    other: Option<T>,
    setting: &'static str,
    conflict: &mut Option<(&'static str, &'static str)>,
) -> Option<T> {
    if one.is_some() && other.is_some() && one != other {
        *conflict = conflict.or(Some((setting, TWO_VALUES)));
    }
    one.or(other)
}

impl Rules {
    fn or(self, other: Self, conflict: &mut Option<(&'static str, &'static str)>) -> Self {
        let min_calls = match (self.window, other.window) {
            (Some(_), Some(_)) if self.min_calls != other.min_calls => {
                *conflict = conflict.or(Some(("trip.min_calls", TWO_VALUES)));
                None
            }
            (None, _) => other.min_calls,
            (Some(_), _) => self.min_calls,
        };
        Self {
            window: either(self.window, other.window, "trip.window", conflict),
            failure_rate: either(
                self.failure_rate,
                other.failure_rate,
                "trip.failure_rate",
                conflict,
            ),
            failures: either(self.failures, other.failures, "trip.failures", conflict),
            slow_rate: either(self.slow_rate, other.slow_rate, "trip.slow_rate", conflict),
            min_calls,
        }
    }

    fn checked(self, may_be_tiny: bool, faults: &mut Faults<'_>) -> Option<(Extent, Limits)> {
        let Window(extent) = self.window?;
        let (most, takes) = match extent {
            Extent::Calls { calls, buckets } => {
                let is_good = faults.check(
                    (1..=MOST_WINDOW).contains(&calls),
                    "trip.window",
                    calls,
                    "a number of calls from 1 to 1048575",
                );
                if let Some(buckets) = buckets {
                    let takes = "no value: a window of calls has no buckets";
                    faults.check(false, "trip.window.buckets", buckets, takes);
                }
                let most = if is_good { calls } else { MOST_WINDOW };
                (most, "a number from 1 to the window's calls")
            }
            Extent::Time { time, buckets } => {
                let range = Duration::from_millis(10)..=Duration::from_secs(24 * 3600);
                faults.check(
                    range.contains(&time),
                    "trip.window",
                    time,
                    "a duration from 10 ms to one day",
                );
                faults.check(
                    (1..=60).contains(&buckets),
                    "trip.window.buckets",
                    buckets,
                    "a number from 1 to 60",
                );
                (1_000_000, "a number from 1 to 1000000")
            }
        };
        let min_calls = self.min_calls.unwrap_or(most.min(20));
        faults.check(
            (1..=most).contains(&min_calls),
            "trip.min_calls",
            min_calls,
            takes,
        );
        if let Some(failures) = self.failures {
            let is_good = (1..=most).contains(&failures);
            faults.check(is_good, "trip.failures", failures, takes);
        }
        let mut rate = |rate: Option<Percent>, setting| {
            rate.map(|rate| faults.rate(rate, setting, may_be_tiny))
        };
        let limits = Limits {
            failure_rate: rate(self.failure_rate, "trip.failure_rate"),
            failures: self.failures,
            slow_rate: rate(self.slow_rate, "trip.slow_rate"),
            min_calls,
        };
        Some((extent, limits))
    }
}

/// The largest window of calls.
const MOST_WINDOW: u32 = (1 << 20) - 1;

/// The checked form, in whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tripping {
    pub(crate) row: Option<u32>,
    pub(crate) test: Option<Test>,
    /// The rules over the last so many calls.
    pub(crate) calls: Option<(u32, Limits)>,
    /// The rules over the buckets of time.
    pub(crate) time: Option<(Grid, Limits)>,
}

/// The sequential test, scaled so that its threshold is [`FULL_SCORE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Test {
    failure: u32,
    success: u32,
    /// The threshold before scaling, in thousandths.
    threshold: u32,
}

/// The checked rules of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Limits {
    pub(crate) failure_rate: Option<u32>,
    pub(crate) failures: Option<u32>,
    slow_rate: Option<u32>,
    pub(crate) min_calls: u32,
}

impl Belief {
    fn checked(self, faults: &mut Faults<'_>) -> Test {
        let (p0, p1) = (self.tolerated.0 / 100.0, self.intolerable.0 / 100.0);
        let tolerated_is_good = faults.check(
            p0 > 0.0 && p0 < 1.0,
            "trip.evidence.tolerated",
            self.tolerated,
            "a rate above 0 % and below 100 %",
        );
        // Who writes fractions writes this one so, too.
        let mut intolerable_is_good = faults.check(
            (0.01..1.0).contains(&p1),
            "trip.evidence.intolerable",
            self.intolerable,
            "a rate from 1 % to below 100 %",
        );
        if tolerated_is_good && intolerable_is_good {
            intolerable_is_good = faults.check(
                p1 > p0,
                "trip.evidence.intolerable",
                self.intolerable,
                "a rate above what is tolerated",
            );
        }
        let calls = self.calls_per_false_trip;
        let calls_are_good = faults.check(
            (2..=1_000_000_000_000_000_000).contains(&calls),
            "trip.evidence.calls_per_false_trip",
            calls,
            "a number from 2 to 10^18",
        );
        let threshold = libm::log(calls as f64);
        let scaled = |step: f64| (step / threshold * f64::from(FULL_SCORE) + 0.5) as u32;
        let (failure, success) = (
            scaled(libm::log(p1 / p0)),
            scaled(libm::log((1.0 - p0) / (1.0 - p1))),
        );
        if tolerated_is_good && intolerable_is_good && calls_are_good {
            // A step of few units would be rounded by more than a few per cent.
            faults.check(
                failure >= 16 && success >= 16,
                "trip.evidence.intolerable",
                self.intolerable,
                "a rate farther from what is tolerated",
            );
        }
        Test {
            failure: failure.min(FULL_SCORE),
            success: success.min(FULL_SCORE),
            threshold: (threshold * 1e3) as u32,
        }
    }
}

impl Tripping {
    /// What a recorded call adds to the evidence, and whether that is enough.
    #[inline]
    pub(crate) fn judge(&self, seen: Evidence, failed: bool) -> Result<Evidence, Reason> {
        let row = if failed && self.row.is_some() {
            seen.row.saturating_add(1).min(MOST_ROW)
        } else {
            0
        };
        if self.row.is_some_and(|most| row >= most) {
            return Err(Reason::ConsecutiveFailures { failures: row });
        }
        let Some(test) = self.test else {
            return Ok(Evidence {
                row,
                ..Evidence::default()
            });
        };
        let score = if failed {
            seen.score + test.failure
        } else {
            seen.score.saturating_sub(test.success)
        };
        let calls = if score == 0 {
            0
        } else {
            seen.calls.saturating_add(1).min(MOST_CALLS)
        };
        if score >= FULL_SCORE {
            return Err(test.reason(score, calls));
        }
        Ok(Evidence { score, calls, row })
    }

    /// The window of calls, if all rules are over that.
    pub(crate) fn ring_only(&self) -> Option<RingOnly> {
        let is_only = self.time.is_none() && self.test.is_none() && self.row.is_none();
        let calls = self.calls.filter(|_| is_only);
        calls.map(|(size, limits)| RingOnly::new(size, &limits))
    }

    /// The word after a call, where only the sequential test counts it; `None` where it takes a closer look.
    #[inline]
    pub(crate) fn step(&self, word: Word, failed: bool) -> Option<Word> {
        let test = self.test.filter(|_| self.row.is_none())?;
        if failed {
            word.with_failure(test.failure)
        } else {
            Some(word.with_success(test.success))
        }
    }

    /// The failures that the evidence stands for.
    pub(crate) fn failures(&self, seen: Evidence) -> u32 {
        let counted = self.test.map_or(0, |test| {
            let (failure, success) = (u64::from(test.failure), u64::from(test.success));
            ((u64::from(seen.score) + u64::from(seen.calls) * success) / (failure + success)) as u32
        });
        counted.max(seen.row)
    }
}

impl Test {
    fn reason(&self, score: u32, calls: u32) -> Reason {
        Reason::Evidence {
            score: self.thousandths(score),
            threshold: self.threshold,
            calls,
        }
    }

    /// A score as a logarithm, in thousandths.
    pub(crate) fn thousandths(&self, score: u32) -> u32 {
        (u64::from(score) * u64::from(self.threshold) / u64::from(FULL_SCORE)) as u32
    }
}

impl Limits {
    /// The rule that these counts break.
    pub(crate) fn judge(&self, totals: Totals) -> Option<Reason> {
        if totals.failures == 0 && totals.slow == 0 {
            return None;
        }
        let Totals {
            calls,
            failures,
            slow,
        } = totals;
        let reached = |counted: u32, rate: Option<u32>| {
            rate.filter(|rate| {
                calls >= self.min_calls
                    && u64::from(counted) * 1_000_000 >= u64::from(*rate) * u64::from(calls)
            })
        };
        let broken = |rule, counted, threshold| Reason::Window {
            rule,
            counted,
            calls,
            threshold,
        };
        if let Some(threshold) = reached(failures, self.failure_rate) {
            return Some(broken(Rule::FailureRate, failures, threshold));
        }
        if let Some(threshold) = self.failures.filter(|most| failures >= *most) {
            return Some(broken(Rule::Failures, failures, threshold));
        }
        reached(slow, self.slow_rate).map(|threshold| broken(Rule::SlowRate, slow, threshold))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// What is seen after these calls, or after how many of them and why it trips.
    fn after(
        trip: Trip,
        calls: impl IntoIterator<Item = bool>,
    ) -> Result<Evidence, (usize, Reason)> {
        let tripping = trip.check().unwrap();
        calls
            .into_iter()
            .enumerate()
            .try_fold(Evidence::default(), |seen, (call, failed)| {
                tripping
                    .judge(seen, failed)
                    .map_err(|reason| (call + 1, reason))
            })
    }

    fn failures(count: usize) -> impl Iterator<Item = bool> {
        core::iter::repeat_n(true, count)
    }

    #[test]
    fn it_trips_at_the_row_s_last_failure_and_not_before() {
        let five = Trip::consecutive_failures(5);
        assert_eq!(after(five, failures(4)).unwrap().row, 4);
        let reason = Reason::ConsecutiveFailures { failures: 5 };
        assert_eq!(after(five, failures(9)), Err((5, reason)));
    }

    #[test]
    fn a_success_ends_a_row() {
        let five = Trip::consecutive_failures(5);
        let calls = [true, true, true, true, false, true, true, true, true];
        assert_eq!(after(five, calls).unwrap().row, 4);
    }

    #[test]
    fn the_longest_row_can_be_counted() {
        let longest = Trip::consecutive_failures(4095);
        assert!(after(longest, failures(4094)).is_ok());
        assert_eq!(after(longest, failures(4095)).unwrap_err().0, 4095);
    }

    #[test]
    fn the_default_takes_fifteen_failures_from_clean() {
        let (calls, reason) = after(Trip::default(), failures(100)).unwrap_err();
        assert_eq!(calls, 15);
        let Reason::Evidence {
            score,
            threshold,
            calls,
        } = reason
        else {
            panic!("{reason:?}")
        };
        assert_eq!((threshold, calls), (12_000, 15));
        // Fifteen times ln(0.7 / 0.3).
        assert!((12_709..=12_710).contains(&score), "{score}");
    }

    #[test]
    fn successes_take_back_what_failures_brought_and_leave_nothing_below_zero() {
        let default = Trip::default();
        assert_eq!(after(default, [false; 50]), Ok(Evidence::default()));
        // The steps are equal here: as many successes as failures.
        let there_and_back = failures(7).chain([false; 7]);
        assert_eq!(after(default, there_and_back), Ok(Evidence::default()));
        let (calls, _) = after(default, [false; 50].into_iter().chain(failures(20))).unwrap_err();
        assert_eq!(calls, 65, "the successes before count for nothing");
    }

    #[test]
    fn a_rule_that_is_not_there_never_trips_and_sees_nothing() {
        assert_eq!(
            after(Trip::never(), failures(10_000)),
            Ok(Evidence::default())
        );
    }

    #[test]
    fn of_two_rules_the_first_that_is_met_trips() {
        let both = Trip::any_of([Trip::consecutive_failures(16), Trip::default()]);
        let (calls, reason) = after(both, failures(100)).unwrap_err();
        assert!(calls == 15 && matches!(reason, Reason::Evidence { .. }));
        let both = Trip::any_of([Trip::default(), Trip::consecutive_failures(15)]);
        let reason = Reason::ConsecutiveFailures { failures: 15 };
        assert_eq!(after(both, failures(100)), Err((15, reason)));
    }

    #[test]
    fn the_calls_seen_stay_at_the_most() {
        let slow = Trip::evidence(Percent(50.0), Percent(51.0), 1_000_000_000_000_000_000);
        let calls = (0..10_000).map(|call| call % 100 < 51);
        let seen = after(slow, calls).unwrap();
        assert_eq!(seen.calls, MOST_CALLS);
    }

    proptest! {
        /// Within the rounding of its steps to 2⁻²⁰ of the threshold.
        #[test]
        fn the_score_is_that_of_a_sequential_test_in_floating_point(
            tolerated in 1.0..45.0,
            intolerable in 55.0..99.0,
            budget in 1000..1_000_000_000u64,
            calls: Vec<bool>,
        ) {
            let trip = Trip::evidence(Percent(tolerated), Percent(intolerable), budget);
            let (p0, p1) = (tolerated / 100.0, intolerable / 100.0);
            let threshold = (budget as f64).ln();
            let mut exact = 0.0f64;
            let mut seen = Evidence::default();
            let tripping = trip.check().unwrap();
            for failed in calls {
                exact = if failed {
                    exact + (p1 / p0).ln()
                } else {
                    (exact - ((1.0 - p0) / (1.0 - p1)).ln()).max(0.0)
                };
                match tripping.judge(seen, failed) {
                    Ok(now) => seen = now,
                    Err(_) => {
                        prop_assert!(exact > threshold * 0.999);
                        return Ok(());
                    }
                }
                let score = f64::from(seen.score) / f64::from(FULL_SCORE) * threshold;
                prop_assert!((score - exact).abs() <= 0.001 * threshold, "{} for {}", score, exact);
            }
        }

        #[test]
        fn the_failures_behind_a_score_are_those_since_it_was_last_zero(
            tolerated in 1.0..45.0,
            intolerable in 55.0..99.0,
            calls in prop::collection::vec(prop::bool::weighted(0.4), 0..60),
        ) {
            let trip = Trip::evidence(Percent(tolerated), Percent(intolerable), 1_000_000_000_000);
            let tripping = trip.check().unwrap();
            let (mut seen, mut failures) = (Evidence::default(), 0);
            for failed in calls {
                let Ok(now) = tripping.judge(seen, failed) else { return Ok(()) };
                seen = now;
                failures = if seen.score == 0 { 0 } else { failures + u32::from(failed) };
                prop_assert_eq!(tripping.failures(seen), failures);
            }
        }

        #[test]
        fn a_window_s_rate_trips_at_its_threshold_and_from_its_minimum_on(
            rate in 1..=100u32,
            calls in 1..200u32,
            failed in 0..200u32,
            min_calls in 1..=100u32,
        ) {
            prop_assume!(failed <= calls);
            let window = Window::calls(1000);
            let trip = Trip::failure_rate(Percent(f64::from(rate)), window).min_calls(min_calls);
            let (_, limits) = trip.check().unwrap().calls.unwrap();
            let is_broken = calls >= min_calls && failed * 100 >= rate * calls;
            let totals = Totals { calls, failures: failed, slow: 0 };
            let broken = limits.judge(totals);
            prop_assert_eq!(broken.is_some(), is_broken);
        }
    }

    #[test]
    fn each_rule_of_a_window_says_which_it_is() {
        let window = Window::calls(10);
        let half = Percent(50.0);
        let rule = |trip: Trip, failures, slow| {
            let (_, limits) = trip.min_calls(4).check().unwrap().calls.unwrap();
            match limits.judge(Totals {
                calls: 4,
                failures,
                slow,
            }) {
                Some(Reason::Window {
                    rule,
                    counted,
                    calls,
                    ..
                }) => Some((rule, counted, calls)),
                other => {
                    assert_eq!(other, None);
                    None
                }
            }
        };
        let failures = Trip::failure_rate(half, window);
        assert_eq!(rule(failures, 2, 0), Some((Rule::FailureRate, 2, 4)));
        assert_eq!(rule(failures, 1, 4), None);
        let slow = Trip::slow_rate(half, window);
        assert_eq!(rule(slow, 4, 1), None);
        assert_eq!(rule(slow, 0, 2), Some((Rule::SlowRate, 2, 4)));
        let count = Trip::failures(3, window);
        assert_eq!(rule(count, 2, 4), None);
        assert_eq!(rule(count, 3, 0), Some((Rule::Failures, 3, 4)));
    }
}
