//! The last handle goes while permits are still out, and the slot gets another tenant.

use breaker_core::{Ramp, Window};

use super::*;
use crate::{Observe, Snapshot, observe::EndedEvent};

/// What a circuit told, one after the other: a transition, or its end and how many calls had failed.
#[derive(Clone, Default)]
struct Story(Arc<Mutex<Vec<Option<u64>>>>);

impl Observe for Story {
    fn transition(&self, _: &TransitionEvent<'_>) {
        // The other thread may go on in the meantime.
        loom::thread::yield_now();
        self.0.lock().unwrap().push(None);
    }

    fn ended(&self, event: &EndedEvent<'_>) {
        self.0.lock().unwrap().push(Some(event.last().failed));
    }
}

#[test]
fn a_permit_may_be_recorded_as_the_last_handle_goes() {
    check_within(3, || {
        let story = Story::default();
        let bench = Bench::with(|builder| builder.observe(story.clone()));
        bench.record(Outcome::Failure);
        let permit = bench.admit();
        let (a, b) = together!(move || permit.record(Outcome::Failure), move || drop(bench),);
        a.join().unwrap();
        b.join().unwrap();
        // It tripped the circuit before that was gone; or it came late.
        let told = story.0.lock().unwrap().clone();
        assert!(
            [vec![None, Some(2)], vec![Some(1)]].contains(&told),
            "{told:?}"
        );
    });
}

#[test]
fn failures_on_their_way_to_the_total_are_there_when_the_circuit_ends() {
    check_within(2, || {
        let story = Story::default();
        let bench = Bench::with(|builder| {
            let builder = builder.observe(story.clone());
            builder.trip(Trip::consecutive_failures(100))
        });
        // As many as the word holds.
        (0..15).for_each(|_| bench.record(Outcome::Failure));
        let permit = bench.admit();
        let (a, b) = together!(move || permit.record(Outcome::Failure), move || drop(bench),);
        a.join().unwrap();
        b.join().unwrap();
        let told = story.0.lock().unwrap().clone();
        assert!([vec![Some(15)], vec![Some(16)]].contains(&told), "{told:?}");
    });
}

#[test]
fn two_handles_go_at_once_and_the_slot_is_vacated_once() {
    check(|| {
        let bench = Bench::new();
        let (one, two) = (bench.circuit.clone(), bench.circuit.clone());
        let log = bench.log.clone();
        drop(bench);
        let (a, b) = together!(move || drop(one), move || drop(two));
        a.join().unwrap();
        b.join().unwrap();
        // The circuit has let go of its observer.
        assert_eq!(Arc::strong_count(&log), 1);
        // Two tenants in one slot would see each other.
        let (first, second) = (Bench::new(), Bench::new());
        first.circuit.trip();
        assert_eq!(second.state(), State::Closed);
    });
}

/// Drops the circuit and builds another in its slot, while a permit of the first one is recorded as a failure.
fn succession(
    change: fn(CircuitBuilder) -> CircuitBuilder,
    then: fn(CircuitBuilder) -> CircuitBuilder,
    check: fn(&Snapshot),
) {
    succession_while(
        |permit| permit.record(Outcome::Failure),
        change,
        then,
        check,
    );
}

/// As [`succession`], while its permit ends so.
fn succession_while(
    end: fn(Permit),
    change: fn(CircuitBuilder) -> CircuitBuilder,
    then: fn(CircuitBuilder) -> CircuitBuilder,
    check: fn(&Snapshot),
) {
    check_within(2, move || {
        let bench = Bench::with(change);
        let permit = bench.admit();
        let (a, b) = together!(move || end(permit), move || {
            drop(bench);
            Bench::with(then)
        });
        a.join().unwrap();
        let next = b.join().unwrap();
        assert!(next.settled().is_empty());
        check(&next.circuit.snapshot());
    });
}

fn is_untouched(snapshot: &Snapshot) {
    assert_eq!(snapshot.state, State::Closed);
    assert_eq!((snapshot.failures, snapshot.cancelled), (0, 0));
    assert!(snapshot.last_calls.is_none_or(|totals| totals.calls == 0));
    assert!(snapshot.admitted.is_none_or(|admitted| admitted == 0));
    assert_eq!(snapshot.last_trip, None);
}

#[test]
fn a_straggler_changes_nothing_in_the_circuit_that_moves_into_its_slot() {
    succession(|builder| builder, |builder| builder, is_untouched);
}

#[test]
fn a_straggler_that_would_trip_its_circuit_does_not_trip_the_next() {
    let once = |builder: CircuitBuilder| builder.trip(Trip::consecutive_failures(1));
    succession(once, once, is_untouched);
}

#[test]
fn a_straggler_is_not_counted_in_the_window_of_the_next_circuit() {
    succession(
        |builder| builder.trip(Trip::failures(1, Window::calls(1))),
        // As many cells, used for something else.
        |builder| builder.count_calls(true).ramp(Ramp::new(1, 2)),
        is_untouched,
    );
}

#[test]
fn a_call_that_is_cancelled_as_its_circuit_goes_is_not_one_of_the_next() {
    succession_while(drop, |builder| builder, |builder| builder, is_untouched);
}

#[test]
fn a_straggler_is_not_counted_as_a_call_of_the_next_circuit() {
    succession(
        |builder| builder,
        |builder| builder,
        |snapshot| assert_eq!(snapshot.failed, 0),
    );
}

#[test]
fn a_straggler_that_succeeds_is_not_one_of_the_next_circuits_successes() {
    let counting = |builder: CircuitBuilder| builder.count_calls(true);
    succession_while(
        |permit| permit.record(Outcome::Success),
        counting,
        counting,
        |snapshot| assert_eq!(snapshot.succeeded, Some(0)),
    );
}
