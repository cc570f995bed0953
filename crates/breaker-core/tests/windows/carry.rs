//! What a configuration keeps of what another one had counted.

use std::collections::VecDeque;

use super::*;

fn rules(slow_rate: Option<u32>) -> Rules {
    Rules {
        failure_rate: Some(100),
        failures: None,
        slow_rate,
        min_calls: None,
    }
}

/// A rule over this window that so few calls do not break, and slow calls are known.
fn never(window: Window) -> Checked {
    let rule = Trip::slow_rate(Percent(100.0), window).min_calls(1000);
    let config = Config::new().trip(rule).slow_after(Duration::from_secs(1));
    config.build().unwrap()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_last_calls_that_fit_are_kept_and_slide_on(
        windows in prop::collection::vec((1..=200u32, prop::option::of(Just(100))), 2..5),
        calls in prop::collection::vec(call(), 5..900),
    ) {
        let mut last = VecDeque::<Call>::new();
        let mut calls = calls.chunks(calls.len() / windows.len());
        let config = |(size, slow_rate)| rules(slow_rate).config(Window::calls(size));
        let mut circuit = Circuit::new(config(windows[0]));
        for (size, slow_rate) in windows {
            circuit.reconfigure(config((size, slow_rate)), 0);
            let fit = |last: &mut VecDeque<Call>| {
                last.drain(..last.len().saturating_sub(size as usize));
                // Which calls are slow is forgotten where nobody asks.
                last.iter_mut().for_each(|call| call.slow &= slow_rate.is_some());
            };
            fit(&mut last);
            prop_assert_eq!(circuit.calls(), Some(totals(last.iter())));
            for call in calls.next().into_iter().flatten() {
                last.push_back(*call);
                fit(&mut last);
                if circuit.record_untimed(*call).is_some() {
                    last.clear();
                }
                prop_assert_eq!(circuit.calls(), Some(totals(last.iter())));
            }
        }
    }

    #[test]
    fn of_a_window_of_time_nothing_is_kept_too_long_and_what_both_hold_is_kept(
        windows in prop::array::uniform2((10..100_000u64, 1..=60u32)),
        calls in prop::collection::vec((0..2000u64, call()), 1..200),
        start in 0..1_000_000_000_000u64,
        after in 0..200_000u64,
    ) {
        let [old, new] = windows.map(|(millis, buckets)| {
            let config = never(Window::time(Duration::from_millis(millis)).buckets(buckets));
            (config, millis * 1_000_000, millis * 1_000_000 / u64::from(buckets))
        });
        let mut circuit = Circuit::new(old.0);
        let (mut now, mut every) = (start, Vec::new());
        for (millis, call) in calls {
            now += millis * 1_000_000;
            every.push((now, call));
            prop_assert_eq!(circuit.record(call, now), None);
        }
        let moved = now;
        circuit.reconfigure(new.0, now);
        for now in [moved, moved + after * 1_000_000] {
            let held = circuit.time(now).unwrap();
            let count = |is_in: &dyn Fn(u64) -> bool| {
                totals(every.iter().filter(|(at, _)| is_in(*at)).map(|(_, call)| call))
            };
            let most = count(&|at| now - at < new.1 && moved - at < old.1);
            // A call is taken to be as old as the bucket that it was in.
            let least = count(&|at| {
                moved - at + old.2 <= old.1 && now - at + old.2 + new.2 <= new.1
            });
            prop_assert!(held.calls <= most.calls && held.failures <= most.failures, "{held:?} {most:?}");
            prop_assert!(least.calls <= held.calls && least.slow <= held.slow, "{least:?} {held:?}");
        }
    }
}
