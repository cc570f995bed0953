//! Other settings at run time, while calls are recorded and the state changes.

use breaker_core::{Config, Window};

use super::*;

fn settings(trip: Trip) -> Config {
    Config::new()
        .trip(trip)
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1).timeout(PROBE_TIMEOUT))
}

fn window(calls: u32) -> Trip {
    Trip::failures(2, Window::calls(calls)).min_calls(2)
}

fn bench(config: Config) -> Bench {
    Bench::with(|builder| builder.config(config))
}

/// Records a call that was admitted before, while the operator makes these changes.
fn record_as_changed<const N: usize>(bench: &Bench, outcome: Outcome, changes: [Config; N]) {
    let (permit, operator) = (bench.admit(), bench.clone());
    join([
        loom::thread::spawn(move || permit.record(outcome)),
        loom::thread::spawn(move || {
            for changed in changes {
                operator.circuit.reconfigure(changed).unwrap();
            }
        }),
    ]);
}

#[test]
fn no_failure_in_the_word_is_lost() {
    check(|| {
        let bench = bench(settings(Trip::consecutive_failures(3)));
        record_as_changed(
            &bench,
            Outcome::Failure,
            [settings(Trip::consecutive_failures(2))],
        );
        assert_eq!(bench.circuit.snapshot().failures, 1);
        bench.record(Outcome::Failure);
        assert_eq!(bench.state(), State::Open);
        assert_eq!(bench.settled().len(), 1);
    });
}

#[test]
fn a_window_that_is_not_moved_loses_nothing() {
    check_within(2, || {
        let bench = bench(settings(window(2)));
        record_as_changed(
            &bench,
            Outcome::Failure,
            [settings(window(2)).cancelled(breaker_core::Cancelled::Failure)],
        );
        drop(bench.admit());
        assert_eq!(bench.state(), State::Open);
        bench.settled();
    });
}

#[test]
fn stricter_settings_trip_at_the_next_failure_whatever_it_replaces() {
    let changes = |more: &'static [Outcome]| {
        check_within(2, move || {
            let bench = bench(settings(window(2)));
            bench.record(Outcome::Failure);
            bench.record(Outcome::Success);
            for outcome in more {
                bench.record(*outcome);
            }
            record_as_changed(
                &bench,
                Outcome::Failure,
                [settings(Trip::failures(1, Window::calls(2)).min_calls(2))],
            );
            if bench.state() == State::Closed {
                bench.record(Outcome::Failure);
            }
            assert_eq!(bench.state(), State::Open);
            bench.settled();
        });
    };
    changes(&[]);
    changes(&[Outcome::Failure, Outcome::Success]);
}

#[test]
fn a_window_that_is_moved_keeps_what_was_recorded_before_and_counts_on() {
    check_within(2, || {
        let bench = bench(settings(window(2)));
        bench.record(Outcome::Failure);
        record_as_changed(&bench, Outcome::Success, [settings(window(40))]);
        let last = bench.circuit.snapshot().last_calls.unwrap();
        assert_eq!(last.failures, 1);
        assert!(last.calls == 1 || last.calls == 2);
        bench.record(Outcome::Failure);
        assert_eq!(bench.state(), State::Open);
        bench.settled();
    });
}

/// After the change the circuit must close and trip again.
fn still_trips(bench: &Bench) {
    bench.circuit.close();
    for _ in 0..2 {
        assert_eq!(bench.state(), State::Closed);
        bench.record(Outcome::Failure);
    }
    assert_eq!(bench.state(), State::Open);
    bench.settled();
}

#[test]
fn a_window_that_is_moved_during_a_trip_counts_afterwards() {
    check_within(2, || {
        let bench = bench(settings(window(2)));
        bench.record(Outcome::Failure);
        record_as_changed(&bench, Outcome::Failure, [settings(window(40))]);
        time::advance(OPEN_FOR);
        // Nothing but calls from here on: no operator makes the window ready again.
        if bench.state() == State::HalfOpen {
            bench.record(Outcome::Success);
            bench.record(Outcome::Failure);
        }
        bench.record(Outcome::Failure);
        assert_eq!(bench.state(), State::Open);
        still_trips(&bench);
    });
}

#[test]
fn a_record_that_two_changes_overtake_is_none_that_the_second_one_counts() {
    check_within(2, || {
        let bench = bench(settings(window(2)));
        let counting = settings(Trip::never()).count_calls(true);
        record_as_changed(&bench, Outcome::Failure, [settings(window(40)), counting]);
        assert_eq!(bench.circuit.snapshot().admitted, Some(0));
        assert_eq!(bench.circuit.snapshot().succeeded, Some(0));
        bench.settled();
    });
}

/// At rest, so many good calls are so many in the window.
fn counts_good_calls(bench: &Bench, before: u32) {
    let calls = |bench: &Bench| bench.circuit.snapshot().last_calls.unwrap().calls;
    assert!(calls(bench) <= before);
    for _ in 0..3 {
        let counted = calls(bench);
        bench.record(Outcome::Success);
        assert_eq!(calls(bench), counted + 1);
    }
}

#[test]
fn a_larger_window_goes_on_counting_though_the_smaller_one_was_found_clean() {
    check_within(2, || {
        let bench = bench(settings(window(2)));
        bench.record(Outcome::Success);
        record_as_changed(&bench, Outcome::Success, [settings(window(40))]);
        counts_good_calls(&bench, 2);
    });
}

#[test]
fn a_window_that_is_added_as_the_circuit_closes_counts() {
    check_within(2, || {
        let bench = bench(settings(Trip::consecutive_failures(2)));
        bench.circuit.half_open();
        record_as_changed(&bench, Outcome::Success, [settings(window(40))]);
        assert_eq!(bench.state(), State::Closed);
        counts_good_calls(&bench, 0);
    });
}

#[test]
fn a_window_that_is_added_as_an_outcome_is_ignored_counts() {
    check_within(2, || {
        let bench = bench(settings(Trip::consecutive_failures(2)));
        record_as_changed(&bench, Outcome::Ignored, [settings(window(40))]);
        counts_good_calls(&bench, 0);
    });
}

#[test]
fn a_success_is_worth_nothing_once_the_settings_have_no_window_any_more() {
    check_within(2, || {
        let bench = bench(settings(window(40)));
        record_as_changed(
            &bench,
            Outcome::Success,
            [settings(Trip::consecutive_failures(2))],
        );
        assert!(bench.circuit.slot().gate().is_calm());
        bench.settled();
    });
}
