//! The buckets of time: no call of the present is lost, and none of the past comes back.

use breaker_core::{Beside, Call, Checked, Config, Percent, Timestamp, Totals, Window};

use super::*;
use crate::sync::Cell;

const BAD: Call = Call {
    failed: true,
    slow: true,
};

/// Two buckets of a second each.
#[derive(Clone)]
struct Buckets {
    config: Checked,
    cells: Arc<Box<[Cell]>>,
}

impl Buckets {
    fn new() -> Self {
        let window = Window::time(SECOND * 2).buckets(2);
        let config = Config::new()
            .trip(Trip::failure_rate(Percent(50.0), window))
            .build()
            .unwrap();
        let buckets = Self {
            config,
            cells: Arc::new(Cell::block(config.cells())),
        };
        buckets.beside().begin(0);
        buckets
    }

    fn beside(&self) -> Beside<'_, Cell> {
        Beside::new(&self.config, &self.cells)
    }

    fn record(&self, generation: u16, second: u32) {
        self.beside().record(generation, BAD, || at(second));
    }

    fn totals(&self, generation: u16, second: u32) -> Totals {
        self.beside().time(generation, at(second)).unwrap()
    }

    /// Both record a failure of their generation in their second, at one time.
    fn race(&self, one: (u16, u32), two: (u16, u32)) {
        let threads = [one, two].map(|(generation, second)| {
            let buckets = self.clone();
            loom::thread::spawn(move || buckets.record(generation, second))
        });
        join(threads);
    }
}

fn at(second: u32) -> Timestamp {
    Timestamp::ZERO.saturating_add(SECOND * second)
}

fn all(calls: u32) -> Totals {
    Totals {
        calls,
        failures: calls,
        slow: calls,
    }
}

#[test]
fn two_calls_of_one_bucket_are_both_counted() {
    check_within(3, || {
        let buckets = Buckets::new();
        buckets.race((0, 0), (0, 0));
        assert_eq!(buckets.totals(0, 0), all(2));
    });
}

#[test]
fn calls_of_two_buckets_are_both_counted() {
    check_within(3, || {
        let buckets = Buckets::new();
        buckets.race((0, 0), (0, 1));
        assert_eq!(buckets.totals(0, 1), all(2));
    });
}

#[test]
fn a_call_that_is_late_by_the_whole_window_costs_the_present_nothing() {
    check_within(3, || {
        let buckets = Buckets::new();
        buckets.record(0, 0);
        buckets.race((0, 0), (0, 2));
        assert_eq!(buckets.totals(0, 2), all(1));
    });
}

#[test]
fn a_straggler_does_not_count_and_costs_the_present_nothing() {
    check_within(3, || {
        let buckets = Buckets::new();
        buckets.record(0, 0);
        buckets.race((0, 0), (3, 0));
        assert_eq!(buckets.totals(3, 0), all(1));
    });
}

#[test]
fn a_window_of_time_trips_once() {
    check_within(2, || {
        let window = Trip::failures(2, Window::time(SECOND).buckets(1)).min_calls(2);
        let bench = Bench::with(|builder| builder.trip(window));
        let permits = [bench.admit(), bench.admit()];
        let threads =
            permits.map(|permit| loom::thread::spawn(move || permit.record(Outcome::Failure)));
        join(threads);
        assert_eq!(bench.settled().len(), 1);
        assert_eq!(bench.state(), State::Open);
    });
}
