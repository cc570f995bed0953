use proptest::prelude::*;

use super::*;
use crate::time::{Timestamp, nanos};

const SECOND: Duration = Duration::from_secs(1);

fn wait(open_time: OpenTime, attempt: u32, random: u64) -> Duration {
    open_time.check().unwrap().wait(attempt, 0, random, None)
}

proptest! {
    #[test]
    fn a_wait_is_within_its_jitter_and_its_bounds(
        shortest in 1..10_000u64,
        times in 1..1000u64,
        factor in 1.0..100.0,
        jitter in 1.0..=100.0,
        attempt in 0..=63u32,
        random: u64,
    ) {
        let (least, most) = (Duration::from_millis(shortest), Duration::from_millis(shortest * times));
        let open_time = OpenTime::exponential(least, most).factor(factor).jitter(Percent(jitter));
        let factor = (factor * 1e3).floor() / 1e3;
        let grown = (least.as_secs_f64() * factor.powi(attempt as i32)).min(most.as_secs_f64());
        let width = grown * jitter / 100.0;
        let waited = wait(open_time, attempt, random);
        prop_assert!((least..=most).contains(&waited));
        prop_assert!((waited.as_secs_f64() - grown).abs() <= width + 1e-6, "{waited:?} for {grown} s");
    }

    #[test]
    fn no_wait_overflows_or_is_zero(
        shortest in 1..=8_640_000_000u64,
        attempt: u32,
        random: u64,
        asked: u64,
    ) {
        let least = Duration::from_millis(shortest);
        for open_time in [
            OpenTime::fixed(least),
            OpenTime::exponential(least, MAX_WAIT).factor(100.0),
            OpenTime::by_attempt(|_| Duration::MAX, least, MAX_WAIT),
            OpenTime::by_attempt(|_| Duration::ZERO, least, MAX_WAIT),
            OpenTime::probe_share(Percent(1.0), least, MAX_WAIT),
        ] {
            let open_time = open_time.jitter(Percent(100.0)).longest_asked(MAX_WAIT);
            let opening = open_time.check().unwrap();
            let asked = Duration::from_nanos(asked);
            let waited = opening.wait(attempt.min(63), attempt.min(63), random, Some(asked));
            prop_assert!((Duration::from_millis(1)..=MAX_WAIT).contains(&waited), "{waited:?}");
        }
    }

    #[test]
    fn a_probe_share_draws_its_share_of_the_numbers_over_the_failed_probes_and_one(
        draw: u32,
        share in 0.01..=100.0,
        failed in 0..=63u32,
    ) {
        let opening = OpenTime::probe_share(Percent(share), SECOND, 60 * SECOND).check().unwrap();
        let now = Timestamp::from_nanos(nanos(SECOND));
        let until = now.rounded_after(Duration::ZERO);
        let is_due = opening.is_due(failed, until..opening.certain_at(until, 0), now, || draw);
        let line = share / 100.0 / f64::from(failed + 1) * 4_294_967_296.0;
        prop_assume!((f64::from(draw) - line).abs() > 5000.0);
        prop_assert_eq!(is_due, f64::from(draw) < line);
    }
}

#[test]
fn the_jitter_reaches_from_one_end_to_the_other() {
    let open_time = OpenTime::fixed(10 * SECOND).jitter(Percent(20.0));
    assert_eq!(wait(open_time, 0, 0), 8 * SECOND);
    assert!(wait(open_time, 0, u64::MAX) > 12 * SECOND - Duration::from_micros(1));
    assert_eq!(wait(open_time, 0, 1 << 63), 10 * SECOND);
}

#[test]
fn what_the_downstream_asks_for_makes_a_wait_longer_and_never_shorter() {
    let opening = OpenTime::fixed(5 * SECOND)
        .longest_asked(60 * SECOND)
        .check()
        .unwrap();
    let granted = |asked| opening.wait(0, 0, 0, Some(asked));
    assert_eq!(granted(SECOND), 5 * SECOND);
    assert_eq!(granted(30 * SECOND), 30 * SECOND);
    assert_eq!(granted(Duration::MAX), 60 * SECOND);
}

#[test]
fn each_relapse_doubles_the_shortest_wait_to_ten_seconds_and_comes_right_after_closing() {
    let opening = OpenTime::default().check().unwrap();
    let waits = [0, 1, 2, 6, 7, 63].map(|relapses| opening.wait(63, relapses, 0, None).as_millis());
    assert_eq!(waits, [100, 200, 400, 6400, 10_000, 10_000]);
    assert!(opening.is_relapse(8 * SECOND - Duration::from_nanos(1)));
    assert!(!opening.is_relapse(8 * SECOND));
    let never = OpenTime::default()
        .relapse_within(Duration::ZERO)
        .check()
        .unwrap();
    assert!(!never.is_relapse(Duration::ZERO));
    let fixed = OpenTime::fixed(SECOND)
        .relapse_within(SECOND)
        .check()
        .unwrap_err();
    assert_eq!(fixed.setting(), "open_time.relapse_within");
}

#[test]
fn a_shortest_wait_that_is_longer_than_that_is_not_cut() {
    let opening = OpenTime::probe_share(Percent(1.0), 20 * SECOND, 60 * SECOND)
        .check()
        .unwrap();
    assert_eq!(opening.wait(0, 5, 0, None), 20 * SECOND);
}

#[test]
fn nobody_is_drawn_before_the_shortest_wait_is_over() {
    let opening = OpenTime::probe_share(Percent(100.0), SECOND, 60 * SECOND)
        .check()
        .unwrap();
    let until = Timestamp::ZERO.rounded_after(SECOND);
    let before = Timestamp::from_nanos(nanos(SECOND) - 1);
    assert!(!opening.is_due(0, until..opening.certain_at(until, 0), before, || 0));
    let then = Timestamp::from_nanos(nanos(SECOND));
    assert!(opening.is_due(0, until..opening.certain_at(until, 0), then, || u32::MAX));
}
