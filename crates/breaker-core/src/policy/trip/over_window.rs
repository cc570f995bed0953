//! The rules over one window, as the user chose them.

use core::time::Duration;

use super::limits::Limits;
use crate::{
    checks::Faults,
    units::{Percent, Value},
};

/// The calls that a rate is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias("slidingWindowSize", "slidingWindowType"))]
pub struct Window(pub(super) Extent);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
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

/// The rules that share one window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct OverWindow {
    pub(super) window: Option<Window>,
    pub(super) failure_rate: Option<Percent>,
    pub(super) failures: Option<u32>,
    pub(super) slow_rate: Option<Percent>,
    pub(super) min_calls: Option<u32>,
}

/// Which setting cannot be combined as it was, and why: a thin pointer, because a circuit keeps its settings.
pub(super) type Conflict = Option<(&'static str, &'static &'static str)>;

const TWO_VALUES: &str = "one value; two rules give it different ones";

/// The one that is there; two that differ are a conflict.
pub(super) fn either<T: PartialEq>(
    one: Option<T>,
    other: Option<T>,
    setting: &'static str,
    conflict: &mut Conflict,
) -> Option<T> {
    if one.is_some() && other.is_some() && one != other {
        *conflict = conflict.or(Some((setting, &TWO_VALUES)));
    }
    one.or(other)
}

impl Extent {
    /// The most calls that it is asked for, and what such a number takes.
    fn checked(self, faults: &mut Faults<'_>) -> (u32, &'static str) {
        match self {
            Self::Calls { calls, buckets } => {
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
            Self::Time { time, buckets } => {
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
        }
    }
}

impl OverWindow {
    pub(super) const NONE: Self = Self {
        window: None,
        failure_rate: None,
        failures: None,
        slow_rate: None,
        min_calls: None,
    };

    /// Its settings by their names, as far as they are there.
    pub(super) fn settings(self) -> [(&'static str, Option<Value>); 6] {
        let (size, buckets) = match self.window {
            Some(Window(Extent::Calls { calls, buckets })) => {
                (("calls", Some(calls.into())), buckets)
            }
            Some(Window(Extent::Time { time, buckets })) => {
                (("time", Some(time.into())), Some(buckets))
            }
            None => (("calls", None), None),
        };
        [
            size,
            ("buckets", buckets.map(Value::from)),
            ("min_calls", self.min_calls.map(Value::from)),
            ("failure_rate", self.failure_rate.map(Value::from)),
            ("failures", self.failures.map(Value::from)),
            ("slow_rate", self.slow_rate.map(Value::from)),
        ]
    }

    pub(super) fn or(self, other: Self, conflict: &mut Conflict) -> Self {
        let min_calls = match (self.window, other.window) {
            (Some(_), Some(_)) if self.min_calls != other.min_calls => {
                *conflict = conflict.or(Some(("trip.min_calls", &TWO_VALUES)));
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

    pub(super) fn checked(
        self,
        may_be_tiny: bool,
        faults: &mut Faults<'_>,
    ) -> Option<(Extent, Limits)> {
        let Window(extent) = self.window?;
        let (most, takes) = extent.checked(faults);
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
