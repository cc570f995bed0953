//! Making, evicting and tripping race freely. Each test must see what it is about, or it fails.
#![cfg(feature = "keyed")]

mod support;

use std::{
    collections::HashMap,
    hint::spin_loop,
    mem,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use breaker_layer::{
    Config, Observe, OpenTime, Outcome, Probes, State, TransitionEvent, Trip,
    clock::ManualClock,
    keyed::{KeyedCircuits, KeyedPermit},
    observe::EndedEvent,
};
use support::{MILLI, THRESHOLD};

const OPEN_FOR: Duration = Duration::from_millis(100);

fn config() -> Config {
    Config::new()
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1))
}

/// A small generator of random numbers (xorshift), so that a run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Counts the attempts to make a circuit, each of which asks for a name.
fn counted(attempts: &Arc<AtomicU64>) -> impl Fn(&u64) -> Arc<str> + Send + Sync + 'static {
    let attempts = attempts.clone();
    move |key| {
        attempts.fetch_add(1, SeqCst);
        key.to_string().into()
    }
}

#[test]
fn threads_that_see_the_first_failure_of_a_key_make_one_circuit() {
    const THREADS: u64 = 3;
    let attempts = Arc::new(AtomicU64::new(0));
    let (count, meeting) = (counted(&attempts), Barrier::new(THREADS as usize));
    let circuits = KeyedCircuits::builder("table")
        .config(
            config()
                .trip(Trip::consecutive_failures(100))
                .one_event(Duration::ZERO),
        )
        .name_by(move |key: &u64| {
            // At every other key all of them have found no circuit before the first one makes it.
            if key.is_multiple_of(2) {
                meeting.wait();
            }
            count(key)
        })
        .build()
        .unwrap();
    for key in 0..2000 {
        let before = attempts.load(SeqCst);
        let permits = (0..THREADS).map(|_| circuits.try_acquire(key).unwrap());
        let permits: Vec<_> = permits.collect();
        let barrier = Barrier::new(THREADS as usize);
        thread::scope(|scope| {
            for permit in permits {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    permit.record(Outcome::Failure);
                });
            }
        });
        let circuit = circuits.get(&key).unwrap();
        let snapshot = circuit.snapshot();
        assert_eq!(snapshot.failed, THREADS);
        assert_eq!(u64::from(snapshot.failures), THREADS);
        circuit.reset();
        let collisions = attempts.load(SeqCst) - before - 1;
        assert!(collisions == THREADS - 1 || key % 2 == 1);
    }
}

/// Trips the keys of these rounds and resets them, while somebody looks all the time for what may be forgotten. Every
/// circuit may be, but for one that has just tripped. Gives how often one was made.
fn trip_while_others_sweep(rounds: u64, key_of: impl Fn(u64) -> u64) -> u64 {
    let made = Arc::new(AtomicU64::new(0));
    let circuits = KeyedCircuits::builder("table")
        .config(config().trip(Trip::consecutive_failures(1)))
        .keep_after_trip(Duration::ZERO)
        .name_by(counted(&made))
        .clock(ManualClock::new().clock())
        .build()
        .unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(SeqCst) {
                circuits.sweep();
            }
        });
        for round in 0..rounds {
            let key = key_of(round);
            let permit = circuits.try_acquire(key).expect("it is closed");
            permit.record(Outcome::Failure);
            let is_open = circuits.state(&key) == State::Open;
            is_over.store(!is_open, SeqCst);
            assert!(
                is_open,
                "in round {round} a failure or an open circuit was lost"
            );
            circuits.reset(&key);
            (0..round % 100).for_each(|_| spin_loop());
        }
        is_over.store(true, SeqCst);
    });
    let made = made.load(SeqCst);
    println!("{made} circuits made in {rounds} rounds");
    made
}

#[test]
fn no_failure_is_lost_and_nothing_that_tripped_is_forgotten_while_others_sweep() {
    const ROUNDS: u64 = 50_000;
    let (mut forgotten, mut forgotten_unused) = (0, 0);
    for _ in 0..50 {
        forgotten += trip_while_others_sweep(ROUNDS, |_| 1) - 1;
        forgotten_unused += trip_while_others_sweep(ROUNDS, |round| round) - ROUNDS;
        if forgotten >= 100 && forgotten_unused >= 10 {
            return;
        }
    }
    panic!(
        "only {forgotten} circuits were forgotten, {forgotten_unused} before their first failure"
    );
}

/// What each key's circuits did, by its name, in any order.
type Seen = Mutex<HashMap<String, Vec<(State, State)>>>;

