//! The breaker against a naive model that keeps every event, over random histories.
//!
//! The model counts by looking through all that ever happened, and computes in nanoseconds and floating point. Time moves
//! in whole milliseconds, and half-open's timeout is 16 ms, so that what the breaker rounds is not rounded here. The wait of
//! an opening is the breaker's own, checked against the bounds of its jitter.

mod model;
mod settings;
mod told;

use std::time::Duration;

use breaker_core::{
    Admission, Breaker, CallKind, Command, Config, EndedCall, Ending, Outcome, Reason, Refusal,
    Rules, State, Timestamp, Transition,
};
use model::Model;
use proptest::{collection::vec, prelude::*, sample::select};
use settings::{MILLI, settings};
use told::{Permit, Told, Why};

/// The breaker, and what it told.
struct Machine<'a> {
    rules: Rules<'a>,
    now: Timestamp,
    breaker: Breaker,
    told: Vec<Transition>,
}

impl Machine<'_> {
    fn acquire(&mut self, draw: u32) -> Result<(u64, bool), Refusal> {
        let (admission, changes) = self.breaker.admit(self.rules, self.now, &mut Some(draw));
        self.told.extend(changes);
        match admission {
            Admission::Pass => Ok((self.breaker.generation(), true)),
            Admission::PassUncounted => Ok((self.breaker.generation(), false)),
            Admission::Refuse(refusal) => Err(refusal),
        }
    }

    fn end(&mut self, (generation, counted): (u64, bool), ending: Ending) {
        let call = EndedCall {
            generation,
            calm: false,
            kind: if counted {
                CallKind::Call
            } else {
                CallKind::Uncounted
            },
            ending,
            took: None,
            broken: None,
        };
        let is_calm = self.breaker.is_calm(self.rules);
        let before = self.breaker.phase();
        let recorded = self.breaker.record(self.rules, &call, || self.now);
        if is_calm && ending == Ending::Recorded(Outcome::Success) {
            assert!(recorded.transition.is_none() && self.breaker.phase() == before);
        }
        assert_eq!(call.counts_as(), ending);
        self.told.extend(recorded.transition);
    }

    fn command(&mut self, command: Command) {
        self.told
            .extend(self.breaker.command(self.rules, command, self.now));
    }
}

#[derive(Clone, Debug)]
enum Op {
    Acquire(u32),
    End(prop::sample::Index, Ending),
    Advance(u64),
    Command(Command),
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        6 => Just(Ending::Recorded(Outcome::Success)),
        6 => Just(Ending::Recorded(Outcome::Failure)),
        3 => Just(Ending::Recorded(Outcome::Ignored)),
        6 => Just(Ending::Cancelled),
        1 => (0..400u64).prop_map(|asked| Ending::Recorded(Outcome::Overload {
            retry_after: Duration::from_millis(asked)
        })),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(Command::Trip(None)),
        (1..500u64).prop_map(|wait| Command::Trip(Some(Duration::from_millis(wait)))),
        Just(Command::HalfOpen),
        Just(Command::Close),
        Just(Command::Isolate(None)),
        (1..500u64).prop_map(|span| Command::Isolate(Some(Duration::from_millis(span)))),
        Just(Command::Disable),
        Just(Command::ObserveOnly),
        Just(Command::Reset),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let days = 24 * 3_600_000;
    prop_oneof![
        24 => any::<u32>().prop_map(Op::Acquire),
        24 => (any::<prop::sample::Index>(), ending()).prop_map(|(which, ending)| Op::End(which, ending)),
        8 => select(vec![0, 1, 2, 5, 10, 15, 16, 17, 25, 47, 48, 63, 64, 65, 1000, days])
            .prop_map(Op::Advance),
        1 => command().prop_map(Op::Command),
    ]
}

