//! Calls that have ended.

use super::*;

#[test]
fn what_does_not_count_changes_nothing_in_any_state() {
    let config = config();
    let rules = rules(&config);
    let seen = Evidence {
        row: 1,
        ..Evidence::default()
    };
    for ending in [Ending::Cancelled, IGNORED] {
        let mut closed = in_phase(rules, Phase::Closed(seen));
        assert_eq!(record(&mut closed, rules, ending, 1).transition, None);
        assert_eq!(closed.phase(), Phase::Closed(seen));

        let mut breaker = half_open(rules, 0, 2);
        assert_eq!(record(&mut breaker, rules, ending, 1).transition, None);
        let tally = tally(1);
        assert_eq!(breaker.phase(), Phase::HalfOpen { attempt: 0, tally });
    }
}

#[test]
fn only_closed_and_half_open_count_calls() {
    let config = config();
    let rules = rules(&config);
    for phase in [open(0, 5), Phase::Isolated { until: None }, Phase::Disabled] {
        let mut breaker = in_phase(rules, phase);
        let call = call(&breaker, CallKind::Call, FAILURE);
        let recorded = breaker.record(rules, &call, || panic!("no time is needed"));
        assert!(recorded.in_time && recorded.transition.is_none());
        assert_eq!(breaker.phase(), phase);
    }
}

#[test]
fn a_straggler_changes_nothing() {
    let config = config();
    let rules = rules(&config);
    for phase in [
        Phase::CLOSED,
        open(0, 5),
        Phase::HalfOpen {
            attempt: 0,
            tally: tally(1),
        },
    ] {
        let mut breaker = Breaker::new(rules);
        let straggler = call(&breaker, CallKind::Call, FAILURE);
        let _ = breaker.enter(phase, Reason::Operator, 0, at(1));
        let recorded = breaker.record(rules, &straggler, || panic!("no time is needed"));
        assert!(!recorded.in_time && recorded.transition.is_none());
        assert_eq!(breaker.phase(), phase);
    }
}

#[test]
fn a_call_that_passed_uncounted_is_no_straggler_and_changes_nothing() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = half_open(rules, 0, 2);
    let before = breaker.phase();
    let uncounted = call(&breaker, CallKind::Uncounted, FAILURE);
    let recorded = breaker.record(rules, &uncounted, || panic!("no time is needed"));
    assert!(recorded.in_time && recorded.transition.is_none());
    assert_eq!(breaker.phase(), before);
}

#[test]
fn a_failed_probe_opens_for_the_next_longer_wait_and_the_attempts_end_somewhere() {
    let config = config();
    let rules = rules(&config);
    for (attempt, next, wait) in [(0, 1, 2), (1, 2, 4), (62, 63, 60), (63, 63, 60)] {
        let mut breaker = half_open(rules, attempt, 1);
        let transition = record(&mut breaker, rules, FAILURE, 1).transition.unwrap();
        assert_eq!(breaker.phase(), open(next, 1 + wait));
        assert_eq!(transition.open_for(), Some(wait as u32 * SECOND));
        assert_eq!((transition.generation(), breaker.generation()), (2, 2));
    }
}

#[test]
fn a_probe_that_is_answered_after_the_deadline_changes_nothing_itself() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = half_open(rules, 0, 1);
    let recorded = record(&mut breaker, rules, SUCCESS, 9);
    assert!(recorded.in_time);
    let reason = recorded.transition.map(|transition| transition.reason());
    assert_eq!(reason, Some(Reason::NoVerdict));
    assert_eq!(breaker.phase(), open(1, 10));
}

