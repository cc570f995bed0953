//! What is the user's may panic wherever it runs, and as it is dropped: the circuit goes on.

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
};

use breaker_layer::{
    Circuit, Observe, Outcome, Permit, Probes, State, TransitionEvent, Trip,
    clock::{Clock, Timestamp},
    observe::EndedEvent,
    policy::{RecordedCall, TripPolicy},
};
use support::{Log, panics};

#[test]
fn a_clock_that_panics_as_a_probe_is_dropped_leaves_the_place_to_the_next() {
    let (nanos, panic_now) = (
        Arc::new(AtomicU32::new(1)),
        Arc::new(AtomicBool::new(false)),
    );
    let clock = Clock::new({
        let (nanos, panic_now) = (nanos.clone(), panic_now.clone());
        move || {
            assert!(!panic_now.load(Relaxed), "a clock panics");
            Timestamp::from_nanos(nanos.load(Relaxed).into())
        }
    });
    let builder = Circuit::builder("late").clock(clock);
    let circuit = builder.probes(Probes::new(1)).build().unwrap();
    circuit.half_open();
    for end in [drop, |permit: Permit| permit.record(Outcome::Ignored)] {
        let probe = circuit.try_acquire().unwrap();
        assert!(circuit.try_acquire().is_err());
        panic_now.store(true, Relaxed);
        assert!(!panics(|| end(probe)));
        assert!(!panics(|| drop(circuit.snapshot())));
        panic_now.store(false, Relaxed);
    }
    circuit.try_acquire().unwrap().record(Outcome::Success);
    assert_eq!(circuit.state(), State::Closed);
}

/// Panics whenever it runs.
struct Panics;

impl TripPolicy for Panics {
    fn record(&self, _: &RecordedCall) -> Option<u32> {
        panic!("a policy panics")
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("a policy panics as it is dropped");
    }
}

#[test]
fn a_policy_that_panics_loses_no_outcome_and_nobody_goes_untold() {
    for is_made in [true, false] {
        let log = Log::default();
        let builder = Circuit::builder("policy").observe(log.observer());
        let builder = builder.trip_policy(move || {
            assert!(is_made, "what makes a policy panics");
            Panics
        });
        let circuit = builder.trip(Trip::consecutive_failures(3)).build().unwrap();
        for _ in 0..3 {
            let permit = circuit.try_acquire().unwrap();
            assert!(!panics(|| permit.record(Outcome::Failure)));
        }
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.opened, snapshot.failed), (1, 3));
        assert_eq!(log.states(), [State::Open]);
        circuit.close();
        assert!(!panics(|| circuit
            .try_acquire()
            .unwrap()
            .record(Outcome::Failure)));
        assert!(!panics(|| drop(circuit)));
    }
}

/// Panics as it is dropped.
struct Bomb;

impl Observe for Bomb {
    fn transition(&self, _: &TransitionEvent<'_>) {}
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("an observer panics as it is dropped");
    }
}

struct Ends(Arc<AtomicU32>);

impl Observe for Ends {
    fn transition(&self, _: &TransitionEvent<'_>) {}

    fn ended(&self, _: &EndedEvent<'_>) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn observers_that_panic_as_they_are_dropped_do_it_where_nobody_is_harmed() {
    let ends = Arc::new(AtomicU32::new(0));
    for _ in 0..100 {
        let builder = Circuit::builder("bombs").observe(Bomb).observe(Bomb);
        let circuit = builder.observe(Ends(ends.clone())).build().unwrap();
        let late = circuit.try_acquire().unwrap();
        assert!(!panics(|| drop(circuit)));
        assert!(!panics(|| late.record(Outcome::Failure)));
    }
    assert_eq!(ends.load(Relaxed), 100);
}

#[cfg(feature = "tokio")]
mod waiting {
    use std::{
        future::Future,
        pin::Pin,
        task::{Context, Wake, Waker},
    };

    use super::*;

    /// Panics when it is woken.
    struct Shouts;

    impl Wake for Shouts {
        fn wake(self: Arc<Self>) {
            panic!("a waker panics");
        }
    }

    struct Counts(AtomicU32);

    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    /// Those who wait for a permit, each with one of these wakers.
    fn waiting<'a>(
        circuit: &'a Circuit,
        wakers: &[Waker],
    ) -> Vec<Pin<Box<dyn Future<Output = Permit> + 'a>>> {
        let wait = |waker| {
            let mut future: Pin<Box<dyn Future<Output = Permit>>> = Box::pin(circuit.acquire());
            let polled = future.as_mut().poll(&mut Context::from_waker(waker));
            assert!(polled.is_pending());
            future
        };
        wakers.iter().map(wait).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_waker_that_panics_keeps_nobody_else_waiting() {
        let circuit = Circuit::builder("wakers").build().unwrap();
        circuit.isolate();
        let counts = Arc::new(Counts(AtomicU32::new(0)));
        let wakers = [
            Arc::new(Shouts).into(),
            counts.clone().into(),
            counts.clone().into(),
        ];
        let waiting = waiting(&circuit, &wakers);
        assert!(!panics(|| circuit.close()));
        assert_eq!(counts.0.load(Relaxed), 2);
        assert!(!panics(|| drop(waiting)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_leaves_and_whose_next_panics_as_it_is_woken_leaves_in_peace() {
        let circuit = Circuit::builder("leaves").build().unwrap();
        circuit.isolate();
        let quiet = Arc::new(Counts(AtomicU32::new(0)));
        let wakers = [quiet.into(), Arc::new(Shouts).into()];
        let mut waiting = waiting(&circuit, &wakers);
        let first = waiting.remove(0);
        assert!(!panics(|| drop(first)));
    }
}
