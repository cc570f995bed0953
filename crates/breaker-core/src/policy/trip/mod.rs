//! When a closed circuit trips.

mod evidence;
mod limits;
mod over_window;
#[cfg(test)]
mod tests;
mod tripping;

use core::time::Duration;

use evidence::Belief;
use over_window::{Conflict, Extent, OverWindow, either};

pub use self::{evidence::Evidence, over_window::Window};
pub(crate) use self::{evidence::Test, tripping::Tripping};
use crate::{
    checks::Faults,
    setting::Setting,
    time::nanos,
    units::{ConfigError, Percent, Value},
    window::Grid,
};

/// When a closed circuit trips: one rule, or any of several.
///
/// Default: [`Trip::evidence`] that more than 70 % rather than at most 30 % of the calls fail, with one false trip in
/// e¹² (162 755) calls at 30 %, or in 20 minutes where fewer calls come.
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "ReadyToTrip")]
pub struct Trip {
    row: Option<u32>,
    evidence: Option<Belief>,
    calls: OverWindow,
    time: OverWindow,
    has_tiny_rates: bool,
    conflict: Conflict,
}

impl Default for Trip {
    fn default() -> Self {
        Self::evidence(Percent(30.0), Percent(70.0), 162_755)
            .time_per_false_trip(Duration::from_secs(20 * 60))
    }
}

impl Trip {
    const NEVER: Self = Self {
        row: None,
        evidence: None,
        calls: OverWindow::NONE,
        time: OverWindow::NONE,
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
    /// A circuit whose probes were good is still under suspicion: it closes with half of the score that trips it, which a few
    /// good calls take away. Where it was closed too early before, it begins with three quarters of it, seven eighths and so on.
    /// So a downstream that cannot take the traffic back is left alone after a few failures.
    ///
    /// Source: E. S. Page, "Continuous Inspection Schemes", Biometrika 41 (1954), built on A. Wald, "Sequential Tests
    /// of Statistical Hypotheses" (1945); the bound: G. Lorden, "Procedures for Reacting to a Change in Distribution" (1971);
    /// the score at the start: J. M. Lucas and R. B. Crosier, "Fast Initial Response for CUSUM Quality-Control Schemes",
    /// Technometrics 24 (1982).
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
                time_per_false_trip: 0,
            }),
            ..Self::NEVER
        }
    }

    /// Of [`Trip::evidence`]: where fewer calls come in this time, from 1 s to 100 days, than there are to be between two false
    /// trips, the threshold is the logarithm of as many as come. It is never below 4. So a quiet client sees an outage after
    /// fewer failures than a busy one. How many come is told by the calls since the first of the failures that count.
    #[must_use]
    pub const fn time_per_false_trip(mut self, time: Duration) -> Self {
        match &mut self.evidence {
            // None at all would be no time, and this is a fault.
            Some(belief) if time.is_zero() => belief.time_per_false_trip = 1,
            Some(belief) => belief.time_per_false_trip = nanos(time),
            None => {
                self.conflict = Some((
                    "trip.time_per_false_trip",
                    &"no value here: only evidence has it",
                ));
            }
        }
        self
    }

    /// When at least this share of the calls in the window failed, once it holds [`Trip::min_calls`].
    ///
    /// A rate is from 1 % to 100 %: `Percent(0.5)` is not a half, and `build` says so. See [`Trip::with_tiny_rates`].
    #[doc(alias("failureRateThreshold", "FailureRatio"))]
    pub const fn failure_rate(rate: Percent, window: Window) -> Self {
        Self::windowed(OverWindow {
            window: Some(window),
            failure_rate: Some(rate),
            ..OverWindow::NONE
        })
    }

    /// When so many calls in the window failed, however many succeeded.
    pub const fn failures(failures: u32, window: Window) -> Self {
        Self::windowed(OverWindow {
            window: Some(window),
            failures: Some(failures),
            ..OverWindow::NONE
        })
    }

    /// When at least this share of the calls in the window took longer than
    /// [`Config::slow_after`](crate::Config::slow_after), once it holds [`Trip::min_calls`].
    #[doc(alias = "slowCallRateThreshold")]
    pub const fn slow_rate(rate: Percent, window: Window) -> Self {
        Self::windowed(OverWindow {
            window: Some(window),
            slow_rate: Some(rate),
            ..OverWindow::NONE
        })
    }

    const fn windowed(rules: OverWindow) -> Self {
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
                &"no value here: only rules over a window have it",
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
            let conflict = ("trip", &"at least one rule in `any_of`; `never` says none");
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
                (
                    "evidence.time_per_false_trip",
                    Some(match belief.time_per_false_trip {
                        0 => Value::Word("none"),
                        time => Duration::from_nanos(time).into(),
                    }),
                ),
            ]);
        }
        for rules in [self.calls, self.time] {
            if rules.window.is_some() {
                of_rule(&rules.settings());
            }
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
                (1..=Tripping::MOST_ROW).contains(&row),
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
            one_event: 0,
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
        crate::checks::first(|faults| self.checked(faults))
    }
}
