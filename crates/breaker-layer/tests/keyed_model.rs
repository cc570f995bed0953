//! The table against a plain map of circuits that never forgets: the same in admissions, states and transitions.
#![cfg(feature = "keyed")]

mod support;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use breaker_layer::{
    Cancelled, Circuit, Config, OpenTime, Outcome, Percent, Permit, Probes, Ramp, Refusal, State,
    TransitionEvent, Trip, Window,
    clock::{ManualClock, Timestamp},
    keyed::{KeyedCircuits, KeyedPermit},
    observe::Reason,
};
use proptest::{prelude::*, sample::select};
use support::SECOND;

const KEYS: u32 = 4;
const KEEP: Duration = Duration::from_secs(10);
/// The times are multiples of this, so that it does not matter from when on a circuit counts its time.
const STEP: Duration = Duration::from_millis(100);
/// The same where there is a ramp, which counts its time in units of 2¹⁰ ns.
const RAMP_STEP: Duration = Duration::from_millis(400);

#[derive(Clone, Copy, Debug)]
enum Op {
    Call(u32),
    /// Ends one of the calls; `None` cancels it.
    End(usize, Option<Outcome>),
    /// Calls and ends it.
    Burst(u32, Outcome, u8),
    Advance(u32),
    Command(u32, Command),
    Sweep,
}

#[derive(Clone, Copy, Debug)]
enum Command {
    Trip,
    HalfOpen,
    Close,
    Isolate,
    IsolateFor,
    Disable,
    ObserveOnly,
    Reset,
}

impl Command {
    fn carry_out(self, circuit: &Circuit) {
        match self {
            Self::Trip => circuit.trip(),
            Self::HalfOpen => circuit.half_open(),
            Self::Close => circuit.close(),
            Self::Isolate => circuit.isolate(),
            Self::IsolateFor => circuit.isolate_for(2 * SECOND),
            Self::Disable => circuit.disable(),
            Self::ObserveOnly => circuit.observe_only(),
            Self::Reset => circuit.reset(),
        }
    }
}

/// What an observer is told, but for what counts from a circuit's beginning.
type Step = (String, State, State, Reason, u32, Option<Duration>);
type Steps = Arc<Mutex<Vec<Step>>>;

fn observer(steps: &Steps) -> impl Fn(&TransitionEvent<'_>) + Send + Sync + 'static {
    let steps = steps.clone();
    move |event: &TransitionEvent<'_>| {
        let step = event.transition();
        steps.lock().unwrap().push((
            event.circuit().to_owned(),
            step.from(),
            step.to(),
            step.reason(),
            step.failures(),
            step.open_for(),
        ));
    }
}

/// Two calls that are the same one.
struct Call {
    began: Timestamp,
    permit: KeyedPermit<u32>,
    naive: Permit,
}

struct Both {
    config: Config,
    step: Duration,
    clock: ManualClock,
    table: KeyedCircuits<u32>,
    told: Steps,
    naive: HashMap<u32, Circuit>,
    naive_told: Steps,
    calls: Vec<Call>,
    forgotten: usize,
}

impl Both {
    fn new(config: Config) -> Self {
        let (clock, told) = (ManualClock::new(), Steps::default());
        let table = KeyedCircuits::<u32>::builder("table")
            .config(config)
            .keep_after_trip(KEEP)
            .idle_time(100 * support::DAY)
            .name_by(|key| key.to_string().into())
            .clock(clock.clock())
            .observe(observer(&told))
            .build()
            .unwrap();
        let has_ramp = config.build().unwrap().has_ramp();
        Self {
            config,
            step: if has_ramp { RAMP_STEP } else { STEP },
            clock,
            table,
            told,
            naive: HashMap::new(),
            naive_told: Steps::default(),
            calls: Vec::new(),
            forgotten: 0,
        }
    }

    fn naive(&mut self, key: u32) -> &Circuit {
        self.naive.entry(key).or_insert_with(|| {
            Circuit::builder(key.to_string())
                .config(self.config)
                .clock(self.clock.clock())
                .observe(observer(&self.naive_told))
                .build()
                .unwrap()
        })
    }

