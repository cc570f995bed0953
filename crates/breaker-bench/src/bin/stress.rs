//! Many threads do at once whatever a circuit and a table allow: `stress [SECONDS [THREADS [SEED]]]`.
//!
//! One life of a circuit after another. In each, all threads call, hold permits, command, reconfigure, look, and record permits
//! of circuits that have ended long ago; then the circuit ends. It fails where a sum is not exact, a total falls, a generation
//! is told twice or never, or an end is not told once.

use std::{
    env,
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use breaker_bench::sim::random::{Random, Use};
use breaker_layer::{
    Circuit, Config, Observe, OpenTime, Outcome, Percent, Permit, Probes, Ramp, Snapshot,
    TransitionEvent, Trip, Window, clock::ManualClock, keyed::KeyedCircuits, observe::EndedEvent,
    registry::Registry,
};

/// The operations of a thread in one life.
const OPERATIONS: u32 = 2000;
/// The keys of the table, of which it has room for a quarter.
const KEYS: u64 = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut next = |default| arguments.next().unwrap_or(Ok(default));
    let (seconds, threads, seed) = (next(10)?, next(64)?, next(1)?);
    #[expect(
        clippy::disallowed_methods,
        reason = "how long it runs is the machine's time"
    )]
    let now = Instant::now;
    let (begin, mut sums, mut lives) = (now(), Sums::default(), 0);
    let world = World::new()?;
    while now().duration_since(begin) < Duration::from_secs(seconds) {
        lives += 1;
        sums = sums.plus(world.live(threads, seed.wrapping_mul(1 << 32) + lives)?);
    }
    world.check_table();
    println!("{lives} lives, {threads} threads, seed {seed}: {sums:?}");
    Ok(())
}

/// Numbers that look random, the same ones for a seed and a thread.
struct Dice {
    random: Random,
    thread: u64,
    rolls: u64,
}

impl Dice {
    const fn of(seed: u64, thread: u64) -> Self {
        Self {
            random: Random::new(seed),
            thread,
            rolls: 0,
        }
    }

    const fn roll(&mut self, sides: u64) -> u64 {
        self.rolls += 1;
        self.random.bits(self.thread << 32 | self.rolls, Use::World) % sides
    }
}

/// What the threads have done, by their own account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    admitted: u64,
    rejected: u64,
    succeeded: u64,
    failed: u64,
    ignored: u64,
    cancelled: u64,
    transitions: u64,
}

impl Sums {
    const fn plus(self, more: Self) -> Self {
        Self {
            admitted: self.admitted + more.admitted,
            rejected: self.rejected + more.rejected,
            succeeded: self.succeeded + more.succeeded,
            failed: self.failed + more.failed,
            ignored: self.ignored + more.ignored,
            cancelled: self.cancelled + more.cancelled,
            transitions: self.transitions + more.transitions,
        }
    }

    fn of(snapshot: &Snapshot) -> Self {
        Self {
            admitted: snapshot.admitted.unwrap_or_default(),
            rejected: snapshot.rejected,
            succeeded: snapshot.succeeded.unwrap_or_default(),
            failed: snapshot.failed,
            ignored: snapshot.ignored,
            cancelled: snapshot.cancelled,
            transitions: snapshot.generation,
        }
    }

    /// Whether no total is smaller than before.
    const fn are_no_less_than(&self, before: &Self) -> bool {
        self.admitted >= before.admitted
            && self.rejected >= before.rejected
            && self.succeeded >= before.succeeded
            && self.failed >= before.failed
            && self.ignored >= before.ignored
            && self.cancelled >= before.cancelled
            && self.transitions >= before.transitions
    }
}

/// What an observer has seen of one life.
#[derive(Default)]
struct Seen {
    generations: Mutex<Vec<u64>>,
    ends: Mutex<Vec<Sums>>,
}

/// The observer's own handle.
struct Witness(Arc<Seen>);

impl Observe for Witness {
    fn transition(&self, event: &TransitionEvent<'_>) {
        held(&self.0.generations).push(event.transition().generation());
    }

    fn ended(&self, event: &EndedEvent<'_>) {
        held(&self.0.ends).push(Sums::of(event.last()));
    }
}

/// Adds up the rejections of a table's circuits that have ended.
struct Rejections(Arc<AtomicU64>);

