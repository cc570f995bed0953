//! One stream of the transitions of all circuits that a registry has.

use breaker_layer::{Circuit, Registry, State, observe::Events};
use futures::FutureExt;

fn circuit(name: &str) -> Circuit {
    Circuit::builder(name).build().unwrap()
}

/// What is there by now: names and states.
fn all(events: &mut Events) -> Vec<(String, State)> {
    let next = || events.next().now_or_never().flatten();
    std::iter::from_fn(next)
        .map(|event| (event.circuit().to_owned(), event.transition().unwrap().to()))
        .collect()
}

fn told(told: &[(&str, State)]) -> Vec<(String, State)> {
    let told = told.iter();
    told.map(|(name, state)| ((*name).to_owned(), *state))
        .collect()
}

#[test]
fn circuits_that_are_there_and_those_that_come_later_are_in_the_stream() {
    let registry = Registry::new();
    let (before, after) = (circuit("before"), circuit("after"));
    registry.add(&before).unwrap();
    before.trip();
    let mut events = registry.events();
    registry.add(&after).unwrap();
    before.close();
    after.isolate();
    circuit("elsewhere").trip();
    let expected = told(&[("before", State::Closed), ("after", State::Isolated)]);
    assert_eq!(all(&mut events), expected);
}

#[test]
fn a_circuit_that_was_added_twice_is_told_once() {
    let registry = Registry::new();
    let (one, mut events) = (circuit("one"), registry.events());
    registry.add(&one).unwrap();
    registry.add(&one).unwrap();
    one.trip();
    assert_eq!(all(&mut events), told(&[("one", State::Open)]));
}

#[test]
fn the_stream_goes_on_when_circuits_end() {
    let registry = Registry::new();
    let mut events = registry.events();
    for name in ["first", "second"] {
        let circuit = circuit(name);
        registry.add(&circuit).unwrap();
        circuit.trip();
        drop(circuit);
        assert_eq!(all(&mut events), told(&[(name, State::Open)]));
    }
    assert!(events.next().now_or_never().is_none());
}

#[test]
fn each_stream_has_all_whatever_becomes_of_the_others() {
    let (registry, one) = (Registry::new(), circuit("one"));
    registry.add(&one).unwrap();
    let (mut events, mut others) = (registry.events(), registry.events());
    one.trip();
    assert_eq!(all(&mut events), told(&[("one", State::Open)]));
    drop(events);
    one.close();
    let expected = told(&[("one", State::Open), ("one", State::Closed)]);
    assert_eq!(all(&mut others), expected);
}

#[cfg(feature = "keyed")]
#[test]
fn a_tables_circuits_are_in_the_stream_however_they_come_and_go() {
    use breaker_layer::{Config, Outcome, Trip, keyed::KeyedCircuits};
    let registry = Registry::new();
    let hosts = KeyedCircuits::<u32>::builder("hosts")
        .config(Config::new().trip(Trip::consecutive_failures(2)))
        .keep_after_trip(std::time::Duration::ZERO)
        .build()
        .unwrap();
    let fail = |host| {
        for _ in 0..2 {
            hosts.try_acquire(host).unwrap().record(Outcome::Failure);
        }
    };
    hosts.try_acquire(1).unwrap().record(Outcome::Failure);
    let mut early = registry.events();
    registry.add_keyed(&hosts).unwrap();
    let mut events = registry.events();
    hosts.try_acquire(1).unwrap().record(Outcome::Failure);
    fail(2);
    hosts.reset(&2);
    assert_eq!(hosts.len(), 1);
    fail(2);
    hosts.all().isolate();
    let seen = all(&mut events);
    let mut last = told(&[
        ("1", State::Isolated),
        ("2", State::Isolated),
        ("hosts", State::Isolated),
    ]);
    let first = told(&[
        ("1", State::Open),
        ("2", State::Open),
        ("2", State::Closed),
        ("2", State::Open),
    ]);
    let (before, commanded) = seen.split_at(4);
    assert_eq!(before, first);
    let mut commanded = commanded.to_vec();
    commanded.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    last.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(commanded, last);
    assert_eq!(all(&mut early), seen);

    // Each knows its table.
    hosts.circuit(&3).unwrap().trip();
    let event = events.next().now_or_never().flatten().unwrap();
    assert_eq!((event.circuit(), event.table()), ("3", Some("hosts")));
    drop(events);
    hosts.circuit(&3).unwrap().close();
    assert_eq!(all(&mut early).len(), 2);
}

/// Circuits are made while the stream begins: none is missed or told twice.
#[cfg(feature = "keyed")]
#[test]
fn no_circuit_that_is_made_as_the_stream_begins_is_missed_or_told_twice() {
    use breaker_layer::{Config, Outcome, Trip, keyed::KeyedCircuits};
    use std::{collections::HashMap, thread};
    for _ in 0..20 {
        let hosts = KeyedCircuits::<u32>::builder("hosts")
            .config(Config::new().trip(Trip::consecutive_failures(2)))
            .build()
            .unwrap();
        let registry = Registry::new();
        registry.add_keyed(&hosts).unwrap();
        let fail = |host| hosts.try_acquire(host).unwrap().record(Outcome::Failure);
        let mut events = thread::scope(|scope| {
            scope.spawn(|| (0..100).for_each(fail));
            registry.events()
        });
        let mut seen = HashMap::new();
        (0..100).for_each(fail);
        for (name, _) in all(&mut events) {
            *seen.entry(name).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 100);
        assert!(seen.values().all(|times| *times == 1));
    }
}
