//! C22: keys that always fail fill the table, and no more. A part of the full size, which `BREAKER_FULL=1` asks for.
//!
//! ```sh
//! BREAKER_FULL=1 cargo test --release -p breaker-layer --features keyed --test keyed_heap_dead -- --nocapture
//! ```
#![cfg(feature = "keyed")]

use allocation_counter::measure;
use breaker_layer::{Config, Outcome, State, Trip, clock::ManualClock, keyed::KeyedCircuits};
use std::time::Duration;

const CIRCUITS: u64 = 10_000;
/// What the docs say: a circuit that has tripped, its key, its place in the table; and one MiB.
const BOUND: u64 = CIRCUITS * (256 + 8 + 192) + (1 << 20);

#[test]
fn dead_keys_fill_the_table_and_no_more() {
    // The first run pays for the storage that the second one finds.
    fill(Trip::consecutive_failures(1), 1, million(100_000));
    fill(Trip::default(), 15, million(20_000));
}

/// A million, or this part of it.
fn million(part: u64) -> u64 {
    if std::env::var_os("BREAKER_FULL").is_some() {
        1_000_000
    } else {
        part
    }
}

/// So many keys that always fail, of which so many failures trip one.
fn fill(trip: Trip, failures: u64, keys: u64) {
    let clock = ManualClock::new();
    let mut table = None;
    let heap = measure(|| {
        let builder = KeyedCircuits::builder("table").clock(clock.clock());
        let builder = builder
            .config(Config::new().trip(trip))
            .max_circuits(CIRCUITS as usize);
        let table = table.insert(builder.build().unwrap());
        for key in 0..keys {
            // All within a second, so that every key is in use.
            clock.advance(Duration::from_nanos(900));
            for _ in 0..failures {
                table.try_acquire(key).unwrap().record(Outcome::Failure);
            }
        }
    });
    let table = table.unwrap();
    println!(
        "{CIRCUITS} circuits, {keys} dead keys: peak {} of {BOUND} bytes ({} each), {} of {} failures uncounted",
        heap.bytes_max,
        heap.bytes_max / CIRCUITS,
        table.uncounted(),
        keys * failures,
    );
    assert!(heap.bytes_max <= BOUND);
    assert_eq!(table.uncounted(), (keys - CIRCUITS) * failures);
    assert_eq!(table.len() as u64, CIRCUITS);
    assert_eq!(table.forgotten_open(), 0);
    let is_open = |key| {
        table
            .get(&key)
            .is_some_and(|circuit| circuit.snapshot().opened == 1)
    };
    assert!((0..CIRCUITS).all(is_open), "one that was open is forgotten");
    assert_eq!(table.state(&keys), State::Closed);
}
