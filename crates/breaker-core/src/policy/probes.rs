//! Half-open: how many probes, and what they must show.

use core::time::Duration;

use crate::{
    checks::Faults,
    reason::Reason,
    setting::Setting,
    time::{MAX_WAIT, nanos},
    units::{Percent, Value},
};

/// How a half-open circuit probes.
///
/// At most *n* probes are in flight, and the verdict falls as soon as it is decided: with `successes` of `out_of`
/// required it closes at the required successes and opens again when they can no longer be reached. Cancelled and
/// ignored probes count for nothing and give their place back; but ten ignored ones ([`Probes::ignored`]) are a verdict, too,
/// so that no state lasts for ever: it closes if no probe failed, and opens again if one did. For probes that are all cancelled see
/// [`Cancelled`](crate::Cancelled).
///
/// Default: one probe at a time, 3 of which must succeed in a row, each within 30 s.
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias("permittedNumberOfCallsInHalfOpenState", "MaxRequests"))]
pub struct Probes {
    pub(crate) live: u32,
    pub(crate) successes: Option<u32>,
    pub(crate) out_of: Option<u32>,
    pub(crate) failure_rate: Option<Percent>,
    pub(crate) slow_rate: Option<Percent>,
    /// In nanoseconds.
    pub(crate) timeout: u64,
    pub(crate) ignored: u32,
}

impl Default for Probes {
    fn default() -> Self {
        Self::new(1).successes(3)
    }
}

impl Probes {
    /// At most `live` probes at a time, from 1 to 255; as many successes in a row close the circuit.
    pub const fn new(live: u32) -> Self {
        Self {
            live,
            successes: None,
            out_of: None,
            failure_rate: None,
            slow_rate: None,
            timeout: 30_000_000_000,
            ignored: 10,
        }
    }

    /// How many successes close the circuit, from 1 to 255. Default: as many as probes.
    #[must_use]
    pub const fn successes(mut self, successes: u32) -> Self {
        self.successes = Some(successes);
        self
    }

    /// How many probes are recorded at the most until the verdict, from the required successes to 255.
    /// Default: the required successes, so that the first failure opens the circuit again.
    #[must_use]
    pub const fn out_of(mut self, sample: u32) -> Self {
        self.out_of = Some(sample);
        self
    }

    /// Opens again at this share of failures in the sample, from 1 % to 100 %, in place of a number of successes.
    #[must_use]
    pub const fn failure_rate(mut self, rate: Percent) -> Self {
        self.failure_rate = Some(rate);
        self
    }

    /// Opens again at this share of slow calls in the sample too, from 1 % to 100 %. Default: slow probes are as good as fast ones.
    #[must_use]
    pub const fn slow_rate(mut self, rate: Percent) -> Self {
        self.slow_rate = Some(rate);
        self
    }