impl Observe for Rejections {
    fn transition(&self, _: &TransitionEvent<'_>) {}

    fn ended(&self, event: &EndedEvent<'_>) {
        self.0.fetch_add(event.last().rejected, Relaxed);
    }
}

/// What outlives the circuits.
struct World {
    clock: ManualClock,
    registry: Registry,
    table: KeyedCircuits<u64>,
    /// The calls to the table that were rejected, by the threads' account, and by that of the circuits that have ended.
    refused: AtomicU64,
    ended: Arc<AtomicU64>,
    /// Permits of circuits that have ended.
    left: Mutex<Vec<Permit>>,
}

impl World {
    fn new() -> Result<Self, Box<dyn Error>> {
        let clock = ManualClock::new();
        let ended = Arc::default();
        let builder = KeyedCircuits::builder("table")
            .clock(clock.clock())
            .observe(Rejections(Arc::clone(&ended)));
        Ok(Self {
            registry: Registry::new(),
            table: builder.max_circuits(KEYS as usize / 4).build()?,
            clock,
            refused: AtomicU64::new(0),
            ended,
            left: Mutex::default(),
        })
    }

    /// One circuit from its beginning to its end.
    fn live(&self, threads: u64, seed: u64) -> Result<Sums, Box<dyn Error>> {
        let seen = Arc::new(Seen::default());
        let circuit = Circuit::builder("stress")
            .config(config(&mut Dice::of(seed, 0)))
            .clock(self.clock.clock())
            .observe(Witness(seen.clone()))
            .build()?;
        self.registry.add(&circuit)?;
        let mut sums = Sums::default();
        let mut held_over = Vec::new();
        thread::scope(|scope| {
            let threads: Vec<_> = (1..=threads)
                .map(|thread| {
                    let mut actor = Actor {
                        world: self,
                        circuit: circuit.clone(),
                        dice: Dice::of(seed, thread),
                        sums: Sums::default(),
                        last: Sums::default(),
                        permits: Vec::new(),
                    };
                    scope.spawn(move || {
                        (0..OPERATIONS).for_each(|_| actor.act());
                        (actor.sums, actor.permits)
                    })
                })
                .collect();
            for thread in threads {
                let (more, permits) = thread.join().expect("no thread panics");
                sums = sums.plus(more);
                held_over.extend(permits);
            }
        });
        sums.transitions = circuit.snapshot().generation;
        assert_eq!(Sums::of(&circuit.snapshot()), sums, "seed {seed}");
        drop(circuit);
        self.check_end(&seen, sums, seed);
        held(&self.left).extend(held_over);
        Ok(sums)
    }

    fn check_end(&self, seen: &Seen, sums: Sums, seed: u64) {
        assert_eq!(*held(&seen.ends), [sums], "one end, seed {seed}");
        assert!(self.registry.find("stress", None).is_none(), "seed {seed}");
        let mut generations = held(&seen.generations);
        generations.sort_unstable();
        let all: Vec<_> = (1..=sums.transitions).collect();
        assert_eq!(*generations, all, "each generation once, seed {seed}");
    }

    fn check_table(&self) {
        assert!(
            self.table.len() <= KEYS as usize / 4,
            "the table has its limit"
        );
        let living = self.table.iter();
        let living: u64 = living.map(|(_, circuit)| circuit.snapshot().rejected).sum();
        let refused = self.refused.load(Relaxed);
        assert_eq!(
            self.ended.load(Relaxed) + living,
            refused,
            "the table's rejections"
        );
        println!("the table: {refused} rejections, {living} of them of its present circuits");
    }
}

/// What one thread does in one life.
struct Actor<'a> {
    world: &'a World,
    circuit: Circuit,
    dice: Dice,
    sums: Sums,
    /// The totals when this thread last looked.
    last: Sums,
    permits: Vec<Permit>,
}