#[test]
fn calls_that_are_all_given_up_count_as_failures_from_the_one_after_the_last_that_is_let_off() {
    for (cancelled, counts_from) in [
        (Cancelled::Ignored, None),
        (Cancelled::Failure, Some(1)),
        (Cancelled::default(), Some(16)),
        (Cancelled::FailureAfter(4094), Some(4095)),
    ] {
        let never = Trip::consecutive_failures(4095);
        let config = settings().trip(never).cancelled(cancelled).build().unwrap();
        let rules = rules(&config);
        let mut breaker = Breaker::new(rules);
        for in_a_row in 1..=4095 {
            let counts = counts_from.is_some_and(|from| in_a_row >= from);
            assert_eq!(
                breaker.cancelled_is_failure(rules),
                counts,
                "{in_a_row} {cancelled:?}"
            );
            let before = breaker.evidence().row;
            if record(&mut breaker, rules, Ending::Cancelled, 0)
                .transition
                .is_some()
            {
                break;
            }
            assert_eq!(breaker.evidence().row, before + u32::from(counts));
        }
    }
}

#[test]
fn any_answer_ends_a_row_of_calls_that_were_given_up() {
    let config = config();
    let rules = rules(&config);
    let answers = [
        (CallKind::Call, SUCCESS),
        (CallKind::Call, FAILURE),
        (CallKind::Call, IGNORED),
        (CallKind::Excluded, FAILURE),
        (CallKind::Answered, Ending::Cancelled),
    ];
    for (kind, ending) in answers {
        let mut breaker = Breaker::new(rules);
        for _ in 0..3 {
            let _ = record(&mut breaker, rules, Ending::Cancelled, 0);
        }
        assert_eq!(breaker.given_up, 3);
        for kind in [CallKind::Readiness, CallKind::Excluded, CallKind::Uncounted] {
            let dropped = call(&breaker, kind, Ending::Cancelled);
            let _ = breaker.record(rules, &dropped, || at(0));
            assert_eq!(breaker.given_up, 3, "{kind:?} is no call that was given up");
        }
        assert!(!breaker.is_clean());
        let _ = breaker.record(rules, &call(&breaker, kind, ending), || at(0));
        assert_eq!(breaker.given_up, 0, "{kind:?} {ending:?}");
    }
}

#[test]
fn ignored_probes_are_a_verdict_and_not_only_in_a_row() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = half_open(rules, 0, 0);
    for ignored in 1..=10 {
        for ending in [Ending::Cancelled, IGNORED] {
            assert_eq!(admit(&mut breaker, rules, 0).0, Admission::Pass);
            let transition = record(&mut breaker, rules, ending, 0).transition;
            let reason = transition.map(|transition| transition.reason());
            let is_last = ignored == 10 && ending == IGNORED;
            assert_eq!(
                reason,
                is_last.then_some(Reason::ProbesIgnored { probes: 10 })
            );
        }
    }
    assert_eq!(breaker.phase(), Phase::CLOSED);
}

#[test]
fn as_many_are_let_off_as_there_are_failures_that_trip_from_clean_on_the_default_policy() {
    let config = Config::new().build().unwrap();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    let failures = (1..).find(|_| record(&mut breaker, rules, FAILURE, 0).transition.is_some());
    assert_eq!(
        Some(Cancelled::default()),
        failures.map(Cancelled::FailureAfter)
    );
}

#[test]
fn a_success_is_calm_where_it_changes_nothing_and_is_not_to_be_recorded() {
    let share = Trip::failure_rate(Percent(50.0), Window::calls(2));
    let settings = settings();
    for (config, from) in [
        (settings, Some(0)),
        (settings.trip(share), Some(2)),
        (settings.count_calls(true), None),
        (settings.slow_after(SECOND), None),
        (settings.trip(Trip::failures(5, Window::time(SECOND))), None),
    ] {
        let config = config.build().unwrap();
        let rules = rules(&config);
        let mut breaker = Breaker::new(rules);
        for successes in 0..4 {
            let is_calm = from.is_some_and(|from| successes >= from);
            assert_eq!(breaker.is_calm(rules), is_calm, "{successes} {config:?}");
            let _ = record(&mut breaker, rules, SUCCESS, 0);
        }
        let _ = record(&mut breaker, rules, FAILURE, 0);
        assert!(!breaker.is_calm(rules));
    }
}

