//! C10: `state()` and the snapshot read, never move, and know the time.

mod support;

use std::time::Duration;

use breaker_layer::{
    Cancelled, Circuit, Config, OpenTime, Outcome, Percent, Probes, Ramp, State, Trip, Window,
    observe::Reason,
};
use support::{Bench, DAY, NANO, OPEN_FOR, PROBE_TIMEOUT, SECOND, THRESHOLD};

#[test]
fn an_open_circuit_whose_wait_is_over_says_half_open_and_has_not_moved() {
    let bench = Bench::new();
    bench.open();
    let generation = bench.generation();
    bench.clock.advance(OPEN_FOR - NANO);
    assert_eq!(bench.state(), State::Open);
    bench.clock.advance(NANO);
    for _ in 0..100 {
        assert_eq!(bench.state(), State::HalfOpen);
        assert_eq!(bench.circuit.snapshot().state, State::HalfOpen);
    }
    assert_eq!(bench.generation(), generation);
    assert_eq!(bench.log.states(), [State::Open]);
    bench.succeed(1);
    assert_eq!(bench.state(), State::Closed, "no read took the one place");
}

#[test]
fn half_open_opens_and_is_due_again_by_time_alone() {
    let bench = Bench::new();
    let _hung = bench.probe();
    let generation = bench.generation();
    for (wait, state, left) in [
        (PROBE_TIMEOUT - NANO, State::HalfOpen, Duration::ZERO),
        (NANO, State::Open, OPEN_FOR),
        (OPEN_FOR - NANO, State::Open, NANO),
        (NANO, State::HalfOpen, Duration::ZERO),
    ] {
        bench.clock.advance(wait);
        assert_eq!(bench.state(), state);
        let snapshot = bench.circuit.snapshot();
        assert_eq!((snapshot.state, snapshot.retry_after), (state, Some(left)));
    }
    assert_eq!(bench.generation(), generation);
    assert_eq!(bench.log.states(), [State::Open, State::HalfOpen]);
}

#[test]
fn the_next_call_makes_up_for_what_time_did_and_says_when_it_was() {
    let bench = Bench::new();
    let _hung = bench.probe();
    let deadline = bench.clock.now().saturating_add(PROBE_TIMEOUT);
    bench.clock.advance(PROBE_TIMEOUT + 3 * OPEN_FOR);
    bench.succeed(1);
    let [.., lapsed, due, closed] = bench.log.all()[..] else {
        panic!("three transitions")
    };
    assert_eq!((lapsed.to(), lapsed.at()), (State::Open, deadline));
    assert_eq!(lapsed.reason(), Reason::NoVerdict);
    assert_eq!((due.to(), due.at()), (State::HalfOpen, bench.clock.now()));
    assert_eq!(due.reason(), Reason::ProbeDue);
    assert_eq!(closed.to(), State::Closed);
}

#[test]
fn the_wait_after_a_lapse_counts_from_the_deadline_and_grows() {
    let bench = Bench::with(|builder| {
        builder.open_time(OpenTime::exponential(SECOND, 60 * SECOND).jitter(Percent(0.0)))
    });
    bench.open();
    bench.clock.advance(SECOND);
    let _hung = bench.admit();
    bench.clock.advance(PROBE_TIMEOUT + SECOND);
    assert_eq!(bench.circuit.snapshot().retry_after, Some(SECOND));
    let rejected = bench.circuit.try_acquire().unwrap_err();
    assert_eq!(rejected.retry_after(), Some(SECOND));
}

#[test]
fn a_snapshot_tells_the_present_state_s_failures_and_age() {
    let bench = Bench::new();
    assert_eq!(bench.circuit.snapshot().age, Some(Duration::ZERO));
    bench.fail(2);
    assert_eq!(bench.circuit.snapshot().failures, 2);
    bench.fail(1);
    bench.clock.advance(2 * SECOND);
    let snapshot = bench.circuit.snapshot();
    assert_eq!((snapshot.failures, snapshot.age), (0, Some(2 * SECOND)));
    assert_eq!((snapshot.opened, snapshot.failed), (1, 3));
    bench.rejects();
    bench.clock.advance(OPEN_FOR);
    bench.admit().record(Outcome::Success);
    let snapshot = bench.circuit.snapshot();
    assert_eq!((snapshot.rejected, snapshot.generation), (1, 3));
    assert_eq!(snapshot.age, Some(Duration::ZERO));
}

