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

/// A call takes 20 ms on average, and a second at most.
const MEAN_LATENCY: f64 = 0.020;
const LONGEST_LATENCY: f64 = 1.0;

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gain {
    /// All calls.
    pub calls: u64,
    /// How often the policy tripped.
    pub trips: u64,
    /// What the calls that were made are worth at each price, in expectation over the luck of each.
    pub worth: [f64; PRICES.len()],
}

/// When the calls come, in seconds.
fn arrivals(scenario: Scenario, random: Random) -> impl Iterator<Item = (u64, f64)> {
    let mut now = 0.0;
    (0..)
        .map(move |call| {
            now += random.exponential(call, Use::Gap) / scenario.traffic.rate;
            (call, now)
        })
        .take_while(move |(_, now)| *now < scenario.traffic.length)
}

fn worth(failure_ratio: f64, price: f64) -> f64 {
    1.0 - failure_ratio - price * failure_ratio
}

fn timestamp(seconds: f64) -> Timestamp {
    Timestamp::from_nanos((seconds * 1e9) as u64)
}

/// What `policy` gains.
pub fn run(scenario: Scenario, seed: u64, policy: &mut dyn Policy) -> Gain {
    let random = Random::new(seed);
    let mut world = World::new(scenario);
    let mut gain = Gain::default();
    // When a call ends, its permit, and whether it failed.
    let mut pending: BinaryHeap<Reverse<(u64, u64, bool)>> = BinaryHeap::new();
    for (call, seconds) in arrivals(scenario, random) {
        let now = timestamp(seconds);
        while let Some(&Reverse((end, permit, failed))) = pending.peek()
            && end <= now.as_nanos()
        {
            pending.pop();
            policy.record(permit, failed, Timestamp::from_nanos(end));
        }
        gain.calls += 1;
        let Some(permit) = policy.admit(now, random.bits(call, Use::Draw) as u32) else {
            continue;
        };
        let failure_ratio = world.failure_ratio(seconds);
        world.call(seconds);
        for (worth_of_all, price) in gain.worth.iter_mut().zip(PRICES) {
            *worth_of_all += worth(failure_ratio, price);
        }
        let failed = random.unit(call, Use::Luck) < failure_ratio;
        let latency = (MEAN_LATENCY * random.exponential(call, Use::Latency)).min(LONGEST_LATENCY);
        pending.push(Reverse((
            timestamp(seconds + latency).as_nanos(),
            permit,
            failed,
        )));
    }
    gain.trips = policy.trips();
    gain
}

/// What is gained by who knows how likely each call is to fail, and makes those that are worth it.
pub fn oracle(scenario: Scenario, seed: u64) -> Gain {
    let mut gain = Gain::default();
    for (worth_of_all, price) in gain.worth.iter_mut().zip(PRICES) {
        let mut world = World::new(scenario);
        gain.calls = 0;
        for (_, now) in arrivals(scenario, Random::new(seed)) {
            gain.calls += 1;
            let worth = worth(world.failure_ratio(now), price);
            if worth > 0.0 {
                world.call(now);
                *worth_of_all += worth;
            }
        }
    }
    gain
}
