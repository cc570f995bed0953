//! C9: manual states stick, observe-only rejects nothing, and a command only enters a state.

mod support;

use breaker_layer::{BreakerLayer, Circuit, Outcome, Probes, Refusal, State, observe::Reason};
use support::{Answer, Bench, DAY, Downstream, OPEN_FOR, PROBE_TIMEOUT, SECOND, THRESHOLD, call};
use tower::Layer;

/// A command of the operator's.
type Command = fn(&Circuit);

#[test]
fn isolated_stays_isolated_until_the_operator_says_otherwise() {
    let bench = Bench::new();
    let straggler = bench.admit();
    bench.circuit.isolate();
    let generation = bench.generation();
    straggler.record(Outcome::Success);
    for _ in 0..3 {
        bench.clock.advance(300 * DAY);
        let rejected = bench.circuit.try_acquire().unwrap_err();
        assert_eq!(rejected.refusal(), Refusal::Isolated { retry_after: None });
        assert_eq!(rejected.retry_after(), None);
        assert_eq!(bench.circuit.snapshot().retry_after, None);
        assert_eq!(bench.state(), State::Isolated);
    }
    assert_eq!(bench.generation(), generation);
}

#[test]
fn an_isolation_with_an_end_tells_it_to_everybody_and_is_followed_by_probes() {
    let bench = Bench::new();
    let straggler = bench.admit();
    bench.circuit.observe_only();
    bench.circuit.because("they move").isolate_for(30 * SECOND);
    let isolated = bench.log.last();
    assert_eq!(
        isolated.to_string(),
        "closed -> isolated, operator, for 30s"
    );
    straggler.record(Outcome::Failure);
    bench.clock.advance(20 * SECOND);

    let rejected = bench.circuit.try_acquire().unwrap_err();
    let left = Some(10 * SECOND);
    assert_eq!(rejected.refusal(), Refusal::Isolated { retry_after: left });
    assert_eq!(rejected.retry_after(), left);
    assert_eq!(
        rejected.to_string(),
        format!(
            "circuit {:?} is isolated, retry after 10s",
            bench.circuit.name()
        )
    );
    let snapshot = bench.circuit.snapshot();
    assert_eq!(
        (snapshot.state, snapshot.retry_after),
        (State::Isolated, left)
    );
    assert_eq!((snapshot.rejected, snapshot.opened), (1, 0));
    let line = snapshot.to_string();
    assert!(
        line.contains("by the operator, because they move, retry after 10s;"),
        "{line}"
    );
    assert!(!bench.circuit.is_ready() && !bench.circuit.is_observe_only());

    bench.clock.advance(10 * SECOND);
    assert_eq!(bench.state(), State::HalfOpen);
    assert!(bench.circuit.is_ready());
    assert_eq!(bench.generation(), isolated.generation());
    let _probe = bench.admit();
    let probing = bench.log.last();
    assert_eq!(
        (probing.from(), probing.to()),
        (State::Isolated, State::HalfOpen)
    );
    assert_eq!(probing.generation(), isolated.generation() + 1);
    assert_eq!(bench.circuit.snapshot().note, None, "the command is over");
}

#[test]
fn every_command_ends_an_isolation_with_an_end_and_its_time_then_changes_nothing() {
    let commands: [(Command, State); 3] = [
        (Circuit::isolate, State::Isolated),
        (Circuit::disable, State::Disabled),
        (Circuit::reset, State::Closed),
    ];
    for (command, state) in commands {
        let bench = Bench::new();
        bench.circuit.isolate_for(30 * SECOND);
        command(&bench.circuit);
        bench.clock.advance(DAY);
        assert_eq!(bench.state(), state);
    }
}

#[test]
fn disabled_stays_disabled_whatever_fails() {
    let bench = Bench::new();
    bench.circuit.disable();
    let generation = bench.generation();
    bench.fail(10 * THRESHOLD);
    bench.clock.advance(300 * DAY);
    drop(bench.admit());
    assert_eq!(bench.state(), State::Disabled);
    assert_eq!(bench.generation(), generation);
    assert_eq!(bench.circuit.snapshot().failed, u64::from(10 * THRESHOLD));
}

#[test]
fn every_command_ends_a_manual_state() {
    let commands: [(Command, State); 7] = [
        (Circuit::trip, State::Open),
        (Circuit::half_open, State::HalfOpen),
        (Circuit::close, State::Closed),
        (Circuit::isolate, State::Isolated),
        (Circuit::disable, State::Disabled),
        (Circuit::observe_only, State::Closed),
        (Circuit::reset, State::Closed),
    ];
    for (before, _) in commands {
        for (command, state) in commands {
            let bench = Bench::new();
            before(&bench.circuit);
            command(&bench.circuit);
            assert_eq!(bench.state(), state);
            assert_eq!(bench.log.last().reason(), Reason::Operator);
        }
    }
}

