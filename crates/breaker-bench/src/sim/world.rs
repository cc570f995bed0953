//! The downstream: how likely a call of this moment is to fail, and when it is answered.

use std::fmt;

use super::{
    random::{Random, Use},
    server::{Server, Trouble},
    traffic::Traffic,
};

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
    /// An outage from 300 s on, for 60 s; this failure ratio from its end on.
    Aftermath(f64),
    /// From 100 s on, thirty times 10 s off and 10 s on.
    Flapping,
    /// An outage from 300 s on, for 60 s, after which a cold cache answers few calls; overload keeps it cold.
    ColdCache,
    /// Once in so many seconds every call fails for a few.
    Spells {
        /// How long a spell lasts.
        lasts: f64,
        /// In each span of so many seconds there is one.
        every: f64,
    },
    /// Once in so many calls some in a row fail: they ask for what cannot be had.
    Runs {
        /// How many calls fail in a row.
        calls: u64,
        /// Of so many there is one such run.
        every: u64,
    },
    /// Once in so many seconds all calls under way fail within a millisecond, and every call fails for a while after that.
    Events {
        /// In each span of so many seconds there is one.
        every: f64,
        /// For how long every call fails after it.
        then: f64,
    },
    /// Of so many fan-outs one fails as a whole, within a millisecond.
    FanOuts(u64),
    /// The downstream can do only so much, and this goes wrong from 60 s on.
    Capacity(Trouble),
}

/// One traffic and one fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scenario {
    /// The calls.
    pub traffic: Traffic,
    /// The downstream.
    pub fault: Fault,
}

/// A call that was made.
pub struct Made {
    /// When it ends, in seconds.
    pub ends: f64,
    /// Whether it fails.
    pub failed: bool,
    /// How likely it was to fail, of which its worth follows. What strikes calls under way is nobody's fault who made them.
    pub failure_ratio: f64,
}

/// The failure ratio while nothing is wrong.
pub(super) const USUAL: f64 = 0.01;
/// The failure ratio of calls above what a cold cache can answer.
const OVERLOADED: f64 = 0.95;
/// When a cold cache begins to warm, and how long that takes.
const COLD_FROM: f64 = 360.0;
const WARMING: f64 = 30.0;
/// How far a call above twice the limit sets the warming back, at 1000 calls a second.
const SETBACK: f64 = 0.020;
/// A call takes 20 ms on average, and a second at most.
const MEAN_LATENCY: f64 = 0.020;
pub(super) const LONGEST_LATENCY: f64 = 1.0;
/// Within so many seconds the calls fail that one event strikes.
const SPREAD: f64 = 0.001;

impl Fault {
    /// Whether a breaker that trips is wrong: nothing ever fails but a few calls.
    pub const fn is_harmless(self) -> bool {
        matches!(self, Self::Steady(ratio) if ratio <= 0.10)
    }

    /// For how long nothing has been wrong any more at this time, after something was; when it has not been yet, `None`.
    pub fn well_since(self, now: f64) -> Option<f64> {
        let since = match self {
            Self::Outage { from, lasts } => from + lasts,
            Self::BrownOut(_) => 600.0,
            Self::Capacity(trouble) => trouble.ends(),
            _ => return None,
        };
        (now >= since).then_some(since)
    }

    /// How often a call that failed is tried once more.
    pub const fn retries(self) -> u64 {
        match self {
            Self::Capacity(_) => 2,
            _ => 0,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steady(ratio) if *ratio == 0.10 => f.write_str("one shard of ten dead"),
            Self::Steady(ratio) if *ratio > 0.10 => write!(f, "{:.0} % for good", 100.0 * ratio),
            Self::Steady(ratio) => write!(f, "healthy, {:.0} %", 100.0 * ratio),
            Self::BrownOut(ratio) => write!(f, "brown-out, {:.0} %", 100.0 * ratio),
            Self::Outage { lasts, .. } => write!(f, "outage, {lasts:.0} s"),
            Self::Aftermath(ratio) => {
                write!(f, "outage, 60 s, then {:.0} % for good", 100.0 * ratio)
            }
            Self::Flapping => f.write_str("flapping"),
            Self::ColdCache => f.write_str("cold cache"),
            Self::Spells { lasts, every } => write!(f, "{lasts} s of each {every} s down"),
            Self::Runs { calls, every } => write!(f, "runs of {calls} in {every} bad calls"),
            Self::Events { every, then: 0.0 } => write!(f, "calls under way struck each {every} s"),
            Self::Events { every, then } => write!(f, "restart of {then} s each {every} s"),
            Self::FanOuts(every) => write!(f, "one of {every} fan-outs struck"),
            Self::Capacity(trouble) => write!(f, "finite capacity, {trouble}"),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.fault, self.traffic)
    }
}

