//! A circuit's settings as data.

use std::time::Duration;

use breaker_core::{Cancelled, Config, ConfigError, OpenTime, Percent, Probes, Ramp, Trip, Window};
use serde::{Deserialize, Serialize};

/// A circuit's settings as they stand in a file; durations are text such as `"250ms"`.
///
/// What is left out has its default, what is not known is an error, and [`Settings::config`] leads to the same checks
/// as the builder's.
///
/// ```
/// use breaker_layer::{Circuit, Settings};
///
/// let settings: Settings = serde_json::from_str(
///     r#"{
///         "trip": {
///             "consecutive_failures": 10,
///             "windows": [{ "time": "30s", "failure_rate": 50, "min_calls": 20 }]
///         },
///         "open_time": { "exponential": { "shortest": "1s", "longest": "1m" } },
///         "probes": { "live": 2, "timeout": "5s" }
///     }"#,
/// )?;
/// let circuit = Circuit::builder("payments").config(settings.config()?).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// When to trip, by any of these; the default of [`Trip`] if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trip: Option<TripSettings>,
    /// How long to stay open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_time: Option<OpenTimeSettings>,
    /// How to probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<ProbesSettings>,
    /// A slow start after the probes succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp: Option<RampSettings>,
    /// A call that takes longer is slow.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub slow_after: Option<Duration>,
    /// What a cancelled call counts as; the default of [`Cancelled`] if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<CancelledSettings>,
    /// Whether a call that panics is a failure; by default it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub panic_is_failure: Option<bool>,
    /// Whether admitted calls and successes are counted.
    pub count_calls: bool,
}

/// [`Cancelled`]: `"ignored"`, `"failure"` or `{ "failure_after": 15 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledSettings {
    /// [`Cancelled::Ignored`].
    Ignored,
    /// [`Cancelled::Failure`].
    Failure,
    /// [`Cancelled::FailureAfter`].
    FailureAfter(u16),
}

/// The rules of [`Trip`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TripSettings {
    /// [`Trip::evidence`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceSettings>,
    /// [`Trip::consecutive_failures`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_failures: Option<u32>,
    /// Rules over windows: at most one of calls and one of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowSettings>,
}

/// The settings of [`Trip::evidence`]; ratios in per cent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceSettings {
    /// The failure ratio that is tolerated.
    pub tolerated: f64,
    /// The failure ratio that is not.
    pub intolerable: f64,
    /// How many calls at the tolerated ratio may pass for one false trip.
    pub calls_per_false_trip: u64,
}

/// A [`Window`] of `calls` or of `time`, and the rules over it; rates in per cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct WindowSettings {
    /// [`Window::calls`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u32>,
    /// [`Window::time`].
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub time: Option<Duration>,
    /// [`Window::buckets`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buckets: Option<u32>,
    /// [`Trip::min_calls`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_calls: Option<u32>,
    /// [`Trip::failure_rate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_rate: Option<f64>,
    /// [`Trip::failures`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// [`Trip::slow_rate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_rate: Option<f64>,
}

/// The settings of [`OpenTime`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OpenTimeSettings {
    /// [`OpenTime::fixed`].
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Duration>,
    /// [`OpenTime::exponential`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exponential: Option<ExponentialSettings>,
    /// [`OpenTime::probe_share`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_share: Option<ProbeShareSettings>,
    /// [`OpenTime::jitter`], in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<f64>,
    /// [`OpenTime::longest_asked`].
    #[serde(default, with = "optional", skip_serializing_if = "Option::is_none")]
    pub longest_asked: Option<Duration>,
}

/// The settings of [`OpenTime::exponential`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExponentialSettings {
    /// The first wait.
    #[serde(with = "text")]
    pub shortest: Duration,
    /// The longest wait.
    #[serde(with = "text")]
    pub longest: Duration,
    /// [`OpenTime::factor`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
}

/// The settings of [`OpenTime::probe_share`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeShareSettings {
    /// The share of the calls that become probes, in per cent.
    pub share: f64,
    /// For how long none does.
    #[serde(with = "text")]
    pub shortest: Duration,
    /// After how long the next one does.
    #[serde(with = "text")]
    pub longest: Duration,
}

/// The settings of [`Probes`]; rates in per cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ProbesSettings {
    /// [`Probes::new`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<u32>,
    /// [`Probes::successes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successes: Option<u32>,
    /// [`Probes::out_of`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of: Option<u32>,
    /// [`Probes::failure_rate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_rate: Option<f64>,
    /// [`Probes::slow_rate`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_rate: Option<f64>,
    /// [`Probes::timeout`].
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// The settings of [`Ramp`], in calls per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RampSettings {
    /// The first allowance.
    pub from: u32,
    /// The allowance at which the slow start is over.
    pub to: u32,
}

