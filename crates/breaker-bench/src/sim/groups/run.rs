//! One rule in one world.

use std::{cmp::Reverse, collections::BinaryHeap};

use breaker_core::Timestamp;

use super::{
    rule::{Contender, Rule},
    world::{ILL_FROM, RATE, Trouble, World},
};
use crate::sim::{
    random::{Random, Use},
    run::UnderWay,
};

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// How often a host was cut off that was not ill.
    pub false_ejections: u64,
    /// How many of the ill hosts were cut off.
    pub found: usize,
    /// When the last of them was, in seconds after they had fallen ill.
    pub found_in: f64,
    /// The most that were cut off at a time.
    pub most: usize,
    /// As many of the calls were refused since something goes wrong; of ten minutes where nothing does.
    pub refused: f64,
    /// As many of the calls that would have been good were.
    pub good_refused: f64,
}

/// A sweep comes every so many seconds.
const SWEEP: f64 = 10.0;
/// How long a call takes, in seconds on average.
const TAKES: f64 = 0.01;

struct Run {
    world: World,
    random: Random,
    rule: Box<dyn Rule>,
    under_way: BinaryHeap<Reverse<UnderWay>>,
    refuses: Vec<bool>,
    found: Vec<bool>,
    outcome: Outcome,
}

fn timestamp(seconds: f64) -> Timestamp {
    Timestamp::from_nanos((seconds * 1e9) as u64)
}

/// What comes of this rule.
pub fn run(world: World, contender: Contender, seed: u64) -> Outcome {
    let mut run = Run {
        world,
        random: Random::new(seed),
        rule: contender.start(world.hosts, seed),
        under_way: BinaryHeap::new(),
        refuses: vec![false; world.hosts],
        found: vec![false; world.hosts],
        outcome: Outcome::default(),
    };
    let (mut now, mut sweeps) = (0.0, 1.0);
    let [mut calls, mut refused, mut good, mut good_refused] = [0u64; 4];
    let from = match world.trouble {
        Trouble::Nothing => 0.0,
        _ => ILL_FROM,
    };
    for call in 0.. {
        now += run.random.exponential(call, Use::Gap) / (RATE * world.hosts as f64);
        if now >= world.length {
            break;
        }
        while sweeps * SWEEP <= now {
            run.sweep(sweeps * SWEEP);
            sweeps += 1.0;
        }
        run.end_until(timestamp(now));
        let failed = run.fails(call, now);
        let passes = run.arrive(call, failed, now);
        if now >= from {
            calls += 1;
            refused += u64::from(!passes);
            good += u64::from(!failed);
            good_refused += u64::from(!failed && !passes);
        }
    }
    Outcome {
        refused: refused as f64 / calls.max(1) as f64,
        good_refused: good_refused as f64 / good.max(1) as f64,
        ..run.outcome
    }
}

impl Run {
    fn host(&self, call: u64) -> usize {
        (self.random.bits(call, Use::Client) % self.world.hosts as u64) as usize
    }

    fn fails(&self, call: u64, now: f64) -> bool {
        self.random.unit(call, Use::Luck) < self.world.failure_ratio(self.host(call), now)
    }

    /// Whether the call is made.
    fn arrive(&mut self, call: u64, failed: bool, now: f64) -> bool {
        let (host, draw) = (self.host(call), self.random.bits(call, Use::Draw) as u32);
        let permit = self.rule.admit(host, timestamp(now), draw);
        if let Some(permit) = permit {
            let ends = timestamp(now + TAKES * self.random.exponential(call, Use::Latency));
            self.under_way.push(Reverse(UnderWay {
                ends,
                call,
                permit,
                failed,
            }));
        }
        permit.is_some()
    }

    fn end_until(&mut self, until: Timestamp) {
        while let Some(Reverse(first)) = self.under_way.peek()
            && first.ends <= until
            && let Some(Reverse(ended)) = self.under_way.pop()
        {
            let host = self.host(ended.call);
            self.rule
                .record(host, ended.permit, ended.failed, ended.ends);
            self.look(host, ended.ends.as_nanos() as f64 / 1e9);
        }
    }

    fn sweep(&mut self, now: f64) {
        self.end_until(timestamp(now));
        self.rule.sweep(timestamp(now));
        (0..self.world.hosts).for_each(|host| self.look(host, now));
    }

    /// Whether this host is cut off now, and was not before.
    fn look(&mut self, host: usize, now: f64) {
        let refuses = self.rule.refuses(host);
        if refuses && !self.refuses[host] {
            self.refuses[host] = true;
            self.note(host, now);
        }
        self.refuses[host] = refuses;
    }

    fn note(&mut self, host: usize, now: f64) {
        let refusing = self.refuses.iter().filter(|refuses| **refuses).count();
        self.outcome.most = self.outcome.most.max(refusing);
        if !self.world.is_ill(host, now) {
            self.outcome.false_ejections += 1;
        } else if !self.found[host] {
            self.found[host] = true;
            self.outcome.found += 1;
            self.outcome.found_in = now - ILL_FROM;
        }
    }
}
