//! Traffic that comes back gradually.

use breaker_core::Ramp;

use super::*;

#[test]
fn no_two_calls_use_the_same_allowance() {
    check_within(2, || {
        // Two calls may come at once: one for now, and one saved up.
        let bench = Bench::with(|builder| builder.ramp(Ramp::new(10, 100)));
        bench.circuit.half_open();
        bench.record(Outcome::Success);
        let callers = [(); 3].map(|()| {
            let circuit = bench.circuit.clone();
            loom::thread::spawn(move || circuit.try_acquire().ok().map(Permit::discard).is_some())
        });
        let passed = callers.map(|caller| caller.join().unwrap());
        assert_eq!(passed.iter().filter(|passed| **passed).count(), 2);
    });
}

#[test]
fn the_ramp_ends_once_and_all_calls_pass() {
    check_within(2, || {
        let bench = Bench::with(|builder| builder.ramp(Ramp::new(10, 12)));
        bench.circuit.half_open();
        bench.record(Outcome::Success);
        let (one, two) = (bench.admit(), bench.admit());
        let (a, b) = together!(move || one.record(Outcome::Success), move || two
            .record(Outcome::Success),);
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.settled().len(), 2);
        for _ in 0..10 {
            assert!(bench.circuit.try_acquire().is_ok());
        }
    });
}
