//! What a circuit says to its peers, and what it does with what they say.

use std::string::ToString;

use proptest::prelude::*;

use super::*;
use crate::{Credit, Level, Votes};

/// What so many peers give who are all open.
fn credit(peers: u32) -> Credit {
    let mut votes = Votes::default();
    (0..peers).for_each(|_| votes.add(Level::MOST, false));
    votes.credit()
}

fn config_with(trip: Trip) -> Checked {
    let one_event = Duration::ZERO;
    settings().trip(trip).one_event(one_event).build().unwrap()
}

fn fail(breaker: &mut Breaker, rules: Rules<'_>, seconds: u64) -> Option<Transition> {
    record(breaker, rules, FAILURE, seconds).transition
}

#[test]
fn a_failure_of_its_own_and_its_peers_trip_a_circuit_and_the_reason_says_so() {
    let config = config_with(Trip::default());
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    assert_eq!(fail(&mut breaker, rules, 1), None);
    breaker.give_credit(credit(31), at(5));
    assert!(breaker.passes());
    let tripped = fail(&mut breaker, rules, 2).unwrap();
    assert_eq!(tripped.to(), State::Open);
    let text = "2 failures of its own, and 31 of 31 peers";
    assert_eq!(tripped.reason().to_string(), text);
    assert_eq!(tripped.failures(), 2);
    assert_eq!(breaker.credit(at(2)), None);
}

#[test]
fn a_trip_by_the_peers_counts_as_a_failed_probe_where_calls_are_drawn() {
    let drawn = OpenTime::default();
    let longer = OpenTime::exponential(SECOND, 60 * SECOND);
    for (open_time, by_peers, expected) in [(drawn, false, 0), (drawn, true, 1), (longer, true, 0)]
    {
        let trip = Trip::consecutive_failures(3);
        let config = settings().trip(trip).open_time(open_time).build().unwrap();
        let rules = rules(&config);
        let mut breaker = Breaker::new(rules);
        if by_peers {
            breaker.give_credit(credit(1), at(5));
        }
        let needed = if by_peers { 1 } else { 3 };
        for _ in 0..needed {
            let _ = fail(&mut breaker, rules, 1);
        }
        assert!(
            matches!(breaker.phase(), Phase::Open { attempt, .. } if attempt == expected),
            "{:?}",
            breaker.phase()
        );
    }
}

#[test]
fn a_credit_is_over_at_its_time_and_where_it_is_taken_back() {
    let config = config_with(Trip::default());
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    breaker.give_credit(credit(31), at(5));
    assert_eq!(fail(&mut breaker, rules, 5), None);
    breaker.give_credit(credit(31), at(9));
    breaker.give_credit(Credit::default(), at(9));
    assert_eq!(fail(&mut breaker, rules, 6), None);
}

#[test]
fn failures_in_a_row_take_a_credit_and_a_window_takes_none() {
    let row = config_with(Trip::consecutive_failures(10));
    let mut breaker = Breaker::new(rules(&row));
    breaker.give_credit(credit(4), at(5));
    // Each of the four is worth two failures.
    assert_eq!(fail(&mut breaker, rules(&row), 1), None);
    assert!(fail(&mut breaker, rules(&row), 1).is_some());
    assert!(row.takes_credit());

    let window = config_with(Trip::failures(3, Window::calls(10)));
    let mut breaker = Breaker::new(rules(&window));
    breaker.give_credit(credit(100), at(5));
    assert_eq!(fail(&mut breaker, rules(&window), 1), None);
    assert_eq!(fail(&mut breaker, rules(&window), 1), None);
    assert!(!window.takes_credit());
    assert_eq!(breaker.vote(rules(&window)), Level::NONE);
}

#[test]
fn a_vote_is_the_evidence_in_failures_and_at_most_four() {
    let config = config_with(Trip::default());
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    assert_eq!(breaker.vote(rules), Level::NONE);
    for quarters in [4, 8, 12, 16, 16] {
        assert_eq!(fail(&mut breaker, rules, 1), None);
        assert_eq!(breaker.vote(rules), Level::from_quarters(quarters));
    }
    record(&mut breaker, rules, SUCCESS, 1);
    assert_eq!(breaker.vote(rules), Level::from_quarters(16));
    for seconds in 2..20 {
        record(&mut breaker, rules, SUCCESS, seconds);
    }
    assert_eq!(breaker.vote(rules), Level::NONE);
}

