//! The open time: for how long calls are refused before a probe may go.

mod opening;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::{array, time::Duration};

use opening::{ATTEMPTS, Pattern};

pub(crate) use self::opening::{MOST_ATTEMPTS, Opening};
use crate::{
    checks::Faults,
    setting::Setting,
    time::{MAX_WAIT, nanos},
    units::{Percent, Value},
};

/// How long the circuit stays open.
///
/// With `w` the wait, `j` the jitter, and `u` drawn evenly from −1 to 1 once each time the circuit opens, it stays open
/// for `w · (1 + j·u)`. An exponential wait, and one by attempt, is drawn from what of that lies between its shortest and
/// its longest; a probe share's longest wait may be exceeded by the jitter. Waits are rounded up to a tenth of a
/// millisecond.
///
/// Default: [`OpenTime::probe_share`] of 20 % from 100 ms to 60 s.
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias("waitDurationInOpenState", "BreakDuration", "resetTimeout"))]
pub struct OpenTime {
    kind: Kind,
    // In nanoseconds, as the rest of the spans: a circuit keeps its settings.
    shortest: u64,
    longest: u64,
    factor: Option<f64>,
    jitter: Percent,
    longest_asked: u64,
    /// In nanoseconds.
    relapse_within: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Fixed,
    Exponential,
    ByAttempt(Attempts),
    ProbeShare { share: Percent },
}

/// A wait by attempt; the same only where it is the same function.
#[derive(Clone, Copy, Debug)]
struct Attempts(fn(u32) -> Duration);

impl PartialEq for Attempts {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::fn_addr_eq(self.0, other.0)
    }
}

impl Default for OpenTime {
    fn default() -> Self {
        Self::probe_share(
            Percent(20.0),
            Duration::from_millis(100),
            Duration::from_secs(60),
        )
    }
}

impl OpenTime {
    /// The same wait each time, from 1 ms to 100 days, without jitter unless asked for.
    pub const fn fixed(wait: Duration) -> Self {
        Self::new(Kind::Fixed, wait, wait, Percent(0.0))
    }

    /// `shortest · 2ⁿ` at the n-th opening in a row, at most `longest`, with a jitter of 20 %.
    pub const fn exponential(shortest: Duration, longest: Duration) -> Self {
        Self::new(Kind::Exponential, shortest, longest, Percent(20.0))
    }

    /// Whatever `wait` says of the attempt: 0 when the circuit trips, one more each time the probes fail, at most 63.
    /// What it says is kept from `shortest` to `longest`. It is asked for all of them when the circuit is built, and never again.
    /// Without jitter unless asked for.
    #[doc(alias("BreakDurationGenerator", "waitIntervalFunctionInOpenState"))]
    pub const fn by_attempt(
        wait: fn(u32) -> Duration,
        shortest: Duration,
        longest: Duration,
    ) -> Self {
        Self::new(
            Kind::ByAttempt(Attempts(wait)),
            shortest,
            longest,
            Percent(0.0),
        )
    }

    /// Refuses every call for `shortest`; from then on each call becomes a probe with a probability, and the first call after
    /// `longest` certainly does. The probability is `share`, and `share / (k + 1)` once `k` probes have failed since the trip.
    ///
    /// So the load of the probes is a part of the traffic that becomes smaller the longer an outage lasts, a busy client finds a
    /// recovery soon and a quiet one within `longest`. Jitter, 20 %, applies to `longest`. Each call's draw is its own, even while a test's time stands
    /// still; circuits with the same seed and the same history draw the same. A trip by what the peers say
    /// ([`Reason::Peers`](crate::Reason::Peers)) counts as a failed probe: a peer draws its calls, too.
    pub const fn probe_share(share: Percent, shortest: Duration, longest: Duration) -> Self {
        let kind = Kind::ProbeShare { share };
        Self {
            relapse_within: 8_000_000_000,
            ..Self::new(kind, shortest, longest, Percent(20.0))
        }
    }

    const fn new(kind: Kind, shortest: Duration, longest: Duration, jitter: Percent) -> Self {
        Self {
            kind,
            shortest: nanos(shortest),
            longest: nanos(longest),
            factor: None,
            jitter,
            longest_asked: 300_000_000_000,
            relapse_within: 0,
        }
    }

    /// The factor of [`OpenTime::exponential`], from 1 to 100; 2 by default.
    #[must_use]
    pub const fn factor(mut self, factor: f64) -> Self {
        self.factor = Some(factor);
        self
    }

    /// How far the wait is spread so that a fleet does not probe in step: 0 %, or from 1 % to 100 %.
    #[must_use]
    pub const fn jitter(mut self, jitter: Percent) -> Self {
        self.jitter = jitter;
        self
    }

    /// A trip of a probe share's circuit that comes sooner than this after it had closed is a relapse, up to 100 days; zero for
    /// none. Default: 8 s.
    ///
    /// A relapse counts as a failed probe, and doubles the shortest wait, to 10 s at the most: so a fleet leaves a downstream
    /// alone that can answer a few probes but not all calls.
    #[must_use]
    pub const fn relapse_within(mut self, time: Duration) -> Self {
        self.relapse_within = nanos(time);
        self
    }

