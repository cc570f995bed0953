//! A circuit at one moment, as plain values.

use std::{sync::Arc, time::Duration};

use breaker_core::{Config, Credit, Evidence, State, Tally, Timestamp, Totals, Transition};

use crate::{
    failure::LastFailures,
    storage::{CircuitState, Ended, Extra, Slot, WeakCircuit},
};

mod line;

/// A circuit at one moment, as plain values.
///
/// The totals count since the circuit was built and are never reset.
///
/// With the feature `serde` it is written as plain values: spans as text such as `1m 3s 20ms`, and the moments, its own
/// and that of the last trip, both called `at`, as such spans since the circuit was built.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// The circuit's name. It is not written: what lists circuits names them.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub name: Arc<str>,
    /// When this was, since the circuit was built.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::moment"))]
    pub at: Timestamp,
    /// The state, as a caller would have met it.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::state"))]
    pub state: State,
    /// Whether the circuit only observes and rejects nothing.
    pub observe_only: bool,
    /// The transitions so far.
    pub generation: u64,
    /// The failures that count in this state.
    pub failures: u32,
    /// How long the circuit will go on rejecting every call, which is zero in any state but open and isolated; `None` while
    /// isolated [without an end](crate::Circuit::isolate_for). What a rejected call is told is never zero: see [`Rejected::retry_after`](crate::Rejected::retry_after).
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::span"))]
    pub retry_after: Option<Duration>,
    /// How long ago the state was entered. In half-open it starts over with each probe that
    /// finds no other one under way.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::span"))]
    pub age: Option<Duration>,
    /// The score of the evidence against the downstream, as a share of its threshold; zero unless closed.
    pub evidence: f64,
    /// What the peers of this process say of the downstream, as long as it counts: see [`fleet`](crate::fleet).
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::credit"))]
    pub credit: Option<Credit>,
    /// The probes of the half-open period that goes on; `None` in any other state.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::probes"))]
    pub probes: Option<Tally>,
    /// The calls in the window of calls, if there is one.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::totals"))]
    pub last_calls: Option<Totals>,
    /// The calls in the window of time, if there is one.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::totals"))]
    pub last_time: Option<Totals>,
    /// When and why it last opened.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::trip"))]
    pub last_trip: Option<Transition>,
    /// What failed before it last opened, as far as it is known.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::failures"))]
    pub last_failures: Option<Arc<LastFailures>>,
    /// What the operator said with the command that is in force: see [`Circuit::because`](crate::Circuit::because).
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::note"))]
    pub note: Option<Arc<str>>,
    /// Calls that were admitted, where they are [counted](crate::CircuitBuilder::count_calls).
    pub admitted: Option<u64>,
    /// Calls that succeeded, where they are counted.
    pub succeeded: Option<u64>,
    /// Calls that were slow, where [`slow_after`](crate::CircuitBuilder::slow_after) says what that is.
    pub slow: Option<u64>,
    /// The settings in force. With the feature `serde` they are written as in a file: see the module `settings`.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text::config"))]
    pub config: Config,
    /// How often it opened.
    pub opened: u32,
    /// Calls that failed, stragglers included.
    pub failed: u64,
    /// Calls that were rejected.
    pub rejected: u64,
    /// Calls whose result was ignored.
    pub ignored: u64,
    /// Calls that were cancelled, whether they count as failures or not: see [`Cancelled`](crate::Cancelled).
    pub cancelled: u64,
}

impl Snapshot {
    pub(crate) fn of(slot: &'static Slot) -> Self {
        let now = slot.now();
        let snapshot = slot.read(|state| Self::at(state, now, slot.rejected()));
        snapshot.unwrap_or_else(|| Self::gone(now))
    }

    /// Of a circuit that a table has forgotten. Nobody has a handle of one.
    fn gone(at: Timestamp) -> Self {
        Self {
            name: Arc::default(),
            at,
            state: State::Closed,
            observe_only: false,
            generation: 0,
            failures: 0,
            retry_after: Some(Duration::ZERO),
            age: None,
            evidence: 0.0,
            credit: None,
            probes: None,
            last_calls: None,
            last_time: None,
            last_trip: None,
            last_failures: None,
            note: None,
            config: Config::new(),
            opened: 0,
            failed: 0,
            rejected: 0,
            ignored: 0,
            cancelled: 0,
            admitted: None,
            succeeded: None,
            slow: None,
        }
    }

    pub(crate) fn of_weak(circuit: WeakCircuit) -> Option<Self> {
        let slot = circuit.slot();
        let now = slot.now();
        circuit.read(|state| Self::at(state, now, slot.rejected()))
    }

    /// Of a circuit that has ended.
    pub(crate) fn last(ended: &Ended) -> Self {
        Self::at(ended.state(), ended.now(), ended.rejected())
    }

    /// Of a circuit in this state, which has rejected so many calls.
    fn at(state: &CircuitState, now: Timestamp, rejected: u64) -> Self {
        let (breaker, rules, extra) = (&state.breaker, state.rules(), state.extra());
        let is_counted = rules.config.count_calls();
        let knows_slow = rules.config.slow_after().is_some();
        let count =
            |is_known: bool, count: fn(&Extra) -> u64| is_known.then(|| extra.map_or(0, count));
        Self {
            name: state.name.clone(),
            at: now,
            state: breaker.state(rules, now),
            observe_only: breaker.is_shadow(),
            generation: breaker.generation(),
            failures: breaker.failures(rules, now),
            retry_after: breaker.retry_after(rules, now),
            age: Some(now.saturating_since(breaker.entered())),
            evidence: f64::from(breaker.evidence().score) / f64::from(Evidence::FULL),
            credit: breaker.credit(now).map(|(credit, _)| credit),
            probes: breaker.probes(rules, now),
            last_calls: breaker.calls(),
            last_time: breaker.time(now),
            last_trip: extra.and_then(|extra| extra.last_trip),
            last_failures: extra.and_then(|extra| extra.last_failures.clone()),
            note: state.note_in_force().cloned(),
            config: state.plan.said,
            opened: extra.map_or(0, |extra| extra.opened),
            failed: state.counts.failed,
            rejected,
            ignored: state.counts.ignored,
            cancelled: state.counts.cancelled,
            admitted: count(is_counted, |extra| extra.admitted),
            succeeded: count(is_counted, |extra| extra.succeeded),
            slow: count(knows_slow, |extra| extra.slow),
        }
    }
}

