//! The ramp lets pass what its allowance says, and no less.

use breaker_core::Ramp;

use super::*;

/// A tenth of a second may be saved up.
const BURST: u64 = 100_000_000;
/// To this the time of a call is kept.
const UNIT: u64 = 1024;

#[derive(Clone, Copy, Debug)]
enum Event {
    Ask,
    Success,
    Failure,
    /// A transition away from recovering, and others until it recovers again.
    Transitions(u16),
}

fn event() -> impl Strategy<Value = (u64, Event)> {
    let nanos = prop_oneof![
        Just(0),
        0..1_000_000u64,
        0..100_000_000u64,
        0..3_000_000_000u64,
        0..3_600_000_000_000u64
    ];
    let event = prop_oneof![
        30 => Just(Event::Ask),
        10 => Just(Event::Success),
        4 => Just(Event::Failure),
        1 => (1..9u16).prop_map(Event::Transitions),
    ];
    (nanos, event)
}

/// Every call that passed: when, and for how long it uses up the allowance.
#[derive(Default)]
struct Passed(Vec<(u64, u64)>);

impl Passed {
    /// By how much the calls are ahead of the allowance: the most that any run of them up to now is.
    fn ahead(&self, now: u64) -> u64 {
        let runs = (0..self.0.len()).map(|first| {
            let used: u64 = self.0[first..].iter().map(|(_, used)| used).sum();
            used.saturating_sub(now - self.0[first].0)
        });
        runs.max().unwrap_or_default()
    }

    /// What is lost by keeping times in units.
    fn slack(&self) -> u64 {
        (self.0.len() as u64 + 2) * UNIT
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_ramp_lets_pass_its_allowance_and_grows_by_one_a_success(
        from in prop_oneof![1..20u32, 1..5000u32, 1..=1_000_000u32],
        more in prop_oneof![0..20u32, 0..100_000u32],
        (first, start) in (any::<u16>(), any::<u32>()),
        events in prop::collection::vec(event(), 1..150),
    ) {
        let to = (from + more).min(1_000_000);
        let config = Config::new().ramp(Ramp::new(from, to)).build().unwrap();
        let cells = block(&config, first);
        let beside = Beside::new(&config, &cells);
        let (floor, top) = (u64::from(from) * 1000, u64::from(to) * 1000);
        let (mut generation, mut now) = (first, u64::from(start) * 1_000_000);
        let (mut rate, mut passed) = (floor, Passed::default());
        for (step, event) in events {
            now += step;
            match event {
                Event::Ask => {
                    let ahead = passed.ahead(now);
                    match beside.admit(generation, Timestamp::from_nanos(now)) {
                        Ok(()) => {
                            prop_assert!(ahead <= BURST + passed.slack(), "{ahead} ns ahead passed");
                            passed.0.push((now, 1_000_000_000_000 / rate));
                        }
                        Err(wait) => {
                            prop_assert!(ahead + passed.slack() > BURST, "{ahead} ns ahead refused");
                            let then = now + wait.as_nanos() as u64;
                            prop_assert!(passed.ahead(then) <= BURST + passed.slack());
                            prop_assert!(beside.admit(generation, Timestamp::from_nanos(then)).is_ok());
                            now = then;
                            passed.0.push((now, 1_000_000_000_000 / rate));
                        }
                    }
                }
                Event::Success => {
                    rate += 1000;
                    prop_assert_eq!(beside.recover(generation, false), rate >= top);
                }
                Event::Failure => {
                    rate = (rate / 2).max(floor);
                    prop_assert_eq!(beside.recover(generation, true), rate >= top);
                }
                Event::Transitions(more) => {
                    beside.clear(generation.wrapping_add(1));
                    generation = generation.wrapping_add(more);
                    rate = floor;
                    passed.0.clear();
                }
            }
        }
    }
}

#[test]
fn an_allowance_that_is_used_up_doubles_in_a_second() {
    for from in [10, 100, 1000] {
        let config = Config::new()
            .ramp(Ramp::new(from, 1_000_000))
            .build()
            .unwrap();
        let cells = block(&config, 7);
        let beside = Beside::new(&config, &cells);
        let mut passed = Vec::new();
        // A caller that asks a hundred thousand times a second, and whose calls succeed at once.
        for second in 0..3 {
            let asked = (0..100_000).filter(|turn| {
                let now = Timestamp::from_nanos(1 << 40).saturating_add(
                    Duration::from_secs(second) + Duration::from_micros(10) * *turn,
                );
                let admitted = beside.admit(7, now).is_ok();
                if admitted {
                    beside.recover(7, false);
                }
                admitted
            });
            passed.push(asked.count() as f64);
        }
        // While it grows by one a call it grows as e to the number of seconds; never faster.
        for pair in passed.windows(2) {
            let growth = pair[1] / pair[0];
            assert!((2.0..3.0).contains(&growth), "{passed:?}");
        }
    }
}

#[test]
fn the_generation_whose_number_is_zero_has_the_allowance_of_any_other() {
    for generation in [0, 1, u16::MAX] {
        let config = Config::new().ramp(Ramp::new(10, 12)).build().unwrap();
        let cells = block(&config, generation.wrapping_sub(3));
        let beside = Beside::new(&config, &cells);
        let now = Timestamp::from_nanos(5_000_000_000);
        assert_eq!(beside.admit(generation, now), Ok(()));
        assert!(!beside.recover(generation, false));
        assert!(beside.recover(generation, false));
    }
}
