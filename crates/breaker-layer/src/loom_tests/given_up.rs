//! Calls that are given up: none is lost, and none is carried over into the next state.

use breaker_core::{Cancelled, Reason};

use super::*;

/// Trips at the first failure; from so many calls in a row on, those that are given up are failures.
fn bench(after: u16) -> Bench {
    Bench::with(|builder| {
        builder
            .trip(Trip::consecutive_failures(1))
            .cancelled(Cancelled::FailureAfter(after))
    })
}

fn give_up(bench: &Bench) {
    drop(bench.admit());
}

#[test]
fn of_calls_that_are_given_up_at_once_each_counts() {
    check_within(3, || {
        let bench = bench(2);
        give_up(&bench);
        let (one, two) = (bench.admit(), bench.admit());
        let (a, b) = together!(move || drop(one), move || drop(two));
        a.join().unwrap();
        b.join().unwrap();
        let told = bench.settled();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].reason(), Reason::GivenUp { calls: 3 });
    });
}

#[test]
fn a_call_that_is_given_up_as_another_is_answered_comes_before_it_or_after_it() {
    for outcome in [Outcome::Success, Outcome::Ignored] {
        check_within(3, move || {
            let bench = bench(1);
            let (one, two) = (bench.admit(), bench.admit());
            give_up(&bench);
            let (a, b) = together!(move || drop(one), move || two.record(outcome));
            a.join().unwrap();
            b.join().unwrap();
            if bench.state() == State::Closed {
                // It came after the answer, as the first of a row.
                assert_eq!(bench.settled().len(), 0);
                give_up(&bench);
            }
            assert_eq!(bench.state(), State::Open);
            assert_eq!(bench.settled()[0].reason(), Reason::GivenUp { calls: 2 });
        });
    }
}

#[test]
fn an_answer_that_saw_no_call_given_up_does_not_keep_those_from_counting_that_come_after_it() {
    check(|| {
        let bench = bench(2);
        let (one, two, three) = (bench.admit(), bench.admit(), bench.admit());
        let (a, b) = together!(
            move || {
                drop(one);
                drop(two);
            },
            move || three.record(Outcome::Success)
        );
        a.join().unwrap();
        b.join().unwrap();
        // It came before, between or after them.
        let more = (1..=3).find(|_| {
            give_up(&bench);
            bench.state() == State::Open
        });
        assert!(more.is_some());
    });
}

#[test]
fn what_was_given_up_before_a_transition_does_not_count_after_it() {
    check_within(3, || {
        let bench = bench(1);
        let straggler = bench.admit();
        give_up(&bench);
        let operator = bench.clone();
        let (a, b) = together!(move || drop(straggler), move || {
            operator.circuit.close();
            give_up(&operator);
        });
        a.join().unwrap();
        b.join().unwrap();
        // The straggler came first and tripped the circuit, or it came late. Since then one was given up.
        let told = bench.settled();
        assert!(told.len() <= 2, "{told:#?}");
        assert_eq!(bench.state(), State::Closed);
        give_up(&bench);
        assert_eq!(bench.state(), State::Open);
        let reason = bench.settled().last().unwrap().reason();
        assert_eq!(reason, Reason::GivenUp { calls: 2 });
    });
}

#[test]
fn two_probes_that_are_given_up_at_once_open_it_once() {
    check_within(3, || {
        let bench = Bench::with(|builder| {
            builder
                .probes(Probes::new(2).timeout(PROBE_TIMEOUT))
                .cancelled(Cancelled::FailureAfter(1))
        });
        bench.circuit.half_open();
        let (one, two) = (bench.admit(), bench.admit());
        let (a, b) = together!(move || drop(one), move || drop(two));
        a.join().unwrap();
        b.join().unwrap();
        let told = bench.settled();
        assert_eq!(told.len(), 2);
        assert_eq!(told[1].reason(), Reason::GivenUp { calls: 2 });
    });
}

#[test]
fn of_ten_ignored_probes_the_last_two_close_it_once() {
    check_within(3, || {
        let bench = Bench::with(|builder| builder.probes(Probes::new(2).timeout(PROBE_TIMEOUT)));
        bench.circuit.half_open();
        for _ in 0..8 {
            bench.record(Outcome::Ignored);
        }
        let (one, two) = (bench.admit(), bench.admit());
        let (a, b) = together!(move || one.record(Outcome::Ignored), move || two
            .record(Outcome::Ignored));
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.settled().len(), 2);
        assert_eq!(bench.state(), State::Closed);
    });
}
