//! The rules that cut hosts off, and those in the table.

use breaker_core::{Config, Timestamp, Trip};

use super::{ours::Ours, sweeps::Sweeps};

/// Cuts hosts off.
pub trait Rule {
    /// Whether a call to this host is made now; what it gives is handed back with the result.
    fn admit(&mut self, host: usize, now: Timestamp, draw: u32) -> Option<u64>;

    /// A call that was made has ended.
    fn record(&mut self, host: usize, permit: u64, failed: bool, now: Timestamp);

    /// Whether this host is cut off.
    fn refuses(&self, host: usize) -> bool;

    /// Ten seconds have passed since the last time.
    fn sweep(&mut self, _now: Timestamp) {}
}

/// A rule in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// Evidence against the others' ratio, half of the hosts at most.
    Relative,
    /// The default's evidence, half of the hosts at most.
    Capped,
    /// Envoy's outlier detection with its defaults: five failures in a row, and the success rate; a tenth of the hosts at most.
    Envoy,
    /// The same, half of the hosts at most.
    EnvoyHalf,
    /// The success rate of gRFC A50, with its defaults.
    A50SuccessRate,
    /// The failure percentage of gRFC A50, with its defaults.
    A50FailurePercentage,
    /// Five failures in a row, any number of hosts.
    Consecutive,
}

impl Contender {
    /// All of them, ours first.
    pub const ALL: [Self; 7] = [
        Self::Relative,
        Self::Capped,
        Self::Envoy,
        Self::EnvoyHalf,
        Self::A50SuccessRate,
        Self::A50FailurePercentage,
        Self::Consecutive,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relative => "relative evidence, 50 %",
            Self::Capped => "evidence, 50 %",
            Self::Envoy => "Envoy, 10 %",
            Self::EnvoyHalf => "Envoy, 50 %",
            Self::A50SuccessRate => "A50 success rate, 10 %",
            Self::A50FailurePercentage => "A50 failure percentage, 10 %",
            Self::Consecutive => "5 in a row, no cap",
        }
    }

    /// The rule at the start.
    pub fn start(self, hosts: usize, seed: u64) -> Box<dyn Rule> {
        let by_row = Config::new().trip(Trip::consecutive_failures(5));
        match self {
            Self::Relative => Box::new(Ours::new(hosts, Config::new(), hosts / 2, seed).relative()),
            Self::Capped => Box::new(Ours::new(hosts, Config::new(), hosts / 2, seed)),
            Self::Envoy => Box::new(Sweeps::envoy(hosts, 10.0)),
            Self::EnvoyHalf => Box::new(Sweeps::envoy(hosts, 50.0)),
            Self::A50SuccessRate => Box::new(Sweeps::a50_success_rate(hosts)),
            Self::A50FailurePercentage => Box::new(Sweeps::a50_failure_percentage(hosts)),
            Self::Consecutive => Box::new(Ours::new(hosts, by_row, hosts, seed)),
        }
    }
}