#[test]
fn isolating_twice_is_one_transition() {
    let bench = Bench::new();
    bench.circuit.isolate();
    bench.circuit.isolate();
    bench.circuit.disable();
    bench.circuit.disable();
    assert_eq!(bench.log.states(), [State::Isolated, State::Disabled]);
    assert_eq!(bench.generation(), 2);
}

#[test]
fn observe_only_runs_the_whole_machine_and_rejects_nothing() {
    let bench = Bench::new();
    bench.circuit.observe_only();
    bench.fail(THRESHOLD);
    assert_eq!(bench.state(), State::Open);
    bench.fail(5);
    assert_eq!(bench.circuit.snapshot().retry_after, Some(OPEN_FOR));

    bench.clock.advance(OPEN_FOR);
    let probe = bench.admit();
    assert_eq!(bench.state(), State::HalfOpen);
    bench.fail(5);
    assert_eq!(bench.state(), State::HalfOpen, "only the probe counts");
    probe.record(Outcome::Failure);
    assert_eq!(bench.state(), State::Open);

    bench.clock.advance(OPEN_FOR);
    let _hung = bench.admit();
    bench.clock.advance(PROBE_TIMEOUT);
    let _passes = bench.admit();
    assert_eq!(bench.state(), State::Open, "the probe timed out");

    bench.clock.advance(OPEN_FOR);
    bench.succeed(1);
    assert_eq!(bench.state(), State::Closed);
    let snapshot = bench.circuit.snapshot();
    assert!(snapshot.observe_only);
    assert_eq!(snapshot.rejected, 0);
    assert_eq!(
        bench.log.states(),
        [
            State::Closed,
            State::Open,
            State::HalfOpen,
            State::Open,
            State::HalfOpen,
            State::Open,
            State::HalfOpen,
            State::Closed
        ]
    );
}

#[test]
fn an_observed_service_is_called_while_its_circuit_would_reject() {
    let bench = Bench::new();
    bench.circuit.observe_only();
    let downstream = Downstream::always(Answer::Fail);
    let mut service = BreakerLayer::new(bench.circuit.clone()).layer(downstream.clone());
    for _ in 0..10 {
        let _ = call(&mut service, 1).unwrap_err();
    }
    assert_eq!(bench.state(), State::Open);
    assert_eq!(downstream.calls(), 10);
}

#[test]
fn entering_a_state_by_hand_goes_on_observing() {
    for command in [Circuit::trip, Circuit::half_open, Circuit::close] as [Command; 3] {
        let bench = Bench::new();
        bench.circuit.observe_only();
        command(&bench.circuit);
        assert!(bench.circuit.snapshot().observe_only);
        let _all: Vec<_> = (0..5).map(|_| bench.admit()).collect();
    }
}

#[test]
fn only_reset_isolate_and_disable_end_observing() {
    for command in [Circuit::reset, Circuit::isolate, Circuit::disable] as [Command; 3] {
        let bench = Bench::new();
        bench.circuit.observe_only();
        command(&bench.circuit);
        assert!(!bench.circuit.snapshot().observe_only);
        bench.circuit.trip();
        assert!(bench.rejects());
    }
}

#[test]
fn a_tripped_circuit_takes_its_ordinary_course() {
    let bench = Bench::new();
    bench.circuit.trip();
    assert!(bench.rejects());
    bench.clock.advance(OPEN_FOR);
    bench.fail(1);
    assert_eq!(bench.state(), State::Open);
    bench.clock.advance(OPEN_FOR);
    bench.succeed(1);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn a_circuit_made_half_open_takes_its_ordinary_course() {
    let bench = Bench::with(|builder| builder.probes(Probes::new(2)));
    bench.circuit.half_open();
    bench.succeed(2);
    assert_eq!(bench.state(), State::Closed);
    bench.circuit.half_open();
    bench.fail(1);
    assert_eq!(bench.state(), State::Open);
    bench.circuit.half_open();
    bench.clock.advance(PROBE_TIMEOUT);
    assert_eq!(bench.state(), State::HalfOpen, "no probe came");
    let _hung = bench.admit();
    bench.clock.advance(PROBE_TIMEOUT);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn a_circuit_closed_by_hand_starts_with_nothing_against_it_and_trips_as_usual() {
    let bench = Bench::new();
    bench.fail(THRESHOLD - 1);
    bench.circuit.close();
    bench.fail(THRESHOLD - 1);
    assert_eq!(bench.state(), State::Closed);
    bench.fail(1);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn reset_starts_afresh_from_every_state() {
    let states: [Command; 7] = [
        |_| {},
        Circuit::trip,
        Circuit::half_open,
        Circuit::close,
        Circuit::isolate,
        Circuit::disable,
        Circuit::observe_only,
    ];
    for enter in states {
        let bench = Bench::new();
        bench.fail(THRESHOLD - 1);
        enter(&bench.circuit);
        bench.circuit.reset();
        let snapshot = bench.circuit.snapshot();
        assert_eq!(
            (snapshot.state, snapshot.failures, snapshot.observe_only),
            (State::Closed, 0, false)
        );
        bench.open();
        assert!(bench.rejects());
    }
}
