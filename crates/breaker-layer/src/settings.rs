//! Circuits' settings as data: read from a file, written to a page, merged from several files (feature `serde`).
//!
//! [`Settings`] is the file's form of a [`Config`], in any format that describes itself: TOML, JSON, YAML. [`Table`] is that
//! of several circuits by name. Reading checks everything, so that what was read can be built.
//!
//! ```
//! use breaker_layer::{Circuit, Settings, settings::Table};
//!
//! let table: Table = toml::from_str(r#"
//!     [payments]
//!     trip = [{ consecutive_failures = 5 }]
//!     open_time = { kind = "exponential", shortest = "1s", longest = "1m" }
//!
//!     [search]
//!     preset = "resilience4j"
//!     mode = "observe_only"
//! "#)?;
//! for (name, settings) in &table {
//!     let circuit = Circuit::builder(name).config(settings).build()?;
//!     assert_eq!(circuit.config(), settings.config());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What can be said
//!
//! All of it may be left out. `null` is the same as left out.
//!
//! | setting | value | |
//! | --- | --- | --- |
//! | `preset` | `"default"`, `"resilience4j"`, `"polly"`, `"gobreaker"`, `"linkerd"` | what the others are said over: [`presets`](crate::presets) |
//! | `trip` | a list of rules, or `"never"` | when to trip: when any of the rules says so |
//! | `trip[].consecutive_failures` | a number | [`Trip::consecutive_failures`](crate::Trip::consecutive_failures) |
//! | `trip[].evidence` | `tolerated`, `intolerable`, `calls_per_false_trip`, `time_per_false_trip` | [`Trip::evidence`](crate::Trip::evidence); each has its own default, and the time may be `"none"` |
//! | `trip[].calls`, or `trip[].time` | a number, or a duration | [`Window`](crate::Window); with `failure_rate`, `failures`, `slow_rate`, one at least, and `min_calls`, `buckets` (of a time) |
//! | `open_time.kind` | `"fixed"`, with `wait` | [`OpenTime::fixed`](crate::OpenTime::fixed) |
//! | | `"exponential"`, with `shortest`, `longest`, `factor` | [`OpenTime::exponential`](crate::OpenTime::exponential) |
//! | | `"probe_share"`, with `share`, `not_before`, `certain_after`, `relapse_within` | [`OpenTime::probe_share`](crate::OpenTime::probe_share) |
//! | `open_time` | `jitter`, `longest_asked` | of every kind |
//! | `probes` | `live`, `successes` or `failure_rate`, `out_of`, `slow_rate`, `timeout`, `ignored` | [`Probes`](crate::Probes) |
//! | `ramp` | `from`, `to` | [`Ramp`](crate::Ramp) |
//! | `slow_after` | a duration | [`Config::slow_after`](crate::Config::slow_after) |
//! | `one_event` | a duration | [`Config::one_event`](crate::Config::one_event) |
//! | `grace` | a duration | [`Config::grace`](crate::Config::grace) |
//! | `cancelled` | `"ignored"`, `"failure"` or `{ failure_after = 15 }` | [`Cancelled`](crate::Cancelled) |
//! | `panic_is_failure`, `count_calls` | `true` or `false` | as in [`Config`] |
//! | `mode` | `"normal"`, `"observe_only"`, `"disabled"`, `"isolated"` | [`Config::mode`](crate::Config::mode) |
//!
//! A value has its unit. A duration is `"250ms"` or `"2m 30s"`. A rate is `"50%"`, or a number above 1, which can only be
//! per cent: of 0.5 nobody knows whether it is a half or half a per cent, so it is refused, and `"0.5%"` is clear. Numbers
//! and flags may be text, as environment variables give them.
//!
//! # A base file and an overlay
//!
//! Merge them before you read them, with whatever you like: figment, config, a merge patch of JSON. Maps are merged member
//! by member; texts, numbers and lists are replaced. So `trip`, a list, is replaced as a whole. Where a map is a choice, its
//! `kind` decides, and what belongs to other kinds is passed over: an overlay that chooses another kind says `kind`, and
//! what the base said of the old one does no harm. Of the two verdicts of `probes` at once, `kind = "successes"` or
//! `kind = "failure_rate"` says which is meant. `jitter` and `longest_asked` belong to every kind, and stay.
//!
//! ```
//! use breaker_layer::{Config, OpenTime, Settings};
//! use std::time::Duration;
//!
//! // open_time = { kind = "exponential", shortest = "1s", longest = "1m" } under { kind = "fixed", wait = "5s" }
//! let merged = r#"{ "open_time": { "kind": "fixed", "wait": "5s", "shortest": "1s", "longest": "1m" } }"#;
//! let settings: Settings = serde_json::from_str(merged)?;
//! assert_eq!(settings.config(), Config::new().open_time(OpenTime::fixed(Duration::from_secs(5))));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! A `preset` is such a base, and better: a section that chooses another kind starts afresh.
//!
//! # What is wrong
//!
//! All faults are told at once, each with its path, its value and what helps:
//!
//! ```
//! use breaker_layer::settings::Table;
//!
//! let error = serde_json::from_str::<Table>(r#"{
//!     "payments": { "trip": [{ "calls": 100, "failure_rate": 0.5 }], "slow_afer": "1s" },
//!     "search": { "probes": { "live": 0 } }
//! }"#).unwrap_err().to_string();
//! assert!(error.starts_with("3 faults: \
//!     `payments.trip[0].failure_rate` is 0.5, but takes a rate with its unit: did you mean \"50%\", or \"0.5%\"?; \
//!     `payments.slow_afer` is no setting; here are "));
//! assert!(error.contains("`search.probes.live` is 0, but takes a number from 1 to 255"));
//! ```
//!
//! Read several circuits as a [`Table`]: a map of [`Settings`] would stop at the first circuit that has a fault.

