use proptest::prelude::*;

use super::*;
use crate::time::{Timestamp, nanos};

const SECOND: Duration = Duration::from_secs(1);

fn wait(open_time: OpenTime, attempt: u32, random: u64) -> Duration {
    open_time.check().unwrap().wait(attempt, None, random, None)
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
        trouble: u64,
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
            let trouble = Some(Duration::from_nanos(trouble));
            let waited = opening.wait(attempt.min(63), trouble, random, Some(asked));
            prop_assert!((Duration::from_millis(1)..=MAX_WAIT).contains(&waited), "{waited:?}");
        }
    }

    #[test]
    fn a_probe_shares_turn_comes_after_half_to_one_and_a_half_of_the_calls_that_it_waits_for(
        random: u64,
        share in 0.01..=100.0,
        failed in 0..=63u32,
    ) {
        let opening = OpenTime::probe_share(Percent(share), SECOND, 60 * SECOND).check().unwrap();
        let until = Timestamp::from_nanos(nanos(SECOND));
        let may_be = until..opening.certain_at(until, 0);
        let is_turn = |refused| opening.is_due(failed, may_be.clone(), until, (refused, random));
        // It is kept in millionths.
        let share = (share * 1e4).round() / 1e4;
        let average = f64::from(failed + 1) / share * 100.0 - 1.0;
        let evenly = (random >> 32) as f64 / 2f64.powi(32);
        let turn = average * (0.5 + evenly);
        prop_assert!(is_turn((turn * 1.0001 + 1.0) as u32), "of {turn}");
        prop_assert!(turn < 2.0 || !is_turn((turn * 0.9999 - 1.0) as u32), "of {turn}");
    }

    #[test]
    fn a_wait_after_a_relapse_is_drawn_evenly_from_what_the_trouble_lasted(
        random: u64,
        shortest in 1..5000u64,
        longest in 5000..100_000u64,
        trouble in 0..1_000_000u64,
    ) {
        let [least, longest, trouble] = [shortest, longest, trouble].map(Duration::from_millis);
        let opening = OpenTime::probe_share(Percent(1.0), least, longest).check().unwrap();
        let waited = opening.wait(0, Some(trouble), random, None).as_secs_f64();
        let most = (0.5 * trouble.as_secs_f64()).min(20.0).min(longest.as_secs_f64());
        let drawn = most * (random >> 32) as f64 / 2f64.powi(32);
        prop_assert!((waited - drawn.max(least.as_secs_f64())).abs() < 1e-6, "{waited}, {drawn}");
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
    let granted = |asked| opening.wait(0, None, 0, Some(asked));
    assert_eq!(granted(SECOND), 5 * SECOND);
    assert_eq!(granted(30 * SECOND), 30 * SECOND);
    assert_eq!(granted(Duration::MAX), 60 * SECOND);
}

#[test]
fn a_trip_is_a_relapse_where_the_circuit_was_closed_for_less_than_half_of_the_trouble() {
    let opening = OpenTime::default().check().unwrap();
    assert!(opening.is_relapse(8 * SECOND, 4 * SECOND - Duration::from_nanos(1)));
    assert!(!opening.is_relapse(8 * SECOND, 4 * SECOND));
    assert!(!opening.is_relapse(Duration::ZERO, Duration::ZERO));
    let fixed = OpenTime::fixed(SECOND).check().unwrap();
    assert!(!fixed.is_relapse(8 * SECOND, SECOND));
}

#[test]
fn it_is_nobodys_turn_before_the_shortest_wait_is_over_and_anybodys_after_the_longest() {
    let until = Timestamp::from_nanos(nanos(SECOND));
    let before = Timestamp::from_nanos(nanos(SECOND) - 1);
    let due = |share, now, refused| {
        let opening = OpenTime::probe_share(Percent(share), SECOND, 60 * SECOND);
        let opening = opening.jitter(Percent(0.0)).check().unwrap();
        opening.is_due(
            0,
            until..opening.certain_at(until, 0),
            now,
            (refused, u64::MAX),
        )
    };
    assert!(!due(100.0, before, u32::MAX));
    assert!(due(100.0, until, 0), "each call is a probe");
    let certain_at = Timestamp::from_nanos(nanos(60 * SECOND));
    assert!(!due(
        0.0001,
        Timestamp::from_nanos(nanos(60 * SECOND) - 1),
        0
    ));
    assert!(due(0.0001, certain_at, 0));
}
