//! What a call costs while a hundred thousand other keys have circuits: `keyed [ROUNDS MILLISECONDS]`; or so many calls of one
//! of its rows, for callgrind to count: `keyed count ROW CALLS`, where the row is named by how it begins.
//!
//! A healthy key, beside look-ups that miss in three concurrent maps that hold as many keys; and a key that fails once and
//! then succeeds, beside one that is put into these maps and taken out again. Fails if a bar does not hold.

use std::{
    env,
    error::Error,
    hint::black_box,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use breaker_bench::{
    bar::{self, Bar},
    harness::{
        drive::Driver,
        leaf::Leaf,
        time::{Effort, Row, Subject, table},
    },
};
use breaker_layer::{
    Circuit, Config, Outcome, Percent, Registry, Trip, Window,
    keyed::{KeyedBreakerLayer, KeyedCircuits},
};
use tower::Layer;

const PRESENT: usize = 100_000;
const OURS: &str = "breaker-layer, keyed: admitted and recorded";

type Key = &'static str;

/// Names that are never given back: the benchmark's own process ends soon.
fn names(of: &str, many: usize) -> &'static [Key] {
    let names = (0..many).map(|number| &*format!("{of}-{number}.example.com").leak());
    names.collect::<Vec<_>>().leak()
}

/// Gives one of the keys after another.
fn turn(keys: &'static [Key]) -> impl FnMut() -> Key {
    let mut at = 0;
    move || {
        at = (at * 5 + 1) % keys.len();
        black_box(keys[at])
    }
}

/// A table in which the keys have a circuit each.
fn circuits(present: &[Key]) -> KeyedCircuits<Key> {
    let builder = KeyedCircuits::<Key>::builder("hosts").max_circuits(2 * PRESENT);
    let circuits = builder.build().expect("the settings are good");
    for key in present {
        let permit = circuits.try_acquire(key).expect("it is closed");
        permit.record(Outcome::Failure);
    }
    assert_eq!(circuits.len(), present.len());
    circuits
}

/// Maps in which the keys are.
#[derive(Clone, Default)]
struct Maps {
    papaya: Arc<papaya::HashMap<Key, ()>>,
    dashmap: Arc<dashmap::DashMap<Key, ()>>,
    scc: Arc<scc::HashIndex<Key, ()>>,
}

impl Maps {
    fn with(present: &[Key]) -> Self {
        let maps = Self::default();
        for key in present {
            maps.papaya.pin().insert(*key, ());
            maps.dashmap.insert(*key, ());
            let _ = maps.scc.insert_sync(*key, ());
        }
        maps
    }
}

/// Keys that come and go.
fn flaky(present: &'static [Key], flaky: &'static [Key]) -> Vec<Subject> {
    let Maps {
        papaya,
        dashmap,
        scc,
    } = Maps::with(present);
    let circuits = circuits(present);
    vec![
        Subject::new("papaya 0.2: put in and taken out", move || {
            let (map, mut key) = (papaya.clone(), turn(flaky));
            move |_| {
                let (map, key) = (map.pin(), key());
                map.insert(key, ()).is_some() | map.remove(key).is_none()
            }
        }),
        Subject::new("dashmap 6.2: put in and taken out", move || {
            let (map, mut key) = (dashmap.clone(), turn(flaky));
            move |_| {
                let key = key();
                map.insert(key, ()).is_some() | map.remove(key).is_none()
            }
        }),
        Subject::new("scc 3.8 HashIndex: put in and taken out", move || {
            let (map, mut key) = (scc.clone(), turn(flaky));
            move |_| {
                let key = key();
                map.insert_sync(key, ()).is_err() | !map.remove_sync(key)
            }
        }),
        Subject::new("breaker-layer, keyed: fails and succeeds", move || {
            let (circuits, mut key) = (circuits.clone(), turn(flaky));
            move |_| {
                let key = key();
                for outcome in [Outcome::Failure, Outcome::Success] {
                    let Ok(permit) = circuits.try_acquire(key) else {
                        return true;
                    };
                    permit.record(outcome);
                }
                false
            }
        }),
    ]
}

