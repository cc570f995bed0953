//! The window of calls is the last N calls.

use std::collections::VecDeque;

use super::*;

/// What happens to a window.
#[derive(Clone, Copy, Debug)]
enum Event {
    Call(Call),
    /// So many good calls, so that the window gets full of them.
    Calm(u32),
    /// A call of a generation that long since ended.
    Straggler(Call, u16),
    /// A transition away from closed, and so many after it until the circuit is closed again.
    Transitions(u16),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        40 => call().prop_map(Event::Call),
        4 => (1..250u32).prop_map(Event::Calm),
        4 => (call(), 1..100u16).prop_map(|(call, back)| Event::Straggler(call, back)),
        1 => (0..9u16).prop_map(Event::Transitions),
    ]
}

fn settings() -> impl Strategy<Value = (u32, Rules)> {
    (1..=200u32).prop_flat_map(|size| (Just(size), Rules::any(size)))
}

const GOOD: Call = Call {
    failed: false,
    slow: false,
};

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_window_of_calls_holds_the_last_ones_and_judges_them(
        (size, rules) in settings(),
        first in any::<u16>(),
        events in prop::collection::vec(event(), 1..400),
    ) {
        let config = rules.config(Window::calls(size));
        let cells = block(&config, first);
        let beside = Beside::new(&config, &cells);
        let (mut generation, mut ended, mut last) = (first, first.wrapping_sub(1), VecDeque::new());
        let count = |generation: u16, last: &mut VecDeque<Call>, call: Call| {
            let call = Call { slow: call.slow && rules.slow_rate.is_some(), ..call };
            let is_broken = |last: &VecDeque<Call>| rules.broken(totals(last), size.min(20));
            let was_broken = is_broken(last);
            last.push_back(call);
            if last.len() > size as usize {
                last.pop_front();
            }
            if !call.slow && is_plain(&beside, generation, call.failed) {
                // Where a rule was broken before, the circuit would have opened.
                assert!(!is_broken(last) || was_broken && !call.failed);
                let totals = totals(last.iter());
                assert!(totals.calls < size || totals.failures > 0, "it may be clean");
                return;
            }
            let said = beside.record(generation, call, || unreachable!("no window of time")).broken;
            rules.check(said, totals(last.iter()), size.min(20));
        };
        for event in events {
            match event {
                Event::Call(call) => count(generation, &mut last, call),
                Event::Calm(calls) => (0..calls).for_each(|_| count(generation, &mut last, GOOD)),
                Event::Straggler(call, back) => {
                    let said = beside.record(ended.wrapping_sub(back - 1), call, || Timestamp::ZERO).broken;
                    prop_assert_eq!(said, None);
                }
                Event::Transitions(more) => {
                    ended = generation;
                    beside.clear(generation.wrapping_add(1));
                    generation = generation.wrapping_add(1 + more);
                    last.clear();
                }
            }
            prop_assert_eq!(beside.calls(generation), Some(totals(last.iter())));
        }
    }
}

/// Whether the call was counted without a closer look.
fn is_plain(beside: &Beside<'_, Cell<u64>>, generation: u16, failed: bool) -> bool {
    match beside.count_plain(generation, failed) {
        Plain::Counted => true,
        Plain::Apart => false,
        Plain::Late | Plain::Disturbed(_) => unreachable!("there is one thread"),
    }
}

#[test]
fn a_window_far_from_breaking_its_rule_counts_without_a_closer_look() {
    for size in 10..=200 {
        let rules = Rules {
            failure_rate: Some(70),
            failures: None,
            slow_rate: None,
            min_calls: Some(10),
        };
        let config = rules.config(Window::calls(size));
        let cells = block(&config, 0);
        let beside = Beside::new(&config, &cells);
        // By twos, so that a call replaces one of its kind or not, as the size has it.
        for number in 0..3 * size + 70 {
            assert!(
                is_plain(&beside, 0, number % 4 >= 2),
                "call {number} of {size}"
            );
        }
        let failures = beside.calls(0).map(|totals| totals.failures);
        assert!(failures.is_some_and(|failures| failures.abs_diff(size / 2) <= 1));
    }
}

#[test]
fn every_size_of_a_window_slides() {
    for size in 1..=200 {
        let rules = Rules {
            failure_rate: Some(100),
            failures: None,
            slow_rate: Some(100),
            min_calls: Some(1),
        };
        let config = rules.config(Window::calls(size));
        let cells = block(&config, 0);
        let beside = Beside::new(&config, &cells);
        let mut last = VecDeque::new();
        for number in 0..3 * size + 70 {
            let call = Call {
                failed: number % 3 == 0,
                slow: number % 7 < 2,
            };
            last.push_back(call);
            if last.len() > size as usize {
                last.pop_front();
            }
            let _ = beside.record(0, call, || unreachable!("no window of time"));
            assert_eq!(beside.calls(0), Some(totals(last.iter())), "size {size}");
        }
    }
}
