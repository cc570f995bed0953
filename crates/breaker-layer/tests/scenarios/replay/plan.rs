//! A row's configuration in the settings of our circuit.

use std::{cell::RefCell, time::Duration};

use breaker_layer::{
    Circuit, CircuitBuilder, OpenTime, Percent, Probes, TransitionEvent, Trip, Window,
    clock::ManualClock,
};

use super::{
    ledger::Ledger,
    row::{self, AttributeTo, Checked, Decide, HalfOpen, Name, Op, Open, Row, Rule},
    terms::Terms,
};

/// How a row is played on our circuit.
pub(crate) struct Plan {
    pub(crate) builder: CircuitBuilder,
    pub(crate) ledger: Option<Ledger>,
    /// More probes are asked for than we count, so that nothing can be said of half-open.
    pub(crate) has_too_many_probes: bool,
}

thread_local! {
    /// The waits of the row that is being played: an open time by attempt is a plain function.
    static SEQUENCE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// The longest of our open times.
const LONGEST: Duration = Duration::from_secs(100 * 24 * 3600);
/// Where we count no more probes.
const MOST_PROBES: u32 = 255;

impl Plan {
    pub(crate) fn of(row: &Row, clock: &ManualClock) -> Self {
        let config = &row.config;
        let (trip, ledger) = trip(row, clock);
        let mut builder = Circuit::builder(row.id.as_str())
            .clock(clock.clock())
            .count_calls(true)
            .trip(trip)
            .open_time(open_time(&config.open))
            .probes(probes(&config.half_open));
        if let Some(ledger) = &ledger {
            let (policy, cleared) = (ledger.clone(), ledger.clone());
            builder = builder
                .trip_policy(move || policy.clone())
                .observe(move |_: &TransitionEvent<'_>| cleared.clear());
        }
        if let Some(slow_ms) = config.slow_ms {
            builder = builder.slow_after(Duration::from_millis(slow_ms));
        }
        Self {
            builder,
            ledger,
            has_too_many_probes: config
                .half_open
                .permits
                .is_some_and(|most| most > MOST_PROBES),
        }
    }
}

/// The rules, as far as ours can say them, and a policy for what they cannot.
fn trip(row: &Row, clock: &ManualClock) -> (Trip, Option<Ledger>) {
    let config = &row.config;
    let on_demand = row.steps.iter().any(|step| step.open_for_ms.is_some());
    let ours = if only_measures(row) {
        window(config).map(out_of_reach)
    } else {
        our_rules(config)
    };
    let keeps_rules = ours.is_none();
    let is_lifetime = matches!(config.window, row::Window::Lifetime);
    let ledger = (keeps_rules || is_lifetime || on_demand).then(|| {
        let rules = if keeps_rules {
            config.trip_any.clone()
        } else {
            Vec::new()
        };
        Ledger::new(clock, Terms::of(config, rules, on_demand))
    });
    (ours.unwrap_or(Trip::never()), ledger)
}

/// A row that stays in a state which measures and does nothing else is about the window, and ours measures alike in any
/// state that nothing trips.
fn only_measures(row: &Row) -> bool {
    use row::Action::{Force, Reset};
    let moves = row
        .steps
        .iter()
        .any(|step| matches!(step.action, Force | Reset));
    let tells = row.steps.iter().any(|step| !step.events.is_empty());
    row.config.initial_state == Name::MetricsOnly && !moves && !tells
}

/// The window as one of ours, and the most calls that it may be asked for.
fn window(config: &Checked) -> Option<(Window, u32)> {
    if config.attribute_to == AttributeTo::Start || config.warmup_ms.is_some() {
        return None;
    }
    match config.window {
        row::Window::Count { size } => Some((Window::calls(size), size)),
        row::Window::Time {
            span_ms, bucket_ms, ..
        } => {
            let buckets = u32::try_from(span_ms.checked_div(bucket_ms)?).ok()?;
            let window = Window::time(Duration::from_millis(span_ms)).buckets(buckets);
            (span_ms % bucket_ms == 0).then_some((window, 1_000_000))
        }
        row::Window::Tumbling { .. }
        | row::Window::Lifetime
        | row::Window::Ewma { .. }
        | row::Window::ErrorTimes { .. } => None,
    }
}

fn our_rules(config: &Checked) -> Option<Trip> {
    let rules: Option<Vec<Trip>> = config
        .trip_any
        .iter()
        .map(|rule| our_rule(config, rule))
        .collect();
    let any = |all, rule| Trip::any_of([all, rule]);
    let trip = rules?.into_iter().fold(Trip::never(), any);
    // A window is kept even where nothing can trip.
    let is_idle = trip == Trip::never();
    Some(
        window(config)
            .filter(|_| is_idle)
            .map_or(trip, out_of_reach),
    )
}

/// `None` where ours cannot say it.
fn our_rule(config: &Checked, rule: &Rule) -> Option<Trip> {
    let min_calls = config.min_calls.max(1);
    let in_window = |rule: &dyn Fn(Window) -> Trip| {
        window(config).map(|(window, _)| rule(window).min_calls(min_calls))
    };
    match *rule {
        Rule::Consecutive {
            consecutive_failures,
        } => Some(Trip::consecutive_failures(consecutive_failures)),
        // Ours asks for no least number of calls.
        Rule::Failures { failures } if failures < min_calls => None,
        Rule::Failures { failures } => in_window(&|window| Trip::failures(failures, window)),
        Rule::FailureRate {
            failure_rate, op, ..
        } => match rate(failure_rate, op) {
            Some(rate) => in_window(&|window| Trip::failure_rate(rate, window)),
            None => Some(Trip::never()),
        },
        Rule::SlowRate { slow_rate, op } => match rate(slow_rate, op) {
            Some(rate) => in_window(&|window| Trip::slow_rate(rate, window)),
            None => Some(Trip::never()),
        },
        Rule::Average { .. } => None,
    }
}

/// A rule over this window that trips only when it is full of failures.
fn out_of_reach((window, most): (Window, u32)) -> Trip {
    Trip::failure_rate(Percent(100.0), window).min_calls(most)
}

/// As a rate that trips when it is reached: our rates are whole millionths, so "above" begins one further up. `None` if
/// it is never reached.
fn rate(rate: f64, op: Op) -> Option<Percent> {
    let percent = rate * 100.0 + if op == Op::Above { 1e-4 } else { 0.0 };
    (percent <= 100.0).then_some(Percent(percent))
}

fn open_time(open: &Open) -> OpenTime {
    let shortest = Duration::from_millis(1);
    let open_time = match (open.wait_ms, open.backoff) {
        (Some(wait), _) => OpenTime::fixed(Duration::from_millis(wait)),
        (None, Some(backoff)) => {
            OpenTime::exponential(Duration::from_millis(backoff.initial_ms), LONGEST)
                .factor(backoff.multiplier)
                .jitter(Percent(0.0))
        }
        (None, None) => {
            SEQUENCE.set(open.sequence_ms.clone());
            OpenTime::by_attempt(next_in_sequence, shortest, LONGEST)
        }
    };
    open_time.longest_asked(LONGEST)
}

fn next_in_sequence(attempt: u32) -> Duration {
    SEQUENCE.with_borrow(|waits| {
        let wait = waits.get(attempt as usize).or(waits.last());
        Duration::from_millis(wait.copied().unwrap_or_default())
    })
}

fn probes(half_open: &HalfOpen) -> Probes {
    let probes = Probes::new(half_open.permits.unwrap_or(MOST_PROBES).min(MOST_PROBES));
    let percent = |rate: f64| Percent(rate * 100.0);
    let probes = match half_open.decide {
        Decide::Rates {
            sample,
            failure_rate,
            slow_rate,
        } => {
            let probes = probes.failure_rate(percent(failure_rate)).out_of(sample);
            slow_rate.map_or(probes, |rate| probes.slow_rate(percent(rate)))
        }
        Decide::FirstFailureOrSuccesses { successes } => probes.successes(successes),
        Decide::SuccessOf {
            successes,
            capacity,
        } => probes.successes(successes).out_of(capacity),
        Decide::FailureOf { failures, capacity } => {
            let capacity = capacity.min(MOST_PROBES);
            let successes = (capacity + 1).saturating_sub(failures);
            probes.successes(successes).out_of(capacity)
        }
        Decide::RateAfter { min, failure_rate } => {
            probes.failure_rate(percent(failure_rate)).out_of(min)
        }
        Decide::SingleSlow => Probes::new(1).slow_rate(Percent(100.0)),
    };
    // One without a limit gets our usual one: half-open always has an end.
    match half_open
        .max_wait_ms
        .filter(|wait| *wait > 0)
        .or(half_open.permit_refresh_ms)
    {
        Some(wait) => probes.timeout(Duration::from_millis(wait)),
        None => probes,
    }
}
