//! The hosts, and what goes wrong.

use std::fmt;

/// What goes wrong, from [`ILL_FROM`] on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// Nothing.
    Nothing,
    /// This share of one host's calls fails.
    One(f64),
    /// Half of the hosts are dead.
    HalfDead,
    /// All are dead.
    AllDead,
    /// For a minute this share of the requests is bad, whichever host they go to: nobody is ill.
    BadMix(f64),
}

/// A group of hosts.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// So many.
    pub hosts: usize,
    /// The share of their calls that fails while they are well.
    pub healthy: f64,
    /// What goes wrong.
    pub trouble: Trouble,
    /// Seconds.
    pub length: f64,
}

/// When it goes wrong.
pub const ILL_FROM: f64 = 60.0;
/// When the requests are good again.
const GOOD_FROM: f64 = 120.0;
/// The calls of each host in a second.
pub const RATE: f64 = 100.0;

impl World {
    /// So many hosts, which are well for ten minutes.
    pub const fn healthy(hosts: usize, healthy: f64) -> Self {
        Self {
            hosts,
            healthy,
            trouble: Trouble::Nothing,
            length: 600.0,
        }
    }

    /// So many hosts of whose calls one in a hundred fails, until something goes wrong.
    pub const fn troubled(hosts: usize, trouble: Trouble) -> Self {
        Self {
            hosts,
            healthy: 0.01,
            trouble,
            length: 240.0,
        }
    }

    /// Whether this host is ill at this time.
    pub fn is_ill(&self, host: usize, now: f64) -> bool {
        now >= ILL_FROM && self.falls_ill(host)
    }

    /// Whether this host falls ill at some time.
    pub const fn falls_ill(&self, host: usize) -> bool {
        match self.trouble {
            Trouble::Nothing | Trouble::BadMix(_) => false,
            Trouble::One(_) => host == 0,
            Trouble::HalfDead => 2 * host < self.hosts,
            Trouble::AllDead => true,
        }
    }

    /// The share of this host's calls that fails at this time.
    pub fn failure_ratio(&self, host: usize, now: f64) -> f64 {
        match self.trouble {
            Trouble::One(ratio) if self.is_ill(host, now) => ratio,
            Trouble::HalfDead | Trouble::AllDead if self.is_ill(host, now) => 1.0,
            Trouble::BadMix(ratio) if (ILL_FROM..GOOD_FROM).contains(&now) => ratio,
            _ => self.healthy,
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hosts, percent) = (self.hosts, 100.0 * self.healthy);
        match self.trouble {
            Trouble::Nothing => write!(f, "{hosts} hosts, {percent} % fail"),
            Trouble::One(ratio) => write!(f, "{hosts} hosts, one at {:.0} %", 100.0 * ratio),
            Trouble::HalfDead => write!(f, "{hosts} hosts, half of them dead"),
            Trouble::AllDead => write!(f, "{hosts} hosts, all dead"),
            Trouble::BadMix(ratio) => {
                write!(
                    f,
                    "{hosts} hosts, {:.0} % of the requests bad",
                    100.0 * ratio
                )
            }
        }
    }
}