fn is_alike(told: &Told, transition: &Transition) -> bool {
    let why = match (&told.why, transition.reason()) {
        (Why::Row(row), Reason::ConsecutiveFailures { failures }) => *row == failures,
        (
            Why::Evidence {
                score,
                threshold,
                calls,
            },
            Reason::Evidence {
                score: scored,
                threshold: of,
                calls: counted,
            },
        ) => {
            (score * 1e3 - f64::from(scored)).abs() <= 4.0
                && (threshold * 1e3 - f64::from(of)).abs() <= 1.0
                && *calls == counted
        }
        (Why::ProbesFailed(failed, done), Reason::ProbesFailed { failures, probes }) => {
            (*failed, *done) == (failures, probes)
        }
        (Why::ProbesSucceeded(done), Reason::ProbesSucceeded { probes }) => *done == probes,
        (Why::ProbesIgnored(ignored), Reason::ProbesIgnored { probes }) => *ignored == probes,
        (Why::GivenUp(in_a_row), Reason::GivenUp { calls }) => *in_a_row == calls,
        (Why::TimedOut, Reason::NoVerdict)
        | (Why::Due, Reason::ProbeDue)
        | (Why::Operator, Reason::Operator) => true,
        _ => false,
    };
    why && told.from == transition.from()
        && told.to == transition.to()
        && told.generation == transition.generation()
        && told.failures == transition.failures()
        && Timestamp::from_nanos(told.at) == transition.at()
        && match told.to {
            State::Open => transition.open_for().is_some(),
            // With an end or without.
            State::Isolated => true,
            _ => transition.open_for().is_none(),
        }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_breaker_does_what_a_model_does_that_keeps_every_event(
        settings in settings(),
        ops in vec(op(), 1..250),
    ) {
        let config = settings.config();
        let mut model = Model::new(&settings);
        let mut machine = Machine {
            rules: Rules { config: &config, seed: settings.seed },
            now: Timestamp::from_nanos(settings.start),
            breaker: Breaker::new(Rules { config: &config, seed: settings.seed }),
            told: Vec::new(),
        };
        let mut permits = Vec::new();
        for op in ops {
            let told = machine.told.len();
            let mut given = None;
            let mut ended = None;
            match op {
                Op::Acquire(draw) => given = Some((draw, machine.acquire(draw))),
                Op::End(which, ending) if !permits.is_empty() => {
                    let (permit, ours): ((u64, bool), Permit) =
                        permits.swap_remove(which.index(permits.len()));
                    machine.end(permit, ending);
                    ended = Some((ours, ending));
                }
                Op::End(..) => {}
                Op::Advance(millis) => {
                    model.now += millis * MILLI;
                    machine.now = Timestamp::from_nanos(model.now);
                }
                Op::Command(command) => machine.command(command),
            }
            model.waits = machine.told[told..].iter().filter_map(Transition::open_for).collect();
            match (given, ended, &op) {
                (Some((draw, admission)), _, _) => {
                    let ours = model.acquire(draw);
                    prop_assert_eq!(
                        admission.map(|(_, counted)| counted),
                        ours.map(|permit| permit.counted)
                    );
                    if let (Ok(permit), Ok(ours)) = (admission, ours) {
                        permits.push((permit, ours));
                    }
                }
                (_, Some((ours, ending)), _) => model.end(ours, ending),
                (_, _, Op::Command(command)) => model.command(*command),
                _ => {}
            }
            prop_assert!(model.waits.is_empty(), "the model opened less often");
            prop_assert_eq!(machine.told.len(), model.told.len());
            for (transition, ours) in machine.told[told..].iter().zip(&model.told[told..]) {
                prop_assert!(is_alike(ours, transition), "{:?} {:?}", ours, transition);
            }
            let Machine { rules, breaker, now, .. } = &machine;
            let (states, left) = model.seen();
            prop_assert!(states.contains(&breaker.state(*rules, *now)));
            let retry_after = breaker.retry_after(*rules, *now);
            if model.is_lapsed() {
                prop_assert!(retry_after <= left.map(Duration::from_nanos));
            } else {
                prop_assert_eq!(retry_after, left.map(Duration::from_nanos));
            }
            prop_assert_eq!(breaker.failures(*rules, *now), model.failures());
            prop_assert_eq!(breaker.is_shadow(), model.shadow);
            prop_assert_eq!(breaker.generation(), model.generation);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Whoever only knows until when all calls are refused refuses as the circuit does, and says the same wait.
    #[test]
    fn until_it_says_so_an_open_or_isolated_circuit_refuses_every_call(
        opened in 0..5000 * DAYS,
        wait in 1..100 * DAYS,
        later in prop_oneof![0..101 * DAYS, 0..1500 * DAYS],
        shadow: bool,
        isolates: bool,
    ) {
        let config = Config::new().build().unwrap();
        let rules = Rules { config: &config, seed: 0 };
        let mut breaker = Breaker::new(rules);
        if shadow {
            let _ = breaker.command(rules, Command::ObserveOnly, Timestamp::ZERO);
        }
        let wait = Duration::from_nanos(wait);
        let command = match isolates {
            true => Command::Isolate(Some(wait)),
            false => Command::Trip(Some(wait)),
        };
        let _ = breaker.command(rules, command, Timestamp::from_nanos(opened));
        let now = Timestamp::from_nanos(opened + later);
        let retry_after = breaker.refuses_until().map(|until| until.saturating_since(now));
        let retry_after = retry_after.filter(|left| !left.is_zero());
        let (admission, _) = breaker.admit(rules, now, &mut Some(u32::MAX));
        if let Some(retry_after) = retry_after {
            prop_assert!(isolates || !shadow);
            let refusal = match isolates {
                true => Refusal::Isolated { retry_after: Some(retry_after) },
                false => Refusal::Open { retry_after },
            };
            prop_assert_eq!(admission, Admission::Refuse(refusal));
        }
        let is_open = Duration::from_nanos(later) < wait.max(Duration::from_millis(1));
        prop_assert!(retry_after.is_some() || shadow && !isolates || !is_open, "it should refuse");
    }
}

const DAYS: u64 = 24 * 3600 * 1_000_000_000;
