//! How long a real key that dies goes unprotected while somebody else chooses keys, to fill the table: `chosen`.
//!
//! A table of 10 000 circuits, on the default policy. Somebody knows its rules, and controls what his own keys answer. First he
//! fills the table; then the real keys die, one after another, while he goes on. Real keys are called each so many seconds, in
//! random order. What counts is the time from a key's first failed call to its first rejected one.

use std::{iter, process::ExitCode, time::Duration};

use breaker_bench::{
    bar::{self, Bar},
    sim::random::{Random, Use},
};
use breaker_layer::{Outcome, clock::ManualClock, keyed::KeyedCircuits};

const CIRCUITS: u64 = 10_000;
/// What others choose begins here.
const CHOSEN: u64 = 1 << 32;
const STEPS_A_SECOND: u64 = 100;
/// For so long he goes on.
const SECONDS: u64 = 600;
/// Calls a second of a real key.
const RATES: [f64; 3] = [0.1, 1.0, 10.0];
/// Real keys of each rate.
const KEYS: usize = 9;

/// What somebody does.
struct Attack {
    name: &'static str,
    fill: Fill,
    /// Calls a second after that.
    rate: f64,
    goes_on: GoesOn,
}

/// What he fills the table with.
enum Fill {
    Nothing,
    /// So many failures of each key.
    Failures(u64),
    /// Keys that open and then recover.
    Recovered,
}

/// What he does with his calls after that. All fail.
enum GoesOn {
    /// So many to each new key.
    NewKeys(u64),
    /// One after another to the keys that fill the table.
    SameKeys,
}

const ATTACKS: &[Attack] = &[
    attack("nobody", Fill::Nothing, 0.0, GoesOn::NewKeys(1)),
    attack("dead keys", Fill::Failures(15), 2.8, GoesOn::NewKeys(15)),
    attack(
        "dead keys, one call to each in 30 s",
        Fill::Failures(15),
        333.0,
        GoesOn::SameKeys,
    ),
    attack(
        "keys that are almost dead, and new ones",
        Fill::Failures(14),
        10.0,
        GoesOn::NewKeys(1),
    ),
    attack(
        "keys that were dead, and new ones",
        Fill::Recovered,
        10.0,
        GoesOn::NewKeys(1),
    ),
    attack(
        "dead keys, and new ones",
        Fill::Failures(15),
        100.0,
        GoesOn::NewKeys(1),
    ),
    attack(
        "dead keys, and new ones",
        Fill::Failures(15),
        1_000.0,
        GoesOn::NewKeys(1),
    ),
    attack(
        "dead keys, and new ones",
        Fill::Failures(15),
        10_000.0,
        GoesOn::NewKeys(1),
    ),
    attack(
        "dead keys, one call to each in a second",
        Fill::Failures(15),
        10_500.0,
        GoesOn::SameKeys,
    ),
];

const fn attack(name: &'static str, fill: Fill, rate: f64, goes_on: GoesOn) -> Attack {
    Attack {
        name,
        fill,
        rate,
        goes_on,
    }
}

/// A real key.
struct Real {
    key: u64,
    rate: f64,
    calls: u64,
    /// When it is called next, and when it failed first and was rejected first, in seconds.
    next: f64,
    failed: Option<f64>,
    rejected: Option<f64>,
}

struct Bench {
    table: KeyedCircuits<u64>,
    clock: ManualClock,
    random: Random,
    calls: u64,
}

impl Bench {
    fn new() -> Self {
        let clock = ManualClock::new();
        let builder = KeyedCircuits::<u64>::builder("table").clock(clock.clock());
        let table = builder.max_circuits(CIRCUITS as usize).seed(1);
        Self {
            table: table.build().expect("the settings are good"),
            clock,
            random: Random::new(1),
            calls: 0,
        }
    }

    /// Whether the call is rejected.
    fn call(&self, key: u64, outcome: Outcome) -> bool {
        match self.table.try_acquire(key) {
            Ok(permit) => permit.record(outcome),
            Err(_) => return true,
        }
        false
    }

