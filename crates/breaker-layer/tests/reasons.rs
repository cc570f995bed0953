//! Every way to open has a reason of its own, told by its text and its figures.

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use breaker_layer::{
    CircuitBuilder, Observe, Outcome, Percent, Probes, State, TransitionEvent, Trip, Window,
    observe::{Reason, Rule},
    policy::{RecordedCall, TripPolicy},
};
use support::{Bench, MILLI, OPEN_FOR, PROBE_TIMEOUT, SECOND};

/// A circuit, and the lines that an operator reads.
struct Told {
    bench: Bench,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Told {
    fn by(change: impl FnOnce(CircuitBuilder) -> CircuitBuilder) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = lines.clone();
        let bench = Bench::with(|builder| {
            change(builder).observe(move |event: &TransitionEvent<'_>| {
                written.lock().unwrap().push(event.to_string());
            })
        });
        Self { bench, lines }
    }

    fn record(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        for outcome in outcomes {
            self.bench.admit().record(outcome);
        }
    }

    /// The last transition opened the circuit, for this reason.
    fn opened(&self, reason: Reason, line: &str) {
        let last = self.bench.log.last();
        assert_eq!((last.to(), last.reason()), (State::Open, reason));
        assert_eq!(last.open_for(), Some(OPEN_FOR));
        assert_eq!(self.lines.lock().unwrap().last().unwrap(), line);
        assert_eq!(self.bench.circuit.snapshot().last_trip, Some(last));
    }
}

const BAD: Outcome = Outcome::Failure;
const GOOD: Outcome = Outcome::Success;

#[test]
fn failures_in_a_row() {
    let told = Told::by(|builder| builder.trip(Trip::consecutive_failures(5)));
    told.record([BAD, GOOD, BAD, BAD, BAD, BAD, BAD]);
    told.opened(
        Reason::ConsecutiveFailures { failures: 5 },
        "bench: closed -> open, 5 failures in a row, for 5s",
    );
    let told = Told::by(|builder| builder.trip(Trip::consecutive_failures(1)));
    told.record([BAD]);
    told.opened(
        Reason::ConsecutiveFailures { failures: 1 },
        "bench: closed -> open, 1 failure in a row, for 5s",
    );
}

#[test]
fn the_failure_rate_of_the_last_calls() {
    let half = Trip::failure_rate(Percent(50.0), Window::calls(10)).min_calls(10);
    let told = Told::by(|builder| builder.trip(half));
    told.record([GOOD, GOOD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD]);
    let reason = Reason::Window {
        rule: Rule::FailureRate,
        counted: 8,
        calls: 10,
        threshold: 500_000,
    };
    told.opened(
        reason,
        "bench: closed -> open, 8 of 10 calls failed, threshold 50 %, for 5s",
    );
}

#[test]
fn the_failures_of_the_last_seconds() {
    let three = Trip::failures(3, Window::time(10 * SECOND));
    let told = Told::by(|builder| builder.trip(three));
    told.record([GOOD, BAD, GOOD, BAD, GOOD, BAD]);
    let reason = Reason::Window {
        rule: Rule::Failures,
        counted: 3,
        calls: 6,
        threshold: 3,
    };
    told.opened(
        reason,
        "bench: closed -> open, 3 of 6 calls failed, threshold 3, for 5s",
    );
}

#[test]
fn the_slow_calls_of_the_last_calls() {
    let slow = Trip::slow_rate(Percent(12.5), Window::calls(8)).min_calls(8);
    let told = Told::by(|builder| builder.trip(slow).slow_after(MILLI));
    for took in [0, 0, 0, 0, 0, 0, 0, 2] {
        told.bench.admit().record_after(GOOD, took * MILLI);
    }
    let reason = Reason::Window {
        rule: Rule::SlowRate,
        counted: 1,
        calls: 8,
        threshold: 125_000,
    };
    told.opened(
        reason,
        "bench: closed -> open, 1 of 8 calls was slow, threshold 12.5 %, for 5s",
    );
}

#[test]
fn evidence() {
    // Each failure adds ln(0.8 / 0.2), 1.386, and ten make 13.86; the threshold is ln(1 000 000), 13.81.
    let trip = Trip::evidence(Percent(20.0), Percent(80.0), 1_000_000);
    let told = Told::by(|builder| builder.trip(trip));
    told.record([BAD, GOOD].into_iter().chain([BAD; 10]));
    let last = told.bench.log.last();
    let Reason::Evidence {
        score,
        threshold,
        calls,
    } = last.reason()
    else {
        panic!("{last}")
    };
    assert_eq!((score / 10, threshold / 10, calls), (1386, 1381, 10));
    told.opened(
        last.reason(),
        "bench: closed -> open, evidence 13.8 ≥ 13.8 after 10 calls, for 5s",
    );
}