#[test]
fn time_is_asked_for_only_where_it_is_needed() {
    let share = Trip::failure_rate(Percent(50.0), Window::calls(20));
    let config = settings().trip(share).slow_after(SECOND).build().unwrap();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    for (ending, seconds) in [
        (SUCCESS, 0),
        (FAILURE, 2),
        (IGNORED, 2),
        (Ending::Cancelled, 2),
    ] {
        let call = EndedCall {
            took: Some(seconds * SECOND),
            ..call(&breaker, CallKind::Call, ending)
        };
        let recorded = breaker.record(rules, &call, || panic!("no time is needed"));
        assert_eq!(recorded.is_slow, seconds == 2 && ending != IGNORED);
    }
    let slow = breaker.calls().map(|calls| (calls.calls, calls.slow));
    assert_eq!(slow, Some((3, 2)));
}

/// A failure of a call that was admitted while nothing spoke against the downstream, or of one that was not.
fn fail_at(breaker: &mut Breaker, rules: Rules<'_>, calm: bool, micros: u64) -> Recorded {
    let call = EndedCall {
        calm,
        ..call(breaker, CallKind::Call, FAILURE)
    };
    breaker.record(rules, &call, || Timestamp::from_nanos(micros * 1000))
}

#[test]
fn failures_of_calls_that_were_under_way_together_are_one_event_for_five_milliseconds() {
    for trip in [Trip::consecutive_failures(3), Trip::default()] {
        let config = settings().trip(trip).build().unwrap();
        let mut breaker = Breaker::new(rules(&config));
        let start = 1_000_000;
        for micros in [0, 10, 500, 4800] {
            fail_at(&mut breaker, rules(&config), true, start + micros);
            assert_eq!(breaker.failures(rules(&config), at(1)), 1);
        }
        // One that was admitted since, and one that comes later.
        fail_at(&mut breaker, rules(&config), false, start + 4900);
        assert_eq!(breaker.failures(rules(&config), at(1)), 2);
        fail_at(&mut breaker, rules(&config), true, start + 5300);
        assert_ne!(breaker.failures(rules(&config), at(1)), 2);
    }
}

#[test]
fn a_failure_is_no_event_of_an_earlier_one_that_a_success_has_made_up_for() {
    let config = settings().trip(Trip::default()).build().unwrap();
    let mut breaker = Breaker::new(rules(&config));
    fail_at(&mut breaker, rules(&config), true, 0);
    record(&mut breaker, rules(&config), SUCCESS, 0);
    assert!(breaker.is_clean());
    fail_at(&mut breaker, rules(&config), true, 1);
    assert_eq!(breaker.failures(rules(&config), at(1)), 1);
}

#[test]
fn where_no_event_is_asked_for_each_failure_counts_and_only_the_trip_needs_the_time() {
    let config = settings().one_event(Duration::ZERO).build().unwrap();
    let mut breaker = Breaker::new(rules(&config));
    let mut call = call(&breaker, CallKind::Call, FAILURE);
    call.calm = true;
    assert!(!breaker.may_need_time(rules(&config), &call));
    breaker.record(rules(&config), &call, || panic!("no time is needed"));
    assert!(breaker.may_need_time(rules(&config), &call));
    let tripped = breaker.record(rules(&config), &call, || at(1)).transition;
    assert_eq!(tripped.unwrap().to(), State::Open);
}

#[test]
fn it_says_that_it_needs_the_time_where_it_does() {
    let config = settings().trip(Trip::default()).build().unwrap();
    let mut breaker = Breaker::new(rules(&config));
    for failures in 0..15 {
        let call = call(&breaker, CallKind::Call, FAILURE);
        let says = breaker.may_need_time(rules(&config), &call);
        let mut asked = false;
        breaker.record(rules(&config), &call, || {
            asked = true;
            Timestamp::ZERO
        });
        assert!(says || !asked, "after {failures} failures");
    }
    assert_eq!(breaker.stored_state(), State::Open);
}

