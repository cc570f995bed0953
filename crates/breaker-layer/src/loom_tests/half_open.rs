//! Half-open: the probes never exceed their number, a place is given back, and the verdict falls once.

use super::*;

fn probes(probes: Probes) -> Bench {
    Bench::with(|builder| builder.probes(probes.timeout(PROBE_TIMEOUT)))
}

#[test]
fn one_call_of_two_is_the_first_probe() {
    check(|| {
        let bench = Bench::new();
        bench.open_and_wait();
        let (one, two) = (bench.clone(), bench.clone());
        let (a, b) = together!(move || one.probe(1), move || two.probe(1));
        let held = [a.join().unwrap(), b.join().unwrap()];
        assert_eq!(held.iter().flatten().count(), 1);
        assert_eq!(bench.settled().len(), 2);
        assert_eq!(bench.circuit.snapshot().rejected, 1);
    });
}

#[test]
fn two_calls_of_three_are_probes_where_there_are_two() {
    check_within(2, || {
        let bench = probes(Probes::new(2));
        bench.circuit.half_open();
        let threads = [bench.clone(), bench.clone(), bench.clone()]
            .map(|bench| loom::thread::spawn(move || bench.probe(2)));
        let held = threads.map(|thread| thread.join().unwrap());
        assert_eq!(held.iter().flatten().count(), 2);
        bench.settled();
    });
}

#[test]
fn the_probes_that_come_and_go_never_exceed_their_number() {
    check_within(3, || {
        let bench = probes(Probes::new(1).out_of(3));
        bench.circuit.half_open();
        let threads = [bench.clone(), bench.clone()].map(|bench| {
            loom::thread::spawn(move || {
                for _ in 0..2 {
                    if let Some(permit) = bench.probe(1) {
                        bench.giving_back();
                        drop(permit);
                    }
                }
            })
        });
        join(threads);
        // All are given back: there is room for one, and for no more.
        let held = [bench.probe(1), bench.circuit.try_acquire().ok()];
        assert_eq!(held.iter().flatten().count(), 1);
        bench.settled();
    });
}

#[test]
fn a_dropped_probe_gives_its_place_to_a_call_that_races_it() {
    check(|| {
        let bench = Bench::new();
        bench.circuit.half_open();
        let (first, bench_of_first) = (bench.probe(1), bench.clone());
        let caller = bench.clone();
        let (a, b) = together!(
            move || {
                bench_of_first.giving_back();
                drop(first);
            },
            move || caller.probe(1),
        );
        a.join().unwrap();
        let second = b.join().unwrap();
        // Whoever asks now gets the place, unless it went to the other call.
        assert_eq!(second.is_none(), bench.circuit.try_acquire().is_ok());
        assert_eq!(bench.settled().len(), 1);
    });
}

#[test]
fn the_last_two_probes_close_the_circuit_once() {
    check(|| {
        let bench = probes(Probes::new(2));
        bench.circuit.half_open();
        let (one, two) = (bench.admit(), bench.admit());
        let (a, b) = together!(move || one.record(Outcome::Success), move || two
            .record(Outcome::Success),);
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.settled().len(), 2);
        assert_eq!(bench.state(), State::Closed);
    });
}

#[test]
fn a_probe_that_fails_as_another_succeeds_opens_the_circuit_once() {
    check(|| {
        let bench = probes(Probes::new(2));
        bench.circuit.half_open();
        let (one, two) = (bench.admit(), bench.admit());
        let (a, b) = together!(move || one.record(Outcome::Success), move || two
            .record(Outcome::Failure),);
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(bench.settled().len(), 2);
        assert_eq!(bench.state(), State::Open);
    });
}

#[test]
fn a_verdict_and_an_operator_make_two_transitions() {
    check_within(3, || {
        let bench = Bench::new();
        bench.circuit.half_open();
        let (probe, operator) = (bench.admit(), bench.clone());
        let (a, b) = together!(move || probe.record(Outcome::Success), move || operator
            .circuit
            .trip(),);
        a.join().unwrap();
        b.join().unwrap();
        // The probe is a straggler where the operator was first.
        let told = bench.settled();
        assert!(told.len() == 2 || told.len() == 3);
        assert_eq!(bench.state(), State::Open);
    });
}

