//! The counts that a row asserts, as far as the circuit or its policy keeps them.

use breaker_layer::{
    Snapshot, State,
    observe::{Reason, Rule, Totals, Transition},
};

use super::{
    book::Book,
    row::{BelowMin, Checked, Decide, Keep, Window},
};

/// A count that a row asserts.
pub(crate) enum Count {
    /// `None` where it says nothing yet.
    Kept(Option<f64>),
    NotKept,
}

/// The calls that count in a state, as far as they are known.
#[derive(Clone, Copy, Default)]
pub(crate) struct Calls {
    all: Option<u32>,
    failures: Option<u32>,
    slow: Option<u32>,
    /// No rate is told of fewer.
    min_calls: u32,
}

impl Book<'_> {
    pub(crate) fn metric(&self, now: &Snapshot, metric: &str) -> Count {
        let calls = self.calls(now);
        match metric {
            "calls" => Count::of(calls.all),
            "failures" => Count::of(calls.failures),
            "successes" => Count::of(calls.successes()),
            "slow" => Count::of(calls.slow),
            "failure_rate" => calls.rate(&self.row.config, calls.failures),
            "slow_rate" => calls.rate(&self.row.config, calls.slow),
            "rejected" => Count::Kept(Some((now.rejected - self.base.rejected) as f64)),
            "ignored" => self.in_state(now, Some(now.ignored - self.base.ignored)),
            "started" => self.in_state(now, self.since(now, |at| at.admitted)),
            "consecutive_failures" => Count::of(self.in_a_row(calls, now).map(|row| row.0)),
            "consecutive_successes" => Count::of(self.in_a_row(calls, now).map(|row| row.1)),
            _ => Count::NotKept,
        }
    }

    fn since(&self, now: &Snapshot, total: impl Fn(&Snapshot) -> Option<u64>) -> Option<u64> {
        Some(total(now)? - total(&self.base)?)
    }

    /// A total of the state, which is one of its window only if that is as long, or if it is nothing.
    fn in_state(&self, now: &Snapshot, total: Option<u64>) -> Count {
        let is_window =
            matches!(self.row.config.window, Window::Lifetime) || now.state != State::Closed;
        match total {
            Some(total) if is_window || total == 0 => Count::Kept(Some(total as f64)),
            _ => Count::NotKept,
        }
    }

    fn calls(&self, now: &Snapshot) -> Calls {
        let config = &self.row.config;
        match now.state {
            State::Closed => {
                let window = now.last_calls.or(now.last_time);
                let ours = window.map(|totals| Calls::in_window(config, totals));
                ours.or_else(|| self.in_ledger()).unwrap_or_default()
            }
            State::Open => self.opened_with,
            State::HalfOpen if config.metrics.on_half_open == Keep::Clear => {
                let succeeded = self.since(now, |at| at.succeeded);
                Calls {
                    all: succeeded.map(|succeeded| succeeded as u32 + now.failures),
                    failures: Some(now.failures),
                    slow: None,
                    min_calls: sample(config.half_open.decide),
                }
            }
            _ => Calls::default(),
        }
    }

    fn in_ledger(&self) -> Option<Calls> {
        let counted = self.ledger.as_ref()?.counted();
        Some(Calls {
            all: Some(counted.calls),
            failures: Some(counted.failures),
            slow: Some(counted.slow),
            min_calls: self.row.config.min_calls,
        })
    }

    /// Failures and successes in a row, where they are kept or all calls were alike.
    fn in_a_row(&self, calls: Calls, now: &Snapshot) -> Option<(u32, u32)> {
        if let (State::Closed, Some(ledger)) = (now.state, &self.ledger) {
            let counted = ledger.counted();
            return Some((counted.failures_in_a_row, counted.successes_in_a_row));
        }
        match (calls.failures?, calls.successes()?) {
            (failures, 0) => Some((failures, 0)),
            (0, successes) => Some((0, successes)),
            _ => None,
        }
    }

    /// The calls that the circuit opens with, as its reason has them.
    pub(crate) fn calls_at(&self, opening: Transition, before: &Snapshot) -> Calls {
        let config = &self.row.config;
        let of = |all, failures, slow| Calls {
            all: Some(all),
            failures,
            slow,
            min_calls: config.min_calls,
        };
        let of_probes = |all, failures, slow| Calls {
            min_calls: sample(config.half_open.decide),
            ..of(all, failures, slow)
        };
        // What the reason does not say follows from the window before this call, unless that has pushed another out.
        let window = self.calls(before);
        let also = |count: Option<u32>, calls, this| {
            count
                .filter(|_| window.all == Some(calls - 1))
                .map(|count| count + u32::from(this))
        };
        match opening.reason() {
            Reason::Window {
                rule: Rule::SlowRate,
                counted,
                calls,
                ..
            } => {
                let failures = also(window.failures, calls, self.recording.failed);
                of(calls, failures, Some(counted))
            }
            Reason::Window { counted, calls, .. } => {
                let slow = also(window.slow, calls, self.recording.slow);
                of(calls, Some(counted), slow)
            }
            Reason::ProbesFailed { failures, probes } => of_probes(probes, Some(failures), None),
            Reason::ProbesSlow { slow, probes } => of_probes(probes, None, Some(slow)),
            Reason::Custom { .. } => self.ledger.as_ref().map_or_else(Calls::default, |ledger| {
                let counted = ledger.counted_when_it_tripped();
                of(counted.calls, Some(counted.failures), Some(counted.slow))
            }),
            Reason::Operator => window,
            _ => Calls::default(),
        }
    }
}

impl Calls {
    pub(crate) const fn none(min_calls: u32) -> Self {
        Self {
            all: Some(0),
            failures: Some(0),
            slow: Some(0),
            min_calls,
        }
    }

    fn in_window(config: &Checked, totals: Totals) -> Self {
        Self {
            all: Some(totals.calls),
            failures: Some(totals.failures),
            slow: config.slow_ms.map(|_| totals.slow),
            min_calls: config.min_calls,
        }
    }

    fn successes(self) -> Option<u32> {
        Some(self.all? - self.failures?)
    }

    fn rate(self, config: &Checked, part: Option<u32>) -> Count {
        let (Some(all), Some(part)) = (self.all, part) else {
            return Count::NotKept;
        };
        let metrics = config.metrics;
        if metrics.rate_below_min == BelowMin::Null && all < self.min_calls.max(1) {
            return Count::Kept(None);
        }
        let rate = f64::from(part) / f64::from(all.max(1));
        Count::Kept(Some(match metrics.rate_decimals {
            Some(decimals) => (rate * 10f64.powi(decimals)).round() / 10f64.powi(decimals),
            None => rate,
        }))
    }
}

impl Count {
    fn of(count: Option<u32>) -> Self {
        count.map_or(Self::NotKept, |count| Self::Kept(Some(count.into())))
    }
}

/// The probes that decide.
pub(crate) const fn sample(decide: Decide) -> u32 {
    match decide {
        Decide::Rates { sample, .. } => sample,
        Decide::FirstFailureOrSuccesses { successes } => successes,
        Decide::SuccessOf { capacity, .. } | Decide::FailureOf { capacity, .. } => capacity,
        Decide::RateAfter { min, .. } => min,
        Decide::SingleSlow => 1,
    }
}
