//! C23 and §2: circuits live in slots that are reused, and what outlives a circuit changes nothing in the next one.

mod support;

use breaker_layer::{Circuit, Outcome, Permit, Probes, State};
use support::{Bench, OPEN_FOR, PROBE_TIMEOUT, THRESHOLD, alone};

/// Drops the circuit and builds others, so many that one of them must have its slot.
fn successors(bench: Bench) -> Vec<Bench> {
    drop(bench);
    (0..64).map(|_| Bench::new()).collect()
}

const ENDS: [fn(Permit); 4] = [
    |permit| permit.record(Outcome::Success),
    |permit| permit.record(Outcome::Failure),
    |permit| permit.record(Outcome::Ignored),
    drop,
];

#[test]
fn a_permit_that_outlives_its_circuit_changes_nothing_in_the_next_one_of_its_slot() {
    let _alone = alone();
    for end in ENDS {
        for prepare in [
            |_: &Bench| vec![],
            |bench: &Bench| {
                bench.fail(THRESHOLD - 1);
                vec![]
            },
            |bench: &Bench| vec![bench.probe()],
        ] {
            let bench = Bench::new();
            let permits = vec![bench.admit(), bench.admit(), bench.admit(), bench.probe()];
            let next = successors(bench);
            let _live: Vec<_> = next.iter().map(prepare).collect();
            let before: Vec<_> = next.iter().map(|bench| bench.circuit.snapshot()).collect();
            permits.into_iter().for_each(end);
            let after: Vec<_> = next.iter().map(|bench| bench.circuit.snapshot()).collect();
            assert_eq!(after, before);
        }
    }
}

#[test]
fn a_permit_that_outlives_its_circuit_can_be_used_up_while_the_slot_is_vacant() {
    let _alone = alone();
    for end in ENDS {
        let bench = Bench::new();
        let (closed, probe) = (bench.admit(), bench.probe());
        let (observer, clock) = (bench.log.clone(), bench.clock.clone());
        drop(bench);
        let told = observer.all().len();
        clock.advance(PROBE_TIMEOUT);
        end(closed);
        end(probe);
        assert_eq!(observer.all().len(), told);
    }
}

#[test]
fn a_circuit_in_a_reused_slot_starts_from_nothing() {
    let _alone = alone();
    let bench = Bench::new();
    bench.circuit.observe_only();
    bench.fail(10);
    bench.circuit.isolate();
    bench.rejects();
    for next in successors(bench) {
        let fresh = next.circuit.snapshot();
        assert_eq!(next.picture().0, State::Closed);
        assert_eq!((fresh.generation, fresh.failures, fresh.opened), (0, 0, 0));
        assert_eq!((fresh.failed, fresh.rejected, fresh.cancelled), (0, 0, 0));
        assert!(!fresh.observe_only);
        assert_eq!(next.log.all(), []);
        next.open();
        assert_eq!((next.log.last().generation(), next.generation()), (1, 1));
    }
}

#[test]
fn the_first_state_s_age_is_told_alike_in_a_new_slot_and_in_a_reused_one() {
    let _alone = alone();
    let mut ages = Vec::new();
    for _ in 0..2 {
        // More at once than this process has had before, so that the first round has new slots and the second has none.
        let all: Vec<_> = (0..3000).map(|_| Bench::new()).collect();
        ages.extend(all.iter().map(|bench| {
            bench.clock.advance(OPEN_FOR);
            bench.circuit.snapshot().age
        }));
    }
    ages.dedup();
    assert_eq!(ages.len(), 1, "{ages:?}");
}

#[test]
fn a_clone_keeps_the_circuit_when_the_original_is_dropped() {
    let _alone = alone();
    let bench = Bench::new();
    let clone = bench.circuit.clone();
    bench.fail(THRESHOLD - 1);
    let (clock, last) = (bench.clock.clone(), bench.admit());
    let _others = successors(bench);
    last.record(Outcome::Failure);
    assert_eq!(clone.state(), State::Open);
    clock.advance(OPEN_FOR);
    assert_eq!(clone.state(), State::HalfOpen);
}

/// A slot whose tenants came and went without a transition has a generation far from the last one that was entered.
#[test]
fn half_open_works_in_a_slot_that_had_very_many_tenants() {
    let _alone = alone();
    let bench = Bench::new();
    bench.circuit.half_open();
    drop(bench);
    for _ in 0..40_000 {
        drop(Bench::new());
    }
    // One of these has the slot, whatever the other tests of this process do meanwhile.
    for bench in (0..64)
        .map(|_| Bench::with(|builder| builder.probes(Probes::new(2).timeout(PROBE_TIMEOUT))))
    {
        let _hung = bench.probe();
        assert!(
            bench.circuit.snapshot().age.is_some(),
            "when half-open was entered is not known"
        );
        let _second = bench.admit();
        bench.clock.advance(PROBE_TIMEOUT);
        assert_eq!(bench.state(), State::Open, "the hung probe timed out");
    }
}

#[test]
fn many_circuits_live_at_once_and_apart() {
    let _alone = alone();
    let circuits: Vec<Circuit> = (0..1000)
        .map(|number| {
            let circuit = Circuit::builder(format!("circuit {number}"))
                .build()
                .unwrap();
            if number % 3 == 0 {
                circuit.isolate();
            }
            circuit
        })
        .collect();
    for (number, circuit) in circuits.iter().enumerate() {
        assert_eq!(circuit.name().as_ref(), format!("circuit {number}"));
        assert_eq!(circuit.state() == State::Isolated, number % 3 == 0);
    }
}
