//! A circuit that is judged against the other members of its group.

use std::string::ToString;

use super::*;
use crate::Ratio;

const fn percent(percent: u32) -> Ratio {
    Ratio::from_millionths(10_000 * percent)
}

fn config() -> Checked {
    let settings = settings().trip(Trip::default());
    settings.one_event(Duration::ZERO).build().unwrap()
}

/// Calls of which the first of each `every` fails, until it trips: how many there were, and why.
fn calls_until_trip(others: Option<Ratio>, own: Ratio, every: u64) -> Option<(u64, Reason)> {
    let config = config();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    calls(&mut breaker, rules, others, own, every)
}

fn calls(
    breaker: &mut Breaker,
    rules: Rules<'_>,
    others: Option<Ratio>,
    own: Ratio,
    every: u64,
) -> Option<(u64, Reason)> {
    (0..5_000).find_map(|number| {
        let fails = number % every == 0;
        if fails {
            breaker.compare(rules, others, own);
        }
        let call = call(
            breaker,
            CallKind::Call,
            if fails { FAILURE } else { SUCCESS },
        );
        let now = Timestamp::from_nanos(number * 10_000_000);
        let tripped = breaker.record(rules, &call, || now).transition?;
        Some((number + 1, tripped.reason()))
    })
}

#[test]
fn one_that_fails_more_often_than_the_others_trips_and_the_reason_says_so() {
    let (calls, reason) = calls_until_trip(Some(percent(1)), Ratio::NONE, 3).unwrap();
    assert!(calls < 40, "{calls}");
    let text = "9 of 25 calls failed, of the others' 1 %";
    assert_eq!(
        (reason.to_string().as_str(), reason.kind()),
        (text, "relative")
    );
    assert_eq!(calls_until_trip(None, Ratio::NONE, 3), None);
}

#[test]
fn one_that_fails_as_often_as_the_others_does_not_trip() {
    for (others, every) in [(1, 50), (10, 8), (30, 3), (60, 2)] {
        let tripped = calls_until_trip(Some(percent(others)), Ratio::NONE, every);
        assert_eq!(tripped, None, "{others} %");
    }
}

#[test]
fn a_dead_one_trips_whatever_the_others_do() {
    let (well, _) = calls_until_trip(Some(Ratio::NONE), Ratio::NONE, 1).unwrap();
    assert_eq!(well, 21);
    let (dead, _) = calls_until_trip(Some(Ratio::ALL), Ratio::NONE, 1).unwrap();
    assert_eq!(dead, 51);
}

#[test]
fn what_the_group_tolerates_of_itself_is_tolerated_whatever_the_others_do() {
    let tripped = calls_until_trip(Some(Ratio::NONE), percent(40), 3);
    assert_eq!(tripped, None);
}

#[test]
fn with_nobody_to_compare_with_or_rules_without_evidence_the_own_ones_hold() {
    let (calls, reason) = calls_until_trip(None, Ratio::NONE, 1).unwrap();
    assert_eq!((calls, reason.kind()), (14, "evidence"));
    let config = super::config();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    breaker.compare(rules, Some(percent(60)), Ratio::NONE);
    assert!(record(&mut breaker, rules, FAILURE, 1).transition.is_none());
    assert!(record(&mut breaker, rules, FAILURE, 2).transition.is_some());
}

#[test]
fn a_bad_mix_of_requests_that_the_others_show_by_then_does_not_trip() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    // Nineteen failures while the others are still believed well.
    for number in 0..19 {
        breaker.compare(rules, Some(Ratio::NONE), Ratio::NONE);
        assert_eq!(
            record(&mut breaker, rules, FAILURE, number).transition,
            None
        );
    }
    assert_eq!(
        calls(&mut breaker, rules, Some(percent(60)), Ratio::NONE, 2),
        None
    );
}

#[test]
fn it_tells_the_others_how_many_of_its_calls_fail_without_those_it_did_not_count() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    assert_eq!(breaker.failing(), Some(Ratio::NONE));
    let mut state = 1;
    for number in 0..20_000 {
        state = crate::mix(state);
        let ending = if state % 10 == 0 { FAILURE } else { SUCCESS };
        // A healthy call of a circuit against which nothing speaks is not recorded.
        if ending == SUCCESS && breaker.is_clean() {
            continue;
        }
        breaker.compare(rules, Some(percent(10)), Ratio::NONE);
        let call = call(&breaker, CallKind::Call, ending);
        let now = Timestamp::from_nanos(number * 10_000_000);
        assert_eq!(breaker.record(rules, &call, || now).transition, None);
    }
    let percent = f64::from(breaker.failing().unwrap().millionths()) / 1e4;
    assert!((6.0..16.0).contains(&percent), "{percent}");
    let _ = breaker.command(rules, Command::Trip(None), at(1));
    assert_eq!(breaker.failing(), None);
}

#[test]
fn what_failed_long_ago_fades() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    for (number, ending) in [FAILURE, FAILURE, SUCCESS, FAILURE, SUCCESS]
        .into_iter()
        .cycle()
        .take(200)
        .enumerate()
    {
        breaker.compare(rules, Some(percent(60)), Ratio::NONE);
        let _ = record(&mut breaker, rules, ending, number as u64 / 100);
    }
    assert!(breaker.failing().unwrap() > percent(30));
    breaker.compare(rules, Some(Ratio::NONE), Ratio::NONE);
    for seconds in [600, 1_200] {
        let _ = record(&mut breaker, rules, FAILURE, seconds);
        for _ in 0..30 {
            let _ = record(&mut breaker, rules, SUCCESS, seconds);
        }
    }
    assert!(
        breaker.failing().unwrap() < percent(2),
        "{:?}",
        breaker.failing()
    );
}
