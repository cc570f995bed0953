//! What a circuit takes it gives back: settings, windows and its place, however many came before it.

mod support;

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::Duration,
};

use allocation_counter::measure;
use breaker_layer::{
    Circuit, Config, OpenTime, Outcome, Permit, Registry, State, Trip, Window,
    clock::{Clock, ManualClock},
};
use support::alone;

/// A tenth of what the full size is, which `BREAKER_FULL=1` asks for.
fn full(size: u32) -> u32 {
    match std::env::var_os("BREAKER_FULL") {
        Some(_) => size,
        None => size / 10,
    }
}

fn fail(circuit: &Circuit) {
    circuit.try_acquire().unwrap().record(Outcome::Failure);
}

#[test]
fn distinct_settings_leave_nothing_behind_when_their_circuits_go() {
    let _alone = alone();
    let distinct = |number: u32| {
        let wait = OpenTime::fixed(Duration::from_millis(1) * (number + 1));
        Config::new()
            .trip(Trip::consecutive_failures(2))
            .open_time(wait)
    };
    let clock = ManualClock::new();
    let churn = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            let builder = Circuit::builder("payments")
                .config(distinct(2 * number))
                .clock(clock.clock());
            let circuit = builder.build().unwrap();
            fail(&circuit);
            circuit.reconfigure(distinct(2 * number + 1)).unwrap();
            fail(&circuit);
            assert_eq!(circuit.state(), State::Open);
        }
    };
    // The first circuit of a process makes its slot.
    churn(0..1);
    let left = measure(|| churn(1..full(200_000))).bytes_current;
    assert!(left < 1024, "{left} bytes are left");
}

#[test]
fn one_circuit_with_thousands_of_windows_one_after_another_keeps_the_last() {
    let _alone = alone();
    let circuit = Circuit::builder("payments").build().unwrap();
    let window = |calls: u32| Trip::failures(calls, Window::calls(calls));
    let record = |calls: u32| {
        let config = Config::new().trip(window(calls));
        circuit.reconfigure(config).unwrap();
        for outcome in [Outcome::Failure, Outcome::Success] {
            circuit.try_acquire().unwrap().record(outcome);
        }
    };
    let left = measure(|| (100..3100).chain([100]).for_each(record)).bytes_current;
    assert!(left < 1024, "{left} bytes are left");
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.last_calls.unwrap().calls, 100, "{snapshot}");
}

#[test]
fn what_outlives_a_circuit_finds_none_of_the_millions_that_have_its_place_after_it() {
    let _alone = alone();
    let clock = ManualClock::new();
    let new = || {
        let builder = Circuit::builder("payments").trip(Trip::consecutive_failures(1));
        builder.clock(clock.clock()).build().unwrap()
    };
    let registry = Registry::new();
    let first = new();
    registry.add(&first).unwrap();
    let permits: [Permit; 2] = [first.try_acquire().unwrap(), first.try_acquire().unwrap()];
    drop(first);
    for _ in 0..full(10_000_000) {
        drop(new());
    }
    let last = new();
    let [one, other] = permits;
    one.record(Outcome::Failure);
    drop(other);
    assert!(registry.find("payments", None).is_none());
    let snapshot = last.snapshot();
    assert_eq!((snapshot.state, snapshot.failed), (State::Closed, 0));
    assert_eq!((snapshot.cancelled, snapshot.generation), (0, 0));
}

#[test]
fn no_total_ever_falls_while_four_threads_write() {
    let _alone = alone();
    let builder = Circuit::builder("payments")
        .count_calls(true)
        .clock(Clock::std());
    let open_time = OpenTime::fixed(Duration::from_millis(1));
    let trip = Trip::consecutive_failures(40);
    let circuit = builder.trip(trip).open_time(open_time).build().unwrap();
    let is_over = AtomicBool::new(false);
    let totals = || {
        let seen = circuit.snapshot();
        [
            seen.failed,
            seen.rejected,
            seen.ignored,
            seen.cancelled,
            seen.admitted.unwrap(),
            seen.succeeded.unwrap(),
            seen.opened.into(),
            seen.generation,
        ]
    };
    let write = |thread: usize| {
        let mut ends = [Some(Outcome::Failure); 64];
        ends[thread] = Some(Outcome::Success);
        ends[8 + thread] = Some(Outcome::Ignored);
        ends[16 + thread] = None;
        for end in ends.iter().cycle().take(100_000) {
            match (circuit.try_acquire(), end) {
                (Ok(permit), Some(outcome)) => permit.record(*outcome),
                (Ok(permit), None) => drop(permit),
                (Err(_), _) => {}
            }
        }
    };
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut before = totals();
            while !is_over.load(SeqCst) {
                let now = totals();
                assert!(
                    before.iter().zip(&now).all(|(old, new)| old <= new),
                    "{before:?} {now:?}"
                );
                before = now;
            }
        });
        let writers: Vec<_> = (0..4)
            .map(|thread| scope.spawn(move || write(thread)))
            .collect();
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        is_over.store(true, SeqCst);
        reader.join().unwrap();
    });
    let [
        failed,
        rejected,
        ignored,
        cancelled,
        admitted,
        succeeded,
        ..,
    ] = totals();
    assert_eq!(admitted, failed + ignored + cancelled + succeeded);
    assert_eq!(admitted + rejected, 400_000);
}
