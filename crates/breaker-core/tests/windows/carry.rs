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

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_last_calls_that_fit_are_kept_and_slide_on(
        windows in prop::collection::vec((1..=200u32, prop::option::of(Just(100))), 2..5),
        calls in prop::collection::vec(call(), 5..900),
        first in any::<u16>(),
    ) {
        let mut last = VecDeque::<Call>::new();
        let mut calls = calls.chunks(calls.len() / windows.len());
        let mut before: Option<(Checked, Vec<Cell<u64>>)> = None;
        for (size, slow_rate) in windows {
            let config = rules(slow_rate).config(Window::calls(size));
            let cells = block(&config, first);
            let beside = Beside::new(&config, &cells);
            if let Some((old, old_cells)) = &before {
                beside.carry(&Beside::new(old, old_cells), first, Timestamp::ZERO);
            }
            let fit = |last: &mut VecDeque<Call>| {
                last.drain(..last.len().saturating_sub(size as usize));
                // Which calls are slow is forgotten where nobody asks.
                last.iter_mut().for_each(|call| call.slow &= slow_rate.is_some());
            };
            fit(&mut last);
            prop_assert_eq!(beside.calls(first), Some(totals(last.iter())));
            for call in calls.next().into_iter().flatten() {
                last.push_back(*call);
                fit(&mut last);
                let _ = beside.record(first, *call, || unreachable!("no window of time"));
                prop_assert_eq!(beside.calls(first), Some(totals(last.iter())));
            }
            before = Some((config, cells));
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
            let config = rules(Some(100)).config(Window::time(Duration::from_millis(millis)).buckets(buckets));
            (config, millis * 1_000_000, millis * 1_000_000 / u64::from(buckets))
        });
        let (from_cells, cells) = (block(&old.0, 7), block(&new.0, 7));
        let (from, beside) = (Beside::new(&old.0, &from_cells), Beside::new(&new.0, &cells));
        let (mut now, mut every) = (start, Vec::new());
        for (millis, call) in calls {
            now += millis * 1_000_000;
            every.push((now, call));
            let _ = from.record(7, call, || Timestamp::from_nanos(now));
        }
        let moved = now;
        beside.carry(&from, 7, Timestamp::from_nanos(now));
        for now in [moved, moved + after * 1_000_000] {
            let held = beside.time(7, Timestamp::from_nanos(now)).unwrap();
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

    #[test]
    fn the_counts_of_admitted_calls_and_successes_are_kept(admitted in 0..50usize, good in 0..50usize) {
        let [old, new] = [Window::calls(10), Window::calls(1000)].map(|window| {
            Config::new()
                .trip(Trip::failure_rate(Percent(50.0), window))
                .count_calls(true)
                .build()
                .unwrap()
        });
        let (from_cells, cells) = (block(&old, 0), block(&new, 0));
        let (from, beside) = (Beside::new(&old, &from_cells), Beside::new(&new, &cells));
        (0..admitted).for_each(|_| from.count_admitted());
        (0..good).for_each(|_| from.count_success());
        beside.carry(&from, 0, Timestamp::ZERO);
        prop_assert_eq!(beside.counted(), Some((admitted as u64, good as u64)));
    }
}
