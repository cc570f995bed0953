//! Rejections of many threads.

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

#[test]
fn an_open_circuit_refuses_until_its_own_time_and_not_that_of_the_state_before() {
    check_within(3, || {
        let bench = Bench::new();
        bench.circuit.trip_for(SECOND);
        let (caller, operator) = (bench.clone(), bench.clone());
        let (a, b) = together!(
            move || {
                let rejected = caller
                    .circuit
                    .try_acquire()
                    .expect_err("it is open throughout");
                assert!([Some(SECOND), Some(9 * SECOND)].contains(&rejected.retry_after()));
            },
            move || operator.circuit.trip_for(9 * SECOND),
        );
        join([a, b]);
        let rejected = bench.circuit.try_acquire().expect_err("it is open");
        assert_eq!(rejected.retry_after(), Some(9 * SECOND));
    });
}

#[test]
fn an_isolation_tells_an_end_that_some_command_gave_it() {
    check_within(3, || {
        let bench = Bench::new();
        bench.circuit.isolate();
        let (caller, operator) = (bench.clone(), bench.clone());
        let (a, b) = together!(
            move || {
                let rejected = caller.circuit.try_acquire().expect_err("it is isolated");
                let told = rejected.retry_after();
                assert!([None, Some(SECOND), Some(9 * SECOND)].contains(&told));
            },
            move || {
                operator.circuit.isolate_for(SECOND);
                operator.circuit.isolate_for(9 * SECOND);
            },
        );
        join([a, b]);
        let rejected = bench.circuit.try_acquire().expect_err("it is isolated");
        assert_eq!(rejected.retry_after(), Some(9 * SECOND));
    });
}