#[test]
fn the_totals_are_exact_in_every_state_and_across_every_transition() {
    for trip in [
        Trip::never(),
        Trip::default(),
        Trip::consecutive_failures(4000),
    ] {
        for enter in [
            Circuit::trip,
            Circuit::half_open,
            Circuit::close,
            Circuit::isolate,
            Circuit::disable,
            Circuit::observe_only,
            Circuit::reset,
        ] as [fn(&Circuit); 7]
        {
            let bench = Bench::with(|builder| builder.trip(trip));
            for failed in 0..14 {
                assert_eq!(bench.circuit.snapshot().failed, failed);
                bench.admit().record(Outcome::Failure);
                bench.succeed(u32::from(failed == 9));
            }
            drop(bench.admit());
            bench.admit().record(Outcome::Ignored);
            let straggler = bench.admit();
            enter(&bench.circuit);
            straggler.record(Outcome::Failure);
            let snapshot = bench.circuit.snapshot();
            assert_eq!(
                (snapshot.failed, snapshot.cancelled, snapshot.ignored),
                (15, 1, 1)
            );
        }
    }
}

#[test]
fn the_totals_are_exact_whoever_else_records() {
    let bench = Bench::with(|builder| builder.trip(Trip::consecutive_failures(50)));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let circuit = &bench.circuit;
            scope.spawn(move || {
                for call in 0..5_000 {
                    if thread == 0 && call % 100 == 0 {
                        circuit.close();
                    }
                    match circuit.try_acquire() {
                        Ok(permit) if call % 5 == 4 => drop(permit),
                        Ok(permit) if call % 5 == 3 => permit.record(Outcome::Ignored),
                        Ok(permit) => permit.record(Outcome::Failure),
                        Err(_) => {}
                    }
                }
            });
        }
    });
    let snapshot = bench.circuit.snapshot();
    let [failed, cancelled, ignored, rejected] = [
        snapshot.failed,
        snapshot.cancelled,
        snapshot.ignored,
        snapshot.rejected,
    ];
    assert_eq!(failed + cancelled + ignored + rejected, 20_000);
}

#[test]
fn a_cancelled_call_that_is_a_failure_is_counted_among_the_cancelled() {
    let bench = Bench::with(|builder| builder.cancelled(Cancelled::Failure));
    for cancelled in 1..=3 {
        drop(bench.admit());
        let snapshot = bench.circuit.snapshot();
        assert_eq!((snapshot.cancelled, snapshot.failed), (cancelled, 0));
    }
    assert_eq!(bench.state(), State::Open);
}

/// However long nobody calls, an open circuit whose wait is over stays due.
#[test]
fn an_open_circuit_that_nobody_calls_for_years_stays_due() {
    let bench = Bench::new();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    for day in 0..1500 {
        let snapshot = bench.circuit.snapshot();
        assert_eq!(
            (snapshot.state, snapshot.retry_after),
            (State::HalfOpen, Some(Duration::ZERO)),
            "on day {day}"
        );
        bench.clock.advance(DAY);
    }
    bench.succeed(1);
    assert_eq!(bench.state(), State::Closed);
}

/// A process that runs for years has circuits that tripped long ago.
#[test]
fn the_age_of_a_state_is_true_for_years() {
    let bench = Bench::new();
    bench.circuit.close();
    for days in 0..1500 {
        assert_eq!(bench.circuit.snapshot().age, Some(days * DAY));
        bench.clock.advance(DAY);
    }
}

