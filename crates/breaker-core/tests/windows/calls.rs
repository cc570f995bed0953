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
            last.push_back(call);
            if last.len() > size as usize {
                last.pop_front();
            }
            if beside.count_same(generation, call.failed) == Some(true) {
                assert!(!call.failed || !rules.broken(totals(last.iter()), size.min(20)));
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
