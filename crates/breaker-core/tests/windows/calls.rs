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
    Straggler(Call, u64),
    /// Transitions away from closed, and the last one back.
    Transitions(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        40 => call().prop_map(Event::Call),
        4 => (1..250u32).prop_map(Event::Calm),
        4 => (call(), 1..100u64).prop_map(|(call, back)| Event::Straggler(call, back)),
        1 => (1..9u64).prop_map(Event::Transitions),
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
        events in prop::collection::vec(event(), 1..400),
    ) {
        let mut circuit = Circuit::new(rules.config(Window::calls(size)));
        let mut last = VecDeque::new();
        let count = |circuit: &mut Circuit, last: &mut VecDeque<Call>, call: Call| {
            let call = Call { slow: call.slow && rules.slow_rate.is_some(), ..call };
            last.push_back(call);
            if last.len() > size as usize {
                last.pop_front();
            }
            let said = circuit.record_untimed(call);
            rules.check(said, totals(last.iter()), size.min(20));
            if said.is_some() {
                last.clear();
            }
        };
        for event in events {
            match event {
                Event::Call(call) => count(&mut circuit, &mut last, call),
                Event::Calm(calls) => {
                    (0..calls).for_each(|_| count(&mut circuit, &mut last, GOOD));
                }
                Event::Straggler(call, back) => circuit.straggler(call, back),
                Event::Transitions(more) => {
                    circuit.transitions(more);
                    last.clear();
                }
            }
            let totals = totals(last.iter());
            prop_assert_eq!(circuit.calls(), Some(totals));
            let is_good = totals.calls == size && totals.failures == 0;
            prop_assert_eq!(circuit.is_calm(), is_good && rules.slow_rate.is_none());
        }
    }
}

#[test]
fn every_size_of_a_window_slides() {
    for size in 1..=200 {
        // No call fails and is slow, so that no rule is broken.
        let window = Window::calls(size);
        let rules = [
            Trip::failures(size, window),
            Trip::slow_rate(Percent(100.0), window).min_calls(size),
        ];
        let rules = rules.map(|rule| rule.min_calls(size));
        let config = Config::new()
            .trip(Trip::any_of(rules))
            .slow_after(Duration::from_secs(1))
            .build()
            .unwrap();
        let mut circuit = Circuit::new(config);
        let mut last = VecDeque::new();
        for number in 0..3 * size + 70 {
            let call = Call {
                failed: size > 1 && number % 3 == 0,
                slow: size > 2 && number % 7 < 2,
            };
            last.push_back(call);
            if last.len() > size as usize {
                last.pop_front();
            }
            assert_eq!(
                circuit.record_untimed(call),
                None,
                "call {number} of {size}"
            );
            assert_eq!(circuit.calls(), Some(totals(last.iter())), "size {size}");
        }
    }
}