    fn call(&mut self, key: u32) -> Option<Call> {
        let admitted = self.table.try_acquire(key);
        let naive = self.naive(key).try_acquire();
        match (admitted, naive) {
            (Ok(permit), Ok(naive)) => {
                let began = self.clock.now();
                Some(Call {
                    began,
                    permit,
                    naive,
                })
            }
            (Err(rejected), Err(naive)) => {
                assert_eq!(rejected.refusal(), naive.refusal());
                None
            }
            (table, naive) => panic!("table {table:?}, naive {naive:?}"),
        }
    }

    fn end(call: Call, outcome: Option<Outcome>) {
        match outcome {
            Some(outcome) => {
                call.permit.record(outcome);
                call.naive.record(outcome);
            }
            None => drop(call),
        }
    }

    fn run(&mut self, op: Op) {
        let before = self.table.len();
        match op {
            Op::Call(key) => {
                let call = self.call(key);
                self.calls.extend(call);
            }
            Op::End(number, outcome) => {
                if !self.calls.is_empty() {
                    let call = self.calls.remove(number % self.calls.len());
                    Self::end(call, outcome);
                }
            }
            Op::Burst(key, outcome, many) => {
                for _ in 0..many {
                    if let Some(call) = self.call(key) {
                        Self::end(call, Some(outcome));
                    }
                }
            }
            Op::Advance(steps) => {
                // Calls take less than half of what circuits are kept for: this is promised of no others.
                let now = self.clock.now().saturating_add(self.step * steps);
                let (long, short): (Vec<_>, Vec<_>) = std::mem::take(&mut self.calls)
                    .into_iter()
                    .partition(|call| now.saturating_since(call.began) >= KEEP / 2);
                self.calls = short;
                for call in long {
                    Self::end(call, Some(Outcome::Failure));
                }
                self.clock.advance(self.step * steps);
            }
            Op::Command(key, command) => {
                // Of a key that has no circuit there is nothing to close or to reset.
                let makes = !matches!(command, Command::Close | Command::Reset);
                if makes || self.table.get(&key).is_some() {
                    command.carry_out(&self.table.circuit(&key).unwrap());
                    command.carry_out(self.naive(key));
                }
            }
            Op::Sweep => self.table.sweep(),
        }
        self.forgotten += before.saturating_sub(self.table.len());
        self.compare();
    }

