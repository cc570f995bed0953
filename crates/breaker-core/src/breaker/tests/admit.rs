//! Calls that ask, and what is said to those who only look.

use super::*;

#[test]
fn a_lapse_opened_at_the_deadline_whenever_it_is_noticed() {
    let config = config();
    let rules = rules(&config);
    for noticed in [8, 9, 1_000, 100_000_000] {
        let mut breaker = half_open(rules, 0, 1);
        let (_, changes) = breaker.refusal(rules, at(noticed));
        let changes: Vec<_> = changes.into_iter().collect();
        assert_eq!(breaker.phase(), open(1, 10));
        assert_eq!((changes.len(), changes[0].at()), (1, at(8)));
        assert_eq!(changes[0].reason(), Reason::NoVerdict);
    }
}

#[test]
fn a_call_that_finds_a_lapse_which_is_due_again_makes_two_transitions() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = half_open(rules, 0, 1);
    let (admission, changes) = admit(&mut breaker, rules, 10);
    assert_eq!(admission, Admission::Pass);
    let reasons: Vec<_> = changes.iter().map(Transition::reason).collect();
    assert_eq!(reasons, [Reason::NoVerdict, Reason::ProbeDue]);
    let tally = tally(1);
    assert_eq!(breaker.phase(), Phase::HalfOpen { attempt: 1, tally });
}

#[test]
fn nothing_lapses_while_no_probe_is_under_way_and_the_next_one_starts_the_deadline_afresh() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = half_open(rules, 0, 0);
    assert_eq!(breaker.state(rules, at(1000)), State::HalfOpen);
    assert_eq!(breaker.lapses_in(rules, at(1000)), None);
    assert_eq!(admit(&mut breaker, rules, 1000).0, Admission::Pass);
    assert_eq!(breaker.lapses_in(rules, at(1001)), Some(7 * SECOND));
    assert_eq!(breaker.state(rules, at(1007)), State::HalfOpen);
    assert_eq!(breaker.state(rules, at(1008)), State::Open);
}

#[test]
fn the_deadline_follows_the_last_admission_up_to_four_times_the_timeout() {
    let config = settings()
        .probes(Probes::new(9).timeout(8 * SECOND))
        .build()
        .unwrap();
    let rules = rules(&config);
    let mut breaker = half_open(rules, 0, 0);
    for (second, left) in [(0, 8), (4, 8), (4, 8), (11, 8), (18, 8), (25, 7), (31, 1)] {
        assert_eq!(admit(&mut breaker, rules, second).0, Admission::Pass);
        let left = Some(left * SECOND);
        assert_eq!(
            breaker.lapses_in(rules, at(second)),
            left,
            "after {second} s"
        );
    }
    // Time that goes back does not move it back.
    assert_eq!(admit(&mut breaker, rules, 1).0, Admission::Pass);
    assert_eq!(breaker.lapses_in(rules, at(31)), Some(SECOND));
}

#[test]
fn in_the_shadow_every_refusal_passes_uncounted() {
    let config = config();
    let rules = rules(&config);
    let full = Phase::HalfOpen {
        attempt: 0,
        tally: tally(2),
    };
    for phase in [full, open(0, 1)] {
        let mut breaker = in_phase(rules, phase);
        assert!(matches!(
            admit(&mut breaker, rules, 0).0,
            Admission::Refuse(_)
        ));
        assert!(breaker.refusal(rules, at(0)).0.is_some());
        breaker.shadow = true;
        assert_eq!(admit(&mut breaker, rules, 0).0, Admission::PassUncounted);
        assert_eq!(breaker.refusal(rules, at(0)).0, None);
        assert_eq!(breaker.refusal_waiting(rules, at(0)).0, None);
        assert_eq!(breaker.refuses_until(), None);
    }
}

#[test]
fn a_first_probe_keeps_the_attempt_for_the_next_wait() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = in_phase(rules, open(5, 1));
    let (admission, changes) = admit(&mut breaker, rules, 1);
    assert_eq!(admission, Admission::Pass);
    let tally = tally(1);
    assert_eq!(breaker.phase(), Phase::HalfOpen { attempt: 5, tally });
    assert_eq!(changes[0].reason(), Reason::ProbeDue);
}

#[test]
fn looking_ahead_takes_no_place_and_uses_no_allowance() {
    let config = settings().ramp(Ramp::new(1, 10)).build().unwrap();
    let rules = rules(&config);
    let recovering = Phase::Recovering(Evidence::default());
    for phase in [
        open(0, 1),
        Phase::HalfOpen {
            attempt: 0,
            tally: tally(1),
        },
        recovering,
    ] {
        let mut breaker = in_phase(rules, phase);
        for _ in 0..9 {
            let (refusal, changes) = breaker.refusal(rules, at(1));
            assert!(refusal.is_none() && changes.is_empty());
        }
        assert_eq!(breaker.phase(), phase);
        assert_eq!(admit(&mut breaker, rules, 1).0, Admission::Pass);
    }
}

/// How many calls an open circuit refuses, once its shortest wait is over, before one is a probe.
fn refused_before_the_probe(rules: Rules<'_>, attempt: u32, looks: u32) -> u32 {
    let mut breaker = in_phase(rules, open(attempt, 1));
    let is_refused = |breaker: &mut Breaker| {
        for _ in 0..looks {
            if breaker.refusal(rules, at(2)).0.is_some() {
                return true;
            }
        }
        matches!(admit(breaker, rules, 2).0, Admission::Refuse(_))
    };
    (0..).find(|_| !is_refused(&mut breaker)).unwrap()
}

#[test]
fn a_call_that_is_told_beforehand_that_it_is_refused_is_counted_once_and_one_whose_turn_it_is_may_look_often()
 {
    let share = OpenTime::probe_share(Percent(1.0), SECOND, 3600 * SECOND);
    let config = settings().open_time(share).build().unwrap();
    let rules = rules(&config);
    let refused = refused_before_the_probe(rules, 0, 0);
    assert!((49..149).contains(&refused), "{refused}");
    assert_eq!(refused_before_the_probe(rules, 0, 1), refused);
    assert_eq!(refused_before_the_probe(rules, 0, 5), refused);
    let later = refused_before_the_probe(rules, 3, 1);
    assert!((199..600).contains(&later), "{later}");
}

#[test]
fn reading_the_state_moves_nothing() {
    let config = config();
    let rules = rules(&config);
    let breaker = half_open(rules, 0, 1);
    let states: Vec<State> = [0, 7, 8, 9, 10, 100]
        .map(|seconds| breaker.state(rules, at(seconds)))
        .into();
    use State::{HalfOpen, Open};
    assert_eq!(states, [HalfOpen, HalfOpen, Open, Open, HalfOpen, HalfOpen]);
    assert_eq!(breaker.retry_after(rules, at(9)), Some(SECOND));
    assert_eq!(breaker.half_open_in(rules, at(9)), Some(SECOND));
}
