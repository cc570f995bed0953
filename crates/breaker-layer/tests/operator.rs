//! Commands with a reason, the registry that finds the circuits, and readiness for health checks.

mod support;

use breaker_layer::{Circuit, Registry, State, observe::Operator};
use support::{Bench, OPEN_FOR};

#[test]
fn a_reason_stands_in_the_snapshot_for_as_long_as_its_command_is_in_force() {
    let bench = Bench::new();
    let note = || bench.circuit.snapshot().note;
    type Commanding = fn(&Operator<'_>);
    let commands: [(Commanding, State); 5] = [
        (|operator| operator.isolate(), State::Isolated),
        (|operator| operator.disable(), State::Disabled),
        (|operator| operator.observe_only(), State::Closed),
        (|operator| operator.close(), State::Closed),
        (|operator| operator.reset(), State::Closed),
    ];
    for (number, (command, state)) in commands.into_iter().enumerate() {
        let text = format!("reason {number}");
        command(&bench.circuit.because(text.as_str()));
        assert_eq!(bench.state(), state);
        assert_eq!(note().as_deref(), Some(text.as_str()));
        bench.circuit.reset();
        assert_eq!(note(), None, "a command without a reason has none");
    }
}

#[test]
fn a_reason_to_trip_goes_with_the_state_that_it_led_to() {
    let bench = Bench::new();
    bench.circuit.because("a drill").trip();
    assert_eq!(bench.circuit.snapshot().note.as_deref(), Some("a drill"));
    bench.clock.advance(OPEN_FOR);
    bench.succeed(1);
    assert_eq!(bench.circuit.snapshot().note, None);
}

#[test]
fn a_reason_to_only_observe_outlives_what_is_observed() {
    let bench = Bench::new();
    bench.circuit.because("we try it out").observe_only();
    bench.open();
    let snapshot = bench.circuit.snapshot();
    assert!(snapshot.observe_only);
    assert_eq!(snapshot.note.as_deref(), Some("we try it out"));
}

#[test]
fn a_command_that_stands_already_goes_on_for_the_new_reason() {
    let bench = Bench::new();
    bench.circuit.because("first").isolate();
    bench.circuit.because("second").isolate();
    assert_eq!(bench.circuit.snapshot().note.as_deref(), Some("second"));
    bench.circuit.isolate();
    assert_eq!(bench.circuit.snapshot().note.as_deref(), Some("second"));
    assert_eq!(bench.log.states(), [State::Isolated]);
}

#[test]
fn a_new_circuit_in_an_old_slot_has_no_reason_of_the_old_one() {
    for _ in 0..3 {
        let bench = Bench::new();
        assert_eq!(bench.circuit.snapshot().note, None);
        bench.circuit.because("gone").isolate();
    }
}

#[test]
fn the_registry_finds_the_living_and_keeps_none_alive() {
    let registry = Registry::new();
    let (first, second) = (Bench::new(), Circuit::builder("other").build().unwrap());
    registry.add(&first.circuit).unwrap();
    registry.clone().add(&second).unwrap();
    let names = || -> Vec<_> {
        let all = registry.circuits();
        all.iter().map(|found| found.name().to_owned()).collect()
    };
    assert_eq!(names(), ["bench", "other"]);
    registry.find("bench", None).unwrap().isolate();
    assert_eq!(first.state(), State::Isolated);
    assert!(registry.find("bench", Some("key")).is_none());
    drop(first);
    assert_eq!(names(), ["other"]);
    // Its slot has another tenant by now.
    let next = Circuit::builder("next").build().unwrap();
    assert!(registry.find("bench", None).is_none());
    assert_eq!(names(), ["other"]);
    drop(next);
}

#[test]
fn the_registry_is_bounded_by_the_living() {
    let registry = Registry::with_capacity(2);
    let [a, b, c] = ["a", "b", "c"].map(|name| Circuit::builder(name).build().unwrap());
    registry.add(&a).unwrap();
    registry.add(&b).unwrap();
    let full = registry.add(&c).unwrap_err();
    assert_eq!(full.to_string(), "no room in the registry: it holds 2");
    drop(a);
    registry.add(&c).unwrap();
    assert!(registry.find("c", None).is_some());
}

#[cfg(feature = "keyed")]
#[test]
fn the_registry_finds_the_circuit_of_a_key() {
    use breaker_layer::{Outcome, keyed::KeyedCircuits};
    let hosts = KeyedCircuits::<String>::builder("hosts").build().unwrap();
    let registry = Registry::new();
    registry.add_keyed(&hosts).unwrap();
    assert!(registry.circuits().is_empty());
    for host in ["a", "b"] {
        let permit = hosts.try_acquire(host.to_owned()).unwrap();
        permit.record(Outcome::Failure);
    }
    let listed = registry.circuits();
    let mut keys: Vec<_> = listed.iter().map(|found| found.key()).collect();
    keys.sort_unstable();
    assert_eq!(keys, [Some("a"), Some("b")]);
    assert!(listed.iter().all(|found| found.name() == "hosts"));
    let found = registry.find("hosts", Some("a")).unwrap();
    found.because("it moves").isolate();
    assert!(hosts.try_acquire("a".to_owned()).is_err());
    assert!(hosts.try_acquire("b".to_owned()).is_ok());
    drop((listed, found, hosts));
    assert!(registry.circuits().is_empty());
}

#[test]
fn readiness_knows_the_time() {
    let bench = Bench::new();
    let registry = Registry::new();
    registry.add(&bench.circuit).unwrap();
    assert!(bench.circuit.is_ready() && registry.is_ready());
    bench.open();
    assert!(!bench.circuit.is_ready() && !registry.is_ready());
    bench.clock.advance(OPEN_FOR);
    assert!(bench.circuit.is_ready() && registry.is_ready());
    bench.circuit.isolate();
    assert!(!bench.circuit.is_ready());
    bench.circuit.disable();
    assert!(bench.circuit.is_ready());
    bench.circuit.observe_only();
    bench.open();
    assert!(bench.circuit.is_ready(), "it rejects nothing");
}

/// Under Tokio's paused clock, which moves to the next timer whenever nothing else is to be done.
#[cfg(feature = "tokio")]
mod watched {
    use std::time::Duration;

    use breaker_layer::{Circuit, OpenTime, Percent, Probes, Trip};
    use tokio::time::Instant;

    use super::support::{OPEN_FOR, PROBE_TIMEOUT, SECOND};

    fn circuit(open_time: OpenTime) -> Circuit {
        Circuit::builder("watched")
            .trip(Trip::consecutive_failures(1))
            .open_time(open_time.jitter(Percent(0.0)))
            .probes(Probes::new(1).timeout(PROBE_TIMEOUT))
            .build()
            .unwrap()
    }

    /// Within a timer's tick.
    fn is_about(span: Duration, expected: Duration) -> bool {
        span >= expected && span <= expected + Duration::from_millis(5)
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_recovers_by_time_without_traffic() {
        for (open_time, after) in [
            (OpenTime::fixed(OPEN_FOR), OPEN_FOR),
            (
                OpenTime::probe_share(Percent(1.0), SECOND, 20 * SECOND),
                20 * SECOND,
            ),
        ] {
            let circuit = circuit(open_time);
            let mut readiness = circuit.readiness();
            circuit.trip();
            let start = Instant::now();
            assert!(!readiness.changed().await);
            assert!(start.elapsed().is_zero());
            assert!(readiness.changed().await);
            assert!(is_about(start.elapsed(), after), "{:?}", start.elapsed());
            assert!(readiness.is_ready() && circuit.is_ready());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_sees_half_open_lapse() {
        let circuit = circuit(OpenTime::fixed(OPEN_FOR));
        circuit.half_open();
        let mut readiness = circuit.readiness();
        let mut changed = tokio_test::task::spawn(readiness.changed());
        tokio_test::assert_pending!(changed.poll());
        tokio::time::advance(10 * PROBE_TIMEOUT).await;
        tokio_test::assert_pending!(changed.poll(), "no probe is under way");
        let start = Instant::now();
        let _hung = circuit.try_acquire().unwrap();
        assert!(!changed.await);
        assert!(is_about(start.elapsed(), PROBE_TIMEOUT));
        assert!(readiness.changed().await);
        assert!(is_about(start.elapsed(), PROBE_TIMEOUT + OPEN_FOR));
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_is_woken_by_the_operator() {
        let circuit = circuit(OpenTime::fixed(OPEN_FOR));
        let mut readiness = circuit.readiness();
        let mut changed = tokio_test::task::spawn(readiness.changed());
        tokio_test::assert_pending!(changed.poll());
        circuit.isolate();
        assert!(changed.is_woken());
        assert!(!tokio_test::assert_ready!(changed.poll()));
        drop(changed);
        let mut changed = tokio_test::task::spawn(readiness.changed());
        tokio_test::assert_pending!(changed.poll());
        circuit.reset();
        assert!(changed.is_woken());
        assert!(tokio_test::assert_ready!(changed.poll()));
    }
}
