//! What the peers say, while calls go on.

use super::*;
use crate::fleet::{Credit, Level, Votes};

/// That of one peer, which is worth two failures.
fn credit() -> Credit {
    let mut votes = Votes::default();
    votes.add(Level::MOST, false);
    votes.credit()
}

/// Trips at the fourth failure in a row, and has had the first.
fn after_a_failure() -> Bench {
    let bench = Bench::with(|builder| builder.trip(Trip::consecutive_failures(4)));
    bench.record(Outcome::Failure);
    bench
}

#[test]
fn a_credit_counts_at_the_failure_that_races_it_or_at_the_next() {
    check(|| {
        let bench = after_a_failure();
        let (told, permit) = (bench.clone(), bench.admit());
        let (a, b) = together!(
            move || told.circuit.credit(0, credit(), SECOND),
            move || { permit.record(Outcome::Failure) },
        );
        a.join().unwrap();
        b.join().unwrap();
        if bench.state() == State::Closed {
            bench.record(Outcome::Failure);
        }
        let told = bench.settled();
        assert_eq!(bench.state(), State::Open);
        assert_eq!(told[0].reason().kind(), "peers");
    });
}

#[test]
fn no_credit_opens_a_circuit_whose_calls_are_good() {
    check(|| {
        let bench = after_a_failure();
        let (told, permit) = (bench.clone(), bench.admit());
        let (a, b) = together!(
            move || told.circuit.credit(0, credit(), SECOND),
            move || { permit.record(Outcome::Success) },
        );
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.state(), State::Closed);
        assert!(bench.settled().is_empty());
    });
}

#[test]
fn a_circuit_that_comes_due_while_it_is_called_has_one_probe() {
    check(|| {
        let bench = Bench::new();
        bench.record(Outcome::Failure);
        bench.record(Outcome::Failure);
        let (told, one) = (bench.clone(), bench.clone());
        let (a, b) = together!(
            move || told.circuit.come_due(1, Duration::ZERO),
            move || one.probe(1),
        );
        a.join().unwrap();
        let held = [b.join().unwrap(), bench.circuit.try_acquire().ok()];
        assert_eq!(held.iter().flatten().count(), 1);
        assert_eq!(bench.state(), State::HalfOpen);
        bench.settled();
    });
}

#[test]
fn a_probe_that_is_put_off_while_it_is_due_is_one_or_none() {
    check(|| {
        let bench = Bench::new();
        bench.record(Outcome::Failure);
        bench.record(Outcome::Failure);
        time::advance(OPEN_FOR);
        let (told, one) = (bench.clone(), bench.clone());
        let (a, b) = together!(move || told.circuit.put_off(1, SECOND), move || one
            .probe(1),);
        a.join().unwrap();
        let held = [b.join().unwrap(), bench.circuit.try_acquire().ok()];
        let is_due = held.iter().flatten().count() == 1;
        let state = if is_due { State::HalfOpen } else { State::Open };
        assert_eq!(bench.state(), state);
        bench.settled();
    });
}