/// Trips, and closes after one probe, so many seconds later.
fn trip_and_close(breaker: &mut Breaker, rules: Rules<'_>, now: u64) -> Transition {
    let tripped = record(breaker, rules, FAILURE, now).transition.unwrap();
    let (admission, _) = admit(breaker, rules, now + 100);
    assert_eq!(admission, Admission::Pass);
    let closed = record(breaker, rules, SUCCESS, now + 100).transition;
    assert_eq!(closed.unwrap().to(), State::Closed);
    tripped
}

#[test]
fn a_trip_right_after_closing_is_a_relapse_which_is_a_failed_probe_and_a_longer_wait() {
    let config = Config::new()
        .trip(Trip::consecutive_failures(1))
        .probes(Probes::new(1))
        .build()
        .unwrap();
    let (rules, mut breaker) = (rules(&config), Breaker::new(rules(&config)));
    let open_for = |tripped: Transition| tripped.open_for().unwrap().as_millis();
    // Right after the beginning is no relapse, and neither is 8 s after closing.
    assert_eq!(open_for(trip_and_close(&mut breaker, rules, 0)), 100);
    assert_eq!(open_for(trip_and_close(&mut breaker, rules, 107)), 200);
    assert_eq!(open_for(trip_and_close(&mut breaker, rules, 207)), 400);
    let tripped = record(&mut breaker, rules, FAILURE, 307)
        .transition
        .unwrap();
    assert_eq!(open_for(tripped), 800);
    assert!(matches!(breaker.phase(), Phase::Open { attempt: 3, .. }));
    let _ = breaker.command(rules, Command::Close, at(400));
    assert_eq!(open_for(trip_and_close(&mut breaker, rules, 401)), 100);
    assert_eq!(open_for(trip_and_close(&mut breaker, rules, 509)), 100);
}

#[test]
fn an_excluded_probe_gives_its_place_back_at_once_and_only_once() {
    let config = settings().probes(Probes::new(1)).build().unwrap();
    let rules = rules(&config);
    let mut breaker = half_open(rules, 0, 1);
    assert!(!breaker.exclude(breaker.generation() + 1));
    assert!(breaker.exclude(breaker.generation()));
    assert_eq!(breaker.lapses_in(rules, at(100)), None);
    let (admission, _) = admit(&mut breaker, rules, 100);
    assert_eq!(admission, Admission::Pass);
    // The excluded one ends while another has its place.
    let excluded = call(&breaker, CallKind::Excluded, FAILURE);
    let ended = breaker.record(rules, &excluded, || at(101));
    assert_eq!(ended.transition, None);
    assert_eq!(breaker.probes(rules, at(101)), Some(tally(1)));
}

#[test]
fn so_many_ignored_probes_as_are_asked_for_are_a_verdict() {
    let config = settings()
        .probes(Probes::new(1).ignored(2))
        .build()
        .unwrap();
    let rules = rules(&config);
    let mut breaker = half_open(rules, 0, 1);
    assert_eq!(record(&mut breaker, rules, IGNORED, 1).transition, None);
    let _ = admit(&mut breaker, rules, 1);
    let closed = record(&mut breaker, rules, IGNORED, 1).transition.unwrap();
    assert_eq!(closed.reason(), Reason::ProbesIgnored { probes: 2 });
}