impl Settings {
    /// The same as a builder, which checks the values when it builds.
    ///
    /// # Errors
    ///
    /// Where it is not clear which window or open time is meant.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut config = Config::new().count_calls(self.count_calls);
        if let Some(cancelled) = self.cancelled {
            config = config.cancelled(cancelled.policy());
        }
        if let Some(is_failure) = self.panic_is_failure {
            config = config.panic_is_failure(is_failure);
        }
        if let Some(trip) = &self.trip {
            config = config.trip(trip.policy()?);
        }
        if let Some(open_time) = &self.open_time {
            config = config.open_time(open_time.policy()?);
        }
        if let Some(probes) = self.probes {
            config = config.probes(probes.policy());
        }
        if let Some(RampSettings { from, to }) = self.ramp {
            config = config.ramp(Ramp::new(from, to));
        }
        if let Some(slow_after) = self.slow_after {
            config = config.slow_after(slow_after);
        }
        Ok(config)
    }
}

impl CancelledSettings {
    const fn policy(self) -> Cancelled {
        match self {
            Self::Ignored => Cancelled::Ignored,
            Self::Failure => Cancelled::Failure,
            Self::FailureAfter(calls) => Cancelled::FailureAfter(calls),
        }
    }
}

impl TripSettings {
    fn policy(&self) -> Result<Trip, ConfigError> {
        let evidence = self.evidence.map(|evidence| {
            let EvidenceSettings {
                tolerated,
                intolerable,
                calls_per_false_trip,
            } = evidence;
            Trip::evidence(
                Percent(tolerated),
                Percent(intolerable),
                calls_per_false_trip,
            )
        });
        let mut trip = Trip::any_of([
            evidence.unwrap_or(Trip::never()),
            self.consecutive_failures
                .map_or(Trip::never(), Trip::consecutive_failures),
        ]);
        for window in &self.windows {
            trip = Trip::any_of([trip, window.policy()?]);
        }
        Ok(trip)
    }
}

impl WindowSettings {
    fn policy(&self) -> Result<Trip, ConfigError> {
        let window = match (self.calls, self.time) {
            (Some(calls), None) => Window::calls(calls),
            (None, Some(time)) => Window::time(time),
            _ => {
                return Err(ConfigError::new(
                    "trip.windows",
                    "either `calls` or `time` in each",
                ));
            }
        };
        let window = self
            .buckets
            .map_or(window, |buckets| window.buckets(buckets));
        let min_calls = |trip: Trip| self.min_calls.map_or(trip, |calls| trip.min_calls(calls));
        let rules = [
            self.failure_rate
                .map(|rate| Trip::failure_rate(Percent(rate), window)),
            self.failures
                .map(|failures| Trip::failures(failures, window)),
            self.slow_rate
                .map(|rate| Trip::slow_rate(Percent(rate), window)),
        ];
        if rules.iter().all(Option::is_none) {
            return Err(ConfigError::new(
                "trip.windows",
                "at least one rule in each",
            ));
        }
        Ok(Trip::any_of(
            rules.map(|rule| rule.map_or(Trip::never(), min_calls)),
        ))
    }
}

impl OpenTimeSettings {
    fn policy(&self) -> Result<OpenTime, ConfigError> {
        let mut open_time = match (self.fixed, self.exponential, self.probe_share) {
            (Some(wait), None, None) => OpenTime::fixed(wait),
            (
                None,
                Some(ExponentialSettings {
                    shortest,
                    longest,
                    factor,
                }),
                None,
            ) => {
                let open_time = OpenTime::exponential(shortest, longest);
                factor.map_or(open_time, |factor| open_time.factor(factor))
            }
            (
                None,
                None,
                Some(ProbeShareSettings {
                    share,
                    shortest,
                    longest,
                }),
            ) => OpenTime::probe_share(Percent(share), shortest, longest),
            (None, None, None) => OpenTime::default(),
            _ => {
                return Err(ConfigError::new(
                    "open_time",
                    "one of `fixed`, `exponential` and `probe_share`",
                ));
            }
        };
        if let Some(jitter) = self.jitter {
            open_time = open_time.jitter(Percent(jitter));
        }
        Ok(self
            .longest_asked
            .map_or(open_time, |longest| open_time.longest_asked(longest)))
    }
}

