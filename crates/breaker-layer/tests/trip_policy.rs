//! A trip policy of the user's own: each closed state has one, which sees the calls of that state.

mod support;

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    thread,
};

use breaker_layer::{
    Outcome, State, Trip,
    observe::Reason,
    policy::{RecordedCall, TripPolicy},
};
use support::{Bench, SECOND};

/// Trips at the third failure, whatever happens between them.
#[derive(Default)]
struct ThreeStrikes(AtomicU32);

impl TripPolicy for ThreeStrikes {
    fn record(&self, call: &RecordedCall) -> Option<u32> {
        let failed = u32::from(call.outcome() == Outcome::Failure);
        let strikes = self.0.fetch_add(failed, SeqCst) + failed;
        (strikes >= 3).then_some(strikes)
    }
}

#[test]
fn each_closed_state_has_a_policy_of_its_own() {
    let made = Arc::new(AtomicU32::new(0));
    let count = made.clone();
    let bench = Bench::with(|builder| {
        builder.trip(Trip::never()).trip_policy(move || {
            count.fetch_add(1, SeqCst);
            ThreeStrikes::default()
        })
    });
    assert_eq!(made.load(SeqCst), 0, "nobody has called");
    for round in 1..=3 {
        bench.fail(2);
        bench.succeed(2);
        assert_eq!((bench.state(), made.load(SeqCst)), (State::Closed, round));
        bench.circuit.trip();
        bench.circuit.close();
    }
    bench.fail(3);
    let opened = bench.log.last();
    assert_eq!(opened.reason(), Reason::Custom { code: 3 });
}

/// Three strikes, of which the first state's wait until they are let go.
struct Held {
    strikes: ThreeStrikes,
    holds: Option<Arc<Barrier>>,
}

impl TripPolicy for Held {
    fn record(&self, call: &RecordedCall) -> Option<u32> {
        if let Some(barrier) = &self.holds {
            barrier.wait();
            barrier.wait();
        }
        self.strikes.record(call)
    }
}

#[test]
fn a_call_of_an_earlier_state_that_is_told_late_takes_nothing_from_the_next() {
    let (barrier, states) = (Arc::new(Barrier::new(2)), AtomicU32::new(0));
    let holds = barrier.clone();
    let bench = Bench::with(|builder| {
        builder.trip(Trip::never()).trip_policy(move || Held {
            strikes: ThreeStrikes::default(),
            holds: (states.fetch_add(1, SeqCst) == 0).then(|| holds.clone()),
        })
    });
    let late = bench.admit();
    thread::scope(|scope| {
        scope.spawn(|| late.record(Outcome::Failure));
        barrier.wait();
        // The policy of the first state is asked at this moment.
        bench.circuit.trip();
        bench.circuit.close();
        bench.fail(2);
        barrier.wait();
    });
    assert_eq!(
        (bench.state(), bench.circuit.snapshot().failed),
        (State::Closed, 3)
    );
    bench.fail(1);
    assert_eq!(bench.log.last().reason(), Reason::Custom { code: 3 });
}

#[test]
fn a_policy_is_told_nothing_of_a_circuit_that_has_just_begun() {
    let bench = Bench::with(|builder| {
        let builder = builder.trip(Trip::never()).grace(10 * SECOND);
        builder.trip_policy(ThreeStrikes::default)
    });
    bench.fail(5);
    bench.clock.advance(10 * SECOND);
    bench.fail(2);
    assert_eq!(bench.state(), State::Closed);
    bench.fail(1);
    assert_eq!(bench.state(), State::Open);
}