    fn fill(&self, fill: &Fill) {
        let failures = match fill {
            Fill::Nothing => return,
            Fill::Failures(failures) => *failures,
            Fill::Recovered => 15,
        };
        for key in 0..CIRCUITS {
            // He is as fast as he can.
            self.clock.advance(Duration::from_millis(1));
            for _ in 0..failures {
                self.call(CHOSEN + key, Outcome::Failure);
            }
        }
        if let Fill::Recovered = fill {
            self.clock.advance(Duration::from_secs(60));
            for key in 0..CIRCUITS {
                for _ in 0..10 {
                    self.call(CHOSEN + key, Outcome::Success);
                }
            }
        }
    }

    /// The calls of one step of somebody who goes on.
    fn go_on(&mut self, attack: &Attack, step: u64) {
        let until = (step as f64 * attack.rate / STEPS_A_SECOND as f64) as u64;
        for call in self.calls..until {
            let key = match attack.goes_on {
                GoesOn::NewKeys(calls) => CHOSEN + CIRCUITS + call / calls,
                GoesOn::SameKeys => CHOSEN + call % CIRCUITS,
            };
            self.call(key, Outcome::Failure);
        }
        self.calls = until;
    }

    /// The calls of one step to a real key, which is dead.
    fn call_real(&self, real: &mut Real, now: f64) {
        while real.next <= now && real.rejected.is_none() {
            real.calls += 1;
            let draw: f64 = self.random.unit(real.key << 32 | real.calls, Use::Gap);
            real.next += -(1.0 - draw).ln() / real.rate;
            if self.call(real.key, Outcome::Failure) {
                real.rejected = Some(now);
            } else {
                real.failed.get_or_insert(now);
            }
        }
    }

    fn run(mut self, attack: &Attack) -> Vec<Real> {
        self.fill(&attack.fill);
        let rates = RATES.iter().flat_map(|rate| iter::repeat_n(*rate, KEYS));
        let real = rates.zip(0..).map(|(rate, key)| Real {
            key,
            rate,
            calls: 0,
            // A minute after the table is full, one after another.
            next: 60.0 + key as f64 / (KEYS * RATES.len()) as f64,
            failed: None,
            rejected: None,
        });
        let mut real: Vec<_> = real.collect();
        for step in 1..=SECONDS * STEPS_A_SECOND {
            self.clock
                .advance(Duration::from_secs(1) / STEPS_A_SECOND as u32);
            self.go_on(attack, step);
            let now = step as f64 / STEPS_A_SECOND as f64;
            real.iter_mut().for_each(|real| self.call_real(real, now));
        }
        real
    }
}

/// For how many seconds the keys of this rate were unprotected: the median.
fn unprotected(real: &[Real], rate: f64) -> f64 {
    let took = |real: &Real| Some(real.rejected? - real.failed?);
    let of_rate = real.iter().filter(|real| real.rate == rate);
    let mut all: Vec<_> = of_rate
        .map(|real| took(real).unwrap_or(f64::INFINITY))
        .collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn shown(seconds: f64) -> String {
    if seconds.is_finite() {
        return format!("{seconds:.1} s");
    }
    format!("more than {} s", SECONDS - 60)
}

fn main() -> ExitCode {
    println!(
        "| what somebody else fills the table with, and calls then | his calls/s | a real key called each 10 s | each second | ten times a second |"
    );
    println!("|---|---|---|---|---|");
    let mut bars = vec![];
    for attack in ATTACKS {
        let real = Bench::new().run(attack);
        let took = RATES.map(|rate| unprotected(&real, rate));
        let Attack { name, rate, .. } = attack;
        println!("| {name} | {rate} | {} |", took.map(shown).join(" | "));
        for (seconds, real_rate) in took.into_iter().zip(RATES) {
            // He gains little with half as many calls as there are circuits, times the real key's calls; and he must call each of
            // his open keys once a second to keep them.
            if *rate <= 0.5 * CIRCUITS as f64 * real_rate.min(1.0) {
                let what = format!("{name} at {rate}/s, a key called {real_rate} times a second");
                bars.push(Bar::at_most(what, seconds, 25.0 / real_rate));
            }
        }
    }
    bar::report(&bars)
}