#[test]
fn a_policy_of_the_user_s_own() {
    struct AtOnce;
    impl TripPolicy for AtOnce {
        fn record(&self, call: &RecordedCall) -> Option<u32> {
            (call.outcome() == BAD).then_some(42)
        }
    }
    let told = Told::by(|builder| builder.trip(Trip::never()).trip_policy(|| AtOnce));
    told.record([GOOD, BAD]);
    told.opened(
        Reason::Custom { code: 42 },
        "bench: closed -> open, the custom policy, reason 42, for 5s",
    );
}

#[test]
fn a_response_that_asks_for_it() {
    let told = Told::by(|builder| builder.trip(Trip::consecutive_failures(2)));
    let retry_after = 30 * SECOND;
    told.record([BAD, Outcome::Overload { retry_after }]);
    let last = told.bench.log.last();
    assert_eq!(last.reason(), Reason::ConsecutiveFailures { failures: 2 });
    assert_eq!(last.asked_for(), Some(retry_after));
    assert_eq!(last.open_for(), Some(retry_after));
    let line = "bench: closed -> open, 2 failures in a row, response asked for 30s, for 30s";
    assert_eq!(told.lines.lock().unwrap().last().unwrap(), line);
}

#[test]
fn what_a_response_asks_for_and_what_it_gets_are_two_figures() {
    let told = Told::by(|builder| builder.trip(Trip::consecutive_failures(1)));
    for (asked, said, granted) in [
        (SECOND, SECOND, OPEN_FOR),
        (1000 * SECOND, 1000 * SECOND, 300 * SECOND),
        (
            Duration::MAX,
            Duration::from_millis(u32::MAX.into()),
            300 * SECOND,
        ),
    ] {
        told.record([Outcome::Overload { retry_after: asked }]);
        let last = told.bench.log.last();
        let figures = (last.asked_for(), last.open_for());
        assert_eq!(figures, (Some(said), Some(granted)));
        told.bench.circuit.reset();
        assert_eq!(told.bench.log.last().asked_for(), None);
    }
}

#[test]
fn a_failed_probe() {
    let told = Told::by(|builder| builder);
    told.bench.probe().record(BAD);
    told.opened(
        Reason::ProbesFailed {
            failures: 1,
            probes: 1,
        },
        "bench: half-open -> open, 1 of 1 probe failed, for 5s",
    );
    let told = Told::by(|builder| builder.probes(Probes::new(3).successes(2).out_of(3)));
    told.bench.probe().record(GOOD);
    told.record([BAD, BAD]);
    told.opened(
        Reason::ProbesFailed {
            failures: 2,
            probes: 3,
        },
        "bench: half-open -> open, 2 of 3 probes failed, for 5s",
    );
}

#[test]
fn slow_probes() {
    let probes = Probes::new(4).out_of(4).slow_rate(Percent(50.0));
    let told = Told::by(|builder| builder.probes(probes).slow_after(MILLI));
    told.bench.probe().record_after(GOOD, SECOND);
    told.bench.admit().record_after(GOOD, SECOND);
    told.opened(
        Reason::ProbesSlow { slow: 2, probes: 2 },
        "bench: half-open -> open, 2 of 2 probes were slow, for 5s",
    );
}

#[test]
fn a_probe_that_timed_out() {
    let told = Told::by(|builder| builder);
    let _probe = told.bench.probe();
    told.bench.clock.advance(PROBE_TIMEOUT);
    assert!(told.bench.rejects());
    told.opened(
        Reason::NoVerdict,
        "bench: half-open -> open, no verdict in time, for 5s",
    );
}

#[test]
fn an_operator() {
    let told = Told::by(|builder| builder);
    told.bench.circuit.trip();
    told.opened(Reason::Operator, "bench: closed -> open, operator, for 5s");
    told.bench.circuit.reset();
    told.bench.circuit.because("a drill").trip();
    told.opened(
        Reason::Operator,
        "bench: closed -> open, operator, for 5s, because a drill",
    );
}

