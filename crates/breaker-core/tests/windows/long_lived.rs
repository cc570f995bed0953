//! The window of time of a circuit that has lived long, or changed often: nothing is kept from counting, and nothing of
//! the past counts again.

use super::*;

const BAD: Call = Call {
    failed: true,
    slow: false,
};
const ALL: Totals = Totals {
    calls: 1,
    failures: 1,
    slow: 0,
};

fn config(time: Duration, buckets: u32) -> Checked {
    let rules = Rules {
        failure_rate: Some(50),
        failures: None,
        slow_rate: None,
        min_calls: None,
    };
    rules.config(Window::time(time).buckets(buckets))
}

/// One failure, then a while and so many transitions, then another failure: what the window holds.
fn second_failure(time: Duration, buckets: u32, transitions: u64, later: Duration) -> Totals {
    let mut circuit = Circuit::new(config(time, buckets));
    assert_eq!(circuit.record(BAD, 0), None);
    let now = later.as_nanos() as u64;
    circuit.transitions(transitions);
    assert_eq!(circuit.record(BAD, now), None);
    circuit.time(now).unwrap()
}

#[test]
fn a_call_counts_however_many_transitions_there_were_since_its_bucket_was_used() {
    for transitions in 1..=1000 {
        let totals = second_failure(
            Duration::from_secs(10),
            10,
            transitions,
            Duration::from_secs(60),
        );
        assert_eq!(totals, ALL, "after {transitions} transitions in a minute");
    }
}

#[test]
fn a_call_of_an_earlier_state_does_not_count_again_after_many_transitions() {
    for transitions in 1..=1000 {
        let totals = second_failure(
            Duration::from_secs(600),
            10,
            transitions,
            Duration::from_secs(300),
        );
        assert_eq!(
            totals, ALL,
            "after {transitions} transitions in five minutes"
        );
    }
}

#[test]
fn a_failure_counts_however_long_ago_the_last_one_was() {
    for hours in 0..24 * 60 {
        let mut circuit = Circuit::new(config(Duration::from_secs(1), 60));
        assert_eq!(circuit.record(BAD, 0), None);
        let now = (Duration::from_secs(3600) * hours).as_nanos() as u64;
        assert_eq!(circuit.record(BAD, now), None);
        let expected = if hours == 0 { 2 } else { 1 };
        let failures = circuit.time(now).unwrap().failures;
        assert_eq!(failures, expected, "{hours} h after the last failure");
    }
}

#[test]
fn a_call_does_not_count_again_however_much_later() {
    // Buckets of a millisecond.
    for millis in [16, 1 << 16, 1 << 24, 1 << 32] {
        let mut circuit = Circuit::new(config(Duration::from_millis(16), 16));
        assert_eq!(circuit.record(BAD, 0), None);
        let held = circuit.time(millis * 1_000_000);
        assert_eq!(held, Some(Totals::default()), "{millis} ms later");
    }
}

#[test]
fn a_call_of_long_ago_is_not_taken_over_by_another_configuration() {
    for millis in [16, 1 << 16, 1 << 24, 1 << 32] {
        let mut circuit = Circuit::new(config(Duration::from_millis(16), 16));
        assert_eq!(circuit.record(BAD, 0), None);
        let now = millis * 1_000_000;
        circuit.reconfigure(config(Duration::from_millis(32), 16), now);
        assert_eq!(
            circuit.time(now),
            Some(Totals::default()),
            "{millis} ms later"
        );
    }
}

#[test]
fn time_that_goes_back_moves_no_call_and_takes_none_away() {
    let mut circuit = Circuit::new(config(Duration::from_millis(16), 16));
    let now = 1_000_000_000;
    assert_eq!(circuit.record(BAD, now), None);
    assert_eq!(circuit.time(0), Some(ALL));
    // In the window, and before it.
    for (earlier, expected) in [(now - 5_000_000, 2), (now - 16_000_000, 2), (0, 2)] {
        assert_eq!(circuit.record(BAD, earlier), None);
        assert_eq!(circuit.time(now).map(|held| held.failures), Some(expected));
    }
}
