//! What a history is played with.

use std::{ops::RangeInclusive, time::Duration};

use breaker_core::{
    Cancelled, Checked, Config, Ending, Evidence, OpenTime, Outcome, Percent, Probes, Trip,
};
use proptest::{option, prelude::*, sample::select};

pub(crate) const MILLI: u64 = 1_000_000;
pub(crate) const TIMEOUT: u64 = 16 * MILLI;

/// The threshold of the scaled test.
pub(crate) const FULL: i64 = Evidence::FULL as i64;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) row: Option<u32>,
    /// Tolerated, intolerable, calls per false trip.
    pub(crate) evidence: Option<(f64, f64, u64)>,
    pub(crate) open: Open,
    pub(crate) jitter: f64,
    pub(crate) longest_asked: u64,
    pub(crate) probes: u32,
    pub(crate) successes: u32,
    pub(crate) sample: u32,
    pub(crate) cancelled: Cancelled,
    pub(crate) seed: u16,
    pub(crate) start: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Open {
    Fixed(u64),
    Exponential(u64, u64, f64),
    Share(f64, u64, u64),
}

/// That of a probe share here: about as long as a state of these circuits lasts.
const RELAPSE_WITHIN: u64 = 100 * MILLI;

impl Settings {
    pub(crate) fn config(&self) -> Checked {
        let row = self.row.map_or(Trip::never(), Trip::consecutive_failures);
        let evidence = self
            .evidence
            .map_or(Trip::never(), |(tolerated, intolerable, calls)| {
                Trip::evidence(Percent(tolerated), Percent(intolerable), calls)
            });
        let open = match self.open {
            Open::Fixed(wait) => OpenTime::fixed(Duration::from_nanos(wait)),
            Open::Exponential(shortest, longest, factor) => OpenTime::exponential(
                Duration::from_nanos(shortest),
                Duration::from_nanos(longest),
            )
            .factor(factor),
            Open::Share(share, shortest, longest) => OpenTime::probe_share(
                Percent(share),
                Duration::from_nanos(shortest),
                Duration::from_nanos(longest),
            )
            .relapse_within(Duration::from_nanos(RELAPSE_WITHIN)),
        };
        let probes = Probes::new(self.probes)
            .successes(self.successes)
            .out_of(self.sample)
            .timeout(Duration::from_nanos(TIMEOUT));
        Config::new()
            .trip(Trip::any_of([row, evidence]))
            .open_time(
                open.jitter(Percent(self.jitter))
                    .longest_asked(Duration::from_nanos(self.longest_asked)),
            )
            .probes(probes)
            .cancelled(self.cancelled)
            .build()
            .expect("the settings are good")
    }

    /// A trip is a relapse that comes sooner after closing than this.
    pub(crate) fn relapse_within(&self) -> u64 {
        match self.open {
            Open::Share(..) => RELAPSE_WITHIN,
            Open::Fixed(_) | Open::Exponential(..) => 0,
        }
    }

    /// The waits that the jitter allows at this attempt, after so many relapses.
    pub(crate) fn waits(&self, attempt: u32, relapses: u32) -> RangeInclusive<f64> {
        let (wait, least, most) = match self.open {
            Open::Fixed(wait) => (wait as f64, MILLI as f64, f64::INFINITY),
            Open::Exponential(shortest, longest, factor) => (
                (shortest as f64 * factor.powi(attempt as i32)).min(longest as f64),
                shortest as f64,
                longest as f64,
            ),
            Open::Share(_, shortest, longest) => {
                let most = longest.clamp(shortest, 10_000 * MILLI) as f64;
                let doubled = (shortest as f64 * 2f64.powi(relapses as i32)).min(most);
                (doubled, doubled, doubled)
            }
        };
        let spread = wait * self.jitter / 100.0;
        // The breaker computes in whole nanoseconds, rounding down at each doubling.
        let slack = f64::from(attempt) * 4.0 + 1.0;
        (wait - spread).clamp(least, most) - slack..=(wait + spread).clamp(least, most) + slack
    }

    /// The steps of the sequential test for a failure and for a success, in parts of its threshold.
    pub(crate) fn steps(&self) -> Option<(i64, i64, f64)> {
        self.evidence.map(|(tolerated, intolerable, calls)| {
            let (p0, p1) = (tolerated / 100.0, intolerable / 100.0);
            let threshold = (calls as f64).ln();
            // A step beyond the threshold is as good as the threshold.
            let scaled = |step: f64| ((step / threshold * FULL as f64).round() as i64).min(FULL);
            let failure = scaled((p1 / p0).ln());
            let success = scaled(((1.0 - p0) / (1.0 - p1)).ln());
            (failure, success, threshold)
        })
    }

    /// Whether it failed, where so many calls before it in a row were given up.
    pub(crate) fn is_failure(&self, ending: Ending, given_up: u32) -> Option<bool> {
        match (ending, self.cancelled) {
            (Ending::Recorded(Outcome::Success), _) => Some(false),
            (Ending::Recorded(Outcome::Failure | Outcome::Overload { .. }), _) => Some(true),
            (Ending::Cancelled, Cancelled::Failure) => Some(true),
            (Ending::Cancelled, Cancelled::FailureAfter(calls)) => {
                (given_up >= calls.into()).then_some(true)
            }
            _ => None,
        }
    }
}

pub(crate) fn settings() -> impl Strategy<Value = Settings> {
    let open = prop_oneof![
        (1..200u64).prop_map(|wait| Open::Fixed(wait * MILLI)),
        (1..50u64, 1..20u64, select(vec![1.0, 1.5, 2.0, 3.0])).prop_map(
            |(shortest, times, factor)| Open::Exponential(
                shortest * MILLI,
                shortest * times * MILLI,
                factor
            )
        ),
        (select(vec![1.0, 20.0, 60.0, 100.0]), 1..100u64, 0..300u64).prop_map(
            |(share, shortest, more)| Open::Share(
                share,
                shortest * MILLI,
                (shortest + more) * MILLI
            )
        ),
    ];
    let trip = (
        option::of(1..6u32),
        option::of((
            1.0..49.0,
            50.0..99.0,
            select(vec![2, 10, 1000, 162_755, 1_000_000_000]),
        )),
    );
    let probes = (1..5u32, 1..4u32, 0..4u32);
    let rest = (
        select(vec![0.0, 20.0, 100.0]),
        0..300u64,
        prop_oneof![
            Just(Cancelled::Ignored),
            Just(Cancelled::Failure),
            (1..5u16).prop_map(Cancelled::FailureAfter),
        ],
        any::<u16>(),
        select(vec![0, 17, 123_456_789, u64::MAX / MILLI / 2]),
    );
    (trip, open, probes, rest).prop_map(
        |((row, evidence), open, (probes, successes, more), rest)| {
            let (jitter, longest_asked, cancelled, seed, start) = rest;
            Settings {
                row,
                evidence,
                open,
                jitter: if matches!(open, Open::Share(..)) {
                    0.0
                } else {
                    jitter
                },
                longest_asked: longest_asked * MILLI,
                probes,
                successes,
                sample: successes + more,
                cancelled,
                seed,
                start: start * MILLI,
            }
        },
    )
}
