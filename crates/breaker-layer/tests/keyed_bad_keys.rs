//! Keys whose `Hash` and `Eq` are bad, or wrong: a table may then not know a key again, and nothing else goes wrong.
#![cfg(feature = "keyed")]

mod support;

use std::{
    cell::Cell,
    fmt,
    hash::{Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use breaker_layer::{
    Config, OpenTime, Outcome, State, Trip, Window, clock::ManualClock, keyed::KeyedCircuits,
};

use support::{OPEN_FOR, SECOND, THRESHOLD};

/// All have the same hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Alike(u32);

impl Hash for Alike {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Display for Alike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn config() -> Config {
    Config::new()
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::fixed(OPEN_FOR))
}

/// Trips the circuits of so many keys with the same hash.
fn of_one_hash(clock: &ManualClock, keys: u32, circuits: usize) -> KeyedCircuits<Alike> {
    let table = KeyedCircuits::<Alike>::builder("table")
        .config(config())
        .max_circuits(circuits)
        .clock(clock.clock())
        .build()
        .unwrap();
    for key in (0..keys).map(Alike) {
        for _ in 0..THRESHOLD {
            clock.advance(SECOND);
            table.try_acquire(key).unwrap().record(Outcome::Failure);
        }
    }
    table
}

#[test]
fn keys_of_one_hash_are_told_apart_swept_and_dropped() {
    const KEYS: u32 = 400;
    let clock = ManualClock::new();
    let table = of_one_hash(&clock, KEYS, KEYS as usize);
    assert_eq!(table.len(), KEYS as usize);
    assert!((0..KEYS).all(|key| table.get(&Alike(key)).is_some()));
    assert_eq!(table.state(&Alike(KEYS)), State::Closed);
    clock.advance(Duration::from_secs(7200));
    table.sweep();
    assert!(table.is_empty());
    drop(of_one_hash(&clock, KEYS, KEYS as usize));
    // The storage serves the next table.
    assert!(of_one_hash(&clock, 40, 40).get(&Alike(39)).is_some());
}

#[test]
fn keys_of_one_hash_drive_each_other_out() {
    let clock = ManualClock::new();
    let table = of_one_hash(&clock, 400, 40);
    assert_eq!((table.len(), table.uncounted()), (40, 0));
    assert!(table.get(&Alike(399)).is_some());
    clock.advance(Duration::from_secs(7200));
    table.sweep();
    assert!(table.is_empty());
}

thread_local! {
    /// After so many more uses of a key's `Hash` and `Eq` one goes wrong; zero for never.
    static USES: Cell<u32> = const { Cell::new(0) };
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

/// Whether this use goes wrong.
fn goes_wrong() -> bool {
    let left = USES.get();
    USES.set(left.saturating_sub(1));
    assert!(!(left == 1 && PANICS.get()), "a bad key");
    left == 1
}

/// Is wrong once, or panics once, when it is told to.
#[derive(Clone, Debug)]
struct Bad(u32);

impl Hash for Bad {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let wrong = if goes_wrong() { 1000 } else { 0 };
        (self.0 + wrong).hash(state);
    }
}

impl PartialEq for Bad {
    fn eq(&self, other: &Self) -> bool {
        (self.0 == other.0) ^ goes_wrong()
    }
}

impl Eq for Bad {}

fn bad_table(trip: Trip) -> KeyedCircuits<Bad> {
    KeyedCircuits::builder_unnamed("table")
        .config(config().trip(trip))
        .max_circuits(4)
        .build()
        .unwrap()
}

#[test]
fn a_key_that_is_wrong_or_panics_once_loses_no_table() {
    for trip in [
        Trip::consecutive_failures(THRESHOLD),
        Trip::failures(THRESHOLD, Window::time(SECOND)),
    ] {
        for (use_number, panics) in (1..60).flat_map(|number| [(number, false), (number, true)]) {
            let table = bad_table(trip);
            USES.set(use_number);
            PANICS.set(panics);
            for key in (0..5).map(Bad) {
                // Its result may be lost, and no more.
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    if let Ok(permit) = table.try_acquire(key.clone()) {
                        permit.record(Outcome::Failure);
                    }
                    let _ = (table.state(&key), table.circuit(&key));
                }));
            }
            USES.set(0);
            assert!(table.len() <= 4);
            table.all().reset();
            table.sweep();
            for _ in 0..THRESHOLD {
                if let Ok(permit) = table.try_acquire(Bad(7)) {
                    permit.record(Outcome::Failure);
                }
            }
            assert_eq!(table.state(&Bad(7)), State::Open, "after use {use_number}");
        }
    }
}

/// Is not even equal to itself, as a floating-point number may be.
#[derive(Clone, Debug)]
struct Never;

impl Hash for Never {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl PartialEq for Never {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Eq for Never {}

#[test]
fn a_key_that_equals_nothing_passes_and_fills_no_more_than_the_table() {
    for trip in [
        Trip::consecutive_failures(THRESHOLD),
        Trip::failures(THRESHOLD, Window::time(SECOND)),
    ] {
        let builder = KeyedCircuits::builder_unnamed("table").max_circuits(10);
        let table = builder.config(config().trip(trip)).build().unwrap();
        for _ in 0..100 {
            let permit = table.try_acquire(Never).unwrap();
            permit.record(Outcome::Failure);
        }
        assert!(table.circuit(&Never).is_ok());
        assert!(table.get(&Never).is_none());
        assert!(table.len() <= 10);
        table.all().reset();
        assert!(table.len() <= 10);
    }
}