#[test]
fn the_ways_back_have_reasons_too() {
    let told = Told::by(|builder| builder.probes(Probes::new(2)));
    told.bench.probe().record(GOOD);
    told.record([GOOD]);
    told.bench.circuit.because("too early").isolate();
    told.bench.circuit.observe_only();
    told.bench.open();
    let lines = told.lines.lock().unwrap();
    let expected = [
        "bench: closed -> open, 3 failures in a row, for 5s",
        "bench: open -> half-open, a probe is due",
        "bench: half-open -> closed, 2 probes succeeded",
        "bench: closed -> isolated, operator, because too early",
        "bench: isolated -> closed, operator, only observing",
        "bench: closed -> open, 3 failures in a row, for 5s, only observing",
    ];
    assert_eq!(*lines, expected);
}

#[test]
fn one_probe_is_not_many() {
    let told = Told::by(|builder| builder);
    told.bench.probe().record(GOOD);
    let line = "bench: half-open -> closed, 1 probe succeeded";
    assert_eq!(told.lines.lock().unwrap().last().unwrap(), line);
}

#[test]
fn every_kind_of_reason_has_a_word_of_its_own() {
    let window = |rule| Reason::Window {
        rule,
        counted: 1,
        calls: 1,
        threshold: 1,
    };
    let evidence = Reason::Evidence {
        score: 1,
        threshold: 1,
        calls: 1,
    };
    let reasons = [
        Reason::ConsecutiveFailures { failures: 1 },
        evidence,
        window(Rule::FailureRate),
        window(Rule::Failures),
        window(Rule::SlowRate),
        Reason::Custom { code: 1 },
        Reason::ProbesFailed {
            failures: 1,
            probes: 1,
        },
        Reason::ProbesSlow { slow: 1, probes: 1 },
        Reason::NoVerdict,
        Reason::ProbeDue,
        Reason::ProbesSucceeded { probes: 1 },
        Reason::Operator,
    ];
    let mut kinds = reasons.map(Reason::kind).to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), reasons.len());
}

/// An observer that is told of everything has the figures of single calls too.
#[test]
fn single_calls_are_told_where_they_are_asked_for() {
    #[derive(Clone, Default)]
    struct All(Arc<Mutex<Vec<String>>>);
    impl All {
        fn push(&self, line: String) {
            self.0.lock().unwrap().push(line);
        }
    }
    impl Observe for All {
        fn transition(&self, event: &TransitionEvent<'_>) {
            self.push(event.to_string());
        }
        fn wants_rejected(&self) -> bool {
            true
        }
        fn rejected(&self, event: &breaker_layer::observe::RejectedEvent<'_>) {
            self.push(format!(
                "{} rejected: {:?}",
                event.circuit(),
                event.refusal()
            ));
        }
        fn wants_recorded(&self) -> bool {
            true
        }
        fn recorded(&self, event: &breaker_layer::observe::RecordedEvent<'_>) {
            let (outcome, took) = (event.outcome(), event.took());
            let (slow, straggler) = (event.is_slow(), event.is_straggler());
            self.push(format!("{outcome:?} {took:?} {slow} {straggler}"));
        }
        fn ended(&self, event: &breaker_layer::observe::EndedEvent<'_>) {
            let last = event.last();
            self.push(format!(
                "ended: {} failed, {} rejected",
                last.failed, last.rejected
            ));
        }
    }
    let all = All::default();
    let told = Told::by(|builder| builder.observe(all.clone()).slow_after(SECOND));
    let (slow, straggler) = (told.bench.admit(), told.bench.admit());
    told.bench.clock.advance(2 * SECOND);
    slow.record(GOOD);
    told.record([GOOD, BAD]);
    drop(told.bench.admit());
    told.record([BAD, BAD, BAD].into_iter().take(2));
    straggler.record(BAD);
    assert!(told.bench.rejects());
    drop(told);
    let expected = [
        "Some(Success) Some(2s) true false",
        "Some(Success) Some(0ns) false false",
        "Some(Failure) Some(0ns) false false",
        "None Some(0ns) false false",
        "Some(Failure) Some(0ns) false false",
        "bench: closed -> open, 3 failures in a row, for 5s",
        "Some(Failure) Some(0ns) false false",
        "Some(Failure) Some(2s) true true",
        "bench rejected: Open { retry_after: 5s }",
        "ended: 4 failed, 1 rejected",
    ];
    assert_eq!(*all.0.lock().unwrap(), expected);
}