#[test]
fn the_total_of_slow_calls_outlives_a_transition_and_a_change_of_settings() {
    use breaker_layer::{Config, Outcome};
    let config = Config::new().slow_after(SECOND);
    let bench = Bench::with(|builder| builder.config(config));
    let slow = || bench.circuit.snapshot().slow;
    assert_eq!(slow(), Some(0));
    let straggler = bench.admit();
    bench.admit().record_after(Outcome::Success, 2 * SECOND);
    bench.admit().record_after(Outcome::Ignored, 2 * SECOND);
    bench.admit().record_after(Outcome::Failure, SECOND);
    assert_eq!(slow(), Some(1), "what is ignored counts for nothing");
    bench.circuit.reset();
    straggler.record_after(Outcome::Failure, 2 * SECOND);
    assert_eq!(slow(), Some(2));
    bench.circuit.reconfigure(config.count_calls(true)).unwrap();
    assert_eq!(
        (slow(), bench.circuit.snapshot().admitted),
        (Some(2), Some(0))
    );
    bench.succeed(3);
    assert_eq!(
        (slow(), bench.circuit.snapshot().admitted),
        (Some(2), Some(3))
    );
    bench.circuit.reconfigure(Config::new()).unwrap();
    assert_eq!(slow(), None, "nobody says what slow is");
}

#[test]
fn a_slow_call_is_counted_in_its_total_and_in_its_window_whether_it_fails_or_not() {
    use breaker_layer::{Config, Outcome, Percent, Trip, Window};
    let config = Config::new()
        .slow_after(SECOND)
        .trip(Trip::slow_rate(Percent(90.0), Window::calls(4)).min_calls(4));
    let bench = Bench::with(|builder| builder.config(config));
    bench.admit().record_after(Outcome::Success, 2 * SECOND);
    bench.admit().record_after(Outcome::Failure, 2 * SECOND);
    bench.succeed(2);
    let snapshot = bench.circuit.snapshot();
    let last = snapshot.last_calls.unwrap();
    assert_eq!((snapshot.slow, last.slow_rate()), (Some(2), Some(0.5)));
    assert_eq!(last.failure_rate(), Some(0.25));
}

#[test]
fn the_snapshot_has_the_tally_of_the_probes_while_half_open() {
    use breaker_layer::observe::Tally;
    let bench = Bench::new();
    assert_eq!(bench.circuit.snapshot().probes, None);
    bench.circuit.half_open();
    assert_eq!(bench.circuit.snapshot().probes, Some(Tally::default()));
    let probe = bench.admit();
    let tally = bench.circuit.snapshot().probes.unwrap();
    assert_eq!((tally.live, tally.good, tally.failed), (1, 0, 0));
    drop(probe);
    bench.circuit.close();
    assert_eq!(bench.circuit.snapshot().probes, None);
}

#[test]
fn a_window_that_holds_more_than_new_settings_allow_trips_at_the_next_failure_whatever_it_replaces()
{
    use breaker_layer::{Config, Trip, Window};
    let failures =
        |most, calls| Config::new().trip(Trip::failures(most, Window::calls(calls)).min_calls(2));
    for calls in [4, 2] {
        let bench = Bench::with(|builder| builder.config(failures(3, 4)));
        for _ in 0..4 {
            bench.fail(1);
            bench.succeed(1);
        }
        let stricter = failures(1, calls).open_time(OpenTime::fixed(SECOND));
        bench.circuit.reconfigure(stricter).unwrap();
        assert_eq!(bench.state(), State::Closed);
        bench.fail(1);
        assert_eq!(bench.state(), State::Open, "{calls} calls");
    }
}

#[test]
fn a_ramp_that_is_taken_away_while_it_lasts_is_over_for_good() {
    let trips = [
        Trip::consecutive_failures(THRESHOLD),
        Trip::default(),
        Trip::failures(3, Window::calls(4)),
    ];
    for trip in trips {
        let plain = Config::new().trip(trip).probes(Probes::new(1));
        let ramp = plain.ramp(Ramp::new(1, 100));
        let bench = Bench::with(|builder| builder.config(ramp));
        bench.circuit.trip();
        bench.clock.advance(DAY);
        bench.succeed(1);
        assert_eq!(bench.state(), State::Closed);
        bench.circuit.reconfigure(plain).unwrap();
        bench.succeed(10);
        bench.circuit.reconfigure(ramp).unwrap();
        bench.succeed(10);
    }
}