    /// The most that is granted when the downstream itself asks to be left alone
    /// ([`Outcome::Overload`](crate::Outcome::Overload)), from 0 (its wish is not heard) to 100 days. Default: 300 s.
    #[must_use]
    pub const fn longest_asked(mut self, longest: Duration) -> Self {
        self.longest_asked = nanos(longest);
        self
    }

    pub(crate) fn tell(self, tell: &mut dyn FnMut(Setting)) {
        let mut tell = |name, value| tell(Setting::new("open_time", name, value));
        let kind = match self.kind {
            Kind::Fixed => "fixed",
            Kind::Exponential => "exponential",
            Kind::ByAttempt(_) => "by_attempt",
            Kind::ProbeShare { .. } => "probe_share",
        };
        tell("kind", Value::Word(kind));
        if let Kind::ProbeShare { share } = self.kind {
            tell("share", share.into());
        }
        let (shortest, longest) = match self.kind {
            Kind::Fixed => ("wait", None),
            Kind::Exponential | Kind::ByAttempt(_) => ("shortest", Some("longest")),
            Kind::ProbeShare { .. } => ("not_before", Some("certain_after")),
        };
        tell(shortest, Duration::from_nanos(self.shortest).into());
        if let Some(longest) = longest {
            tell(longest, Duration::from_nanos(self.longest).into());
        }
        if let Some(factor) = self.factor {
            tell("factor", factor.into());
        }
        tell("jitter", self.jitter.into());
        tell(
            "longest_asked",
            Duration::from_nanos(self.longest_asked).into(),
        );
        if let Kind::ProbeShare { .. } = self.kind {
            tell(
                "relapse_within",
                Duration::from_nanos(self.relapse_within).into(),
            );
        }
    }

    pub(crate) fn checked(self, faults: &mut Faults<'_>) -> Opening {
        self.check_waits(faults);
        let jitter = self.jitter.0;
        faults.check(
            jitter == 0.0 || (1.0..=100.0).contains(&jitter),
            "open_time.jitter",
            self.jitter,
            "0 %, or from 1 % to 100 %",
        );
        faults.check(
            Duration::from_nanos(self.longest_asked) <= MAX_WAIT,
            "open_time.longest_asked",
            Duration::from_nanos(self.longest_asked),
            "a duration up to 100 days",
        );
        self.check_relapse(faults);
        let factor = self.checked_factor(faults);
        let pattern = match self.kind {
            Kind::Fixed => Pattern::Fixed,
            Kind::Exponential => Pattern::Exponential {
                thousandths: (factor * 1e3) as u32,
            },
            Kind::ByAttempt(Attempts(wait)) => {
                // Asked here, and never where a circuit is locked.
                let wait = |attempt| nanos(wait(attempt as u32));
                let bounds = (self.shortest, self.longest.max(self.shortest));
                let waits: [u64; ATTEMPTS] =
                    array::from_fn(|attempt| wait(attempt).clamp(bounds.0, bounds.1));
                Pattern::ByAttempt(Box::new(waits))
            }
            // A small one is what a large fleet wants.
            Kind::ProbeShare { share } => Pattern::ProbeShare {
                millionths: faults.rate(share, "open_time.share", true),
            },
        };
        Opening {
            pattern,
            shortest: self.shortest,
            longest: self.longest,
            jitter: (self.jitter.0 * 1e4) as u32,
            longest_asked: self.longest_asked,
            relapse_within: self.relapse_within,
        }
    }

    fn check_waits(self, faults: &mut Faults<'_>) {
        let (shortest, longest) = (
            Duration::from_nanos(self.shortest),
            Duration::from_nanos(self.longest),
        );
        let range = Duration::from_millis(1)..=MAX_WAIT;
        let is_good = faults.check(
            range.contains(&shortest),
            "open_time.shortest",
            shortest,
            "a duration from 1 ms to 100 days",
        );
        let least = if is_good { shortest } else { *range.start() };
        // A fixed wait is both.
        if self.kind != Kind::Fixed {
            faults.check(
                (least..=MAX_WAIT).contains(&longest),
                "open_time.longest",
                longest,
                "a duration from the shortest to 100 days",
            );
        }
    }

    fn check_relapse(self, faults: &mut Faults<'_>) {
        let within = Duration::from_nanos(self.relapse_within);
        let has_any = matches!(self.kind, Kind::ProbeShare { .. });
        let takes = match has_any {
            true => "a duration up to 100 days",
            false => "no value: only a probe share has it",
        };
        faults.check(
            within.is_zero() || has_any && within <= MAX_WAIT,
            "open_time.relapse_within",
            within,
            takes,
        );
    }

    fn checked_factor(self, faults: &mut Faults<'_>) -> f64 {
        let factor = self.factor.unwrap_or(2.0);
        let takes = if self.kind == Kind::Exponential {
            "a number from 1 to 100"
        } else {
            "no value: only an exponential open time has a factor"
        };
        faults.check(
            (1.0..=100.0).contains(&factor)
                && (self.factor.is_none() || self.kind == Kind::Exponential),
            "open_time.factor",
            factor,
            takes,
        );
        factor
    }

    #[cfg(test)]
    fn check(self) -> Result<Opening, crate::ConfigError> {
        crate::checks::first(|faults| self.checked(faults))
    }
}
