//! One policy in one scenario.

use std::{cmp::Reverse, collections::BinaryHeap};

use breaker_core::Timestamp;

use super::{
    policy::Policy,
    random::{Random, Use},
    world::{Scenario, World},
};

/// What a failed call costs, where a good one is worth 1 and a refused one nothing.
pub const PRICES: [f64; 3] = [0.3, 1.0, 3.0];

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gain {
    /// All calls; one that is tried again is one.
    pub calls: u64,
    /// How often the policy tripped.
    pub trips: u64,
    /// What the calls that were made are worth at each price, in expectation over the luck of each.
    pub worth: [f64; PRICES.len()],
}

impl Gain {
    fn add(&mut self, failure_ratio: f64) {
        for (worth_of_all, price) in self.worth.iter_mut().zip(PRICES) {
            *worth_of_all += worth(failure_ratio, price);
        }
    }
}

fn worth(failure_ratio: f64, price: f64) -> f64 {
    1.0 - failure_ratio - price * failure_ratio
}

fn timestamp(seconds: f64) -> Timestamp {
    Timestamp::from_nanos((seconds * 1e9) as u64)
}

/// A call under way, in the order in which they end.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UnderWay {
    pub(super) ends: Timestamp,
    pub(super) call: u64,
    pub(super) permit: u64,
    pub(super) failed: bool,
}

/// One policy for each client, and the downstream.
struct Run<'p> {
    scenario: Scenario,
    random: Random,
    world: World,
    clients: Vec<Box<dyn Policy + 'p>>,
    under_way: BinaryHeap<Reverse<UnderWay>>,
    gain: Gain,
}

/// The number of a call's next try.
const NEXT_TRY: u64 = 1 << 48;

impl Run<'_> {
    fn arrive(&mut self, call: u64, now: f64) {
        let client = self.client(call);
        let draw = self.random.bits(call, Use::Draw) as u32;
        let Some(permit) = self.clients[client].admit(timestamp(now), draw) else {
            return;
        };
        let made = self.world.call(call, now);
        self.gain.add(made.failure_ratio);
        self.under_way.push(Reverse(UnderWay {
            ends: timestamp(made.ends),
            call,
            permit,
            failed: made.failed,
        }));
    }

    /// Ends the calls that end until then.
    fn end_until(&mut self, until: Timestamp) {
        while let Some(Reverse(first)) = self.under_way.peek()
            && first.ends <= until
            && let Some(Reverse(ended)) = self.under_way.pop()
        {
            let client = self.client(ended.call);
            self.clients[client].record(ended.permit, ended.failed, ended.ends);
            if ended.failed && ended.call / NEXT_TRY < self.scenario.fault.retries() {
                let now = ended.ends.as_nanos() as f64 / 1e9;
                self.arrive(ended.call + NEXT_TRY, now);
            }
        }
    }

    fn client(&self, call: u64) -> usize {
        self.scenario.traffic.client(call % NEXT_TRY, self.random)
    }
}

/// What a policy gains; `start` gives each client its own.
pub fn run<'p>(scenario: Scenario, seed: u64, start: impl Fn(u16) -> Box<dyn Policy + 'p>) -> Gain {
    let random = Random::new(seed);
    let clients = 0..scenario.traffic.clients;
    let mut run = Run {
        scenario,
        random,
        world: World::new(scenario, random),
        clients: clients
            .map(|client| start((seed + client) as u16))
            .collect(),
        under_way: BinaryHeap::new(),
        gain: Gain::default(),
    };
    for (call, now) in scenario.arrivals(random) {
        run.end_until(timestamp(now));
        run.gain.calls += 1;
        run.arrive(call, now);
    }
    let trips = run.clients.iter().map(|client| client.trips()).sum();
    Gain { trips, ..run.gain }
}

/// What is gained by who knows how likely each call is to fail, and makes those that are worth it.
pub fn oracle(scenario: Scenario, seed: u64) -> Gain {
    let random = Random::new(seed);
    let mut gain = Gain::default();
    for (worth_of_all, price) in gain.worth.iter_mut().zip(PRICES) {
        let mut world = World::new(scenario, random);
        gain.calls = 0;
        for (call, now) in scenario.arrivals(random) {
            gain.calls += 1;
            let worth = worth(world.failure_ratio(call, now), price);
            if worth > 0.0 {
                world.call(call, now);
                *worth_of_all += worth;
            }
        }
    }
    gain
}
