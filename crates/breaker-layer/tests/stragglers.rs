//! C1: only the permits of the current generation move the circuit.

mod support;

use breaker_layer::{Cancelled, Outcome, Permit, Probes, State};
use support::{Bench, MILLI, OPEN_FOR, SECOND, THRESHOLD};

type Fate = (&'static str, fn(Permit));

const FATES: [Fate; 5] = [
    ("success", |permit| permit.record(Outcome::Success)),
    ("failure", |permit| permit.record(Outcome::Failure)),
    ("ignored", |permit| permit.record(Outcome::Ignored)),
    ("overload", |permit| {
        permit.record(Outcome::Overload {
            retry_after: 60 * SECOND,
        });
    }),
    ("cancelled", drop),
];

/// Brings a circuit into a state; gives back the live probes, which must go on living.
type Situation = (&'static str, State, fn(&Bench) -> Vec<Permit>);

const SITUATIONS: [Situation; 12] = [
    ("closed with nothing against it", State::Closed, |bench| {
        bench.circuit.reset();
        vec![]
    }),
    (
        "closed, one failure from tripping",
        State::Closed,
        |bench| {
            bench.circuit.reset();
            bench.fail(THRESHOLD - 1);
            vec![]
        },
    ),
    ("open", State::Open, |bench| {
        bench.circuit.reset();
        bench.open();
        vec![]
    }),
    ("open and due", State::HalfOpen, |bench| {
        bench.circuit.reset();
        bench.open();
        bench.clock.advance(OPEN_FOR);
        vec![]
    }),
    ("half-open with room", State::HalfOpen, |bench| {
        bench.circuit.half_open();
        vec![bench.admit()]
    }),
    ("half-open with no room", State::HalfOpen, |bench| {
        bench.circuit.half_open();
        vec![bench.admit(), bench.admit()]
    }),
    (
        "half-open, one success from closing",
        State::HalfOpen,
        |bench| {
            bench.circuit.half_open();
            bench.succeed(1);
            vec![]
        },
    ),
    ("isolated", State::Isolated, |bench| {
        bench.circuit.isolate();
        vec![]
    }),
    ("disabled", State::Disabled, |bench| {
        bench.circuit.disable();
        vec![]
    }),
    (
        "observing, one failure from tripping",
        State::Closed,
        |bench| {
            bench.circuit.observe_only();
            bench.fail(THRESHOLD - 1);
            vec![]
        },
    ),
    ("observing, open", State::Open, |bench| {
        bench.circuit.observe_only();
        bench.open();
        vec![]
    }),
    ("observing, half-open", State::HalfOpen, |bench| {
        bench.circuit.observe_only();
        bench.circuit.half_open();
        vec![bench.admit()]
    }),
];

/// A circuit that has a straggler from each state that admits.
fn bench_with_stragglers() -> (Bench, Vec<Permit>) {
    let bench = Bench::with(|builder| builder.probes(Probes::new(2)).cancelled(Cancelled::Failure));
    let from_closed = bench.admit();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    let from_half_open = bench.admit();
    bench.circuit.disable();
    let from_disabled = bench.admit();
    bench.circuit.observe_only();
    let from_observing = bench.admit();
    bench.circuit.trip();
    let from_the_shadow = bench.admit();
    let stragglers = vec![
        from_closed,
        from_half_open,
        from_disabled,
        from_observing,
        from_the_shadow,
    ];
    (bench, stragglers)
}

/// What a circuit shows of itself when it is put to use for a while.
fn course(bench: &Bench) -> Vec<String> {
    let mut seen = vec![format!("{:?}", bench.picture())];
    for outcome in [Outcome::Success, Outcome::Failure, Outcome::Failure] {
        let permits = [(); 3].map(|()| bench.circuit.try_acquire());
        seen.push(format!("{:?}", permits.each_ref().map(Result::is_ok)));
        for permit in permits.into_iter().flatten() {
            permit.record(outcome);
            seen.push(format!("{:?}", bench.picture()));
        }
    }
    seen.push(format!("{:?}", bench.log.all()));
    seen
}

#[test]
fn a_straggler_changes_nothing_in_any_state_whatever_becomes_of_it() {
    for (situation, state, enter) in SITUATIONS {
        let (control, unused) = bench_with_stragglers();
        let _live = enter(&control);
        assert_eq!(control.state(), state, "{situation}");
        let expected = course(&control);
        drop(unused);

        for (fate, end) in FATES {
            for straggler in 0..5 {
                let (bench, mut stragglers) = bench_with_stragglers();
                let _live = enter(&bench);
                end(stragglers.remove(straggler));
                assert_eq!(
                    course(&bench),
                    expected,
                    "straggler {straggler}, {fate}, in a circuit that is {situation}"
                );
            }
        }
    }
}

#[test]
fn a_straggler_from_before_the_trip_is_not_a_probe() {
    let bench = Bench::new();
    let straggler = bench.admit();
    let probe = bench.probe();
    straggler.record(Outcome::Success);
    assert_eq!(bench.state(), State::HalfOpen);
    assert!(bench.rejects(), "the one probe is still live");
    probe.record(Outcome::Success);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn a_straggler_success_does_not_end_a_row_of_failures() {
    let bench = Bench::new();
    let straggler = bench.admit();
    bench.circuit.close();
    bench.fail(THRESHOLD - 1);
    straggler.record(Outcome::Success);
    bench.fail(1);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn a_probe_of_the_last_half_open_period_is_a_straggler_in_the_next() {
    let bench = Bench::with(|builder| builder.probes(Probes::new(2)));
    let late = bench.probe();
    bench.admit().record(Outcome::Failure);
    assert_eq!(bench.state(), State::Open);
    bench.clock.advance(OPEN_FOR);
    let probe = bench.admit();
    assert_eq!(bench.state(), State::HalfOpen);

    late.record(Outcome::Failure);
    assert_eq!(bench.state(), State::HalfOpen, "it did not count");
    bench.succeed(1);
    probe.record(Outcome::Success);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn a_straggler_is_counted_in_the_totals_all_the_same() {
    let bench = Bench::new();
    let stragglers = [bench.admit(), bench.admit(), bench.admit()];
    bench.circuit.close();
    let [one, two, three] = stragglers;
    one.record(Outcome::Failure);
    two.record(Outcome::Ignored);
    drop(three);
    let snapshot = bench.circuit.snapshot();
    assert_eq!(
        (snapshot.failed, snapshot.ignored, snapshot.cancelled),
        (1, 1, 1)
    );
    assert_eq!(snapshot.failures, 0);
}

#[test]
fn every_transition_starts_a_generation() {
    let bench = Bench::new();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    bench.succeed(1);
    bench.circuit.trip();
    bench.circuit.half_open();
    bench.circuit.close();
    bench.circuit.isolate();
    bench.circuit.disable();
    bench.circuit.observe_only();
    bench.circuit.reset();
    bench.clock.advance(MILLI);
    let generations: Vec<u64> = bench
        .log
        .all()
        .iter()
        .map(|transition| transition.generation())
        .collect();
    assert_eq!(generations, (1..=10).collect::<Vec<_>>());
    assert_eq!(bench.generation(), 10);
}
