//! C25: `retry_after` never invites a spin.

mod support;

use std::time::Duration;

use breaker_layer::{
    Circuit, Config, OpenTime, Outcome, Percent, Permit, Ramp, Refusal, Rejected, State,
    clock::{ManualClock, Timestamp},
    presets,
};
use support::{Bench, MILLI, PROBE_TIMEOUT, SECOND};

/// The built-in policies.
fn policies() -> Vec<(&'static str, Config)> {
    let wait = |attempt| SECOND * (attempt + 1);
    let config = Config::new;
    vec![
        ("default", config()),
        ("resilience4j", presets::resilience4j()),
        ("polly", presets::polly()),
        ("gobreaker", presets::gobreaker()),
        ("linkerd", presets::linkerd()),
        ("fixed", config().open_time(OpenTime::fixed(SECOND))),
        (
            "exponential",
            config().open_time(OpenTime::exponential(SECOND, 60 * SECOND)),
        ),
        (
            "by attempt",
            config().open_time(OpenTime::by_attempt(wait, SECOND, 60 * SECOND)),
        ),
        (
            "probe share",
            config().open_time(OpenTime::probe_share(Percent(0.01), MILLI, 60 * SECOND)),
        ),
        ("ramp", config().ramp(Ramp::new(1, 100))),
    ]
}

/// A worker that asks, and after each rejection sleeps as long as that says.
struct Worker {
    clock: ManualClock,
    circuit: Circuit,
    attempts: u32,
}

impl Worker {
    fn new(config: Config, seed: u16) -> Self {
        let clock = ManualClock::new();
        let builder = Circuit::builder("worker").config(config).seed(seed);
        let circuit = builder.clock(clock.clock()).build().unwrap();
        circuit.trip();
        Self {
            clock,
            circuit,
            attempts: 0,
        }
    }

    fn works_for(&mut self, span: Duration, mut make: impl FnMut(Permit)) {
        let end = self.clock.now().saturating_add(span);
        while self.clock.now() < end {
            self.attempts += 1;
            match self.circuit.try_acquire() {
                Ok(permit) => make(permit),
                Err(rejected) => self.sleep(rejected),
            }
        }
    }

    fn sleep(&self, rejected: Rejected) {
        let wait = rejected.retry_after().expect("it is not isolated");
        assert!(!wait.is_zero(), "{rejected}");
        self.clock.advance(wait);
    }
}

#[test]
fn a_worker_asks_at_most_fifty_times_in_ten_seconds_while_all_calls_fail_at_once() {
    for (name, config) in policies() {
        for seed in 0..20 {
            let mut worker = Worker::new(config, seed);
            worker.works_for(10 * SECOND, |permit| permit.record(Outcome::Failure));
            let attempts = worker.attempts;
            assert!(attempts <= 50, "{name}, seed {seed}: {attempts} attempts");
        }
    }
}

#[test]
fn a_worker_asks_at_most_fifty_times_in_ten_seconds_while_all_calls_hang() {
    for (name, config) in policies() {
        for seed in 0..20 {
            let mut worker = Worker::new(config, seed);
            let mut hung = Vec::new();
            worker.works_for(10 * SECOND, |permit| hung.push(permit));
            let attempts = worker.attempts;
            assert!(attempts <= 50, "{name}, seed {seed}: {attempts} attempts");
        }
    }
}

/// Somebody else's probe hangs from the beginning.
#[test]
fn a_worker_that_is_refused_for_one_probe_asks_a_few_times_until_its_deadline() {
    for (name, config) in policies() {
        let mut worker = Worker::new(config, 1);
        worker.circuit.half_open();
        let hung: Vec<_> = std::iter::from_fn(|| worker.circuit.try_acquire().ok()).collect();
        assert!(!hung.is_empty());
        worker.works_for(PROBE_TIMEOUT - MILLI, |_| panic!("{name}: admitted"));
        let attempts = worker.attempts;
        assert!((5..=12).contains(&attempts), "{name}: {attempts} attempts");
        assert_eq!(worker.circuit.snapshot().opened, 1, "{name}");
    }
}

#[test]
fn a_worker_comes_when_a_probe_is_certain() {
    let share = OpenTime::probe_share(Percent(0.0001), SECOND / 4, 30 * SECOND);
    let mut worker = Worker::new(Config::new().open_time(share.jitter(Percent(0.0))), 3);
    let mut admitted = Vec::new();
    let clock = worker.clock.clone();
    worker.works_for(29 * SECOND, |_| admitted.push(clock.now()));
    worker.works_for(2 * SECOND, |permit| {
        admitted.push(clock.now());
        permit.record(Outcome::Success);
        clock.advance(SECOND);
    });
    let certain = Timestamp::ZERO.saturating_add(30 * SECOND);
    assert_eq!(admitted.first(), Some(&certain));
    assert!(worker.attempts < 14, "{}", worker.attempts);
}

#[test]
fn places_that_are_taken_are_worth_asking_for_again_after_as_long_as_probes_are_under_way() {
    let bench = Bench::new();
    let _hung = bench.probe();
    let wait = || match bench.circuit.try_acquire().unwrap_err().refusal() {
        Refusal::ProbesTaken { retry_after } => retry_after,
        refusal => panic!("{refusal:?}"),
    };
    assert_eq!(wait(), 50 * MILLI);
    bench.clock.advance(10 * MILLI);
    assert_eq!(wait(), 50 * MILLI);
    bench.clock.advance(90 * MILLI);
    assert_eq!(wait(), 100 * MILLI);
    bench.clock.advance(9900 * MILLI);
    assert_eq!(wait(), 10 * SECOND);
    bench.clock.advance(19_990 * MILLI);
    assert_eq!(wait(), 10 * MILLI, "then the deadline is there");
    bench.clock.advance(10 * MILLI);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn a_recovering_circuit_says_when_there_is_room_and_never_less_than_a_millisecond() {
    let bench = Bench::with(|builder| builder.ramp(Ramp::new(500_000, 1_000_000)));
    bench.circuit.half_open();
    bench.succeed(1);
    let mut permits = Vec::new();
    let rejected = loop {
        match bench.circuit.try_acquire() {
            Ok(permit) => permits.push(permit),
            Err(rejected) => break rejected,
        }
    };
    assert_eq!(rejected.retry_after(), Some(MILLI));
    let bench = Bench::with(|builder| builder.ramp(Ramp::new(1, 10)));
    bench.circuit.half_open();
    bench.succeed(1);
    let _one = bench.admit();
    let wait = bench
        .circuit
        .try_acquire()
        .unwrap_err()
        .retry_after()
        .unwrap();
    assert!((SECOND / 2..=SECOND).contains(&wait), "{wait:?}");
}
