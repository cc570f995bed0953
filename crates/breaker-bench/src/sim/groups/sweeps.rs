//! Envoy's outlier detection and that of gRFC A50: counters that a sweep judges every ten seconds.
//!
//! Sources: Envoy, `config.cluster.v3.OutlierDetection` and "Outlier detection" in its architecture overview; gRFC A50, "gRPC xDS
//! outlier detection support", steps 1 to 5 of its timer. Enforcement is 100 %, jitter none. What a balancer does besides (Envoy's
//! panic threshold) is left out.

use breaker_core::Timestamp;

use super::rule::Rule;

/// Hosts under a rule of sweeps.
pub struct Sweeps {
    hosts: Vec<Host>,
    /// So many failures in a row eject at once.
    row: Option<u32>,
    has_success_rate: bool,
    has_failure_percentage: bool,
    max_ejection_percent: f64,
}

#[derive(Clone, Copy, Default)]
struct Host {
    good: u32,
    failed: u32,
    row: u32,
    ejected: Option<Timestamp>,
    multiplier: u32,
}

const BASE_EJECTION_TIME: u32 = 30;
const MAX_EJECTION_TIME: u32 = 300;
const MINIMUM_HOSTS: usize = 5;
const SUCCESS_RATE_VOLUME: u32 = 100;
const STDEV_FACTOR: f64 = 1.9;
const FAILURE_VOLUME: u32 = 50;
const FAILURE_THRESHOLD: f64 = 0.85;

impl Sweeps {
    fn new(hosts: usize, max_ejection_percent: f64) -> Self {
        Self {
            hosts: vec![Host::default(); hosts],
            row: None,
            has_success_rate: false,
            has_failure_percentage: false,
            max_ejection_percent,
        }
    }

    /// Envoy's, whose failure percentage is not enforced unless it is asked for.
    pub fn envoy(hosts: usize, max_ejection_percent: f64) -> Self {
        Self {
            row: Some(5),
            has_success_rate: true,
            ..Self::new(hosts, max_ejection_percent)
        }
    }

    /// With `success_rate_ejection` alone.
    pub fn a50_success_rate(hosts: usize) -> Self {
        Self {
            has_success_rate: true,
            ..Self::new(hosts, 10.0)
        }
    }

    /// With `failure_percentage_ejection` alone.
    pub fn a50_failure_percentage(hosts: usize) -> Self {
        Self {
            has_failure_percentage: true,
            ..Self::new(hosts, 10.0)
        }
    }

    fn eject(&mut self, host: usize, now: Timestamp) {
        let ejected = self.hosts.iter().filter(|host| host.ejected.is_some());
        let percent = 100.0 * ejected.count() as f64 / self.hosts.len() as f64;
        let host = &mut self.hosts[host];
        if host.ejected.is_none() && percent < self.max_ejection_percent {
            host.ejected = Some(now);
            host.multiplier += 1;
        }
    }

    /// Those below the mean of all by more than so many standard deviations.
    fn by_success_rate(&self) -> Vec<usize> {
        let has_volume = |host: &Host| host.good + host.failed >= SUCCESS_RATE_VOLUME;
        let rate = |host: &Host| f64::from(host.good) / f64::from(host.good + host.failed);
        let rates = self.hosts.iter().filter(|host| has_volume(host)).map(rate);
        let rates: Vec<f64> = rates.collect();
        if rates.len() < MINIMUM_HOSTS {
            return Vec::new();
        }
        let many = rates.len() as f64;
        let mean = rates.iter().sum::<f64>() / many;
        let variance = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / many;
        let least = mean - STDEV_FACTOR * variance.sqrt();
        self.those(|host| has_volume(host) && rate(host) < least)
    }

    fn by_failure_percentage(&self) -> Vec<usize> {
        if self.hosts.len() < MINIMUM_HOSTS {
            return Vec::new();
        }
        self.those(|host| {
            let calls = host.good + host.failed;
            calls >= FAILURE_VOLUME && f64::from(host.failed) > FAILURE_THRESHOLD * f64::from(calls)
        })
    }

    fn those(&self, are: impl Fn(&Host) -> bool) -> Vec<usize> {
        let hosts = self.hosts.iter().enumerate();
        hosts
            .filter(|(_, host)| are(host))
            .map(|(host, _)| host)
            .collect()
    }
}

impl Rule for Sweeps {
    fn admit(&mut self, host: usize, _: Timestamp, _: u32) -> Option<u64> {
        (!self.refuses(host)).then_some(0)
    }

    fn record(&mut self, number: usize, _: u64, failed: bool, now: Timestamp) {
        let host = &mut self.hosts[number];
        if !failed {
            host.good += 1;
            host.row = 0;
            return;
        }
        host.failed += 1;
        host.row += 1;
        if self.row.is_some_and(|row| host.row >= row) {
            host.row = 0;
            self.eject(number, now);
        }
    }

    fn refuses(&self, host: usize) -> bool {
        self.hosts[host].ejected.is_some()
    }

    fn sweep(&mut self, now: Timestamp) {
        if self.has_success_rate {
            for host in self.by_success_rate() {
                self.eject(host, now);
            }
        }
        if self.has_failure_percentage {
            for host in self.by_failure_percentage() {
                self.eject(host, now);
            }
        }
        for host in &mut self.hosts {
            (host.good, host.failed) = (0, 0);
            match host.ejected {
                None => host.multiplier = host.multiplier.saturating_sub(1),
                Some(since) => {
                    let seconds = (BASE_EJECTION_TIME * host.multiplier).min(MAX_EJECTION_TIME);
                    if now.saturating_since(since).as_secs() >= seconds.into() {
                        host.ejected = None;
                    }
                }
            }
        }
    }
}