    /// How long half-open waits for the probes under way after the last one was admitted, from 1 ms to 25 days; for probes
    /// that follow one another without a break it waits four times that at the most. While none is under way it waits for
    /// the next call, however long. Default: 30 s.
    #[must_use]
    #[doc(alias = "maxWaitDurationInHalfOpenState")]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = nanos(timeout);
        self
    }

    /// How many ignored probes are a verdict, from 1 to 255: the circuit closes if none failed, and opens again if one did.
    /// Default: 10.
    #[must_use]
    pub const fn ignored(mut self, probes: u32) -> Self {
        self.ignored = probes;
        self
    }

    pub(crate) fn judges_slowness(&self) -> bool {
        self.slow_rate.is_some()
    }

    pub(crate) fn tell(self, tell: &mut dyn FnMut(Setting)) {
        let mut tell = |name, value: Value| tell(Setting::new("probes", name, value));
        tell("live", self.live.into());
        for (name, count) in [("successes", self.successes), ("out_of", self.out_of)] {
            if let Some(count) = count {
                tell(name, count.into());
            }
        }
        for (name, rate) in [
            ("failure_rate", self.failure_rate),
            ("slow_rate", self.slow_rate),
        ] {
            if let Some(rate) = rate {
                tell(name, rate.into());
            }
        }
        tell("timeout", Duration::from_nanos(self.timeout).into());
        tell("ignored", self.ignored.into());
    }

    pub(crate) fn checked(self, faults: &mut Faults<'_>) -> Probing {
        let timeout = Duration::from_nanos(self.timeout);
        let live_is_good = faults.check(is_count(self.live), "probes", self.live, COUNT);
        faults.check(
            timeout >= Duration::from_millis(1) && timeout <= MAX_WAIT / MOST_TIMEOUTS,
            "probes.timeout",
            timeout,
            "a duration from 1 ms to 25 days",
        );
        let live = if live_is_good { self.live } else { 1 };
        let out_of = self
            .out_of
            .filter(|sample| faults.check(is_count(*sample), "probes.out_of", *sample, COUNT));
        let required = self.successes.unwrap_or(match self.failure_rate {
            None => out_of.map_or(live, |sample| live.min(sample)),
            Some(_) => 1,
        });
        let sample = out_of.unwrap_or(match self.failure_rate {
            Some(_) => live,
            None => required,
        });
        faults.check(
            is_count(self.ignored),
            "probes.ignored",
            self.ignored,
            COUNT,
        );
        self.check_successes(out_of, faults);
        let mut of_sample = |rate: Percent, setting| {
            let millionths = faults.rate(rate, setting, false);
            // The least count whose share of the sample reaches the rate.
            (u64::from(millionths) * u64::from(sample)).div_ceil(1_000_000) as u32
        };
        Probing {
            live: self.live,
            sample,
            failures: match self.failure_rate {
                Some(rate) => of_sample(rate, "probes.failure_rate"),
                None => sample.saturating_sub(required) + 1,
            },
            slow: self
                .slow_rate
                .map(|rate| of_sample(rate, "probes.slow_rate")),
            timeout: self.timeout,
            ignored: self.ignored,
        }
    }

    /// A number of successes is asked for, or a failure rate, and not both.
    fn check_successes(self, out_of: Option<u32>, faults: &mut Faults<'_>) {
        let Some(successes) = self.successes else {
            return;
        };
        if let Some(rate) = self.failure_rate {
            let takes = "no value where a number of successes is asked for";
            faults.check(false, "probes.failure_rate", rate, takes);
            return;
        }
        let (most, takes) = match out_of {
            Some(sample) => (sample, "a number from 1 to `probes.out_of`"),
            None => (255, COUNT),
        };
        let is_good = (1..=most).contains(&successes);
        faults.check(is_good, "probes.successes", successes, takes);
    }

    #[cfg(test)]
    fn check(self) -> Result<Probing, crate::ConfigError> {
        crate::checks::first(|faults| self.checked(faults))
    }
}

/// What a number of probes takes.
const COUNT: &str = "a number from 1 to 255";

fn is_count(calls: u32) -> bool {
    (1..=255).contains(&calls)
}

/// The probes of a half-open period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Admitted and not yet recorded.
    pub live: u32,
    /// Recorded as successes.
    pub good: u32,
    /// Recorded as failures.
    pub failed: u32,
    /// Recorded as slow, whether they succeeded or failed; stays at 255.
    pub slow: u32,
}

impl Tally {
    /// The probes that were recorded.
    pub const fn done(self) -> u32 {
        self.good + self.failed
    }
}

/// The checked form: counts that decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Probing {
    live: u32,
    sample: u32,
    /// So many failures open the circuit again.
    failures: u32,
    /// So many slow probes open it again.
    slow: Option<u32>,
    /// In nanoseconds.
    timeout: u64,
    /// So many ignored probes are a verdict.
    ignored: u32,
}

/// What the probes have shown.
pub(crate) enum Shown {
    /// Nothing yet.
    Undecided,
    /// The downstream has recovered.
    Good(Reason),
    /// It has not.
    Bad(Reason),
}

/// How many times the timeout half-open may last from its first probe.
const MOST_TIMEOUTS: u32 = 4;
/// The time of the last admission is kept in parts of the timeout.
const PARTS: u64 = 16;

impl Probing {
    pub(crate) const fn at_once(&self) -> u32 {
        self.live
    }

    /// Whether one more probe may go.
    pub(crate) const fn has_room(&self, tally: Tally) -> bool {
        tally.live < self.live && tally.live + tally.done() < self.sample
    }

    /// By how many parts of the timeout the deadline moves when a probe is admitted so long after the first one.
    pub(crate) fn extension(&self, since_first: Duration) -> u8 {
        let most = u64::from(MOST_TIMEOUTS - 1) * PARTS;
        // It fits: there are 48 at the most.
        nanos(since_first).div_ceil(self.part()).min(most) as u8
    }

    /// How long half-open lasts without a verdict, from its first probe: the timeout, and so many parts of it more.
    pub(crate) fn lasts(&self, extension: u8) -> Duration {
        Duration::from_nanos(self.timeout + self.part() * u64::from(extension))
    }

    fn part(&self) -> u64 {
        (self.timeout / PARTS).max(1)
    }