#[test]
fn no_open_circuit_is_lost_and_no_key_is_taken_for_another_while_a_small_table_churns() {
    const THREADS: u64 = 4;
    const CALLS: u64 = 100_000;
    const CIRCUITS: usize = 14;
    let clock = ManualClock::new();
    let seen: Arc<Seen> = Arc::default();
    let sink = seen.clone();
    let circuits = KeyedCircuits::<u64>::builder("table")
        .config(config())
        .config_for(
            |key| *key >= 1000,
            config().trip(Trip::consecutive_failures(1)),
        )
        .max_circuits(CIRCUITS)
        .keep_after_trip(MILLI)
        .name_by(|key| key.to_string().into())
        .clock(clock.clock())
        .observe(move |event: &TransitionEvent<'_>| {
            let step = (event.transition().from(), event.transition().to());
            let mut seen = sink.lock().unwrap();
            seen.entry(event.circuit().to_owned())
                .or_default()
                .push(step);
        })
        .build()
        .unwrap();
    let evictions = AtomicU64::new(0);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (circuits, clock, evictions) = (&circuits, &clock, &evictions);
            scope.spawn(move || churn(thread, CALLS, circuits, clock, evictions));
        }
    });
    println!(
        "{evictions:?} circuits found evicted, {} calls uncounted",
        circuits.uncounted()
    );
    assert!(
        evictions.load(SeqCst) > 100,
        "hardly anything was evicted: {evictions:?}"
    );
    assert!(circuits.len() <= CIRCUITS);

    let seen = seen.lock().unwrap();
    let (mut trips, mut lost) = (0, 0);
    for (name, steps) in seen.iter() {
        let key: u64 = name.parse().unwrap();
        assert!(key >= 1000, "key {key} is well and tripped: {steps:?}");
        let count = |wanted| steps.iter().filter(|step| **step == wanted).count();
        let tripped = count((State::Closed, State::Open));
        let closed = count((State::HalfOpen, State::Closed));
        let (probed, reopened) = (
            count((State::Open, State::HalfOpen)),
            count((State::HalfOpen, State::Open)),
        );
        assert_eq!(
            tripped + closed + probed + reopened,
            steps.len(),
            "key {key} made a step that is none"
        );
        let is_out = circuits.state(&key) != State::Closed;
        // One that was open and came back closed without a probe has tripped once more than that, and so has one that was
        // taken away before it told that it closed.
        lost += tripped - closed - usize::from(is_out);
        trips += tripped;
    }
    assert!(trips > 100, "hardly anything tripped: {trips}");
    // Those whose keys were not called for a second had to go, and that is told.
    assert_eq!(lost as u64, circuits.forgotten_open());
    assert!(lost < trips / 10, "{lost} of {trips} were forgotten");
}

/// Calls shared keys that are mostly dead, and keys of this thread's own that never fail twice in a row.
fn churn(
    thread: u64,
    calls: u64,
    circuits: &KeyedCircuits<u64>,
    clock: &ManualClock,
    evictions: &AtomicU64,
) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ thread << 32);
    let mut late: Vec<KeyedPermit<u64>> = Vec::new();
    let mut has_failed = [false; 8];
    for call in 0..calls {
        if random.below(16) == 0 {
            clock.advance(MILLI * 100);
        }
        let own = random.below(8);
        let (key, has_failed) = (thread * 100 + own, &mut has_failed[own as usize]);
        let is_evicted = *has_failed && circuits.get(&key).is_none();
        evictions.fetch_add(u64::from(is_evicted), SeqCst);
        *has_failed = !*has_failed;
        let permit = circuits
            .try_acquire(key)
            .expect("a key that is well passes");
        permit.record(if *has_failed {
            Outcome::Failure
        } else {
            Outcome::Success
        });

        let Ok(permit) = circuits.try_acquire(1000 + random.below(10)) else {
            continue;
        };
        match random.below(8) {
            0 => late.push(permit),
            1 => drop(permit),
            2 | 3 => permit.record(Outcome::Success),
            _ => permit.record(Outcome::Failure),
        }
        if call % 64 == 0 {
            for permit in mem::take(&mut late) {
                permit.record(Outcome::Failure);
            }
        }
    }
}

#[test]
fn a_call_that_meets_a_circuit_as_it_opens_is_rejected_once() {
    let circuits = KeyedCircuits::<u64>::builder("table")
        .config(config().trip(Trip::consecutive_failures(1)))
        .clock(ManualClock::new().clock())
        .build()
        .unwrap();
    let circuit = circuits.circuit(&1).unwrap();
    let rejected = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50_000 {
                    match circuits.try_acquire(1) {
                        Ok(permit) => permit.record(Outcome::Failure),
                        Err(_) => {
                            rejected.fetch_add(1, SeqCst);
                            circuit.close();
                        }
                    }
                }
            });
        }
    });
    let snapshot = circuit.snapshot();
    assert!(
        snapshot.opened > 1000,
        "it opened {} times",
        snapshot.opened
    );
    assert_eq!(snapshot.rejected, rejected.into_inner());
}

/// Adds up the rejections of circuits that have ended.
struct Rejections(Arc<AtomicU64>);

impl Observe for Rejections {
    fn transition(&self, _: &TransitionEvent<'_>) {}

    fn ended(&self, event: &EndedEvent<'_>) {
        self.0.fetch_add(event.last().rejected, SeqCst);
    }
}

#[test]
fn no_rejection_is_lost_as_its_circuit_is_forgotten() {
    let ended = Arc::new(AtomicU64::new(0));
    let circuits = KeyedCircuits::<u64>::builder("table")
        .config(config().trip(Trip::consecutive_failures(1)))
        .keep_after_trip(Duration::ZERO)
        .clock(ManualClock::new().clock())
        .observe(Rejections(ended.clone()))
        .build()
        .unwrap();
    let (rejected, made) = (AtomicU64::new(0), AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(SeqCst) {
                    match circuits.try_acquire(1) {
                        Ok(permit) => permit.record(Outcome::Failure),
                        Err(_) => drop(rejected.fetch_add(1, SeqCst)),
                    }
                }
            });
        }
        for round in 0..100_000 {
            circuits.reset(&1);
            made.fetch_add(u64::from(circuits.is_empty()), SeqCst);
            (0..round % 100).for_each(|_| spin_loop());
        }
        is_over.store(true, SeqCst);
    });
    let living = circuits
        .get(&1)
        .map_or(0, |circuit| circuit.snapshot().rejected);
    let (rejected, made) = (rejected.into_inner(), made.into_inner());
    println!("{rejected} rejections, the circuit was seen forgotten {made} times");
    assert!(rejected > 1000 && made > 1000, "{rejected}, {made}");
    assert_eq!(ended.load(SeqCst) + living, rejected);
}
