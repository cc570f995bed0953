//! An independent model of the simplest breaker agrees with the replay of each log of the corpus, trip for trip.

mod logs;
mod support;

use std::collections::BTreeMap;

use logs::{BEGIN, Durations, Made, Written, all, calls};
use serde_json::Value;
use support::file;

/// So many failures in a row open the circuit for so many seconds; then one call decides.
const RULES: [(u32, u64); 3] = [(1, 10), (2, 40), (3, 5)];

/// A call as a log tells of it, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Told {
    start: u64,
    end: u64,
    /// Nothing where the client gave up.
    failed: Option<bool>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    calls: u64,
    failures: u64,
    trips: Vec<u64>,
    rejected: u64,
    harm: u64,
    saved: u64,
    waste: u64,
}

enum State {
    Closed {
        failed: u32,
    },
    Open {
        until: u64,
    },
    /// One call is under way and decides.
    HalfOpen,
}

/// A circuit, and a number that grows with each of its states: what is of an older one counts for nothing.
struct Circuit {
    state: State,
    age: u64,
}

impl Circuit {
    fn enter(&mut self, state: State) {
        self.state = state;
        self.age += 1;
    }

    /// The age at which a call is let pass.
    fn admit(&mut self, now: u64) -> Option<u64> {
        match self.state {
            State::Closed { .. } => {}
            State::Open { until } if now >= until => self.enter(State::HalfOpen),
            State::Open { .. } | State::HalfOpen => return None,
        }
        Some(self.age)
    }
}

/// The model over the calls of one service, in the order of their starts.
fn model(calls: &[Told], (most, wait): (u32, u64)) -> Tally {
    let mut calls = calls.to_vec();
    calls.sort_by_key(|call| call.start);
    let mut circuit = Circuit {
        state: State::Closed { failed: 0 },
        age: 0,
    };
    let mut tally = Tally::default();
    // Ends, by time and by the order of the starts; none for a call that was rejected.
    let mut ends: BTreeMap<(u64, usize), Option<u64>> = BTreeMap::new();
    let mut end = |circuit: &mut Circuit, at: u64, call: &Told, age: Option<u64>| {
        tally.calls += 1;
        let failed = call.failed;
        tally.failures += u64::from(failed == Some(true));
        let Some(age) = age else {
            tally.rejected += 1;
            tally.harm += u64::from(failed == Some(false));
            tally.saved += u64::from(failed == Some(true));
            return;
        };
        tally.waste += u64::from(failed == Some(true));
        if age != circuit.age {
            return;
        }
        let until = at + wait * 1_000_000_000;
        match (&mut circuit.state, failed) {
            (State::Closed { failed: count }, Some(true)) => {
                *count += 1;
                if *count == most {
                    tally.trips.push(at / 1_000_000);
                    circuit.enter(State::Open { until });
                }
            }
            (State::Closed { failed: count }, Some(false)) => *count = 0,
            (State::HalfOpen, Some(true)) => circuit.enter(State::Open { until }),
            (State::HalfOpen, Some(false)) => circuit.enter(State::Closed { failed: 0 }),
            (State::HalfOpen, None) => {
                panic!("no log of the corpus has a probe that its client gives up")
            }
            (State::Closed { .. } | State::Open { .. }, _) => {}
        }
    };
    for (number, call) in calls.iter().enumerate() {
        while let Some(entry) = ends
            .first_entry()
            .filter(|entry| entry.key().0 <= call.start)
        {
            let ((at, of), age) = entry.remove_entry();
            end(&mut circuit, at, &calls[of], age);
        }
        let age = circuit.admit(call.start);
        ends.insert((call.end, number), age);
    }
    for ((at, of), age) in ends {
        end(&mut circuit, at, &calls[of], age);
    }
    tally
}

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLI;

/// The calls as the format tells of them: how exactly, and spread over their seconds where it has nothing finer.
fn told(written: &Written, is_start: bool) -> Vec<(&'static str, Told)> {
    let one = |made: &Made| {
        let took = match written.durations {
            Durations::None => 0,
            Durations::Within(1000) => made.took / 1000 * 1000,
            Durations::Within(_) => made.took,
        };
        let begin = if written.is_relative { BEGIN } else { 0 };
        let mut time = (if is_start { made.start() } else { made.end }) - begin;
        if written.is_coarse {
            time = time / 1000 * 1000;
        }
        let (start, end) = if is_start {
            (time, time + took)
        } else {
            (time - took, time)
        };
        let failed = match made.status {
            499 if written.has_given_up => None,
            _ => Some(made.has_failed()),
        };
        let name = if written.has_services {
            made.host
        } else {
            "all calls"
        };
        let (start, end) = (start * MILLI, end * MILLI);
        (name, time, Told { start, end, failed })
    };
    let mut all: Vec<_> = calls().iter().map(one).collect();
    if written.is_coarse {
        let mut from = 0;
        for group in all.clone().chunk_by(|one, other| one.1 == other.1) {
            let count = group.len() as u64;
            for (place, (_, _, call)) in (0..).zip(&mut all[from..from + group.len()]) {
                call.start += SECOND * place / count;
                call.end += SECOND * place / count;
            }
            from += group.len();
        }
    }
    all.into_iter()
        .map(|(name, _, call)| (name, call))
        .collect()
}

fn replayed(service: &Value, lane: usize) -> Tally {
    let circuit = &service["circuits"][lane];
    let number = |of: &Value, name: &str| of[name].as_u64().unwrap();
    let trips = circuit["episodes"].as_array().unwrap().iter();
    let trips = trips.map(|episode| {
        let time: jiff::Timestamp = episode["tripped"].as_str().unwrap().parse().unwrap();
        time.as_millisecond() as u64
    });
    Tally {
        calls: number(service, "calls"),
        failures: number(service, "failures"),
        trips: trips.collect(),
        rejected: number(circuit, "rejected"),
        harm: number(circuit, "harm"),
        saved: number(circuit, "saved"),
        waste: number(circuit, "waste"),
    }
}

#[test]
fn an_independent_model_makes_the_same_trips_on_every_log_of_the_corpus() {
    let configs = RULES.map(|(failures, wait)| {
        let text = format!(
            "trip = [{{ consecutive_failures = {failures} }}]\nopen_time = {{ kind = \"fixed\", wait = \"{wait}s\" }}\nprobes.live = 1\n"
        );
        file(&format!("model/{failures}-{wait}.toml"), text.as_bytes())
    });
    let arguments: Vec<_> = configs.iter().flat_map(|path| ["--config", path]).collect();
    let (mut trips, mut compared) = (0, 0);
    for written in all() {
        let json = support::json(&arguments, &written.log());
        let is_start = json["log"]["formats"][0]["time_is"] == "start";
        let calls = told(&written, is_start);
        for service in json["services"].as_array().unwrap() {
            let own = calls
                .iter()
                .filter(|(name, _)| *name == service["name"].as_str().unwrap());
            let own: Vec<_> = own.map(|(_, call)| *call).collect();
            for (lane, rule) in RULES.into_iter().enumerate() {
                let wanted = model(&own, rule);
                assert_eq!(
                    replayed(service, lane),
                    wanted,
                    "{}, {rule:?}",
                    written.about
                );
                trips += wanted.trips.len();
                compared += 1;
            }
        }
    }
    assert!(trips >= compared, "{trips} trips in {compared} comparisons");
}