/// The downstream of one simulation.
pub struct World {
    scenario: Scenario,
    random: Random,
    cache: Cache,
    server: Server,
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
    pub fn new(scenario: Scenario, random: Random) -> Self {
        let cache = Cache {
            seen: COLD_FROM,
            ..Cache::default()
        };
        Self {
            scenario,
            random,
            cache,
            server: Server::new(scenario.traffic.rate),
        }
    }

    /// How likely a call is to fail that is made at `now`, in seconds. `now` never goes back.
    pub fn failure_ratio(&mut self, call: u64, now: f64) -> f64 {
        let down = |from: f64, lasts: f64| (from..from + lasts).contains(&now);
        match self.scenario.fault {
            Fault::Steady(ratio) => ratio,
            Fault::BrownOut(ratio) if down(300.0, 300.0) => ratio,
            Fault::Outage { from, lasts } if down(from, lasts) => 1.0,
            Fault::Aftermath(_) if down(300.0, 60.0) => 1.0,
            Fault::Aftermath(ratio) if now >= 360.0 => ratio,
            Fault::Flapping if down(100.0, 600.0) && (now - 100.0) % 20.0 < 10.0 => 1.0,
            Fault::ColdCache if down(300.0, COLD_FROM - 300.0) => 1.0,
            Fault::ColdCache if now >= COLD_FROM => self.cache.failure_ratio(self.scenario, now),
            Fault::Spells { lasts, every } if down(self.moment(now, lasts, every), lasts) => 1.0,
            Fault::Runs { calls, every } if self.is_in_run(call, calls, every) => 1.0,
            Fault::Events { every, then } if down(self.moment(now, then, every), then) => 1.0,
            Fault::Capacity(trouble) => trouble.failure_ratio(now),
            _ => USUAL,
        }
    }

    /// A call is made.
    pub fn call(&mut self, call: u64, now: f64) -> Made {
        let latency = MEAN_LATENCY * self.random.exponential(call, Use::Latency);
        let luck = self.random.unit(call, Use::Luck);
        if let Fault::Capacity(trouble) = self.scenario.fault {
            return self.server.call(trouble, now, latency, luck);
        }
        let failure_ratio = self.failure_ratio(call, now);
        if self.scenario.fault == Fault::ColdCache && now >= COLD_FROM {
            self.cache.call(self.scenario.traffic.rate);
        }
        let ends = now + latency.min(LONGEST_LATENCY);
        match self.strikes(call, now) {
            Some(strikes) if strikes < ends => Made {
                ends: strikes + SPREAD * luck,
                failed: true,
                failure_ratio,
            },
            _ => Made {
                ends,
                failed: luck < failure_ratio,
                failure_ratio,
            },
        }
    }

    /// When the present span's one event begins, which lasts so long.
    fn moment(&self, now: f64, lasts: f64, every: f64) -> f64 {
        let span = (now / every).floor();
        span * every + self.random.unit(span as u64, Use::World) * (every - lasts)
    }

    fn is_in_run(&self, call: u64, calls: u64, every: u64) -> bool {
        let first = self.random.bits(call / every, Use::World) % (every - calls);
        (first..first + calls).contains(&(call % every))
    }

    /// When something strikes the calls under way, which may be after this one has ended.
    fn strikes(&self, call: u64, now: f64) -> Option<f64> {
        let fan_out = call / self.scenario.traffic.fan_out;
        match self.scenario.fault {
            Fault::Events { every, then } => {
                let this = self.moment(now, then, every);
                Some(if now < this {
                    this
                } else {
                    self.moment(now + every, then, every)
                })
            }
            Fault::FanOuts(every) if fan_out % every == every - 1 => Some(now),
            _ => None,
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
