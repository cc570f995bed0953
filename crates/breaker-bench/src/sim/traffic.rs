//! The calls: how many, of how many clients, and when they come.

use std::fmt;

use super::{
    random::{Random, Use},
    server::Trouble,
    world::{Fault, Scenario},
};

/// How many calls come, of whom, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Calls a second, on average, of all clients together.
    pub rate: f64,
    /// Seconds.
    pub length: f64,
    /// Each has a circuit of its own.
    pub clients: u64,
    /// So many calls come at once.
    pub fan_out: u64,
}

impl Traffic {
    /// One client whose calls come one by one.
    pub const fn new(rate: f64, length: f64) -> Self {
        Self {
            rate,
            length,
            clients: 1,
            fan_out: 1,
        }
    }

    /// The same calls, of so many clients.
    pub const fn of(self, clients: u64) -> Self {
        Self { clients, ..self }
    }

    /// As many calls, so many at once.
    pub const fn fan_out(self, fan_out: u64) -> Self {
        Self { fan_out, ..self }
    }

    /// Who makes this call.
    pub fn client(self, call: u64, random: Random) -> usize {
        (random.bits(call / self.fan_out, Use::Client) % self.clients) as usize
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.clients, self.rate) {
            (1, rate) if rate < 0.1 => write!(f, "{:.0}/h", 3600.0 * rate)?,
            (1, rate) => write!(f, "{rate}/s")?,
            (clients, rate) => write!(f, "{clients} × {}/s", rate / clients as f64)?,
        }
        match self.fan_out {
            1 => Ok(()),
            fan_out => write!(f, ", {fan_out} at once"),
        }
    }
}

impl Scenario {
    /// The calls by number, and when they come, in seconds.
    pub(in crate::sim) fn arrivals(self, random: Random) -> impl Iterator<Item = (u64, f64)> {
        let Traffic {
            rate,
            length,
            fan_out,
            ..
        } = self.traffic;
        let mut now = 0.0;
        (0..)
            .map(move |call| {
                if call % fan_out == 0 {
                    let mut gap = random.exponential(call, Use::Gap) * fan_out as f64 / rate;
                    if self.fault == Fault::Capacity(Trouble::Spike) && Trouble::Spike.is_on(now) {
                        gap /= 3.0;
                    }
                    now += gap;
                }
                (call, now)
            })
            .take_while(move |(_, now)| *now < length)
    }
}