fn healthy(present: &'static [Key], healthy: &'static [Key]) -> Vec<Subject> {
    let Maps {
        papaya,
        dashmap,
        scc,
    } = Maps::with(present);
    let circuits = circuits(present);
    let of_service = circuits.clone();
    vec![
        Subject::new("papaya 0.2: a look-up that misses", move || {
            let (map, mut key) = (papaya.clone(), turn(healthy));
            move |_| map.pin().contains_key(key())
        }),
        Subject::new("dashmap 6.2: a look-up that misses", move || {
            let (map, mut key) = (dashmap.clone(), turn(healthy));
            move |_| map.contains_key(key())
        }),
        Subject::new("scc 3.8 HashIndex: a look-up that misses", move || {
            let (map, mut key) = (scc.clone(), turn(healthy));
            move |_| map.contains(key())
        }),
        Subject::new(OURS, move || {
            let (circuits, mut key) = (circuits.clone(), turn(healthy));
            move |_| match circuits.try_acquire(key()) {
                Ok(permit) => {
                    permit.record(Outcome::Success);
                    false
                }
                Err(_) => true,
            }
        }),
        Subject::new("breaker-layer, keyed: a whole Tower call", move || {
            let layer = KeyedBreakerLayer::new(of_service.clone(), move |request: &u64| {
                Some(healthy[*request as usize % healthy.len()])
            });
            let (mut service, driver) = (layer.layer(Leaf::default()), Driver::new());
            let mut request = 0;
            move |_| {
                request = (request * 5 + 1) % healthy.len() as u64;
                driver.call(&mut service, request).is_err()
            }
        }),
    ]
}

/// Keys that have a circuit, with a window that sees every call.
fn watched(keys: &'static [Key]) -> Vec<Subject> {
    let maps = Maps::with(keys);
    let trip = Trip::failure_rate(Percent(50.0), Window::calls(20));
    let builder = KeyedCircuits::<Key>::builder("hosts").config(Config::new().trip(trip));
    let circuits = builder.build().expect("the settings are good");
    let (papaya, dashmap) = (maps.papaya, maps.dashmap);
    vec![
        Subject::new("papaya 0.2: a look-up that hits", move || {
            let (map, mut key) = (papaya.clone(), turn(keys));
            move |_| !map.pin().contains_key(key())
        }),
        Subject::new("dashmap 6.2: a look-up that hits", move || {
            let (map, mut key) = (dashmap.clone(), turn(keys));
            move |_| !map.contains_key(key())
        }),
        Subject::new(
            "breaker-layer, keyed: with a window of 20 calls",
            move || {
                let (circuits, mut key) = (circuits.clone(), turn(keys));
                move |_| match circuits.try_acquire(key()) {
                    Ok(permit) => {
                        permit.record(Outcome::Success);
                        false
                    }
                    Err(_) => true,
                }
            },
        ),
    ]
}

