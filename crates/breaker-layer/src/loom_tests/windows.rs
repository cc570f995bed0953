//! Windows, while calls are recorded at one time.

use breaker_core::{Totals, Window};

use super::*;

#[test]
fn a_window_trips_once_and_counts_again_after_the_next_closing() {
    check_within(2, || {
        let window = Trip::failures(2, Window::calls(2)).min_calls(2);
        let bench = Bench::with(|builder| builder.trip(window));
        let permits = [bench.admit(), bench.admit()];
        let threads =
            permits.map(|permit| loom::thread::spawn(move || permit.record(Outcome::Failure)));
        join(threads);
        assert_eq!(bench.settled().len(), 1);
        time::advance(OPEN_FOR);
        bench.record(Outcome::Success);
        for _ in 0..2 {
            assert_eq!(bench.state(), State::Closed);
            bench.record(Outcome::Failure);
        }
        assert_eq!(bench.state(), State::Open);
    });
}

/// The last two calls of a circuit that trips when both failed.
fn last_two(then: fn(&Bench, Permit, Permit)) {
    check_within(2, move || {
        let window = Trip::failures(2, Window::calls(2)).min_calls(2);
        let bench = Bench::with(|builder| builder.trip(window));
        bench.record(Outcome::Success);
        let permits = (bench.admit(), bench.admit());
        then(&bench, permits.0, permits.1);
        // Whatever was made of it: two more good calls, and there are two good ones.
        bench.record(Outcome::Success);
        bench.record(Outcome::Success);
        let good = Totals {
            calls: 2,
            ..Totals::default()
        };
        assert_eq!(bench.circuit.snapshot().last_calls, Some(good));
        assert!(bench.settled().is_empty());
    });
}

#[test]
fn a_failure_that_comes_as_the_window_is_found_clean_slides_out_again() {
    last_two(|_, one, two| {
        let (a, b) = together!(move || one.record(Outcome::Success), move || two
            .record(Outcome::Failure),);
        a.join().unwrap();
        b.join().unwrap();
    });
}

#[test]
fn a_failure_that_comes_into_a_clean_window_slides_out_again() {
    last_two(|bench, one, two| {
        bench.record(Outcome::Success);
        let (a, b) = together!(move || one.record(Outcome::Success), move || two
            .record(Outcome::Failure),);
        a.join().unwrap();
        b.join().unwrap();
    });
}

#[test]
fn a_failure_in_a_window_that_calls_lapped_slides_out_again() {
    check_within(2, || {
        let window = Trip::failures(3, Window::calls(3));
        let bench = Bench::with(|builder| builder.trip(window));
        for outcome in [Outcome::Failure, Outcome::Success, Outcome::Success] {
            bench.record(outcome);
        }
        let (one, others) = (bench.admit(), [bench.admit(), bench.admit(), bench.admit()]);
        let (a, b) = together!(move || one.record(Outcome::Success), move || {
            let [failed, next, last] = others;
            failed.record(Outcome::Failure);
            next.record(Outcome::Success);
            last.record(Outcome::Success);
        });
        a.join().unwrap();
        b.join().unwrap();
        for _ in 0..3 {
            bench.record(Outcome::Success);
        }
        let failures = bench
            .circuit
            .snapshot()
            .last_calls
            .map(|last| last.failures);
        assert_eq!(failures, Some(0));
    });
}

#[test]
fn a_window_of_time_trips_once() {
    check_within(2, || {
        let window = Trip::failures(2, Window::time(SECOND).buckets(1)).min_calls(2);
        let bench = Bench::with(|builder| builder.trip(window));
        let permits = [bench.admit(), bench.admit()];
        let threads =
            permits.map(|permit| loom::thread::spawn(move || permit.record(Outcome::Failure)));
        join(threads);
        assert_eq!(bench.settled().len(), 1);
        assert_eq!(bench.state(), State::Open);
    });
}