#[test]
fn what_an_operator_did_is_nobody_s_evidence() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    for command in [
        Command::Trip(None),
        Command::HalfOpen,
        Command::Isolate(None),
        Command::Disable,
    ] {
        breaker.command(rules, command, at(1));
        assert_eq!(breaker.vote(rules), Level::NONE, "{command:?}");
    }
    breaker.command(rules, Command::Trip(Some(60 * SECOND)), at(2));
    assert!(!breaker.come_due(rules, SECOND, at(3)));
    assert!(!breaker.put_off(rules, 60 * SECOND, at(3)));
    assert_eq!(breaker.retry_after(rules, at(2)), Some(60 * SECOND));
    breaker.command(rules, Command::Reset, at(4));
    assert_eq!(fail(&mut breaker, rules, 5), None);
    assert!(fail(&mut breaker, rules, 5).is_some());
    assert_eq!(breaker.vote(rules), Level::MOST);
}

/// A circuit that has opened at second 1 for a second.
fn opened(rules: Rules<'_>) -> Breaker {
    let mut breaker = Breaker::new(rules);
    assert_eq!(fail(&mut breaker, rules, 1), None);
    assert!(fail(&mut breaker, rules, 1).is_some());
    breaker
}

#[test]
fn a_probe_is_put_off_by_its_longest_wait_at_most_however_often() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = opened(rules);
    assert!(breaker.put_off(rules, 10 * SECOND, at(1)));
    let (refused, _) = admit(&mut breaker, rules, 10);
    let retry_after = SECOND;
    assert_eq!(refused, Admission::Refuse(Refusal::Open { retry_after }));
    assert_eq!(breaker.state(rules, at(10)), State::Open);
    assert!(!breaker.put_off(rules, 5 * SECOND, at(5)));
    for seconds in 6..61 {
        breaker.put_off(rules, 1000 * SECOND, at(seconds));
        assert_eq!(breaker.state(rules, at(seconds)), State::Open);
    }
    assert!(!breaker.put_off(rules, 1000 * SECOND, at(60)));
    assert_eq!(admit(&mut breaker, rules, 61).0, Admission::Pass);
}

#[test]
fn a_peer_that_probes_leaves_it_put_off_for_as_long_again() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = opened(rules);
    breaker.peer_probed(rules, at(1));
    assert!(breaker.put_off(rules, 1000 * SECOND, at(2)));
    breaker.peer_probed(rules, at(50));
    assert_eq!(breaker.state(rules, at(62)), State::HalfOpen);
    assert!(breaker.put_off(rules, 1000 * SECOND, at(60)));
    assert_eq!(breaker.state(rules, at(109)), State::Open);
    assert_eq!(breaker.state(rules, at(110)), State::HalfOpen);
}

#[test]
fn a_caller_that_waits_is_not_put_off() {
    for config in [
        config(),
        settings()
            .trip(Trip::consecutive_failures(2))
            .build()
            .unwrap(),
    ] {
        let rules = rules(&config);
        let (mut told, mut alone) = (opened(rules), opened(rules));
        assert!(told.put_off(rules, 1000 * SECOND, at(1)));
        for seconds in 1..200 {
            let refusal = told.refusal_waiting(rules, at(seconds)).0;
            assert_eq!(refusal, alone.refusal_waiting(rules, at(seconds)).0);
        }
    }
}

#[test]
fn a_circuit_comes_due_when_its_peers_have_good_news() {
    let config = settings()
        .trip(Trip::consecutive_failures(2))
        .open_time(OpenTime::fixed(60 * SECOND).jitter(Percent(0.0)))
        .build()
        .unwrap();
    let rules = rules(&config);
    let mut breaker = opened(rules);
    assert!(breaker.come_due(rules, 2 * SECOND, at(3)));
    assert!(!breaker.come_due(rules, 3 * SECOND, at(3)));
    assert_eq!(breaker.retry_after(rules, at(4)), Some(SECOND));
    let (waiting, _) = breaker.admit_waiting(rules, at(4));
    assert!(matches!(waiting, Admission::Refuse(_)));
    assert_eq!(admit(&mut breaker, rules, 5).0, Admission::Pass);
    assert_eq!(breaker.stored_state(), State::HalfOpen);
}

