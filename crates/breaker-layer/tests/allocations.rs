//! C23: what allocates and what does not. The allocations counted are those of the test's own thread.

mod support;

use allocation_counter::measure;
use breaker_layer::{BreakerLayer, Circuit, Error, Outcome, Trip};
use support::{Answer, Bench, Downstream, OPEN_FOR, THRESHOLD, alone, call};
use tower::Layer;

/// The allocations of a thousand rounds, after a first one that may set things up.
fn allocations(mut round: impl FnMut()) -> u64 {
    round();
    measure(|| (0..1000).for_each(|_| round())).count_total
}

#[test]
fn the_counter_counts() {
    let _alone = alone();
    assert_eq!(
        allocations(|| drop(std::hint::black_box(Box::new(1)))),
        1000
    );
}

#[test]
fn a_healthy_call_allocates_nothing() {
    let _alone = alone();
    for circuit in [
        Circuit::builder("default").build().unwrap(),
        Bench::new().circuit,
    ] {
        let mut service = BreakerLayer::new(circuit).layer(Downstream::new());
        assert_eq!(allocations(|| assert_eq!(call(&mut service, 1), Ok(1))), 0);
    }
}

#[test]
fn a_failing_call_allocates_nothing() {
    let _alone = alone();
    for trip in [
        Trip::never(),
        Trip::default(),
        Trip::consecutive_failures(2),
    ] {
        let bench = Bench::with(|builder| builder.trip(trip));
        let downstream = Downstream::always(Answer::Fail);
        let mut service = BreakerLayer::new(bench.circuit.clone()).layer(downstream);
        // Its first trip makes room for why.
        bench.circuit.trip();
        bench.circuit.observe_only();
        assert_eq!(allocations(|| assert!(call(&mut service, 1).is_err())), 0);
    }
}

#[test]
fn a_rejected_call_allocates_nothing() {
    let _alone = alone();
    let bench = Bench::new();
    for enter in [Circuit::trip, Circuit::isolate, |circuit: &Circuit| {
        circuit.isolate_for(OPEN_FOR);
    }] {
        enter(&bench.circuit);
        let mut service = BreakerLayer::new(bench.circuit.clone()).layer(Downstream::new());
        assert_eq!(
            allocations(|| assert!(matches!(call(&mut service, 1), Err(Error::Rejected(_))))),
            0
        );
    }
}

#[test]
fn a_boxed_rejection_allocates_its_box_and_nothing_else() {
    let _alone = alone();
    let bench = Bench::new();
    bench.circuit.trip();
    let layer = BreakerLayer::new(bench.circuit.clone()).boxed_errors();
    let mut service = layer.layer(Downstream::new());
    assert_eq!(
        allocations(|| assert!(call(&mut service, 1).is_err())),
        1000
    );
}

#[test]
fn a_service_that_is_cloned_for_each_call_allocates_nothing() {
    let _alone = alone();
    let bench = Bench::new();
    let service = BreakerLayer::new(bench.circuit.clone()).layer(Downstream::new());
    assert_eq!(
        allocations(|| assert_eq!(call(&mut service.clone(), 1), Ok(1))),
        0
    );
}

#[test]
fn a_permit_by_hand_allocates_nothing_however_it_ends() {
    let _alone = alone();
    let bench = Bench::with(|builder| builder.trip(Trip::never()));
    let ends = [Outcome::Success, Outcome::Failure, Outcome::Ignored];
    let round = || {
        for outcome in ends {
            bench.admit().record(outcome);
        }
        drop(bench.admit());
    };
    assert_eq!(allocations(round), 0);
}

#[test]
fn a_whole_cycle_that_nobody_observes_allocates_nothing() {
    let _alone = alone();
    let clock = breaker_layer::clock::ManualClock::new();
    let circuit = Circuit::builder("cycle")
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(breaker_layer::OpenTime::fixed(OPEN_FOR))
        .clock(clock.clock())
        .build()
        .unwrap();
    let round = || {
        for _ in 0..THRESHOLD {
            circuit.try_acquire().unwrap().record(Outcome::Failure);
        }
        assert!(circuit.try_acquire().is_err());
        clock.advance(OPEN_FOR);
        for _ in 0..3 {
            circuit.try_acquire().unwrap().record(Outcome::Success);
        }
    };
    assert_eq!(allocations(round), 0);
}

#[test]
fn circuits_that_come_and_go_leave_nothing_behind() {
    let _alone = alone();
    let name: std::sync::Arc<str> = "passing".into();
    let round = || {
        let circuit = Circuit::builder(name.clone()).build().unwrap();
        circuit.trip();
    };
    round();
    let grown = measure(|| (0..10_000).for_each(|_| round()));
    assert_eq!((grown.count_current, grown.bytes_current), (0, 0));
}

#[test]
fn the_memory_is_that_of_the_most_circuits_alive_at_once() {
    let _alone = alone();
    let build = || -> Vec<Circuit> {
        (0..500)
            .map(|_| Circuit::builder("one of many").build().unwrap())
            .collect()
    };
    drop(build());
    let again = measure(|| (0..20).for_each(|_| drop(build())));
    assert_eq!(again.bytes_current, 0);
}

#[test]
fn a_circuit_is_small() {
    let _alone = alone();
    let built = measure(|| {
        let circuits: Vec<Circuit> = (0..1000)
            .map(|_| Circuit::builder("").build().unwrap())
            .collect();
        std::mem::forget(circuits);
    });
    let each = built.bytes_current / 1000;
    assert!(
        each <= 1100,
        "{each} bytes each, its settings, handle and name included"
    );
    assert_eq!(size_of::<Circuit>(), size_of::<usize>());
}

#[cfg(all(feature = "metrics", feature = "tracing"))]
#[test]
fn a_call_that_is_watched_by_metrics_and_tracing_allocates_nothing() {
    let _alone = alone();
    let page = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let metrics = breaker_layer::observe::Metrics::recording_to(page);
    for counts in [false, true] {
        let bench = Bench::with(|builder| {
            let builder = builder.count_calls(counts).observe(metrics.clone());
            builder.observe(breaker_layer::observe::Tracing::new())
        });
        let mut service = BreakerLayer::new(bench.circuit.clone()).layer(Downstream::new());
        assert_eq!(allocations(|| assert_eq!(call(&mut service, 1), Ok(1))), 0);
        bench.circuit.isolate();
        let reject = || assert!(call(&mut service, 1).is_err());
        assert_eq!(allocations(reject), 0);
    }
}
