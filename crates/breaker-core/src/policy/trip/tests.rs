extern crate std;

use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::{
    reason::{Reason, Rule},
    time::Timestamp,
    window::Totals,
};

/// What is seen after these calls, or after how many of them and why it trips.
fn after(trip: Trip, calls: impl IntoIterator<Item = bool>) -> Result<Evidence, (usize, Reason)> {
    let tripping = trip.check().unwrap();
    calls
        .into_iter()
        .enumerate()
        .try_fold(Evidence::default(), |seen, (call, failed)| {
            tripping
                .judge(seen, failed, 0, || Timestamp::ZERO)
                .map_err(|reason| (call + 1, reason))
        })
}

fn failures(count: usize) -> impl Iterator<Item = bool> {
    core::iter::repeat_n(true, count)
}

#[test]
fn it_trips_at_the_row_s_last_failure_and_not_before() {
    let five = Trip::consecutive_failures(5);
    assert_eq!(after(five, failures(4)).unwrap().row, 4);
    let reason = Reason::ConsecutiveFailures { failures: 5 };
    assert_eq!(after(five, failures(9)), Err((5, reason)));
}

#[test]
fn a_success_ends_a_row() {
    let five = Trip::consecutive_failures(5);
    let calls = [true, true, true, true, false, true, true, true, true];
    assert_eq!(after(five, calls).unwrap().row, 4);
}

#[test]
fn the_longest_row_can_be_counted() {
    let longest = Trip::consecutive_failures(4095);
    assert!(after(longest, failures(4094)).is_ok());
    assert_eq!(after(longest, failures(4095)).unwrap_err().0, 4095);
}

#[test]
fn the_default_takes_fifteen_failures_from_clean() {
    let (calls, reason) = after(Trip::default(), failures(100)).unwrap_err();
    assert_eq!(calls, 15);
    let Reason::Evidence {
        score,
        threshold,
        calls,
    } = reason
    else {
        panic!("{reason:?}")
    };
    assert_eq!((threshold, calls), (12_000, 15));
    // Fifteen times ln(0.7 / 0.3).
    assert!((12_709..=12_710).contains(&score), "{score}");
}

