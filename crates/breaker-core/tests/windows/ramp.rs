//! The ramp lets pass what its allowance says, and no less.

use breaker_core::{Probes, Ramp};

use super::*;

const GOOD: Call = Call {
    failed: false,
    slow: false,
};

/// A tenth of a second may be saved up.
const BURST: u64 = 100_000_000;
/// Once nothing was refused for so long it is over.
const CALM: u64 = 1_000_000_000;
/// To this the time of a call is kept.
const UNIT: u64 = 1024;

#[derive(Clone, Copy, Debug)]
enum Event {
    Ask,
    Success,
    Failure,
    /// The recovery begins again.
    Again,
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
        1 => Just(Event::Again),
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
        start in any::<u32>(),
        events in prop::collection::vec(event(), 1..150),
    ) {
        let to = (from + more).min(1_000_000);
        let mut now = u64::from(start) * 1_000_000;
        let mut circuit = recovering(Ramp::new(from, to), now);
        let (floor, top) = (u64::from(from) * 1000, u64::from(to) * 1000);
        let (mut rate, mut passed) = (floor, Passed::default());
        // When a call was refused, or the recovery began.
        let mut refused = now;
        for (step, event) in events {
            now += step;
            match event {
                Event::Ask => {
                    let ahead = passed.ahead(now);
                    match circuit.admit(now) {
                        Ok(()) => {
                            prop_assert!(ahead <= BURST + passed.slack(), "{ahead} ns ahead passed");
                            passed.0.push((now, 1_000_000_000_000 / rate));
                        }
                        Err(wait) => {
                            prop_assert!(ahead + passed.slack() > BURST, "{ahead} ns ahead refused");
                            refused = now;
                            let then = now + wait.as_nanos() as u64;
                            prop_assert!(passed.ahead(then) <= BURST + passed.slack());
                            prop_assert!(circuit.admit(then).is_ok());
                            now = then;
                            passed.0.push((now, 1_000_000_000_000 / rate));
                        }
                    }
                }
                Event::Success | Event::Failure => {
                    let failed = matches!(event, Event::Failure);
                    rate = if failed { rate.saturating_sub(9000).max(floor) } else { rate + 1000 };
                    prop_assert_eq!(circuit.record(Call { failed, slow: false }, now), None);
                    // Times are kept to an eighth of a millisecond.
                    if (now - refused).abs_diff(CALM) > 200_000 {
                        let goes_on = rate < top && now - refused < CALM;
                        prop_assert_eq!(circuit.is_recovering(), goes_on);
                    }
                }
                Event::Again => {}
            }
            if matches!(event, Event::Again) || !circuit.is_recovering() {
                circuit.begin_recovery(now);
                (rate, refused) = (floor, now);
                passed.0.clear();
            }
        }
    }
}

/// A circuit that begins to recover on this ramp.
fn recovering(ramp: Ramp, now: u64) -> Circuit {
    let config = Config::new()
        .trip(Trip::never())
        .probes(Probes::new(1))
        .ramp(ramp)
        .build()
        .unwrap();
    let mut circuit = Circuit::new(config);
    circuit.begin_recovery(now);
    circuit
}

#[test]
fn an_allowance_that_is_used_up_doubles_in_a_second() {
    for from in [10, 100, 1000] {
        let mut circuit = recovering(Ramp::new(from, 1_000_000), 1 << 40);
        let mut passed = Vec::new();
        // A caller that asks a hundred thousand times a second, and whose calls succeed at once.
        for second in 0..3 {
            let asked = (0..100_000).filter(|turn| {
                let micros = second * 1_000_000 + 10 * *turn;
                let now = (1 << 40) + micros * 1000;
                let admitted = circuit.admit(now).is_ok();
                if admitted {
                    circuit.record(GOOD, now);
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