    pub(crate) fn judge(&self, tally: Tally, ignored: u32) -> Shown {
        let (probes, open) = (tally.done(), self.sample.saturating_sub(tally.done()));
        let has_failed = Shown::Bad(Reason::ProbesFailed {
            failures: tally.failed,
            probes,
        });
        if tally.failed >= self.failures {
            return has_failed;
        }
        if self.slow.is_some_and(|slow| tally.slow >= slow) {
            return Shown::Bad(Reason::ProbesSlow {
                slow: tally.slow,
                // Those that were given up are slow without being recorded.
                probes: probes.max(tally.slow),
            });
        }
        let out_of_reach = tally.failed + open < self.failures
            && self.slow.is_none_or(|slow| tally.slow + open < slow);
        if out_of_reach {
            Shown::Good(Reason::ProbesSucceeded { probes })
        } else if ignored < self.ignored {
            Shown::Undecided
        } else if tally.failed == 0 {
            Shown::Good(Reason::ProbesIgnored { probes: ignored })
        } else {
            has_failed
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally(live: u32, good: u32, failed: u32) -> Tally {
        Tally {
            live,
            good,
            failed,
            slow: 0,
        }
    }

    proptest! {
        #[test]
        fn the_verdict_falls_exactly_when_it_is_decided(
            required in 1..=20u32,
            more in 0..=20u32,
            good in 0..=20u32,
            failed in 0..=20u32,
        ) {
            let sample = required + more;
            prop_assume!(good + failed <= sample);
            let probing = Probes::new(1).successes(required).out_of(sample).check().unwrap();
            let shown = probing.judge(tally(0, good, failed), 0);
            let is_reached = good >= required;
            let is_out_of_reach = good + (sample - good - failed) < required;
            match shown {
                Shown::Good(reason) => {
                    prop_assert!(is_reached);
                    prop_assert_eq!(reason, Reason::ProbesSucceeded { probes: good + failed });
                }
                Shown::Bad(reason) => {
                    prop_assert!(is_out_of_reach);
                    prop_assert_eq!(reason, Reason::ProbesFailed { failures: failed, probes: good + failed });
                }
                Shown::Undecided => prop_assert!(!is_reached && !is_out_of_reach),
            }
        }

        #[test]
        fn a_failure_rate_opens_at_or_above_its_share_of_the_sample(
            rate in 1.0..=100.0,
            sample in 1..=255u32,
            failed in 0..=255u32,
        ) {
            prop_assume!(failed <= sample);
            let probing = Probes::new(1).failure_rate(Percent(rate)).out_of(sample).check().unwrap();
            let good = sample - failed;
            let millionths = (rate * 1e4).round() as u64;
            let is_reached = u64::from(failed) * 1_000_000 >= millionths * u64::from(sample);
            match probing.judge(tally(0, good, failed), 0) {
                Shown::Bad(_) => prop_assert!(is_reached),
                Shown::Good(_) => prop_assert!(!is_reached),
                Shown::Undecided => prop_assert!(false, "the sample is complete"),
            }
        }

        #[test]
        fn there_is_room_for_a_probe_that_the_verdict_can_use(
            most in 1..=5u32,
            sample in 1..=5u32,
            live in 0..=6u32,
            good in 0..=6u32,
        ) {
            let probing = Probes::new(most).successes(sample).check().unwrap();
            let has_room = live < most && live + good < sample;
            prop_assert_eq!(probing.has_room(tally(live, good, 0)), has_room);
        }
    }

    #[test]
    fn slow_probes_open_it_at_their_own_share_and_hold_up_the_verdict_until_they_cannot() {
        let probing = Probes::new(4).slow_rate(Percent(50.0)).check().unwrap();
        let shown = |good, slow| {
            let tally = Tally {
                slow,
                ..tally(0, good, 0)
            };
            probing.judge(tally, 0)
        };
        assert!(matches!(shown(1, 1), Shown::Undecided));
        let Shown::Bad(reason) = shown(2, 2) else {
            panic!("two of four were slow")
        };
        assert_eq!(reason, Reason::ProbesSlow { slow: 2, probes: 2 });
        assert!(matches!(shown(4, 1), Shown::Good(_)));
    }

    #[test]
    fn the_default_is_three_of_three() {
        let probing = Probes::default().check().unwrap();
        assert!(matches!(probing.judge(tally(0, 2, 0), 0), Shown::Undecided));
        assert!(matches!(probing.judge(tally(0, 3, 0), 0), Shown::Good(_)));
        assert!(matches!(probing.judge(tally(0, 2, 1), 0), Shown::Bad(_)));
    }
}
