//! The state of a circuit, and what changes it.
//!
//! This file has the state, and how one state gives way to another. What makes it do so is in files of its own: a call that
//! asks ([`admit`]), a call that has ended ([`record`]), and the operator ([`command`]). What only looks is in [`read`].

pub(crate) mod admit;
mod closed;
pub(crate) mod command;
pub(crate) mod ended;
mod fleet;
mod half_open;
pub(crate) mod phase;
mod read;
mod reconfigure;
mod record;
mod relative;
pub(crate) mod rules;
#[cfg(test)]
mod tests;
mod windows;

use alloc::boxed::Box;
use core::time::Duration;

use fleet::Fleet;
use phase::Phase;
use rules::Rules;
use windows::Windows;

use crate::{
    config::Mode,
    policy::{open::MOST_ATTEMPTS, ramp::Allowance, trip::Evidence},
    reason::Reason,
    time::Timestamp,
    transition::Transition,
    verdict::State,
};

/// A circuit's state. It is plain data: whoever shares it between threads puts a lock around it.
// What every outcome writes comes first, in few bytes: whoever shares a circuit has it in the cache line of the lock.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Breaker {
    phase: Phase,
    /// The calls of this state that were given up in a row.
    given_up: u16,
    /// The calls that drew in this state.
    draws: u16,
    /// The probes of this state whose outcomes were ignored.
    ignored: u8,
    /// By how many parts of its timeout the deadline of half-open has moved.
    extension: u8,
    /// How often in a row it has tripped right after it had closed, and once more; 0 if it has not tripped by itself since
    /// it began or the operator had his way.
    trips: u8,
    /// Nothing is refused.
    shadow: bool,
    /// The number of transitions so far.
    generation: u64,
    windows: Option<Box<Windows>>,
    /// What others say of it, if they said something: the peers of this process, and the other members of its group.
    fleet: Option<Box<Fleet>>,
    /// When this state began; of a half-open one whose places were all free, when the first of them was taken again.
    entered: Timestamp,
    /// What a recovering circuit may let pass.
    allowance: Allowance,
}

/// What makes a circuit open.
#[derive(Clone, Copy)]
struct Cause {
    reason: Reason,
    /// The failures that counted in the state that is left.
    failures: u32,
    /// For how long the downstream asked to be left alone.
    asked: Option<Duration>,
}

impl Breaker {
    /// A circuit that begins at [`Timestamp::ZERO`]: closed, unless its mode says otherwise.
    pub fn new(rules: Rules<'_>) -> Self {
        let (phase, shadow) = match rules.config.mode {
            Mode::Normal => (Phase::CLOSED, false),
            Mode::ObserveOnly => (Phase::CLOSED, true),
            Mode::Disabled => (Phase::Disabled, false),
            Mode::Isolated => (Phase::Isolated { until: None }, false),
        };
        Self {
            generation: 0,
            phase,
            entered: Timestamp::ZERO,
            allowance: Allowance::default(),
            windows: Windows::new(rules.config),
            fleet: None,
            given_up: 0,
            draws: 0,
            ignored: 0,
            extension: 0,
            trips: 0,
            shadow,
        }
    }

    /// Begins the next generation in this phase.
    fn enter(&mut self, phase: Phase, reason: Reason, failures: u32, at: Timestamp) -> Transition {
        let from = self.phase.state();
        if from == State::Closed
            && let Some(windows) = &mut self.windows
        {
            windows.clear();
        }
        self.generation += 1;
        self.phase = phase;
        self.entered = at;
        self.fleet = None;
        (self.given_up, self.draws, self.ignored, self.extension) = (0, 0, 0, 0);
        Transition {
            from,
            to: phase.state(),
            generation: self.generation,
            reason,
            failures,
            asked: 0,
            at,
            open_for: None,
        }
    }

    /// Opens for the `attempt`-th time in a row, for as long as the configuration says.
    fn open(&mut self, rules: Rules<'_>, attempt: u32, at: Timestamp, cause: Cause) -> Transition {
        let asked = cause.asked.unwrap_or_default().as_millis();
        Transition {
            asked: u32::try_from(asked).unwrap_or(u32::MAX),
            ..self.open_for(
                attempt,
                self.next_wait(rules, attempt, cause.asked),
                at,
                cause,
            )
        }
    }

    fn open_for(
        &mut self,
        attempt: u32,
        wait: Duration,
        at: Timestamp,
        cause: Cause,
    ) -> Transition {
        let until = at.rounded_after(wait);
        let phase = Phase::Open { attempt, until };
        Transition {
            open_for: Some(wait),
            ..self.enter(phase, cause.reason, cause.failures, at)
        }
    }

    /// The open time of the next generation.
    fn next_wait(&self, rules: Rules<'_>, attempt: u32, asked: Option<Duration>) -> Duration {
        let random = rules.random(self.generation + 1);
        let relapses = self.relapses();
        rules.config.open.wait(attempt, relapses, random, asked)
    }

    /// The open time of this generation as an open one, if nobody asked for another.
    fn usual_wait(&self, rules: Rules<'_>, attempt: u32) -> Duration {
        let random = rules.random(self.generation);
        let relapses = self.relapses();
        rules.config.open.wait(attempt, relapses, random, None)
    }

    /// What is left of the suspicion with which a closed state began, in this evidence.
    fn left_over(&self, rules: Rules<'_>, evidence: Evidence) -> u32 {
        let trip = &rules.config.trip;
        trip.left_over(evidence, self.trips, self.entered)
    }

    /// How often in a row it has tripped right after it had closed.
    fn relapses(&self) -> u32 {
        self.trips.saturating_sub(1).into()
    }

    /// For how long this state has lasted, from the tenth of a millisecond after it began.
    fn age(&self, now: Timestamp) -> Duration {
        now.saturating_since(self.entered())
    }
}
