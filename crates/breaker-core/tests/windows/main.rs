//! The windows of a circuit against naive ones that keep every event.
//!
//! `PROPTEST_CASES` says how many histories are tried; 2048 of each kind otherwise.

mod calls;
mod carry;
mod circuit;
mod long_lived;
mod ramp;
mod time;

use std::time::Duration;

use breaker_core::{Checked, Config, Percent, Reason, Rule, Totals, Trip, Window};
use circuit::{Call, Circuit};
use proptest::prelude::*;

/// As many cases as `PROPTEST_CASES` says.
fn cases() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 2048;
    }
    config
}

/// A call, more often a good one than not, so that windows get clean now and then.
fn call() -> impl Strategy<Value = Call> {
    (
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.7),
    )
        .prop_map(|(failed, slow, calm)| Call {
            failed: failed && !calm,
            slow: slow && !calm,
        })
}

fn totals<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Totals {
    calls
        .into_iter()
        .fold(Totals::default(), |sum, call| Totals {
            calls: sum.calls + 1,
            failures: sum.failures + u32::from(call.failed),
            slow: sum.slow + u32::from(call.slow),
        })
}

/// Rules over one window.
#[derive(Clone, Copy, Debug)]
struct Rules {
    failure_rate: Option<u32>,
    failures: Option<u32>,
    slow_rate: Option<u32>,
    min_calls: Option<u32>,
}

impl Rules {
    /// At least one rule, and numbers that a window of `most` calls takes.
    fn any(most: u32) -> impl Strategy<Value = Self> {
        let rate = || prop::option::of(1..=100u32);
        let number = move || prop::option::of(1..=most);
        (rate(), number(), rate(), number())
            .prop_map(|(failure_rate, failures, slow_rate, min_calls)| Self {
                failure_rate,
                failures,
                slow_rate,
                min_calls,
            })
            .prop_filter("no rule", |rules| {
                rules.failure_rate.is_some()
                    || rules.failures.is_some()
                    || rules.slow_rate.is_some()
            })
    }

    fn config(self, window: Window) -> Checked {
        let per_cent = |rate: u32| Percent(f64::from(rate));
        let rules = [
            self.failure_rate
                .map(|rate| Trip::failure_rate(per_cent(rate), window)),
            self.failures.map(|most| Trip::failures(most, window)),
            self.slow_rate
                .map(|rate| Trip::slow_rate(per_cent(rate), window)),
        ];
        let trip = rules
            .into_iter()
            .flatten()
            .map(|rule| match self.min_calls {
                Some(calls) => rule.min_calls(calls),
                None => rule,
            })
            .reduce(|one, other| Trip::any_of([one, other]))
            .unwrap();
        let builder = Config::new().trip(trip);
        let builder = match self.slow_rate {
            Some(_) => builder.slow_after(Duration::from_secs(1)),
            None => builder,
        };
        builder.build().unwrap()
    }

    /// Whether these calls break a rule; without `min_calls`, `usual` is what it is.
    fn broken(self, totals: Totals, usual: u32) -> bool {
        let enough = totals.calls >= self.min_calls.unwrap_or(usual);
        let reached = |counted: u32, rate: Option<u32>| {
            enough && rate.is_some_and(|rate| counted * 100 >= rate * totals.calls)
        };
        reached(totals.failures, self.failure_rate)
            || self.failures.is_some_and(|most| totals.failures >= most)
            || reached(totals.slow, self.slow_rate)
    }

    /// What was said to be broken is broken by these calls, and nothing is said if nothing is.
    fn check(self, said: Option<Reason>, totals: Totals, usual: u32) {
        assert_eq!(
            said.is_some(),
            self.broken(totals, usual),
            "{said:?} of {totals:?}"
        );
        let Some(said) = said else { return };
        let Reason::Window {
            rule,
            counted,
            calls,
            threshold,
        } = said
        else {
            panic!("no window's reason: {said:?}");
        };
        let rate = |rate: Option<u32>| rate.unwrap() * 10_000;
        let (of_totals, of_rules) = match rule {
            Rule::FailureRate => (totals.failures, rate(self.failure_rate)),
            Rule::Failures => (totals.failures, self.failures.unwrap()),
            Rule::SlowRate => (totals.slow, rate(self.slow_rate)),
            _ => unreachable!("there are three rules"),
        };
        assert_eq!(
            (counted, calls, threshold),
            (of_totals, totals.calls, of_rules)
        );
    }
}
