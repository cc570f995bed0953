//! Who looks at a circuit from outside: a registry that finds it, and a snapshot.

use super::*;
use crate::Snapshot;

#[test]
fn a_circuit_is_found_as_long_as_it_is_there_and_the_next_in_its_slot_is_not_taken_for_it() {
    check_within(3, || {
        let bench = Bench::new();
        let (weak, log) = (bench.circuit.downgrade(), bench.log.clone());
        let (a, b) = together!(
            move || {
                drop(bench);
                Bench::new()
            },
            move || match Circuit::upgrade(weak) {
                Some(circuit) => {
                    circuit.isolate();
                    true
                }
                None => false,
            },
        );
        let next = a.join().unwrap();
        let was_found = b.join().unwrap();
        assert_eq!(log.lock().unwrap().len(), usize::from(was_found));
        assert!(next.settled().is_empty());
        assert_eq!(next.state(), State::Closed);
        assert!(Circuit::upgrade(weak).is_none());
        // The handle that was given back was the next circuit's at most once: it is gone with its own, and not before.
        let log = next.log.clone();
        next.circuit.trip();
        drop(next);
        assert_eq!(Arc::strong_count(&log), 1);
    });
}

#[test]
fn each_failure_is_seen_once() {
    check(|| {
        let bench = Bench::new();
        let (one, two) = (bench.admit(), bench.admit());
        let circuit = bench.circuit.clone();
        let (a, b) = together!(
            move || {
                one.record(Outcome::Failure);
                two.record(Outcome::Failure);
            },
            move || assert!(circuit.snapshot().failed <= 2),
        );
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.circuit.snapshot().failed, 2);
    });
}

#[test]
fn a_snapshot_of_a_circuit_is_none_of_the_next_one_in_its_slot() {
    check_within(1, || {
        let bench = Bench::new();
        let weak = bench.circuit.downgrade();
        let (a, b) = together!(
            move || {
                let snapshot = Snapshot::of_weak(weak);
                assert!(snapshot.is_none_or(|snapshot| snapshot.ignored == 0));
            },
            move || {
                drop(bench);
                let next = Bench::new();
                next.record(Outcome::Ignored);
                next
            },
        );
        a.join().unwrap();
        drop(b.join().unwrap());
    });
}
