//! Transitions as a stream: bounded, and without anything that runs beside it.
#![cfg(feature = "stream")]

mod support;

use breaker_layer::{Circuit, State, observe::Events};
use futures::{FutureExt, StreamExt};
use support::{Bench, OPEN_FOR};

/// What has come so far.
fn all(events: &mut Events) -> Vec<State> {
    std::iter::from_fn(|| StreamExt::next(events).now_or_never().flatten())
        .map(|event| event.transition().unwrap().to())
        .collect()
}

#[test]
fn a_stream_gives_the_transitions_from_its_beginning_on() {
    let bench = Bench::new();
    bench.circuit.isolate();
    let mut events = bench.circuit.events();
    assert_eq!(all(&mut events), []);
    bench.circuit.reset();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    bench.succeed(1);
    let expected = [State::Closed, State::Open, State::HalfOpen, State::Closed];
    assert_eq!(all(&mut events), expected);
    assert_eq!(events.missed(), 0);
}

#[test]
fn one_that_is_not_asked_drops_the_oldest_and_says_how_many() {
    let bench = Bench::new();
    let mut events = bench.circuit.events();
    let transitions = Events::CAPACITY + 72;
    for _ in 0..transitions / 2 {
        bench.circuit.trip();
        bench.circuit.close();
    }
    let first = StreamExt::next(&mut events)
        .now_or_never()
        .flatten()
        .unwrap();
    assert_eq!(first.transition().unwrap().generation(), 73);
    assert_eq!(events.missed(), 72);
    assert_eq!(all(&mut events).len(), Events::CAPACITY - 1);
    bench.circuit.trip();
    assert_eq!(all(&mut events), [State::Open]);
    assert_eq!(events.missed(), 72, "none was missed since");
}

#[test]
fn it_is_woken_by_a_transition_and_ends_with_the_circuit() {
    let bench = Bench::new();
    let mut events = tokio_test::task::spawn(bench.circuit.events());
    assert!(events.poll_next().is_pending());
    bench.circuit.because("to see").isolate();
    assert!(events.is_woken());
    let event = events.poll_next();
    let std::task::Poll::Ready(Some(event)) = event else {
        panic!("{event:?}")
    };
    assert_eq!((event.circuit(), event.note()), ("bench", Some("to see")));
    assert_eq!(event.snapshot().unwrap().state, State::Isolated);
    assert!(events.poll_next().is_pending());
    drop(bench);
    assert!(events.is_woken());
    assert!(matches!(events.poll_next(), std::task::Poll::Ready(None)));
    assert!(event.snapshot().is_none());
}

#[test]
fn a_stream_that_is_dropped_leaves_nothing_behind() {
    let circuit = Circuit::builder("events").build().unwrap();
    // The first one makes room for what belongs to observers.
    drop(circuit.events());
    circuit.trip();
    let left = allocation_counter::measure(|| {
        for _ in 0..100 {
            let kept = circuit.events();
            drop(circuit.events());
            circuit.close();
            drop(kept);
        }
    });
    assert_eq!(left.bytes_current, 0);
}

#[test]
fn each_stream_has_its_own_events() {
    let bench = Bench::new();
    let mut first = bench.circuit.events();
    bench.circuit.trip();
    let mut second = bench.circuit.events();
    bench.circuit.close();
    drop(bench);
    assert_eq!(all(&mut first), [State::Open, State::Closed]);
    assert_eq!(all(&mut second), [State::Closed]);
}

#[test]
fn a_thousand_threads_worth_of_transitions_are_given_or_counted() {
    let bench = Bench::new();
    let mut events = bench.circuit.events();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..500).for_each(|_| bench.circuit.trip()));
        }
    });
    let given = all(&mut events).len() as u64;
    assert_eq!(given + events.missed(), 4000);
}
