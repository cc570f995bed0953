//! Rejections of many threads, one of which counts its own.

use super::*;

fn reject(circuit: &Circuit, times: usize) {
    for _ in 0..times {
        assert!(circuit.try_acquire().is_err());
    }
}

#[test]
fn each_rejection_is_counted_once() {
    check_within(3, || {
        let bench = Bench::new();
        bench.circuit.isolate();
        let (one, two) = (bench.clone(), bench.clone());
        let (a, b) = together!(move || reject(&one.circuit, 2), move || reject(
            &two.circuit,
            3
        ));
        let seen = bench.circuit.snapshot().rejected;
        a.join().unwrap();
        b.join().unwrap();
        assert!(seen <= 5);
        reject(&bench.circuit, 1);
        assert_eq!(bench.circuit.snapshot().rejected, 6);
    });
}

#[test]
fn what_a_thread_shares_when_its_count_is_full_is_seen_once_at_most() {
    check_within(2, || {
        let bench = Bench::new();
        bench.circuit.isolate();
        let (one, two) = (bench.clone(), bench.clone());
        let (a, b) = together!(
            move || {
                reject(&one.circuit, 1);
                one.circuit.slot().fill_own_rejections();
                reject(&one.circuit, 1);
            },
            move || {
                let seen = two.circuit.snapshot().rejected;
                assert!(seen <= u64::from(u32::MAX) + 2, "{seen}");
            },
        );
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.circuit.snapshot().rejected, u64::from(u32::MAX) + 2);
    });
}

#[test]
fn the_next_circuit_in_a_slot_counts_its_own() {
    check_within(3, || {
        let bench = Bench::new();
        bench.circuit.isolate();
        reject(&bench.circuit, 2);
        let other = bench.circuit.clone();
        let last = loom::thread::spawn(move || {
            reject(&other, 2);
            drop(other);
        });
        drop(bench);
        let next = Bench::new();
        next.circuit.isolate();
        reject(&next.circuit, 2);
        last.join().unwrap();
        assert_eq!(next.circuit.snapshot().rejected, 2);
    });
}