#[test]
fn the_time_for_which_the_downstream_asked_is_left_to_it() {
    let config = settings()
        .trip(Trip::consecutive_failures(1))
        .build()
        .unwrap();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    let retry_after = 20 * SECOND;
    let ending = Ending::Recorded(Outcome::Overload { retry_after });
    assert!(record(&mut breaker, rules, ending, 1).transition.is_some());
    assert!(!breaker.come_due(rules, SECOND, at(2)));
    assert_eq!(breaker.retry_after(rules, at(2)), Some(19 * SECOND));
}

#[test]
fn only_an_open_circuit_is_put_off_or_comes_due() {
    let config = config();
    let rules = rules(&config);
    let mut breaker = Breaker::new(rules);
    assert!(!breaker.come_due(rules, SECOND, at(1)) && !breaker.put_off(rules, SECOND, at(1)));
    let mut breaker = half_open(rules, 1, 1);
    assert!(!breaker.come_due(rules, SECOND, at(1)) && !breaker.put_off(rules, SECOND, at(1)));
}

/// A call of a history, and what the peers say after it.
#[derive(Clone, Copy, Debug)]
struct Step {
    is_failure: bool,
    peers: u32,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (any::<bool>(), 0..20u32).prop_map(|(is_failure, peers)| Step { is_failure, peers });
    prop::collection::vec(step, 0..80)
}

fn trips() -> impl Strategy<Value = Trip> {
    prop_oneof![
        Just(Trip::default()),
        Just(Trip::evidence(Percent(10.0), Percent(50.0), 1000)),
        (2..20u32).prop_map(Trip::consecutive_failures),
    ]
}

proptest! {
    #[test]
    fn a_circuit_opens_at_a_failure_of_its_own_and_never_later_than_alone(
        trip in trips(),
        steps in steps(),
    ) {
        let config = config_with(trip);
        let rules = rules(&config);
        let (mut alone, mut told) = (Breaker::new(rules), Breaker::new(rules));
        for (second, step) in (1..).zip(steps) {
            let ending = if step.is_failure { FAILURE } else { SUCCESS };
            let told_trips = record(&mut told, rules, ending, second).transition;
            let alone_trips = record(&mut alone, rules, ending, second).transition;
            prop_assert!(told_trips.is_none() || step.is_failure);
            prop_assert!(alone_trips.is_none() || told_trips.is_some());
            if told_trips.is_some() {
                return Ok(());
            }
            told.give_credit(credit(step.peers), at(second + 3));
            prop_assert_eq!(told.phase(), alone.phase());
        }
    }

    #[test]
    fn no_credit_is_as_if_nobody_had_spoken(trip in trips(), steps in steps()) {
        let config = config_with(trip);
        let rules = rules(&config);
        let (mut alone, mut told) = (Breaker::new(rules), Breaker::new(rules));
        for (second, step) in (1..).zip(steps) {
            told.give_credit(Credit::default(), at(second + 100));
            let ending = if step.is_failure { FAILURE } else { SUCCESS };
            let told_trips = record(&mut told, rules, ending, second).transition;
            let alone_trips = record(&mut alone, rules, ending, second).transition;
            prop_assert_eq!(told_trips, alone_trips);
            prop_assert_eq!(told.phase(), alone.phase());
        }
    }

    #[test]
    fn a_peer_is_worth_two_failures_at_most(peers in 0..20u32, row in 2..40u32) {
        let config = config_with(Trip::consecutive_failures(row));
        let rules = rules(&config);
        let mut breaker = Breaker::new(rules);
        breaker.give_credit(credit(peers), at(1000));
        let own = (1..=row).find(|_| fail(&mut breaker, rules, 1).is_some());
        prop_assert_eq!(own, Some(row.saturating_sub(2 * peers).max(1)));
    }
}

#[test]
fn the_suspicion_with_which_a_circuit_closes_is_no_vote() {
    let config = config_with(Trip::default());
    let rules = rules(&config);
    let mut breaker = half_open(rules, 0, 1);
    breaker.trips = 1;
    while breaker.stored_state() == State::HalfOpen {
        let _ = admit(&mut breaker, rules, 1);
        record(&mut breaker, rules, SUCCESS, 1);
    }
    assert!(breaker.evidence().score > 0);
    assert_eq!(breaker.vote(rules), Level::NONE);
    assert_eq!(fail(&mut breaker, rules, 2), None);
    assert_eq!(breaker.vote(rules), Level::from_quarters(4));
}