    fn compare(&mut self) {
        for key in 0..KEYS {
            let Some(naive) = self.naive.get(&key).map(Circuit::snapshot) else {
                assert!(self.table.get(&key).is_none());
                continue;
            };
            let seen = match self.table.get(&key).map(|circuit| circuit.snapshot()) {
                Some(seen) => (
                    seen.state,
                    seen.failures,
                    seen.retry_after,
                    seen.observe_only,
                    seen.evidence,
                ),
                None => (State::Closed, 0, Some(Duration::ZERO), false, 0.0),
            };
            let naive = (
                naive.state,
                naive.failures,
                naive.retry_after,
                naive.observe_only,
                naive.evidence,
            );
            assert_eq!(seen, naive, "key {key}");
        }
        assert_eq!(*self.told.lock().unwrap(), *self.naive_told.lock().unwrap());
    }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let retry_after = Duration::from_secs(7);
    prop_oneof![
        4 => Just(Outcome::Success),
        6 => Just(Outcome::Failure),
        1 => Just(Outcome::Ignored),
        1 => Just(Outcome::Overload { retry_after }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    use Command::*;
    let commands = select(vec![
        Trip,
        HalfOpen,
        Close,
        Isolate,
        IsolateFor,
        Disable,
        ObserveOnly,
        Reset,
        Reset,
    ]);
    prop_oneof![
        6 => (0..KEYS).prop_map(Op::Call),
        6 => (any::<usize>(), prop::option::weighted(0.9, outcome())).prop_map(|(number, outcome)| Op::End(number, outcome)),
        6 => (0..KEYS, outcome(), 1..6u8).prop_map(|(key, outcome, many)| Op::Burst(key, outcome, many)),
        4 => (0..30u32).prop_map(Op::Advance),
        1 => Just(Op::Advance(100)),
        1 => (0..KEYS, commands).prop_map(|(key, command)| Op::Command(key, command)),
        1 => Just(Op::Sweep),
    ]
}

fn trip() -> impl Strategy<Value = Trip> {
    let rate = |window| Trip::failure_rate(Percent(50.0), window).min_calls(4);
    select(vec![
        Trip::evidence(Percent(30.0), Percent(70.0), 30),
        Trip::consecutive_failures(3),
        Trip::any_of([
            Trip::evidence(Percent(20.0), Percent(60.0), 100),
            Trip::consecutive_failures(4),
        ]),
        rate(Window::calls(8)),
        rate(Window::time(SECOND)),
        Trip::any_of([
            Trip::failures(5, Window::calls(6)),
            rate(Window::time(2 * SECOND)),
        ]),
    ])
}

fn config() -> impl Strategy<Value = Config> {
    // What is drawn depends on the generation, and a relapse on when it closed, which a circuit that was forgotten does not know:
    // so nothing is drawn here, and there are no relapses.
    let certain =
        OpenTime::probe_share(Percent(100.0), SECOND, SECOND).relapse_within(Duration::ZERO);
    let open_time = select(vec![
        OpenTime::fixed(SECOND),
        OpenTime::exponential(SECOND, 8 * SECOND).jitter(Percent(0.0)),
        certain.jitter(Percent(0.0)),
    ]);
    let probes = select(vec![
        Probes::new(1),
        Probes::new(2).timeout(3 * SECOND),
        Probes::new(3).successes(2).out_of(4),
    ]);
    let ramp = prop::option::weighted(0.2, Just(Ramp::new(1, 20)));
    let cancelled = select(vec![
        Cancelled::Ignored,
        Cancelled::Failure,
        Cancelled::FailureAfter(2),
    ]);
    (trip(), open_time, probes, cancelled, ramp).prop_map(
        |(trip, open_time, probes, cancelled, ramp)| {
            // A call that found no circuit was admitted while nothing spoke against its key; one that found a window which is
            // not full was not. So here each failure counts.
            let config = Config::new()
                .one_event(Duration::ZERO)
                .trip(trip)
                .open_time(open_time)
                .probes(probes)
                .cancelled(cancelled);
            match ramp {
                Some(ramp) => config.ramp(ramp),
                None => config,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
    ))]

    #[test]
    fn the_table_does_what_a_map_of_circuits_would(config in config(), ops in prop::collection::vec(op(), 1..120)) {
        let mut both = Both::new(config);
        for op in ops {
            both.run(op);
        }
    }
}

/// The property would hold of a table that forgets nothing.
#[test]
fn the_model_sees_circuits_forgotten() {
    let config = Config::new()
        .trip(Trip::consecutive_failures(2))
        .open_time(OpenTime::fixed(SECOND));
    let mut both = Both::new(config.probes(Probes::new(1)));
    both.run(Op::Call(1));
    both.run(Op::Burst(1, Outcome::Failure, 1));
    both.run(Op::Burst(1, Outcome::Success, 1));
    assert_eq!(both.forgotten, 1);
    both.run(Op::End(0, Some(Outcome::Failure)));
    both.run(Op::Burst(1, Outcome::Failure, 1));
    both.run(Op::Advance(10));
    both.run(Op::Burst(1, Outcome::Success, 1));
    both.run(Op::Advance(60));
    both.run(Op::Call(1));
    both.run(Op::Advance(40));
    both.run(Op::Sweep);
    assert_eq!(both.forgotten, 2);
    both.run(Op::End(0, Some(Outcome::Failure)));
    both.run(Op::Burst(1, Outcome::Failure, 1));
    assert_eq!(both.table.state(&1), State::Open);
    assert!(matches!(
        both.table.try_acquire(1).unwrap_err().refusal(),
        Refusal::Open { .. }
    ));
}
