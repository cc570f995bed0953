//! Calls that ask, and what is said to those who only look.

use super::*;

#[test]
fn a_lapse_opened_at_the_deadline_whenever_it_is_noticed() {
    let config = config();
    let rules = rules(&config);
    for noticed in [8, 9, 1_000, 100_000_000] {
        let mut breaker = half_open(rules, 0, 1);
        let (_, changes) = breaker.refusal(rules, at(noticed), &mut Some(0));
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
        assert!(breaker.refusal(rules, at(0), &mut None).0.is_some());
        breaker.shadow = true;
        assert_eq!(admit(&mut breaker, rules, 0).0, Admission::PassUncounted);
        assert_eq!(breaker.refusal(rules, at(0), &mut None).0, None);
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
            let (refusal, changes) = breaker.refusal(rules, at(1), &mut None);
            assert!(refusal.is_none() && changes.is_empty());
        }
        assert_eq!(breaker.phase(), phase);
        assert_eq!(admit(&mut breaker, rules, 1).0, Admission::Pass);
    }
}

#[test]
fn a_draw_is_made_once_for_a_request_and_is_another_one_for_the_next() {
    let share = OpenTime::probe_share(Percent(0.01), SECOND, 60 * SECOND);
    let config = settings().open_time(share).build().unwrap();
    let rules = rules(&config);
    let mut breaker = in_phase(rules, open(0, 1));
    let mut draws = Vec::new();
    for _ in 0..3 {
        let mut draw = None;
        let _ = breaker.refusal(rules, at(2), &mut draw);
        let first = draw;
        let _ = breaker.admit(rules, at(2), &mut draw);
        assert!(draw.is_some() && draw == first);
        draws.push(draw);
    }
    assert!(draws[0] != draws[1] && draws[1] != draws[2] && draws[0] != draws[2]);
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