impl ProbesSettings {
    fn policy(self) -> Probes {
        let mut probes = self.live.map_or(Probes::default(), Probes::new);
        if let Some(successes) = self.successes {
            probes = probes.successes(successes);
        }
        if let Some(sample) = self.out_of {
            probes = probes.out_of(sample);
        }
        if let Some(rate) = self.failure_rate {
            probes = probes.failure_rate(Percent(rate));
        }
        if let Some(rate) = self.slow_rate {
            probes = probes.slow_rate(Percent(rate));
        }
        self.timeout
            .map_or(probes, |timeout| probes.timeout(timeout))
    }
}

/// Durations as text.
mod text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        span: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*span))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map_err(|error| {
            D::Error::custom(format_args!(
                "{text:?} is no duration such as \"250ms\": {error}"
            ))
        })
    }
}

/// Durations as text, if there is one.
mod optional {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => super::text::serialize(span, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        super::text::deserialize(deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> Result<Config, String> {
        let settings: Settings = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let config = settings.config().map_err(|error| error.to_string())?;
        config.build().map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn nothing_said_is_the_default() {
        assert_eq!(config("{}"), Ok(Config::new()));
    }

    #[test]
    fn a_file_says_what_the_builder_says() {
        let json = r#"{
            "trip": {
                "evidence": { "tolerated": 20, "intolerable": 60, "calls_per_false_trip": 1000000 },
                "consecutive_failures": 9,
                "windows": [
                    { "calls": 50, "failure_rate": 40, "slow_rate": 90, "min_calls": 10 },
                    { "time": "1m 30s", "buckets": 6, "failures": 30 }
                ]
            },
            "open_time": { "probe_share": { "share": 2.5, "shortest": "100ms", "longest": "10s" }, "jitter": 5, "longest_asked": "2m" },
            "probes": { "live": 2, "successes": 3, "out_of": 5, "slow_rate": 50, "timeout": "4s" },
            "ramp": { "from": 10, "to": 500 },
            "slow_after": "750ms",
            "cancelled": { "failure_after": 40 },
            "panic_is_failure": false,
            "count_calls": true
        }"#;
        let calls = Window::calls(50);
        let said = Config::new()
            .trip(Trip::any_of([
                Trip::evidence(Percent(20.0), Percent(60.0), 1_000_000),
                Trip::consecutive_failures(9),
                Trip::failure_rate(Percent(40.0), calls).min_calls(10),
                Trip::slow_rate(Percent(90.0), calls).min_calls(10),
                Trip::failures(30, Window::time(Duration::from_secs(90)).buckets(6)),
            ]))
            .open_time(
                OpenTime::probe_share(
                    Percent(2.5),
                    Duration::from_millis(100),
                    Duration::from_secs(10),
                )
                .jitter(Percent(5.0))
                .longest_asked(Duration::from_secs(120)),
            )
            .probes(
                Probes::new(2)
                    .successes(3)
                    .out_of(5)
                    .slow_rate(Percent(50.0))
                    .timeout(Duration::from_secs(4)),
            )
            .ramp(Ramp::new(10, 500))
            .slow_after(Duration::from_millis(750))
            .cancelled(Cancelled::FailureAfter(40))
            .panic_is_failure(false)
            .count_calls(true);
        assert_eq!(
            config(json).and_then(|file| file.build().map_err(|error| error.to_string())),
            Ok(said.build().unwrap())
        );
    }

    #[test]
    fn settings_are_written_as_they_are_read() {
        let json = r#"{"open_time":{"fixed":"5s"},"slow_after":"250ms","cancelled":"ignored","count_calls":false}"#;
        let settings: Settings = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&settings).unwrap(), json);
    }

    #[test]
    fn an_unknown_setting_is_an_error_that_names_it() {
        assert!(
            config(r#"{"trip": {"consecutive": 5}}"#)
                .unwrap_err()
                .contains("`consecutive`")
        );
    }

    #[test]
    fn a_bad_duration_is_an_error_that_shows_it() {
        assert!(
            config(r#"{"slow_after": "soon"}"#)
                .unwrap_err()
                .contains("soon")
        );
    }

    #[test]
    fn a_value_out_of_range_is_the_builder_s_own_error() {
        let error = config(r#"{"trip": {"consecutive_failures": 0}}"#).unwrap_err();
        let same = Config::new()
            .trip(Trip::consecutive_failures(0))
            .build()
            .unwrap_err();
        assert_eq!(error, same.to_string());
    }

    #[test]
    fn two_open_times_at_once_are_an_error() {
        let json =
            r#"{"open_time": {"fixed": "1s", "exponential": {"shortest": "1s", "longest": "2s"}}}"#;
        assert!(config(json).unwrap_err().contains("`open_time`"));
    }
}
