//! The window of time of a circuit that has lived long, or changed often: nothing is kept from counting, and nothing of
//! the past counts again.

use super::*;

const BAD: Call = Call {
    failed: true,
    slow: true,
};
const ALL: Totals = Totals {
    calls: 1,
    failures: 1,
    slow: 1,
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
fn second_failure(time: Duration, buckets: u32, transitions: u16, later: Duration) -> Totals {
    let config = config(time, buckets);
    let cells = block(&config, 0);
    let beside = Beside::new(&config, &cells);
    let _ = beside.record(0, BAD, || Timestamp::ZERO);
    let now = Timestamp::ZERO.saturating_add(later);
    beside.clear(1);
    let _ = beside.record(transitions, BAD, || now);
    beside.time(transitions, now).unwrap()
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
        let config = config(Duration::from_secs(1), 60);
        let cells = block(&config, 0);
        let beside = Beside::new(&config, &cells);
        let _ = beside.record(0, BAD, || Timestamp::ZERO);
        let now = Timestamp::ZERO.saturating_add(Duration::from_secs(3600) * hours);
        let _ = beside.record(0, BAD, || now);
        let expected = if hours == 0 { 2 } else { 1 };
        let failures = beside.time(0, now).unwrap().failures;
        assert_eq!(failures, expected, "{hours} h after the last failure");
    }
}

#[test]
fn a_call_does_not_count_again_when_the_numbers_of_the_buckets_come_round() {
    // Buckets of a millisecond.
    for millis in [1 << 16, 1 << 24, 1 << 32] {
        let config = config(Duration::from_millis(16), 16);
        let cells = block(&config, 0);
        let beside = Beside::new(&config, &cells);
        let _ = beside.record(0, BAD, || Timestamp::ZERO);
        let now = Timestamp::ZERO.saturating_add(Duration::from_millis(millis));
        assert_eq!(
            beside.time(0, now),
            Some(Totals::default()),
            "{millis} ms later"
        );
    }
}

#[test]
fn a_call_of_long_ago_is_not_taken_over_by_another_configuration() {
    for buckets in [1_u64 << 16, 1 << 24, 1 << 32] {
        let (old, new) = (
            config(Duration::from_millis(16), 16),
            config(Duration::from_millis(32), 16),
        );
        let (from_cells, cells) = (block(&old, 0), block(&new, 0));
        let (from, beside) = (Beside::new(&old, &from_cells), Beside::new(&new, &cells));
        let _ = from.record(0, BAD, || Timestamp::ZERO);
        let now = Timestamp::ZERO.saturating_add(Duration::from_millis(buckets));
        beside.carry(&from, 0, now);
        assert_eq!(
            beside.time(0, now),
            Some(Totals::default()),
            "{buckets} ms later"
        );
    }
}
