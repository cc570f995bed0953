//! The hooks for a fleet: what was decided for one state does nothing to the next.

use std::time::Duration;

use breaker_layer::{
    Circuit, OpenTime, Outcome, Probes, State, Trip,
    clock::ManualClock,
    fleet::{Credit, Level, Votes},
};

const SECOND: Duration = Duration::from_secs(1);

fn credit() -> Credit {
    let mut votes = Votes::default();
    (0..9).for_each(|_| votes.add(Level::MOST, false));
    votes.credit()
}

fn fail(circuit: &Circuit) {
    circuit.try_acquire().unwrap().record(Outcome::Failure);
}

/// Open for 9 s after two failures in a row.
fn open() -> (ManualClock, Circuit) {
    let clock = ManualClock::new();
    let circuit = Circuit::builder("pay")
        .trip(Trip::consecutive_failures(2))
        .open_time(OpenTime::fixed(SECOND * 9))
        .probes(Probes::new(1))
        .clock(clock.clock())
        .build()
        .unwrap();
    fail(&circuit);
    clock.advance(SECOND);
    fail(&circuit);
    (clock, circuit)
}

#[test]
fn what_was_decided_for_one_open_period_does_nothing_to_the_next() {
    let (clock, circuit) = open();
    let old = circuit.vote().generation;
    clock.advance(SECOND * 9);
    // Its probe fails.
    fail(&circuit);
    assert_eq!(circuit.state(), State::Open);
    circuit.come_due(old, Duration::ZERO);
    assert_eq!(circuit.state(), State::Open);
    clock.advance(SECOND * 9);
    circuit.put_off(old, SECOND * 60);
    assert_eq!(circuit.state(), State::HalfOpen);
    circuit.put_off(circuit.vote().generation, SECOND * 5);
    assert_eq!(circuit.state(), State::Open);
    circuit.come_due(circuit.vote().generation, Duration::ZERO);
    assert_eq!(circuit.state(), State::HalfOpen);
}

#[test]
fn a_credit_for_another_state_does_not_count() {
    let (_clock, circuit) = open();
    let old = circuit.vote().generation;
    circuit.reset();
    circuit.credit(old, credit(), SECOND * 3);
    fail(&circuit);
    assert_eq!(circuit.state(), State::Closed);
    circuit.credit(circuit.vote().generation, credit(), SECOND * 3);
    fail(&circuit);
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn only_a_closed_circuit_of_that_generation_follows() {
    let (_clock, circuit) = open();
    circuit.follow(circuit.vote().generation, "most are open");
    assert_eq!(circuit.state(), State::Open);
    let old = circuit.vote().generation;
    circuit.reset();
    circuit.follow(old, "most are open");
    assert_eq!(circuit.state(), State::Closed);
    circuit.isolate();
    circuit.follow(circuit.vote().generation, "most are open");
    assert_eq!(circuit.state(), State::Isolated);
    circuit.reset();
    circuit.follow(circuit.vote().generation, "most are open");
    assert_eq!(circuit.state(), State::HalfOpen);
    assert_eq!(circuit.snapshot().note.as_deref(), Some("most are open"));
}

#[test]
fn a_vote_says_whether_the_circuit_tripped_by_itself() {
    let (clock, circuit) = open();
    assert!(circuit.vote().has_tripped);
    clock.advance(SECOND * 9);
    circuit.try_acquire().unwrap().record(Outcome::Success);
    assert_eq!(circuit.state(), State::Closed);
    assert!(circuit.vote().has_tripped);
    let (_clock, circuit) = open();
    circuit.close();
    assert!(!circuit.vote().has_tripped);
}
