//! The downstream: how likely a call of this moment is to fail.

use std::fmt;

/// How many calls come, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Calls a second, on average.
    pub rate: f64,
    /// Seconds.
    pub length: f64,
}

/// What goes wrong, and when. Times are seconds from the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The same failure ratio all the time.
    Steady(f64),
    /// This failure ratio from 300 s on, for 300 s.
    BrownOut(f64),
    /// Every call fails from then on, for so long.
    Outage {
        /// When it begins.
        from: f64,
        /// How long it lasts.
        lasts: f64,
    },
    /// From 100 s on, thirty times 10 s off and 10 s on.
    Flapping,
    /// An outage from 300 s on, for 60 s, after which a cold cache answers few calls; overload keeps it cold.
    ColdCache,
}

/// One traffic and one fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scenario {
    /// The calls.
    pub traffic: Traffic,
    /// The downstream.
    pub fault: Fault,
}

/// The failure ratio while nothing is wrong.
const USUAL: f64 = 0.01;
/// The failure ratio of calls above what a cold cache can answer.
const OVERLOADED: f64 = 0.95;
/// When a cold cache begins to warm, and how long that takes.
const COLD_FROM: f64 = 360.0;
const WARMING: f64 = 30.0;
/// How far a call above twice the limit sets the warming back.
const SETBACK: f64 = 0.020;

/// Quiet and steady for two hours, busy for a quarter of an hour.
pub const TRAFFIC: [Traffic; 3] = [
    Traffic {
        rate: 0.5,
        length: 7200.0,
    },
    Traffic {
        rate: 10.0,
        length: 7200.0,
    },
    Traffic {
        rate: 1000.0,
        length: 900.0,
    },
];

/// All faults.
pub const FAULTS: [Fault; 11] = [
    Fault::Steady(USUAL),
    Fault::Steady(0.05),
    Fault::Steady(0.10),
    Fault::BrownOut(0.30),
    Fault::BrownOut(0.60),
    Fault::BrownOut(0.90),
    Fault::Outage {
        from: 300.0,
        lasts: 10.0,
    },
    Fault::Outage {
        from: 300.0,
        lasts: 60.0,
    },
    Fault::Outage {
        from: 120.0,
        lasts: 600.0,
    },
    Fault::Flapping,
    Fault::ColdCache,
];

/// Every fault under every traffic.
pub fn scenarios() -> Vec<Scenario> {
    FAULTS
        .into_iter()
        .flat_map(|fault| TRAFFIC.map(|traffic| Scenario { traffic, fault }))
        .collect()
}

impl Fault {
    /// Whether a breaker that trips is wrong: nothing ever fails but a few calls.
    pub const fn is_harmless(self) -> bool {
        matches!(self, Self::Steady(_))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steady(ratio) if *ratio == 0.10 => f.write_str("one shard of ten dead"),
            Self::Steady(ratio) => write!(f, "healthy, {:.0} %", 100.0 * ratio),
            Self::BrownOut(ratio) => write!(f, "brown-out, {:.0} %", 100.0 * ratio),
            Self::Outage { lasts, .. } => write!(f, "outage, {lasts:.0} s"),
            Self::Flapping => f.write_str("flapping"),
            Self::ColdCache => f.write_str("cold cache"),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}/s", self.fault, self.traffic.rate)
    }
}

/// The downstream of one simulation.
pub struct World {
    scenario: Scenario,
    cache: Cache,
}

/// How warm the cache is, and what it has been asked for in this second.
#[derive(Default)]
struct Cache {
    /// Seconds of undisturbed warming, less the setbacks: overload can dig a hole that takes longer to leave than the
    /// warming takes from the start.
    warmth: f64,
    seen: f64,
    second: u64,
    calls: f64,
}

impl World {
    /// The downstream at the start.
    pub fn new(scenario: Scenario) -> Self {
        let cache = Cache {
            seen: COLD_FROM,
            ..Cache::default()
        };
        Self { scenario, cache }
    }

    /// How likely a call is to fail that is made at `now`, in seconds. `now` never goes back.
    pub fn failure_ratio(&mut self, now: f64) -> f64 {
        let down = |from: f64, lasts: f64| (from..from + lasts).contains(&now);
        match self.scenario.fault {
            Fault::Steady(ratio) => ratio,
            Fault::BrownOut(ratio) if down(300.0, 300.0) => ratio,
            Fault::Outage { from, lasts } if down(from, lasts) => 1.0,
            Fault::Flapping if down(100.0, 600.0) && (now - 100.0) % 20.0 < 10.0 => 1.0,
            Fault::ColdCache if down(300.0, COLD_FROM - 300.0) => 1.0,
            Fault::ColdCache if now >= COLD_FROM => self.cache.failure_ratio(self.scenario, now),
            _ => USUAL,
        }
    }

    /// A call is made at the moment that was just asked about.
    pub fn call(&mut self, now: f64) {
        if self.scenario.fault == Fault::ColdCache && now >= COLD_FROM {
            self.cache.call(self.scenario.traffic.rate);
        }
    }
}

impl Cache {
    /// How many calls it answers well in a second.
    fn limit(&self, rate: f64) -> f64 {
        (rate * (0.1 + 1.2 * self.warmth / WARMING)).max(4.0)
    }

    fn failure_ratio(&mut self, scenario: Scenario, now: f64) -> f64 {
        self.warmth = (self.warmth + now - self.seen).min(WARMING);
        self.seen = now;
        let second = now as u64;
        if second != self.second {
            (self.second, self.calls) = (second, 0.0);
        }
        // Once it is warm there is no limit any more.
        if self.warmth < WARMING && self.calls + 1.0 > self.limit(scenario.traffic.rate) {
            OVERLOADED
        } else {
            USUAL
        }
    }

    fn call(&mut self, rate: f64) {
        self.calls += 1.0;
        if self.warmth < WARMING && self.calls > 2.0 * self.limit(rate) {
            self.warmth -= SETBACK;
        }
    }
}