#[test]
fn a_circuit_that_has_just_begun_forgives_failures_slow_calls_and_what_is_given_up() {
    let window = Trip::slow_rate(Percent(50.0), Window::calls(4)).min_calls(2);
    let config = settings()
        .trip(Trip::any_of([Trip::consecutive_failures(2), window]))
        .slow_after(SECOND)
        .cancelled(Cancelled::FailureAfter(1))
        .grace(10 * SECOND)
        .build()
        .unwrap();
    let (rules, mut breaker) = (rules(&config), Breaker::new(rules(&config)));
    for ending in [
        FAILURE,
        FAILURE,
        Ending::Cancelled,
        Ending::Cancelled,
        Ending::Cancelled,
    ] {
        assert!(record(&mut breaker, rules, ending, 9).in_time);
    }
    let slow = EndedCall {
        took: Some(2 * SECOND),
        ..call(&breaker, CallKind::Call, SUCCESS)
    };
    let broken = EndedCall {
        broken: Some(Reason::Custom { code: 1 }),
        ..call(&breaker, CallKind::Call, SUCCESS)
    };
    for bad in [slow, slow, broken] {
        assert_eq!(breaker.record(rules, &bad, || at(9)).transition, None);
    }
    assert!(breaker.phase() == Phase::CLOSED && breaker.given_up == 0);
    assert_eq!(breaker.calls().unwrap().calls, 0);
    for ending in [SUCCESS, FAILURE] {
        assert_eq!(record(&mut breaker, rules, ending, 10).transition, None);
    }
    let tripped = record(&mut breaker, rules, FAILURE, 10).transition.unwrap();
    assert_eq!((tripped.to(), tripped.failures()), (State::Open, 2));
}

#[test]
fn no_later_state_of_a_circuit_forgives_anything() {
    let config = settings().grace(10 * SECOND).build().unwrap();
    let rules = rules(&config);
    let mut breaker = in_phase(rules, Phase::CLOSED);
    assert_eq!(record(&mut breaker, rules, FAILURE, 1).transition, None);
    assert!(record(&mut breaker, rules, FAILURE, 1).transition.is_some());
}

/// How many failures so far apart trip a circuit which was `trips` times closed too early, after this many good calls.
fn failures_to_trip(trip: Trip, gap: u64, trips: u8, good_calls: usize) -> u32 {
    let config = Config::default().trip(trip).build().expect("it is right");
    let rules = rules(&config);
    let mut breaker = half_open(rules, 0, 1);
    breaker.trips = trips;
    while breaker.stored_state() == State::HalfOpen {
        let _ = admit(&mut breaker, rules, 1);
        let _ = record(&mut breaker, rules, SUCCESS, 1);
    }
    assert_eq!(breaker.failures(rules, at(1)), 0, "none was seen");
    for _ in 0..good_calls {
        let _ = record(&mut breaker, rules, SUCCESS, 1);
    }
    (1..)
        .find(|number| {
            let now = 2 + gap * u64::from(*number);
            let recorded = record(&mut breaker, rules, FAILURE, now);
            recorded.transition.is_some_and(|transition| {
                assert_eq!(transition.failures(), *number);
                true
            })
        })
        .expect("it trips")
}

#[test]
fn a_circuit_that_closed_again_trips_on_half_the_failures_until_good_calls_have_spoken_for_it() {
    let by_calls = Trip::evidence(Percent(30.0), Percent(70.0), 162_755);
    let of = |trips, good_calls| failures_to_trip(by_calls, 0, trips, good_calls);
    let from_clean = of(0, 0);
    let after = [1, 2, 3, 4].map(|trips| of(trips, 0));
    let halves = [2, 4, 8, 16].map(|parts| from_clean.div_ceil(parts));
    assert_eq!((from_clean, after), (15, halves));
    assert_eq!(of(1, 20), from_clean);
    assert_eq!(of(4, 20), from_clean);
}

#[test]
fn a_quiet_circuit_that_closed_again_does_not_trip_on_its_first_failure() {
    let of = |trips| failures_to_trip(Trip::default(), 10, trips, 0);
    assert_eq!([0, 1, 2].map(of), [6, 3, 2]);
}
