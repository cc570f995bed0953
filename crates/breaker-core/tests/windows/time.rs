//! The window of time is the last T, to within one bucket.

use super::*;

/// An hour, the longest step between two events here.
const HOUR: u64 = 3_600_000_000_000;

#[derive(Clone, Copy, Debug)]
enum Step {
    Nanos(u64),
    /// So many hundredths of a bucket.
    Buckets(u64),
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Call(Call),
    /// A call of an earlier generation.
    Straggler(Call, u64),
    /// Transitions away from closed, and the last one back.
    Transitions(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => Just(Step::Nanos(0)),
        5 => (1..1000u64).prop_map(Step::Nanos),
        20 => (1..200u64).prop_map(Step::Buckets),
        3 => (100..8000u64).prop_map(Step::Buckets),
        1 => (0..HOUR).prop_map(Step::Nanos),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        40 => call().prop_map(Event::Call),
        4 => (call(), 1..4u64).prop_map(|(call, back)| Event::Straggler(call, back)),
        1 => (1..9u64).prop_map(Event::Transitions),
    ]
}

/// A window's span and its buckets.
fn window() -> impl Strategy<Value = (Duration, u32)> {
    let millis = prop_oneof![10..100u64, 100..10_000u64, 10_000..86_400_000u64];
    (millis, 0..1_000_000u64, 1..=60u32).prop_map(|(millis, nanos, buckets)| {
        let time = Duration::from_millis(millis) + Duration::from_nanos(nanos);
        (time.min(Duration::from_secs(86_400)), buckets)
    })
}

/// Every call there was, and when.
struct Everything {
    calls: Vec<(u64, Call)>,
    buckets: u64,
    width: u64,
}

impl Everything {
    /// Those for which `is_in` holds, given the time and the number of the bucket.
    fn totals(&self, is_in: impl Fn(u64, u64) -> bool) -> Totals {
        let counted = self.calls.iter();
        totals(
            counted
                .filter(|(at, _)| is_in(*at, *at / self.width))
                .map(|(_, call)| call),
        )
    }

    /// What a ring of buckets holds.
    fn in_buckets(&self, now: u64) -> Totals {
        self.totals(|_, bucket| now / self.width - bucket < self.buckets)
    }

    /// What is younger than `age`.
    fn younger(&self, age: u64, now: u64) -> Totals {
        self.totals(|at, _| now - at < age)
    }
}

fn at_most(one: Totals, other: Totals) -> bool {
    one.calls <= other.calls && one.failures <= other.failures && one.slow <= other.slow
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_window_of_time_is_the_last_buckets_and_within_one_of_the_exact_window(
        (time, buckets) in window(),
        rules in Rules::any(100),
        start in 0..1000 * HOUR,
        events in prop::collection::vec((step(), event()), 1..300),
    ) {
        let config = rules.config(Window::time(time).buckets(buckets));
        let mut circuit = Circuit::new(config);
        let span = time.as_nanos() as u64;
        let mut every = Everything {
            calls: Vec::new(),
            buckets: u64::from(buckets),
            width: span / u64::from(buckets),
        };
        let mut now = start;
        for (step, event) in events {
            now += match step {
                Step::Nanos(nanos) => nanos,
                Step::Buckets(hundredths) => (every.width * hundredths / 100).min(HOUR),
            };
            match event {
                Event::Call(call) => {
                    let call = Call { slow: call.slow && rules.slow_rate.is_some(), ..call };
                    every.calls.push((now, call));
                    let said = circuit.record(call, now);
                    rules.check(said, every.in_buckets(now), 20);
                    if said.is_some() {
                        every.calls.clear();
                    }
                }
                Event::Straggler(call, back) => circuit.straggler(call, back),
                Event::Transitions(more) => {
                    circuit.transitions(more);
                    every.calls.clear();
                }
            }
            prop_assert!(!circuit.is_calm(), "it counts every success");
            let held = circuit.time(now).unwrap();
            prop_assert_eq!(held, every.in_buckets(now));
            prop_assert!(at_most(held, every.younger(span, now)), "older than T");
            // A bucket is T / buckets, cut off to whole nanoseconds.
            let certain = every.width * (every.buckets - 1);
            prop_assert!(at_most(every.younger(certain, now), held), "younger than T less a bucket");
        }
    }
}
