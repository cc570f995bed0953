//! What a circuit does, one decision at a time. Random histories are in `tests/model` and `tests/windows`.

mod admit;
mod command;
mod fleet;
mod record;
mod relative;

extern crate std;

use core::mem::size_of;
use std::{vec, vec::Vec};

use super::{
    admit::Admission,
    command::Command,
    ended::{CallKind, EndedCall, Ending, Recorded},
    *,
};
use crate::{
    Cancelled, Checked, Config, OpenTime, Percent, Probes, Ramp, Trip, Window,
    policy::{probes::Tally, trip::Evidence},
    verdict::{Outcome, Refusal},
};

const FAILURE: Ending = Ending::Recorded(Outcome::Failure);
const SUCCESS: Ending = Ending::Recorded(Outcome::Success);
const IGNORED: Ending = Ending::Recorded(Outcome::Ignored);
const SECOND: Duration = Duration::from_secs(1);

fn settings() -> Config {
    Config::new()
        .trip(Trip::consecutive_failures(2))
        .open_time(OpenTime::exponential(SECOND, 60 * SECOND).jitter(Percent(0.0)))
        .probes(Probes::new(2).timeout(8 * SECOND))
}

fn config() -> Checked {
    settings().build().unwrap()
}

const fn rules(config: &Checked) -> Rules<'_> {
    Rules { config, seed: 0 }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_nanos(seconds * 1_000_000_000)
}

/// A circuit that has been in this phase since zero.
fn in_phase(rules: Rules<'_>, phase: Phase) -> Breaker {
    let mut breaker = Breaker::new(rules);
    let _ = breaker.enter(phase, Reason::Operator, 0, Timestamp::ZERO);
    breaker
}

fn half_open(rules: Rules<'_>, attempt: u32, live: u32) -> Breaker {
    in_phase(
        rules,
        Phase::HalfOpen {
            attempt,
            tally: tally(live),
        },
    )
}

fn tally(live: u32) -> Tally {
    Tally {
        live,
        ..Tally::default()
    }
}

fn open(attempt: u32, until: u64) -> Phase {
    let until = at(until);
    Phase::Open { attempt, until }
}

fn call(breaker: &Breaker, kind: CallKind, ending: Ending) -> EndedCall {
    EndedCall {
        generation: breaker.generation(),
        calm: false,
        kind,
        ending,
        took: None,
        broken: None,
    }
}

/// Records a plain call.
fn record(breaker: &mut Breaker, rules: Rules<'_>, ending: Ending, seconds: u64) -> Recorded {
    let call = call(breaker, CallKind::Call, ending);
    breaker.record(rules, &call, || at(seconds))
}

fn admit(breaker: &mut Breaker, rules: Rules<'_>, seconds: u64) -> (Admission, Vec<Transition>) {
    let (admission, changes) = breaker.admit(rules, at(seconds), &mut Some(0));
    (admission, changes.into_iter().collect())
}

#[test]
fn a_table_can_hold_a_million_of_them() {
    assert!(size_of::<Breaker>() <= 96, "{}", size_of::<Breaker>());
}
