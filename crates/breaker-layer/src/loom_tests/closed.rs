//! Closed: admissions, records and transitions at one time.

use super::*;

#[test]
fn no_failure_is_lost() {
    check(|| {
        let bench = Bench::new();
        let (one, two) = (bench.admit(), bench.admit());
        let (a, b) = together!(move || one.record(Outcome::Failure), move || two
            .record(Outcome::Failure),);
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.state(), State::Open);
        assert_eq!(bench.settled().len(), 1);
    });
}

#[test]
fn two_failures_of_one_event_count_once() {
    check(|| {
        let bench = Bench::with(|builder| builder.one_event(Duration::from_millis(5)));
        let (one, two) = (bench.admit(), bench.admit());
        let (a, b) = together!(move || one.record(Outcome::Failure), move || two
            .record(Outcome::Failure),);
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.state(), State::Closed);
        assert_eq!(bench.circuit.snapshot().failed, 2);
    });
}

#[test]
fn three_failures_at_once_trip_once() {
    check_within(2, || {
        let bench = Bench::new();
        let permits = [bench.admit(), bench.admit(), bench.admit()];
        let threads =
            permits.map(|permit| loom::thread::spawn(move || permit.record(Outcome::Failure)));
        join(threads);
        assert_eq!(bench.settled().len(), 1);
        assert_eq!(bench.circuit.snapshot().failed, 3);
    });
}

#[test]
fn evidence_is_that_of_one_order_of_the_calls() {
    use Outcome::{Failure, Success};
    check(|| {
        let evidence = |outcomes: &[Outcome]| {
            let bench = Bench::with(|builder| builder.trip(Trip::default()));
            for outcome in outcomes {
                bench.record(*outcome);
            }
            bench
        };
        let bench = evidence(&[Failure]);
        let (one, two) = (bench.admit(), bench.admit());
        let (a, b) = together!(move || one.record(Failure), move || two.record(Success));
        a.join().unwrap();
        b.join().unwrap();
        let shown = |bench: &Bench| bench.circuit.snapshot().evidence;
        let orders = [
            evidence(&[Failure, Failure, Success]),
            evidence(&[Failure, Success, Failure]),
        ];
        assert!(orders.iter().any(|order| shown(order) == shown(&bench)));
    });
}

#[test]
fn a_straggler_changes_nothing_in_the_state_that_begins_as_it_is_recorded() {
    check(|| {
        let bench = Bench::with(|builder| builder.trip(Trip::consecutive_failures(1)));
        let (straggler, other) = (bench.admit(), bench.clone());
        let (a, b) = together!(move || straggler.record(Outcome::Failure), move || other
            .circuit
            .half_open(),);
        a.join().unwrap();
        b.join().unwrap();
        // Either the failure came first and tripped the circuit, or it came late.
        let told = bench.settled();
        assert_eq!(told.last().unwrap().to(), State::HalfOpen);
        assert!(told.len() <= 2);
        let snapshot = bench.circuit.snapshot();
        assert_eq!((snapshot.failures, snapshot.failed), (0, 1));
    });
}

#[test]
fn a_call_is_admitted_recorded_and_overtaken_by_transitions() {
    check_within(2, || {
        let bench = Bench::with(|builder| builder.trip(Trip::consecutive_failures(1)));
        let failing = bench.admit();
        let (caller, operator) = (bench.clone(), bench.clone());
        let (a, b, c) = together!(
            move || match caller.circuit.try_acquire() {
                Ok(permit) => permit.record(Outcome::Success),
                Err(_) => {}
            },
            move || failing.record(Outcome::Failure),
            move || operator.circuit.close(),
        );
        a.join().unwrap();
        b.join().unwrap();
        c.join().unwrap();
        let told = bench.settled();
        assert_eq!(bench.state(), told.last().unwrap().to());
        assert_eq!(bench.circuit.snapshot().failed, 1);
    });
}

#[test]
fn commands_at_one_time_are_each_carried_out_and_told_once() {
    check_within(1, || {
        let bench = Bench::new();
        let operators = [Circuit::trip, Circuit::isolate, Circuit::reset].map(|command| {
            let circuit = bench.circuit.clone();
            loom::thread::spawn(move || command(&circuit))
        });
        join(operators);
        let told = bench.settled();
        assert_eq!(told.len(), 3);
        assert_eq!(bench.state(), told[2].to());
    });
}

#[test]
fn each_call_is_counted_once() {
    check_within(2, || {
        let bench = Bench::with(|builder| builder.count_calls(true).trip(Trip::never()));
        let callers = [Some(Outcome::Success), Some(Outcome::Failure), None].map(|outcome| {
            let bench = bench.clone();
            loom::thread::spawn(move || match outcome {
                Some(outcome) => bench.record(outcome),
                None => drop(bench.admit()),
            })
        });
        join(callers);
        let snapshot = bench.circuit.snapshot();
        assert_eq!((snapshot.admitted, snapshot.succeeded), (Some(3), Some(1)));
        assert_eq!((snapshot.failed, snapshot.cancelled), (1, 1));
    });
}

#[test]
fn failures_that_are_counted_in_the_word_are_counted_once_across_a_transition() {
    check_within(2, || {
        let bench = Bench::with(|builder| builder.trip(Trip::consecutive_failures(9)));
        bench.record(Outcome::Failure);
        let (failing, operator) = (bench.clone(), bench.clone());
        let (a, b) = together!(
            move || {
                failing.record(Outcome::Failure);
                failing.record(Outcome::Failure);
            },
            move || operator.circuit.close(),
        );
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.circuit.snapshot().failed, 3);
        bench.settled();
    });
}

#[test]
fn failures_that_are_carried_from_the_word_into_the_total_are_counted_once() {
    check_within(2, || {
        let bench = Bench::with(|builder| builder.trip(Trip::consecutive_failures(99)));
        for _ in 0..14 {
            bench.record(Outcome::Failure);
        }
        let threads = [0, 1].map(|_| {
            let bench = bench.clone();
            loom::thread::spawn(move || bench.record(Outcome::Failure))
        });
        join(threads);
        assert_eq!(bench.circuit.snapshot().failed, 16);
        bench.settled();
    });
}

#[test]
fn failures_that_are_carried_as_a_straggler_is_counted_are_counted_once() {
    check_within(2, || {
        let bench = Bench::with(|builder| builder.trip(Trip::consecutive_failures(99)));
        let straggler = bench.admit();
        bench.circuit.close();
        for _ in 0..15 {
            bench.record(Outcome::Failure);
        }
        let permit = bench.admit();
        let (a, b) = together!(move || permit.record(Outcome::Failure), move || straggler
            .record(Outcome::Failure),);
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.circuit.snapshot().failed, 17);
    });
}