mod cancelled;
mod faults;
mod members;
mod open_time;
mod probes;
mod read;
#[cfg(test)]
mod tests;
mod tree;
mod trip;
mod write;

use std::collections::{BTreeMap, btree_map};

use breaker_core::Config;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use self::{faults::Faults, tree::Tree};

/// A circuit's settings as they stand in a file: see the [module](self).
///
/// ```
/// use breaker_layer::{Circuit, Settings};
///
/// let settings: Settings = serde_json::from_str(
///     r#"{
///         "trip": [
///             { "consecutive_failures": 10 },
///             { "time": "30s", "failure_rate": "50%", "min_calls": 20 }
///         ],
///         "open_time": { "kind": "exponential", "shortest": "1s", "longest": "1m" },
///         "probes": { "live": 2, "timeout": "5s" }
///     }"#,
/// )?;
/// let circuit = Circuit::builder("payments").config(settings).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Written, it says every setting, those with their defaults too. What a program alone can say,
/// [`OpenTime::by_attempt`](crate::OpenTime::by_attempt), is written as `kind = "by_attempt"`, which cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    config: Config,
}

impl Settings {
    /// The same as a value for [`CircuitBuilder::config`](crate::CircuitBuilder::config) and
    /// [`Circuit::reconfigure`](crate::Circuit::reconfigure), which also take the settings themselves.
    pub const fn config(&self) -> Config {
        self.config
    }
}

impl From<Config> for Settings {
    fn from(config: Config) -> Self {
        Self { config }
    }
}

impl From<Settings> for Config {
    fn from(settings: Settings) -> Self {
        settings.config
    }
}

impl From<&Settings> for Config {
    fn from(settings: &Settings) -> Self {
        settings.config
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write::tree(&self.config).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tree = Tree::deserialize(deserializer)?;
        let mut faults = Faults::default();
        let config = read::config(&tree, "", &mut faults);
        faults.result(Self { config }).map_err(D::Error::custom)
    }
}

/// The settings of several circuits, by name.
///
/// A fault's path begins with the circuit's name, and the faults of all circuits are told at once.
///
/// ```
/// use breaker_layer::{Config, Trip, settings::Table};
///
/// let table: Table = serde_json::from_str(r#"{
///     "payments": { "trip": [{ "consecutive_failures": 5 }] },
///     "search": {}
/// }"#)?;
/// assert_eq!(table.get("search").unwrap().config(), Config::new());
/// assert!(table.get("orders").is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    circuits: BTreeMap<String, Settings>,
}

impl Table {
    /// The settings of this circuit.
    pub fn get(&self, name: &str) -> Option<&Settings> {
        self.circuits.get(name)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Settings)> {
        self.into_iter()
    }
}

impl<'a> IntoIterator for &'a Table {
    type Item = (&'a str, &'a Settings);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        Iter(self.circuits.iter())
    }
}

/// The circuits of a [`Table`], with their settings.
#[derive(Clone, Debug)]
pub struct Iter<'a>(btree_map::Iter<'a, String, Settings>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a Settings);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, settings)| (&**name, settings))
    }
}

impl FromIterator<(String, Settings)> for Table {
    fn from_iter<I: IntoIterator<Item = (String, Settings)>>(all: I) -> Self {
        Self {
            circuits: all.into_iter().collect(),
        }
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.circuits.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tree = Tree::deserialize(deserializer)?;
        let mut faults = Faults::default();
        let circuits = read::table(&tree, &mut faults).into_iter();
        let circuits = circuits
            .map(|(name, config)| (name, config.into()))
            .collect();
        faults.result(Self { circuits }).map_err(D::Error::custom)
    }
}