impl Actor<'_> {
    fn act(&mut self) {
        match self.dice.roll(1000) {
            0..600 => self.ask(),
            600..850 => self.end_one(),
            850..870 => self.command(),
            870..880 => {
                let config = config(&mut self.dice);
                self.circuit
                    .reconfigure(config)
                    .expect("the settings are good");
            }
            880..920 => self.look(),
            920..940 => self.advance(),
            940..960 => drop(self.circuit.clone()),
            960..970 => self.straggle(),
            _ => self.call_a_key(),
        }
    }

    fn ask(&mut self) {
        match self.circuit.try_acquire() {
            Ok(permit) => {
                self.sums.admitted += 1;
                self.permits.push(permit);
                // A few stay for long, and past the circuit's end.
                if self.permits.len() > 4 {
                    self.end_one();
                }
            }
            Err(_) => self.sums.rejected += 1,
        }
    }

    fn end_one(&mut self) {
        if self.permits.is_empty() {
            return;
        }
        let at = self.dice.roll(self.permits.len() as u64) as usize;
        let permit = self.permits.swap_remove(at);
        match self.dice.roll(10) {
            0..5 => {
                self.sums.succeeded += 1;
                permit.record(Outcome::Success);
            }
            5..8 => {
                self.sums.failed += 1;
                permit.record_after(Outcome::Failure, Duration::from_millis(self.dice.roll(20)));
            }
            8 => {
                self.sums.ignored += 1;
                permit.record(Outcome::Ignored);
            }
            _ => {
                self.sums.cancelled += 1;
                drop(permit);
            }
        }
    }

    fn command(&mut self) {
        let commands = [
            Circuit::trip,
            Circuit::half_open,
            Circuit::close,
            Circuit::isolate,
            |circuit: &Circuit| circuit.isolate_for(Duration::from_millis(2)),
            Circuit::disable,
            Circuit::observe_only,
            Circuit::reset,
            Circuit::reset,
        ];
        commands[self.dice.roll(commands.len() as u64) as usize](&self.circuit);
    }

    fn look(&mut self) {
        let snapshot = self.circuit.snapshot();
        let now = Sums::of(&snapshot);
        assert!(
            now.are_no_less_than(&self.last),
            "{now:?} after {:?}",
            self.last
        );
        self.last = now;
        let found = self.world.registry.find("stress", None);
        assert_eq!(found.map(|found| found.name()), Some(snapshot.name));
    }

    /// Time goes on, and now and then far.
    fn advance(&mut self) {
        let most = [100, 10_000, 10_000_000][self.dice.roll(3) as usize];
        self.world
            .clock
            .advance(Duration::from_micros(self.dice.roll(most)));
    }

    /// Records a permit of a circuit that has ended.
    fn straggle(&mut self) {
        let permit = held(&self.world.left).pop();
        if let Some(permit) = permit {
            permit.record(Outcome::Failure);
        }
    }

    fn call_a_key(&mut self) {
        let key = self.dice.roll(KEYS);
        let table = &self.world.table;
        match self.dice.roll(20) {
            0 => table.sweep(),
            1 => table.circuit(&key).iter().for_each(Circuit::isolate),
            2 => table.reset(&key),
            3 => {
                let circuit = table.circuit(&key);
                circuit
                    .iter()
                    .for_each(|circuit| circuit.isolate_for(Duration::from_millis(2)));
            }
            _ => {
                let Ok(permit) = table.try_acquire(key) else {
                    self.world.refused.fetch_add(1, Relaxed);
                    return;
                };
                permit.record([Outcome::Failure, Outcome::Success][self.dice.roll(2) as usize]);
            }
        }
    }
}

/// Settings of any kind; calls are counted with all of them.
fn config(dice: &mut Dice) -> Config {
    let window = match dice.roll(3) {
        0 => Window::calls(1 + dice.roll(50) as u32),
        1 => Window::time(Duration::from_millis(10 + dice.roll(1000))),
        _ => Window::calls(100),
    };
    let trip = match dice.roll(4) {
        0 => Trip::default(),
        1 => Trip::consecutive_failures(1 + dice.roll(5) as u32),
        2 => Trip::failure_rate(Percent(50.0), window),
        _ => Trip::never(),
    };
    let config = Config::default()
        .trip(trip)
        .open_time(OpenTime::fixed(Duration::from_millis(1 + dice.roll(20))))
        .probes(
            Probes::new(1 + dice.roll(4) as u32).timeout(Duration::from_millis(1 + dice.roll(50))),
        )
        .count_calls(true);
    match dice.roll(3) {
        0 => config.ramp(Ramp::new(1 + dice.roll(20) as u32, 1000)),
        1 => config.slow_after(Duration::from_millis(10)),
        _ => config,
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