/// What a registry takes to add circuits, and to find one by its key among a million that are open.
fn registry() {
    const MILLION: u64 = 1_000_000;
    println!("\n## A registry\n\n| | |\n|---|---|");
    let circuit = |name: u64| Circuit::builder(name.to_string()).build().expect("good");
    let circuits: Vec<_> = (0..100_000).map(circuit).collect();
    let registry = Registry::with_capacity(circuits.len());
    let took = time(|| {
        for circuit in &circuits {
            registry.add(circuit).expect("there is room");
        }
    });
    println!("| 100 000 `add`s | {took:.0?} |");

    let builder = KeyedCircuits::<u64>::builder("hosts").max_circuits(MILLION as usize);
    let trip = Config::new().trip(Trip::consecutive_failures(1));
    let hosts = builder.config(trip).build().expect("the settings are good");
    let registry = Registry::new();
    registry.add_keyed(&hosts).expect("there is room");
    for key in 0..MILLION {
        let permit = hosts.try_acquire(key).expect("it is closed");
        permit.record(Outcome::Failure);
    }
    let took = time(|| {
        for key in (0..MILLION).step_by(1000) {
            let found = registry.find("hosts", Some(&key.to_string()));
            assert!(found.is_some_and(|circuit| circuit.is_open()));
        }
    });
    println!(
        "| a `find` by key among a million open ones | {:.1?} |",
        took / 1000
    );
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn time(run: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    run();
    begun.elapsed()
}

/// A value that is counted while it is alive.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn of(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Relaxed);
        Self(alive.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// How many values that were taken out are still alive, at the most, while new keys come and old ones go.
fn left_behind(map: &str, put: impl Fn(u64, Counted), take: impl Fn(u64)) {
    const KEYS: u64 = 10_000;
    let alive = Arc::<AtomicUsize>::default();
    (0..KEYS).for_each(|key| put(key, Counted::of(&alive)));
    let most = (KEYS..100 * KEYS).map(|key| {
        take(key - KEYS);
        let left = alive.load(Relaxed) + 1 - KEYS as usize;
        put(key, Counted::of(&alive));
        left
    });
    println!("| {map} | {} |", most.max().unwrap_or_default());
}

fn all_left_behind() {
    println!("\n## Values that were taken out of 10 000 and are still alive, at the most\n");
    println!("| | |\n|---|---|");
    let papaya = papaya::HashMap::new();
    left_behind(
        "papaya 0.2",
        |key, value| _ = papaya.pin().insert(key, value),
        |key| _ = papaya.pin().remove(&key),
    );
    let dashmap = dashmap::DashMap::new();
    left_behind(
        "dashmap 6.2",
        |key, value| _ = dashmap.insert(key, value),
        |key| _ = dashmap.remove(&key),
    );
    let scc = scc::HashIndex::new();
    left_behind(
        "scc 3.8 HashIndex",
        |key, value| _ = scc.insert_sync(key, Arc::new(value)),
        |key| _ = scc.remove_sync(&key),
    );
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let present = names("dead", PRESENT);
    if let [command, row, calls] = &arguments[..]
        && command == "count"
    {
        let mut rows = healthy(present, names("host", 4096));
        rows.extend(flaky(present, names("flaky", 4096)));
        rows.extend(watched(names("watched", 4096)));
        let row = rows.iter().find(|subject| subject.name.starts_with(row));
        row.ok_or("no such row")?.calls()(calls.parse()?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut arguments = arguments.iter().map(|argument| argument.parse::<u64>());
    let rounds = arguments.next().transpose()?.unwrap_or(9);
    let millis = arguments.next().transpose()?.unwrap_or(30);
    let effort = Effort {
        rounds: rounds as usize,
        millis,
    };
    all_left_behind();
    table(
        "Keys that come and go",
        &flaky(present, names("flaky", 4096)),
        effort,
    );
    registry();
    for (what, many) in [("4096 keys", 4096), ("one key", 1)] {
        let title = format!("{what} that have a circuit");
        table(&title, &watched(names("host", many)), effort);
    }
    let mut bars = vec![];
    for (what, many) in [("4096 healthy keys", 4096), ("one healthy key", 1)] {
        let subjects = healthy(present, names("host", many));
        let rows = table(
            &format!("{what}, 100 000 others have a circuit"),
            &subjects,
            effort,
        );
        bars.extend(checks(what, &rows));
    }
    Ok(bar::report(&bars))
}

/// At most three times a look-up that misses in either map, and no allocation.
fn checks(what: &str, rows: &[Row]) -> Vec<Bar> {
    let ours = rows.iter().find(|row| row.name == OURS).expect("our row");
    let mut bars = vec![];
    for (map, row) in ["papaya", "dashmap"].into_iter().zip(rows) {
        for (sharing, threads) in ["one thread", "two threads"].into_iter().enumerate() {
            let ratio = ours.nanos[sharing] / row.nanos[sharing];
            let bar = format!("{what} ÷ a miss in {map}, {threads}");
            bars.push(Bar::at_most(bar, ratio, 3.0));
        }
    }
    bars.push(Bar::at_most(
        format!("{what}, allocations a call"),
        ours.allocations,
        0.0,
    ));
    bars
}
