//! A circuit is ended in its table while calls still look at it.

use std::sync::atomic::AtomicBool;

use breaker_core::Ending;

use super::*;
use crate::{circuit::CallDetails, storage::Slot};

const FAILURE: Ending = Ending::Recorded(Outcome::Failure);

/// Trips at the first failure. A table's calls share one handle.
fn bench() -> Arc<Bench> {
    Arc::new(Bench::with(|builder| {
        builder.trip(Trip::consecutive_failures(1))
    }))
}

fn version(slot: &Slot) -> u64 {
    slot.read(|state| state.version).expect("it is there")
}

/// Ends the circuit if it still is in this version, and says whether it did.
fn end(slot: &'static Slot, version: u64) -> bool {
    let ended = slot.end_if(|state| state.version == version);
    ended.inspect(|ended| ended.tell()).is_some()
}

#[test]
fn a_circuit_is_ended_or_trips_and_never_both() {
    check(|| {
        let bench = bench();
        let (slot, permit) = (bench.circuit.slot(), bench.admit());
        let (weak, seen) = (bench.circuit.downgrade(), version(slot));
        let (a, b) = together!(
            move || permit.settle(FAILURE, CallDetails::NOTHING),
            move || end(slot, seen)
        );
        let (is_counted, is_ended) = (a.join().unwrap(), b.join().unwrap());
        assert_ne!(is_counted, is_ended);
        assert_eq!(weak.is_over(), is_ended);
        let told = bench.log.lock().unwrap().len();
        assert_eq!(told, usize::from(is_counted));
    });
}

#[test]
fn a_call_that_finds_its_circuit_gone_can_tell_whoever_has_the_slot_now() {
    check_within(2, || {
        let bench = bench();
        let (slot, permit) = (bench.circuit.slot(), bench.admit());
        let (weak, seen) = (bench.circuit.downgrade(), version(slot));
        let (a, b) = together!(
            move || {
                let is_counted = permit.settle(FAILURE, CallDetails::NOTHING);
                assert!(is_counted || weak.is_over());
                is_counted
            },
            move || {
                let is_ended = end(slot, seen);
                drop(bench);
                (is_ended, super::Bench::new())
            },
        );
        let (is_counted, (is_ended, next)) = (a.join().unwrap(), b.join().unwrap());
        assert!(!(is_counted && is_ended));
        assert!(next.settled().is_empty());
        assert_eq!(next.circuit.snapshot().failures, 0);
    });
}

#[test]
fn whoever_asks_a_circuit_that_goes_gets_a_permit_of_it_or_a_void_one() {
    static HAS_BEEN_LATE: AtomicBool = AtomicBool::new(false);
    check(|| {
        let bench = bench();
        let (slot, caller) = (bench.circuit.slot(), bench.clone());
        let seen = version(slot);
        let (a, b) = together!(
            move || {
                let permit = caller.circuit.try_acquire().expect("it is closed, or gone");
                let is_late = permit.is_void();
                HAS_BEEN_LATE.fetch_or(is_late, SeqCst);
                let is_counted = permit.settle(FAILURE, CallDetails::NOTHING);
                assert!(!(is_late && is_counted));
                is_counted
            },
            move || end(slot, seen),
        );
        let (is_counted, is_ended) = (a.join().unwrap(), b.join().unwrap());
        assert_ne!(is_counted, is_ended);
        assert_eq!(bench.log.lock().unwrap().len(), usize::from(is_counted));
    });
    assert!(HAS_BEEN_LATE.load(SeqCst), "loom tried no such order");
}

#[test]
fn a_circuit_that_is_ended_as_soon_as_it_closed_has_told_of_it() {
    check(|| {
        let bench = bench();
        bench.open_and_wait();
        let (slot, probe) = (bench.circuit.slot(), bench.admit());
        let (a, b) = together!(move || probe.record(Outcome::Success), move || {
            let is_closed = |state: &crate::storage::CircuitState| state.breaker.passes();
            let ended = slot.end_if(is_closed);
            ended.inspect(|ended| ended.tell());
        });
        join([a, b]);
        let told = bench.log.lock().unwrap().clone();
        let states: Vec<_> = told.iter().map(Transition::to).collect();
        assert_eq!(states, [State::Open, State::HalfOpen, State::Closed]);
    });
}

#[test]
fn a_call_that_finds_its_circuit_gone_is_not_counted_there() {
    check(|| {
        let ended = Arc::new(Mutex::new(None));
        let told = ended.clone();
        let bench = Arc::new(Bench::with(|builder| {
            builder.count_calls(true).observe(Ends(told))
        }));
        let (slot, caller) = (bench.circuit.slot(), bench.clone());
        let seen = version(slot);
        let (a, b) = together!(
            move || {
                let permit = caller.circuit.try_acquire().expect("it is closed, or gone");
                let is_late = permit.is_void();
                permit.discard();
                is_late
            },
            move || end(slot, seen),
        );
        let (is_late, is_ended) = (a.join().unwrap(), b.join().unwrap());
        let admitted = match is_ended {
            true => *ended.lock().unwrap(),
            false => bench.circuit.snapshot().admitted,
        };
        assert_eq!(admitted, Some(u64::from(!is_late)));
    });
}

#[test]
fn a_rejection_is_counted_before_the_end_or_is_none() {
    static HAS_BEEN_LATE: AtomicBool = AtomicBool::new(false);
    check(|| {
        let bench = bench();
        bench.admit().record(Outcome::Failure);
        let (slot, caller) = (bench.circuit.slot(), bench.clone());
        let seen = version(slot);
        let (a, b) = together!(
            move || {
                let asked = caller.circuit.try_acquire();
                let is_late = asked.as_ref().is_ok_and(Permit::is_void);
                HAS_BEEN_LATE.fetch_or(is_late, SeqCst);
                assert!(asked.is_err() || is_late, "it is open, or gone");
                u64::from(asked.map(Permit::discard).is_err())
            },
            move || {
                let ended = slot.end_if(|state| state.version == seen);
                ended.map(|ended| ended.rejected())
            },
        );
        let (rejected, ended) = (a.join().unwrap(), b.join().unwrap());
        assert_eq!(ended, Some(rejected));
    });
    assert!(HAS_BEEN_LATE.load(SeqCst), "loom tried no such order");
}

/// Notes how many calls were admitted when the circuit ended.
struct Ends(Arc<Mutex<Option<u64>>>);

impl crate::Observe for Ends {
    fn transition(&self, _: &TransitionEvent<'_>) {}

    fn ended(&self, event: &crate::observe::EndedEvent<'_>) {
        *self.0.lock().unwrap() = event.last().admitted;
    }
}