/// How the core's values are written.
#[cfg(feature = "serde")]
mod as_text {
    use std::{sync::Arc, time::Duration};

    use breaker_core::{Config, Credit, State, Tally, Timestamp, Totals, Transition};
    use serde::{Serialize, Serializer};

    use crate::{Settings, failure::LastFailures};

    pub(super) fn config<S: Serializer>(config: &Config, serializer: S) -> Result<S::Ok, S::Error> {
        Settings::from(*config).serialize(serializer)
    }

    pub(super) fn state<S: Serializer>(state: &State, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(state)
    }

    pub(super) fn span<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        span.map(text).serialize(serializer)
    }

    /// The leading units: nobody reads the nanoseconds of an hour.
    fn text(span: Duration) -> String {
        let finest = match span {
            _ if span >= Duration::from_secs(1) => 1_000_000,
            _ if span >= Duration::from_millis(1) => 1000,
            _ => 1,
        };
        let nanos = span.subsec_nanos() / finest * finest;
        humantime::format_duration(Duration::new(span.as_secs(), nanos)).to_string()
    }

    pub(super) fn credit<S: Serializer>(
        credit: &Option<Credit>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        credit
            .map(|credit| credit.to_string())
            .serialize(serializer)
    }

    pub(super) fn moment<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        text(Duration::from_nanos(at.as_nanos())).serialize(serializer)
    }

    pub(super) fn note<S: Serializer>(
        note: &Option<Arc<str>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        note.as_deref().serialize(serializer)
    }

    pub(super) fn failures<S: Serializer>(
        failures: &Option<Arc<LastFailures>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        failures.as_deref().serialize(serializer)
    }

    #[derive(Serialize)]
    struct Probes {
        live: u32,
        good: u32,
        failed: u32,
        slow: u32,
    }

    pub(super) fn probes<S: Serializer>(
        probes: &Option<Tally>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let probes = probes.map(|tally| Probes {
            live: tally.live,
            good: tally.good,
            failed: tally.failed,
            slow: tally.slow,
        });
        probes.serialize(serializer)
    }

    #[derive(Serialize)]
    struct Counted {
        calls: u32,
        failures: u32,
        slow: u32,
        failure_rate: Option<f64>,
        slow_rate: Option<f64>,
    }

    pub(super) fn totals<S: Serializer>(
        totals: &Option<Totals>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let counted = totals.map(|totals| Counted {
            calls: totals.calls,
            failures: totals.failures,
            slow: totals.slow,
            failure_rate: totals.failure_rate(),
            slow_rate: totals.slow_rate(),
        });
        counted.serialize(serializer)
    }

    #[derive(Serialize)]
    struct Trip {
        #[serde(serialize_with = "moment")]
        at: Timestamp,
        reason: String,
        failures: u32,
        generation: u64,
        #[serde(serialize_with = "span")]
        open_for: Option<Duration>,
        #[serde(serialize_with = "span")]
        asked_for: Option<Duration>,
    }

    pub(super) fn trip<S: Serializer>(
        trip: &Option<Transition>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let trip = trip.map(|trip| Trip {
            at: trip.at(),
            reason: trip.reason().to_string(),
            failures: trip.failures(),
            generation: trip.generation(),
            open_for: trip.open_for(),
            asked_for: trip.asked_for(),
        });
        trip.serialize(serializer)
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use crate::{Circuit, OpenTime, Trip, clock::ManualClock};
    use std::time::Duration;

    #[test]
    fn a_snapshot_is_written_as_plain_values() {
        let clock = ManualClock::new();
        let builder = Circuit::builder("payments")
            .clock(clock.clock())
            .trip(Trip::consecutive_failures(1));
        let circuit = builder
            .open_time(OpenTime::fixed(Duration::from_secs(5)))
            .build()
            .unwrap();
        clock.advance(Duration::from_secs(60));
        circuit
            .try_acquire()
            .unwrap()
            .record(crate::Outcome::Failure);
        clock.advance(Duration::from_micros(1_000_900));
        let written = serde_json::to_value(circuit.snapshot()).unwrap();
        assert_eq!(written["state"], "open");
        assert_eq!(written["retry_after"], "3s 999ms");
        assert_eq!(written["age"], "1s");
        assert_eq!(written["at"], "1m 1s");
        assert_eq!(written["last_trip"]["at"], "1m");
        assert_eq!(written["last_trip"]["reason"], "1 failure in a row");
        assert_eq!(written["last_calls"], serde_json::Value::Null);
        assert_eq!(written["failed"], 1);
        assert_eq!(
            written["config"]["trip"],
            serde_json::json!([{ "consecutive_failures": 1 }])
        );
        assert_eq!(written["config"]["open_time"]["wait"], "5s");
        assert_eq!(written["config"]["mode"], "normal");
    }
}
