//! A circuit is taken away from its key while calls still look at it.
//!
//! What is taken away was looked at before the threads begin: loom does not put a compare-and-swap that follows a load of
//! its own thread before earlier loads of another one, and so would not try the orders that matter.

use std::sync::atomic::AtomicBool;

use breaker_core::machine::Fate;

use super::*;
use crate::slot::Tenancy;

const FAILURE: Fate = Fate::Recorded(Outcome::Failure);

/// Trips at the first failure.
fn bench() -> Bench {
    Bench::with(|builder| builder.trip(Trip::consecutive_failures(1)))
}

#[test]
fn a_circuit_is_taken_away_or_trips_and_never_both() {
    check(|| {
        let bench = bench();
        let (slot, permit) = (bench.circuit.slot(), bench.admit());
        let (first, seen) = (slot.settings().first(), slot.word());
        let (a, b) = together!(move || permit.settle(FAILURE, None), move || slot
            .vacate(seen));
        let (is_counted, is_taken) = (a.join().unwrap(), b.join().unwrap());
        assert_ne!(is_counted, is_taken);
        assert_eq!(Tenancy::since(slot, first).is_over(), is_taken);
        let told = bench.log.lock().unwrap().len();
        assert_eq!(told, usize::from(is_counted));
    });
}

#[test]
fn a_call_that_finds_its_circuit_gone_can_tell_whoever_has_the_slot_now() {
    check_within(2, || {
        let bench = bench();
        let (slot, permit) = (bench.circuit.slot(), bench.admit());
        let (first, seen) = (slot.settings().first(), slot.word());
        let (a, b) = together!(
            move || {
                let is_counted = permit.settle(FAILURE, None);
                assert!(is_counted || Tenancy::since(slot, first).is_over());
                is_counted
            },
            move || {
                let is_taken = slot.vacate(seen);
                drop(bench);
                (is_taken, super::Bench::new())
            },
        );
        let (is_counted, (is_taken, next)) = (a.join().unwrap(), b.join().unwrap());
        assert!(!(is_counted && is_taken));
        assert!(next.settled().is_empty());
        assert_eq!(next.circuit.snapshot().failures, 0);
    });
}

#[test]
fn whoever_asks_a_circuit_that_goes_gets_a_permit_of_it_or_one_that_counts_for_nothing() {
    static HAS_BEEN_LATE: AtomicBool = AtomicBool::new(false);
    check(|| {
        let bench = bench();
        let (slot, circuit) = (bench.circuit.slot(), bench.circuit.clone());
        let seen = slot.word();
        let (a, b) = together!(
            move || {
                let permit = circuit.try_acquire().expect("it is closed, or gone");
                let is_late = !permit.is_counted() && permit.slot().word().is_vacant();
                let is_counted = permit.settle(FAILURE, None);
                HAS_BEEN_LATE.fetch_or(is_late, SeqCst);
                // An uncounted one is not a straggler: nothing more becomes of it.
                assert!(!is_late || is_counted);
                is_counted && !is_late
            },
            move || slot.vacate(seen),
        );
        let (is_counted, is_taken) = (a.join().unwrap(), b.join().unwrap());
        assert_ne!(is_counted, is_taken);
        assert_eq!(bench.log.lock().unwrap().len(), usize::from(is_counted));
    });
    assert!(HAS_BEEN_LATE.load(SeqCst), "loom tried no such order");
}

#[test]
fn a_circuit_that_is_taken_away_as_soon_as_it_closed_has_told_of_it() {
    check(|| {
        let bench = bench();
        bench.open_and_wait();
        let (slot, probe) = (bench.circuit.slot(), bench.admit());
        let (a, b) = together!(move || probe.record(Outcome::Success), move || {
            let seen = slot.word();
            let has_entered = slot.in_state_for(seen.generation(), slot.now()).is_some();
            let is_taken = seen.is_closed() && has_entered && slot.vacate_told(seen);
            if is_taken {
                slot.clear(seen);
            }
        });
        join([a, b]);
        let told = bench.log.lock().unwrap().clone();
        let states: Vec<_> = told.iter().map(Transition::to).collect();
        assert_eq!(states, [State::Open, State::HalfOpen, State::Closed]);
    });
}

#[test]
fn a_circuit_that_is_taken_away_after_others_made_it_close_again_has_told_of_all() {
    check_within(2, || {
        let bench = bench();
        bench.open_and_wait();
        let (slot, probe, other) = (bench.circuit.slot(), bench.admit(), bench.circuit.clone());
        let (a, b) = together!(move || probe.record(Outcome::Success), move || {
            if slot.word().is_closed() {
                other.trip();
                other.close();
            }
            let seen = slot.word();
            if seen.is_closed() && slot.vacate_told(seen) {
                slot.clear(seen);
            }
        });
        join([a, b]);
        let told = bench.log.lock().unwrap().clone();
        let count = |to| told.iter().filter(|one| one.to() == to).count();
        assert_eq!(count(State::HalfOpen), 1);
        assert_eq!(count(State::Open), count(State::Closed), "{told:#?}");
    });
}

#[test]
fn a_call_of_a_circuit_that_had_long_closed_can_tell_so_although_it_is_taken_away_just_then() {
    check(|| {
        let bench = bench();
        bench.open_and_wait();
        bench.circuit.close();
        time::advance(SECOND);
        let (slot, circuit) = (bench.circuit.slot(), bench.circuit.clone());
        let seen = slot.word();
        let (a, b) = together!(
            move || {
                let permit = circuit.try_acquire().expect("it is closed, or gone");
                let is_late = !permit.is_counted() && permit.slot().word().is_vacant();
                let in_state_for = slot.in_state_for(permit.generation(), slot.now());
                let is_counted = permit.settle(FAILURE, None);
                // Its failure counts here, or it is known that it may count for the next circuit.
                assert!(is_late || is_counted || in_state_for == Some(SECOND));
                is_counted && !is_late
            },
            move || slot.vacate(seen),
        );
        let (is_counted, is_taken) = (a.join().unwrap(), b.join().unwrap());
        assert_ne!(is_counted, is_taken);
    });
}

#[test]
fn a_call_that_finds_its_circuit_gone_is_not_counted_there() {
    check(|| {
        let bench = Bench::with(|builder| builder.count_calls(true));
        let (slot, circuit) = (bench.circuit.slot(), bench.circuit.clone());
        let seen = slot.word();
        let (a, b) = together!(
            move || {
                let permit = circuit.try_acquire().expect("it is closed, or gone");
                let is_late = !permit.is_counted() && slot.was_vacant(permit.generation());
                permit.discard();
                is_late
            },
            move || slot.vacate(seen),
        );
        let is_late = a.join().unwrap();
        b.join().unwrap();
        let admitted = bench.circuit.snapshot().admitted;
        assert_eq!(admitted, Some(u64::from(!is_late)));
    });
}
