//! Ten thousand keys, of which one in a hundred is dead: what one shared circuit costs the healthy ones, and what one for
//! each key does not. Two minutes under virtual time; `-- --nocapture` prints the table.
#![cfg(feature = "keyed")]

use std::{collections::VecDeque, fmt, time::Duration};

use breaker_layer::{
    Circuit, Config, OpenTime, Outcome, Permit, Probes, Trip,
    clock::{ManualClock, Timestamp},
    keyed::{KeyedCircuits, KeyedPermit},
};

const KEYS: usize = 10_000;
const DEAD: usize = KEYS / 100;
const CALLS: u32 = 120_000;
/// A call a millisecond, each of which takes fifty.
const BETWEEN: Duration = Duration::from_millis(1);
const TAKES: Duration = Duration::from_millis(50);

/// Which of the keys are dead, the most popular being the first.
#[derive(Clone, Copy, Debug)]
enum Dead {
    MostPopular,
    /// The most popular one, and every hundredth from there on.
    Leader,
    EveryHundredth,
}

impl Dead {
    const fn is(self, key: usize) -> bool {
        match self {
            Self::MostPopular => key < DEAD,
            Self::Leader => key.is_multiple_of(100),
            Self::EveryHundredth => key % 100 == 7,
        }
    }
}

/// Keys as often as Zipf's law has it: the n-th most popular 1/n times as often as the first.
struct Zipf {
    shares: Vec<f64>,
    seed: u64,
}

impl Zipf {
    fn new(seed: u64) -> Self {
        let sums = (1..=KEYS).scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        });
        Self {
            shares: sums.collect(),
            seed,
        }
    }

    fn next(&mut self) -> usize {
        // xorshift64*
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        let random = self.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        let at = random as f64 / (1u64 << 53) as f64 * self.shares[KEYS - 1];
        self.shares.partition_point(|share| *share <= at)
    }
}

/// Who decides.
enum Guard {
    None,
    Shared(Circuit),
    Keyed(KeyedCircuits<usize>),
}

/// A call under way.
enum Flight {
    Free,
    Shared(Permit),
    Keyed(KeyedPermit<usize>),
}

impl Guard {
    fn admit(&self, key: usize) -> Option<Flight> {
        match self {
            Self::None => Some(Flight::Free),
            Self::Shared(circuit) => circuit.try_acquire().ok().map(Flight::Shared),
            Self::Keyed(circuits) => circuits.try_acquire(key).ok().map(Flight::Keyed),
        }
    }
}

impl Flight {
    fn land(self, outcome: Outcome) {
        match self {
            Self::Free => {}
            Self::Shared(permit) => permit.record(outcome),
            Self::Keyed(permit) => permit.record(outcome),
        }
    }
}

/// How it went.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    healthy: u32,
    healthy_succeeded: u32,
    dead: u32,
    dead_called: u32,
}

impl Tally {
    fn run(dead: Dead, guard: &Guard, clock: &ManualClock) -> Self {
        let mut tally = Self::default();
        let mut keys = Zipf::new(88_172_645_463_325_252);
        let mut under_way: VecDeque<(Timestamp, Flight, Outcome)> = VecDeque::new();
        for _ in 0..CALLS {
            clock.advance(BETWEEN);
            while under_way
                .front()
                .is_some_and(|(lands, ..)| *lands <= clock.now())
            {
                let (_, flight, outcome) = under_way.pop_front().unwrap();
                flight.land(outcome);
            }
            let key = keys.next();
            let admitted = guard.admit(key);
            let is_called = u32::from(admitted.is_some());
            let outcome = if dead.is(key) {
                tally.dead += 1;
                tally.dead_called += is_called;
                Outcome::Failure
            } else {
                tally.healthy += 1;
                tally.healthy_succeeded += is_called;
                Outcome::Success
            };
            let lands = clock.now().saturating_add(TAKES);
            under_way.extend(admitted.map(|flight| (lands, flight, outcome)));
        }
        tally
    }

    fn healthy_share(&self) -> f64 {
        f64::from(self.healthy_succeeded) / f64::from(self.healthy)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |part: u32, of: u32| 100.0 * f64::from(part) / f64::from(of);
        write!(
            f,
            "{:.2} % | {:.2} %",
            percent(self.healthy_succeeded, self.healthy),
            percent(self.dead_called, self.dead)
        )
    }
}

fn guards(config: Config, clock: &ManualClock) -> [(&'static str, Guard); 3] {
    let shared = Circuit::builder("shared")
        .config(config)
        .clock(clock.clock())
        .seed(1);
    let keyed = KeyedCircuits::builder("keyed")
        .config(config)
        .clock(clock.clock())
        .seed(1);
    [
        ("none", Guard::None),
        ("one shared circuit", Guard::Shared(shared.build().unwrap())),
        ("one for each key", Guard::Keyed(keyed.build().unwrap())),
    ]
}

#[test]
fn per_key_circuits_cost_the_healthy_keys_nothing_and_a_shared_one_does() {
    let five_in_a_row = Config::new()
        .trip(Trip::consecutive_failures(5))
        .open_time(OpenTime::fixed(Duration::from_secs(30)))
        .probes(Probes::new(1));
    println!(
        "| dead keys | policy | breaker | healthy keys' calls that succeed | dead keys' calls that are made |"
    );
    println!("|---|---|---|---|---|");
    for dead in [Dead::MostPopular, Dead::Leader, Dead::EveryHundredth] {
        for (policy, config) in [
            ("default", Config::new()),
            ("5 in a row, 30 s", five_in_a_row),
        ] {
            let clock = ManualClock::new();
            let guards = guards(config, &clock);
            let tallies = guards.each_ref().map(|(name, guard)| {
                let tally = Tally::run(dead, guard, &clock);
                println!("| {dead:?} | {policy} | {name} | {tally} |");
                tally
            });
            let [none, shared, keyed] = tallies;
            assert_eq!(keyed.healthy_succeeded, none.healthy_succeeded);
            assert!(keyed.dead_called < none.dead_called);
            if let Dead::MostPopular = dead {
                assert!(shared.healthy_share() < 0.9, "{shared:?}");
            }
        }
    }
}
