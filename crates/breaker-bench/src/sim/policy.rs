//! What a client can do: call or not.

use std::collections::VecDeque;

use breaker_core::{Config, OpenTime, Percent, Probes, Ramp, Timestamp, Trip, Window, presets};
use std::time::Duration;

use super::machine::Machine;

/// Decides for each call whether it is made, and is told what became of it.
pub trait Policy {
    /// Whether a call is made now; `draw` is a random number of its own. What it gives is handed back with the result.
    fn admit(&mut self, now: Timestamp, draw: u32) -> Option<u64>;

    /// A call that was made has ended.
    fn record(&mut self, permit: u64, failed: bool, now: Timestamp);

    /// How often it went from letting every call pass to refusing calls.
    fn trips(&self) -> u64;
}

/// Why a policy is in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The library's default.
    Default,
    /// A preset, which imitates another breaker's defaults.
    Preset,
    /// To compare with.
    Other,
    /// None at all.
    NoBreaker,
}

/// A policy in the table.
pub struct Contender {
    /// What it is called.
    pub name: &'static str,
    /// Why it is there.
    pub kind: Kind,
    make: fn(u16) -> Box<dyn Policy>,
}

impl Contender {
    /// The policy at the start; the seed is that of its own jitter.
    pub fn start(&self, seed: u16) -> Box<dyn Policy> {
        (self.make)(seed)
    }
}

/// The default, the presets, and others to compare with.
pub const CONTENDERS: [Contender; 12] = [
    contender("default: evidence, probe share", Kind::Default, |seed| {
        ours(Config::default(), seed)
    }),
    contender("preset: linkerd", Kind::Preset, |seed| {
        ours(presets::linkerd(), seed)
    }),
    contender("preset: resilience4j", Kind::Preset, |seed| {
        ours(presets::resilience4j(), seed)
    }),
    contender("preset: gobreaker", Kind::Preset, |seed| {
        ours(presets::gobreaker(), seed)
    }),
    contender("preset: Polly", Kind::Preset, |seed| {
        ours(presets::polly(), seed)
    }),
    contender("default with a ramp", Kind::Other, |seed| {
        ours(Config::default().ramp(Ramp::new(10, 1000)), seed)
    }),
    contender("evidence, backoff 0.5 s to 30 s", Kind::Other, |seed| {
        ours(evidence_and_backoff(), seed)
    }),
    contender("5 in a row, probe share", Kind::Other, |seed| {
        ours(
            five_in_a_row(OpenTime::default()).probes(Probes::default()),
            seed,
        )
    }),
    contender("5 in a row, 30 s", Kind::Other, |seed| {
        ours(
            five_in_a_row(OpenTime::fixed(Duration::from_secs(30))),
            seed,
        )
    }),
    contender("Hystrix's defaults", Kind::Other, |seed| {
        ours(hystrix(), seed)
    }),
    contender("SRE throttling, K = 2", Kind::Other, |_| {
        Box::new(Throttle::default())
    }),
    contender("no breaker", Kind::NoBreaker, |_| Box::new(NoBreaker)),
];

const fn contender(name: &'static str, kind: Kind, make: fn(u16) -> Box<dyn Policy>) -> Contender {
    Contender { name, kind, make }
}

fn ours(settings: Config, seed: u16) -> Box<dyn Policy> {
    Box::new(Machine::new(settings, seed))
}

fn evidence_and_backoff() -> Config {
    let (shortest, longest) = (Duration::from_millis(500), Duration::from_secs(30));
    Config::default().open_time(OpenTime::exponential(shortest, longest))
}

fn five_in_a_row(open_time: OpenTime) -> Config {
    Config::default()
        .trip(Trip::consecutive_failures(5))
        .open_time(open_time)
        .probes(Probes::new(1))
}

fn hystrix() -> Config {
    let window = Window::time(Duration::from_secs(10));
    Config::default()
        .trip(Trip::failure_rate(Percent(50.0), window).min_calls(20))
        .open_time(OpenTime::fixed(Duration::from_secs(5)))
        .probes(Probes::new(1))
}

/// Makes every call.
struct NoBreaker;

impl Policy for NoBreaker {
    fn admit(&mut self, _: Timestamp, _: u32) -> Option<u64> {
        Some(0)
    }

    fn record(&mut self, _: u64, _: bool, _: Timestamp) {}

    fn trips(&self) -> u64 {
        0
    }
}

/// Refuses with the probability `(requests − K·accepts) / (requests + 1)`, over the last two minutes.
///
/// Source: Beyer et al., "Site Reliability Engineering" (2016), chapter 21, client-side throttling.
#[derive(Default)]
struct Throttle {
    /// Second, requests, accepts.
    seconds: VecDeque<(u64, u64, u64)>,
    requests: u64,
    accepts: u64,
    trips: u64,
    refuses: bool,
}

impl Throttle {
    const K: f64 = 2.0;
    const SPAN: u64 = 120;

    fn second(&mut self, now: Timestamp) -> &mut (u64, u64, u64) {
        let now = now.as_nanos() / 1_000_000_000;
        while let Some(&(second, requests, accepts)) = self.seconds.front()
            && second + Self::SPAN <= now
        {
            self.requests -= requests;
            self.accepts -= accepts;
            self.seconds.pop_front();
        }
        if self.seconds.back().is_none_or(|last| last.0 < now) {
            self.seconds.push_back((now, 0, 0));
        }
        self.seconds.back_mut().expect("one was just added")
    }
}

impl Policy for Throttle {
    fn admit(&mut self, now: Timestamp, draw: u32) -> Option<u64> {
        self.second(now).1 += 1;
        let (requests, accepts) = (self.requests as f64, self.accepts as f64);
        self.requests += 1;
        let share = (requests - Self::K * accepts) / (requests + 1.0);
        let refuses = share > 0.0;
        self.trips += u64::from(refuses && !self.refuses);
        self.refuses = refuses;
        (f64::from(draw) / f64::from(u32::MAX) >= share).then_some(0)
    }

    fn record(&mut self, _: u64, failed: bool, now: Timestamp) {
        self.second(now).2 += u64::from(!failed);
        self.accepts += u64::from(!failed);
    }

    fn trips(&self) -> u64 {
        self.trips
    }
}