/// How many failures trip the default from clean that come so far apart.
fn failures_at(gap: Duration) -> u32 {
    let tripping = Trip::default().check().unwrap();
    let mut seen = Evidence::default();
    for call in 1.. {
        let now = Timestamp::ZERO.saturating_add(gap * call);
        match tripping.judge(seen, true, 0, || now) {
            Ok(more) => seen = more,
            Err(Reason::Evidence {
                score, threshold, ..
            }) => {
                assert!(score >= threshold && (3999..=12_000).contains(&threshold));
                return call;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    unreachable!("it trips at some time")
}

#[test]
fn the_fewer_calls_come_the_fewer_failures_trip() {
    let millis = [
        0,
        1,
        7,
        10,
        100,
        1000,
        10_000,
        60_000,
        3_600_000,
        u64::MAX >> 40,
    ];
    let failures = millis.map(|millis| failures_at(Duration::from_millis(millis)));
    assert_eq!(failures, [15, 15, 15, 14, 12, 9, 6, 5, 5, 5]);
}

#[test]
fn without_a_time_between_false_trips_only_calls_count() {
    let trip = Trip::evidence(Percent(30.0), Percent(70.0), 162_755);
    let tripping = trip.check().unwrap();
    let mut seen = Evidence::default();
    for _ in 0..14 {
        seen = tripping
            .judge(seen, true, 0, || panic!("no time is needed"))
            .unwrap();
    }
    assert!(
        tripping
            .judge(seen, true, 0, || panic!("no time is needed"))
            .is_err()
    );
}

#[test]
fn only_evidence_has_a_time_between_false_trips() {
    let minute = Duration::from_secs(60);
    let error = Trip::consecutive_failures(5)
        .time_per_false_trip(minute)
        .check();
    assert_eq!(error.unwrap_err().setting(), "trip.time_per_false_trip");
    let error = Trip::default().time_per_false_trip(Duration::ZERO).check();
    assert_eq!(
        error.unwrap_err().setting(),
        "trip.evidence.time_per_false_trip"
    );
}

#[test]
fn successes_take_back_what_failures_brought_and_leave_nothing_below_zero() {
    let default = Trip::default();
    assert_eq!(after(default, [false; 50]), Ok(Evidence::default()));
    // The steps are equal here: as many successes as failures.
    let there_and_back = failures(7).chain([false; 7]);
    assert_eq!(after(default, there_and_back), Ok(Evidence::default()));
    let (calls, _) = after(default, [false; 50].into_iter().chain(failures(20))).unwrap_err();
    assert_eq!(calls, 65, "the successes before count for nothing");
}

#[test]
fn a_rule_that_is_not_there_never_trips_and_sees_nothing() {
    assert_eq!(
        after(Trip::never(), failures(10_000)),
        Ok(Evidence::default())
    );
}

#[test]
fn of_two_rules_the_first_that_is_met_trips() {
    let both = Trip::any_of([Trip::consecutive_failures(16), Trip::default()]);
    let (calls, reason) = after(both, failures(100)).unwrap_err();
    assert!(calls == 15 && matches!(reason, Reason::Evidence { .. }));
    let both = Trip::any_of([Trip::default(), Trip::consecutive_failures(15)]);
    let reason = Reason::ConsecutiveFailures { failures: 15 };
    assert_eq!(after(both, failures(100)), Err((15, reason)));
}

#[test]
fn the_calls_seen_stay_at_the_most() {
    let slow = Trip::evidence(Percent(50.0), Percent(51.0), 1_000_000_000_000_000_000);
    let seen = Evidence {
        score: 1 << 17,
        calls: 999_999,
        ..Evidence::default()
    };
    let tripping = slow.check().unwrap();
    let judge = |seen| tripping.judge(seen, false, 0, || Timestamp::ZERO).unwrap();
    assert_eq!(judge(judge(seen)).calls, 1_000_000);
}

proptest! {
    /// Within the rounding of its steps to 2⁻²⁰ of the threshold.
    #[test]
    fn the_score_is_that_of_a_sequential_test_in_floating_point(
        tolerated in 1.0..45.0,
        intolerable in 55.0..99.0,
        budget in 1000..1_000_000_000u64,
        calls: Vec<bool>,
    ) {
        let trip = Trip::evidence(Percent(tolerated), Percent(intolerable), budget);
        let (p0, p1) = (tolerated / 100.0, intolerable / 100.0);
        let threshold = (budget as f64).ln();
        let mut exact = 0.0f64;
        let mut seen = Evidence::default();
        let tripping = trip.check().unwrap();
        for failed in calls {
            exact = if failed {
                exact + (p1 / p0).ln()
            } else {
                (exact - ((1.0 - p0) / (1.0 - p1)).ln()).max(0.0)
            };
            match tripping.judge(seen, failed, 0, || Timestamp::ZERO) {
                Ok(now) => seen = now,
                Err(_) => {
                    prop_assert!(exact > threshold * 0.999);
                    return Ok(());
                }
            }
            let score = f64::from(seen.score) / f64::from(Evidence::FULL) * threshold;
            prop_assert!((score - exact).abs() <= 0.001 * threshold, "{} for {}", score, exact);
        }
    }

    #[test]
    fn the_failures_behind_a_score_are_those_since_it_was_last_zero(
        tolerated in 1.0..45.0,
        intolerable in 55.0..99.0,
        calls in prop::collection::vec(prop::bool::weighted(0.4), 0..60),
    ) {
        let trip = Trip::evidence(Percent(tolerated), Percent(intolerable), 1_000_000_000_000);
        let tripping = trip.check().unwrap();
        let (mut seen, mut failures) = (Evidence::default(), 0);
        for failed in calls {
            let Ok(now) = tripping.judge(seen, failed, 0, || Timestamp::ZERO) else { return Ok(()) };
            seen = now;
            failures = if seen.score == 0 { 0 } else { failures + u32::from(failed) };
            prop_assert_eq!(tripping.failures(seen, 0), failures);
        }
    }

    #[test]
    fn a_window_s_rate_trips_at_its_threshold_and_from_its_minimum_on(
        rate in 1..=100u32,
        calls in 1..200u32,
        failed in 0..200u32,
        min_calls in 1..=100u32,
    ) {
        prop_assume!(failed <= calls);
        let window = Window::calls(1000);
        let trip = Trip::failure_rate(Percent(f64::from(rate)), window).min_calls(min_calls);
        let (_, limits) = trip.check().unwrap().calls.unwrap();
        let is_broken = calls >= min_calls && failed * 100 >= rate * calls;
        let totals = Totals { calls, failures: failed, slow: 0 };
        let broken = limits.judge(totals);
        prop_assert_eq!(broken.is_some(), is_broken);
    }
}

#[test]
fn each_rule_of_a_window_says_which_it_is() {
    let window = Window::calls(10);
    let half = Percent(50.0);
    let rule = |trip: Trip, failures, slow| {
        let (_, limits) = trip.min_calls(4).check().unwrap().calls.unwrap();
        match limits.judge(Totals {
            calls: 4,
            failures,
            slow,
        }) {
            Some(Reason::Window {
                rule,
                counted,
                calls,
                ..
            }) => Some((rule, counted, calls)),
            other => {
                assert_eq!(other, None);
                None
            }
        }
    };
    let failures = Trip::failure_rate(half, window);
    assert_eq!(rule(failures, 2, 0), Some((Rule::FailureRate, 2, 4)));
    assert_eq!(rule(failures, 1, 4), None);
    let slow = Trip::slow_rate(half, window);
    assert_eq!(rule(slow, 4, 1), None);
    assert_eq!(rule(slow, 0, 2), Some((Rule::SlowRate, 2, 4)));
    let count = Trip::failures(3, window);
    assert_eq!(rule(count, 2, 4), None);
    assert_eq!(rule(count, 3, 0), Some((Rule::Failures, 3, 4)));
}