#[test]
fn a_probe_of_the_last_half_open_does_not_count_in_the_one_that_begins() {
    check_within(3, || {
        let bench = Bench::new();
        bench.circuit.half_open();
        let (probe, operator) = (bench.admit(), bench.clone());
        let (a, b) = together!(move || probe.record(Outcome::Failure), move || operator
            .circuit
            .half_open(),);
        a.join().unwrap();
        b.join().unwrap();
        // It opened the circuit before that, or it came late.
        let told = bench.settled();
        assert!(told.len() == 2 || told.len() == 3);
        assert_eq!(bench.state(), State::HalfOpen);
        assert_eq!(bench.circuit.snapshot().failures, 0);
    });
}

#[test]
fn the_deadline_and_the_last_probe_decide_once() {
    check(|| {
        let bench = Bench::new();
        bench.circuit.half_open();
        let (probe, caller) = (bench.admit(), bench.clone());
        let (a, b) = together!(move || probe.record(Outcome::Success), move || {
            time::advance(PROBE_TIMEOUT);
            caller.circuit.try_acquire().is_ok()
        },);
        a.join().unwrap();
        let admitted = b.join().unwrap();
        let told = bench.settled();
        assert_eq!(told.len(), 2);
        assert_eq!(bench.state(), told[1].to());
        // A call that saw neither is refused, because the only place is taken.
        assert!(told[1].to() == State::Closed || !admitted);
    });
}

#[test]
fn the_first_probe_and_the_deadline_of_the_time_before_are_told_apart() {
    // The pace of the last half-open period must not be taken for that of the one that begins.
    check(|| {
        let bench = Bench::new();
        bench.circuit.half_open();
        bench.record(Outcome::Failure);
        time::advance(PROBE_TIMEOUT * 5);
        let (one, two) = (bench.clone(), bench.clone());
        let (a, b) = together!(move || one.probe(1), move || two.probe(1));
        let held = [a.join().unwrap(), b.join().unwrap()];
        assert_eq!(held.iter().flatten().count(), 1);
        assert_eq!(bench.settled().len(), 3);
        assert_eq!(bench.circuit.snapshot().state, State::HalfOpen);
        assert_eq!(bench.circuit.snapshot().age, Some(Duration::ZERO));
    });
}

#[test]
fn a_late_probe_does_not_take_the_deadline_of_the_half_open_that_begins() {
    check_within(3, || {
        let bench = Bench::new();
        bench.circuit.half_open();
        let (caller, operator) = (bench.clone(), bench.clone());
        let (a, b) = together!(move || caller.circuit.try_acquire().ok(), move || {
            operator.circuit.half_open();
            operator.circuit.try_acquire().ok()
        });
        let _probes = (a.join().unwrap(), b.join().unwrap());
        assert_eq!(bench.settled().len(), 2);
        assert_eq!(bench.circuit.snapshot().age, Some(Duration::ZERO));
    });
}

#[test]
fn a_probe_extends_the_deadline_before_it_is_admitted() {
    check_within(3, || {
        let bench = probes(Probes::new(2));
        bench.circuit.half_open();
        let first = bench.admit();
        time::advance(SECOND * 20);
        let (caller, later) = (bench.clone(), bench.clone());
        let (a, b) = together!(move || caller.circuit.try_acquire().ok(), move || {
            time::advance(SECOND * 10);
            later.circuit.try_acquire().ok()
        });
        let held = [a.join().unwrap(), b.join().unwrap()];
        // Whoever was admitted as the second probe has until 30 s after that, and nobody has cut that short.
        if held.iter().flatten().next().is_some() {
            assert_eq!(bench.state(), State::HalfOpen);
        }
        bench.settled();
        drop(first);
    });
}

#[test]
fn a_probe_that_is_given_back_does_not_hide_the_deadline_of_another() {
    // The word may come back to what it was (two live, one given back, another admitted): the deadline has moved.
    check_within(2, || {
        let bench = probes(Probes::new(2));
        bench.circuit.half_open();
        let first = bench.admit();
        time::advance(SECOND * 20);
        let (caller, later) = (bench.clone(), bench.clone());
        let (a, b, c) = together!(
            move || caller.circuit.try_acquire().ok(),
            move || drop(first),
            move || {
                time::advance(SECOND * 10);
                later.circuit.try_acquire().ok()
            }
        );
        let second = a.join().unwrap();
        b.join().unwrap();
        c.join().unwrap();
        if second.is_some() {
            assert_eq!(bench.state(), State::HalfOpen);
        }
        bench.settled();
    });
}
