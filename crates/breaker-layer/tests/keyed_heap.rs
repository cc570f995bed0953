//! C22: the memory of many keys is bounded. A tenth of the full size, which `BREAKER_FULL=1` asks for.
//!
//! ```sh
//! BREAKER_FULL=1 cargo test --release -p breaker-layer --features keyed --test keyed_heap -- --nocapture
//! ```
#![cfg(feature = "keyed")]

mod support;

use allocation_counter::measure;
use breaker_layer::{
    Cancelled, Config, Outcome, Percent, Trip, Window,
    clock::ManualClock,
    keyed::{Key, KeyedBuilder, KeyedCircuits},
};
use support::{MILLI, alone};

const MEBI: i64 = 1 << 20;
/// What the docs say of a circuit that has tripped, or has a clock of the user's own: twice 128 bytes.
const CIRCUIT: i64 = 256;
/// What the docs say of a place in the table.
const PLACE: i64 = 192;

/// A million, or a tenth of it.
fn million() -> u64 {
    if std::env::var_os("BREAKER_FULL").is_some() {
        1_000_000
    } else {
        100_000
    }
}

/// Follows the heap: what is in use, and the most that ever was.
#[derive(Default)]
struct Heap {
    level: i64,
    peak: i64,
}

impl Heap {
    fn of(&mut self, run: impl FnOnce()) -> i64 {
        let info = measure(run);
        self.peak = self.peak.max(self.level + info.bytes_max as i64);
        self.level += info.bytes_current;
        self.level
    }
}

fn build<K: Key>(
    change: impl FnOnce(KeyedBuilder<K>) -> KeyedBuilder<K>,
) -> (KeyedCircuits<K>, ManualClock) {
    let clock = ManualClock::new();
    let builder = KeyedCircuits::builder_unnamed("table").clock(clock.clock());
    (change(builder).build().unwrap(), clock)
}

/// Fills the table once; then ten times a million healthy keys, and a million that fail once and succeed until they are
/// forgotten, of `key_bytes` each.
fn storm<K: Key>(circuits: usize, key: impl Fn(u64) -> K, key_bytes: i64) {
    let mut heap = Heap::default();
    let mut table = None;
    let after_warm_up = heap.of(|| {
        let (table, clock) = table.insert(build(|builder| builder.max_circuits(circuits)));
        for number in 0..circuits as u64 {
            clock.advance(MILLI);
            table
                .try_acquire(key(number))
                .unwrap()
                .record(Outcome::Failure);
        }
    });
    let (table, clock) = table.as_ref().unwrap();
    assert_eq!(table.len(), circuits);

    let others = 1 << 32;
    let after_healthy = heap.of(|| {
        for number in others..others + 10 * million() {
            table
                .try_acquire(key(number))
                .unwrap()
                .record(Outcome::Success);
        }
    });
    assert_eq!(after_healthy, after_warm_up, "a healthy key costs nothing");

    let after_flaky = heap.of(|| {
        for number in others..others + million() {
            clock.advance(MILLI);
            table
                .try_acquire(key(number))
                .unwrap()
                .record(Outcome::Failure);
            while table.get(&key(number)).is_some() {
                table
                    .try_acquire(key(number))
                    .unwrap()
                    .record(Outcome::Success);
            }
        }
    });
    let bound = circuits as i64 * (CIRCUIT + key_bytes + PLACE) + MEBI;
    println!(
        "{circuits} circuits, keys of {key_bytes} bytes: {} bytes each when full, {:+} bytes after the storm, peak {} of {} bytes ({} each)",
        after_warm_up / circuits as i64,
        after_flaky - after_warm_up,
        heap.peak,
        bound,
        heap.peak / circuits as i64,
    );
    assert!(after_flaky - after_warm_up <= MEBI);
    assert!(heap.peak <= bound, "{} > {bound}", heap.peak);
    assert_eq!(table.uncounted(), 0);
}

#[test]
fn healthy_keys_cost_nothing_and_flaky_ones_are_given_back() {
    let _alone = alone();
    storm(10_000, |number| number, 8);
}

/// Each call makes a circuit, and each circuit takes the place of another.
#[test]
fn keys_on_a_policy_with_a_window_fill_the_table_and_no_more() {
    const CIRCUITS: u64 = 10_000;
    const CELLS: i64 = 10;
    let _alone = alone();
    let trip = Trip::failure_rate(Percent(50.0), Window::calls(100));
    let mut heap = Heap::default();
    let mut table = None;
    let mut call = |from: u64, many: u64| {
        heap.of(|| {
            let config = Config::new().trip(trip);
            let (table, clock) =
                table.get_or_insert_with(|| build(|builder| builder.config(config)));
            for key in from..from + many {
                clock.advance(MILLI);
                table.try_acquire(key).unwrap().record(Outcome::Success);
            }
        })
    };
    let full = call(0, CIRCUITS);
    let after = call(CIRCUITS, million());
    let bound = CIRCUITS as i64 * (CIRCUIT + 8 + PLACE + 8 * CELLS) + MEBI;
    println!(
        "{CIRCUITS} circuits with a window: {} bytes each when full, {:+} bytes after, peak {} of {bound}",
        full / CIRCUITS as i64,
        after - full,
        heap.peak
    );
    assert!(after - full <= MEBI);
    assert!(heap.peak <= bound, "{} > {bound}", heap.peak);
    let (table, _) = table.unwrap();
    assert_eq!((table.len() as u64, table.uncounted()), (CIRCUITS, 0));
}

#[test]
fn a_call_to_a_key_with_or_without_a_circuit_allocates_nothing() {
    let _alone = alone();
    // A cancelled call of a key without a circuit makes one, as a failure does, unless it is ignored.
    let config = Config::new().cancelled(Cancelled::Ignored);
    let (table, clock) = build(|builder| builder.config(config));
    table.circuit(&1).unwrap().isolate();
    table.try_acquire(2).unwrap().record(Outcome::Failure);
    table.try_acquire(2).unwrap().record(Outcome::Failure);
    table.circuit(&4).unwrap().half_open();
    let round = || {
        clock.advance(MILLI);
        assert!(table.try_acquire(1).is_err());
        table.try_acquire(2).unwrap().record(Outcome::Failure);
        table.try_acquire(2).unwrap().record(Outcome::Success);
        table.try_acquire(3).unwrap().record(Outcome::Success);
        drop(table.try_acquire(3).unwrap());
        drop(table.try_acquire(4).unwrap());
    };
    round();
    let info = measure(|| (0..1000).for_each(|_| round()));
    assert_eq!(info.count_total, 0);
}
