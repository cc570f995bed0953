//! The model: it keeps every event, and looks through all of them to decide.

use std::{collections::VecDeque, time::Duration};

use breaker_core::{Cancelled, Command, Ending, Outcome, Refusal, State};

use crate::{
    settings::{FULL, MILLI, Open, Settings, TIMEOUT},
    told::{Event, Mode, Permit, Told, Why},
};

/// Open times are rounded up to this.
const TICK: u64 = 100_000;

pub(crate) struct Model<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) now: u64,
    pub(crate) generation: u64,
    pub(crate) shadow: bool,
    mode: Mode,
    /// When it began.
    entered: u64,
    /// How often in a row it tripped right after it had closed; `None` before it has tripped by itself.
    relapses: Option<u32>,
    /// The score with which this state began.
    suspicion: i64,
    events: Vec<Event>,
    pub(crate) told: Vec<Told>,
    /// For how long the breaker opened, each time it did.
    pub(crate) waits: VecDeque<Duration>,
}

impl<'a> Model<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            now: settings.start,
            generation: 0,
            shadow: false,
            mode: Mode::Closed,
            entered: settings.start,
            relapses: None,
            suspicion: 0,
            events: Vec::new(),
            told: Vec::new(),
            waits: VecDeque::new(),
        }
    }

    /// How the calls of this generation ended.
    fn endings(&self) -> Vec<Ending> {
        self.events
            .iter()
            .filter_map(|event| match *event {
                Event::Ended { generation, ending } if generation == self.generation => {
                    Some(ending)
                }
                _ => None,
            })
            .collect()
    }

    /// The results of this generation: whether each failed.
    fn results(&self) -> Vec<bool> {
        let endings = self.endings();
        (0..endings.len())
            .filter_map(|at| {
                self.settings
                    .is_failure(endings[at], given_up(&endings[..at]))
            })
            .collect()
    }

    fn live(&self) -> u32 {
        self.events
            .iter()
            .map(|event| match *event {
                Event::Admitted { generation, .. } if generation == self.generation => 1,
                Event::Ended { generation, .. } if generation == self.generation => -1,
                _ => 0,
            })
            .sum::<i32>() as u32
    }

    /// How far the results are above the lowest point that they ever reached, or above nothing, and the calls since.
    fn score(&self, results: &[bool]) -> (i64, usize) {
        let Some((failure, success, _)) = self.settings.steps() else {
            return (0, 0);
        };
        let mut sum = self.suspicion;
        let (mut lowest, mut since) = (0, 0);
        for (index, &failed) in results.iter().enumerate() {
            sum += if failed { failure } else { -success };
            if sum <= lowest {
                (lowest, since) = (sum, index + 1);
            }
        }
        (sum - lowest, since)
    }

    fn row(&self, results: &[bool]) -> u32 {
        results.iter().rev().take_while(|failed| **failed).count() as u32
    }

    pub(crate) fn failures(&self) -> u32 {
        let results = self.results();
        let failed = |results: &[bool]| results.iter().filter(|failed| **failed).count() as u32;
        match self.mode {
            Mode::Closed => {
                let row = self.settings.row.map_or(0, |_| self.row(&results));
                let (_, since) = self.score(&results);
                let counted = self
                    .settings
                    .evidence
                    .map_or(0, |_| failed(&results[since..]));
                row.max(counted)
            }
            Mode::HalfOpen { .. } => failed(&results),
            Mode::Open { .. } | Mode::Isolated { .. } | Mode::Disabled => 0,
        }
    }

    fn enter(&mut self, mode: Mode, why: Why, failures: u32, at: u64) {
        self.generation += 1;
        self.told.push(Told {
            from: self.mode.state(),
            to: mode.state(),
            generation: self.generation,
            why,
            failures,
            at,
        });
        (self.mode, self.entered, self.suspicion) = (mode, at, 0);
    }

    /// Its probes were good.
    fn close(&mut self, why: Why, failed: u32) {
        self.enter(Mode::Closed, why, failed, self.now);
        self.suspicion = match (self.settings.evidence, self.relapses) {
            (Some(_), Some(relapses)) => FULL - (FULL >> (relapses + 1).min(31)),
            _ => 0,
        };
    }

    /// It trips, which may be a relapse.
    fn trip(&mut self, why: Why, failures: u32, asked: u64) {
        let is_relapse = self.now - self.entered < self.settings.relapse_within();
        let relapses = match self.relapses {
            Some(relapses) if is_relapse => (relapses + 1).min(62),
            _ => 0,
        };
        self.relapses = Some(relapses);
        self.open(relapses, why, failures, self.now, asked);
    }

    fn open(&mut self, attempt: u32, why: Why, failures: u32, at: u64, asked: u64) {
        let wait = self.waits.pop_front().expect("the breaker opened too");
        let wait = wait.as_nanos() as u64;
        let asked = asked.min(self.settings.longest_asked);
        let allowed = self.settings.waits(attempt, self.relapses.unwrap_or(0));
        assert!(
            wait == asked && *allowed.start() <= wait as f64
                || wait > asked && allowed.contains(&(wait as f64)),
            "open for {wait} ns at attempt {attempt}, not within {allowed:?}, asked for {asked}"
        );
        let until = (at + wait).next_multiple_of(TICK);
        self.enter(Mode::Open { attempt, at, until }, why, failures, at);
    }

    /// Since when probes are under way without a break, and when the last of them was admitted.
    fn under_way(&self) -> Option<(u64, u64)> {
        let (mut live, mut since, mut last) = (0, 0, 0);
        for event in &self.events {
            match *event {
                Event::Admitted { generation, at } if generation == self.generation => {
                    if live == 0 {
                        since = at;
                    }
                    (live, last) = (live + 1, at);
                }
                Event::Ended { generation, .. } if generation == self.generation => live -= 1,
                _ => {}
            }
        }
        let is_half_open = matches!(self.mode, Mode::HalfOpen { .. });
        (is_half_open && live > 0).then_some((since, last))
    }

    fn deadline(&self) -> Option<u64> {
        let (since, last) = self.under_way()?;
        Some((last + TIMEOUT).min(since + 4 * TIMEOUT))
    }

    pub(crate) fn is_lapsed(&self) -> bool {
        self.deadline().is_some_and(|deadline| self.now >= deadline)
    }

    fn lapse(&mut self) -> bool {
        let (true, Some(at), Mode::HalfOpen { attempt }) =
            (self.is_lapsed(), self.deadline(), self.mode)
        else {
            return false;
        };
        self.open(attempt + 1, Why::TimedOut, self.failures(), at, 0);
        true
    }

    fn certain(&self, until: u64) -> u64 {
        match self.settings.open {
            Open::Share(_, shortest, longest) => {
                (until + longest - shortest).next_multiple_of(TICK)
            }
            _ => until,
        }
    }

    pub(crate) fn acquire(&mut self, draw: u32) -> Result<Permit, Refusal> {
        self.lapse();
        let refusal = match self.mode {
            Mode::Closed => return Ok(self.permit(true)),
            Mode::Disabled => return Ok(self.permit(false)),
            Mode::Isolated { until: Some(until) } if self.now >= until => {
                self.enter(Mode::HalfOpen { attempt: 0 }, Why::Due, 0, self.now);
                return Ok(self.permit(true));
            }
            Mode::Isolated { until } => {
                let left = until.map(|until| Duration::from_nanos(until - self.now));
                return Err(Refusal::Isolated { retry_after: left });
            }
            Mode::Open { attempt, at, until } => {
                let drawn = match self.settings.open {
                    Open::Share(share, ..) => {
                        let share = share / 100.0 / f64::from(attempt.min(63) + 1);
                        f64::from(draw) / 2f64.powi(32) < share
                    }
                    _ => true,
                };
                if self.now >= until && (drawn || self.now >= self.certain(until)) {
                    self.enter(Mode::HalfOpen { attempt }, Why::Due, 0, self.now);
                    return Ok(self.permit(true));
                }
                let retry_after = if self.now < until {
                    until - self.now
                } else {
                    let Open::Share(_, shortest, _) = self.settings.open else {
                        panic!("it is due")
                    };
                    let as_long_again = (self.now - at).max(shortest);
                    as_long_again.min(self.certain(until) - self.now)
                };
                Refusal::Open {
                    retry_after: Duration::from_nanos(retry_after),
                }
            }
            Mode::HalfOpen { .. } => {
                let (live, done) = (self.live(), self.results().len() as u32);
                if live < self.settings.probes && live + done < self.settings.sample {
                    return Ok(self.permit(true));
                }
                let (since, _) = self.under_way().expect("they are taken");
                let deadline = self.deadline().expect("they are taken");
                let as_long_again = (self.now - since).max(50 * MILLI);
                Refusal::ProbesTaken {
                    retry_after: Duration::from_nanos(as_long_again.min(deadline - self.now)),
                }
            }
        };
        if self.shadow {
            return Ok(self.permit(false));
        }
        Err(refusal)
    }

    fn permit(&mut self, counted: bool) -> Permit {
        let generation = self.generation;
        if counted {
            let at = self.now;
            self.events.push(Event::Admitted { generation, at });
        }
        Permit {
            generation,
            counted,
        }
    }

    pub(crate) fn end(&mut self, permit: Permit, ending: Ending) {
        if !permit.counted || permit.generation != self.generation || self.lapse() {
            return;
        }
        let before = self.failures();
        let generation = self.generation;
        self.events.push(Event::Ended { generation, ending });
        let endings = self.endings();
        let ignored = endings
            .iter()
            .filter(|ending| **ending == Ending::Recorded(Outcome::Ignored))
            .count() as u32;
        let in_a_row = given_up(&endings);
        let is_failure = self
            .settings
            .is_failure(ending, given_up(&endings[..endings.len() - 1]));
        // It is the reason where it decides, and would not have counted by itself.
        let all_given_up =
            is_failure.is_some() && in_a_row > 0 && self.settings.cancelled != Cancelled::Failure;
        let reason = |why| {
            if all_given_up {
                Why::GivenUp(in_a_row)
            } else {
                why
            }
        };
        if is_failure.is_none() && ignored < 10 {
            return;
        }
        let is_failure = is_failure == Some(true);
        let results = self.results();
        let (now, asked) = (self.now, asked(ending));
        match self.mode {
            Mode::Closed => {
                let row = self.row(&results);
                let (score, since) = self.score(&results);
                if self.settings.row.is_some_and(|most| row >= most) {
                    let failures = if all_given_up {
                        before.max(row - 1) + 1
                    } else {
                        row
                    };
                    self.trip(reason(Why::Row(row)), failures, asked);
                } else if score >= FULL {
                    let (_, _, threshold) = self.settings.steps().expect("it has a score");
                    let why = Why::Evidence {
                        score: score as f64 / FULL as f64 * threshold,
                        threshold,
                        calls: (results.len() - since) as u32,
                    };
                    self.trip(reason(why), before + u32::from(is_failure), asked);
                }
            }
            Mode::HalfOpen { attempt } => {
                let done = results.len() as u32;
                let failed = results.iter().filter(|failed| **failed).count() as u32;
                if done - failed >= self.settings.successes {
                    self.close(Why::ProbesSucceeded(done), failed);
                } else if self.settings.sample - failed < self.settings.successes {
                    let why = Why::ProbesFailed(failed, done);
                    self.open(attempt + 1, reason(why), failed, now, asked);
                } else if ignored >= 10 && failed == 0 {
                    self.close(Why::ProbesIgnored(ignored), failed);
                } else if ignored >= 10 {
                    let why = Why::ProbesFailed(failed, done);
                    self.open(attempt + 1, why, failed, now, asked);
                }
            }
            Mode::Open { .. } | Mode::Isolated { .. } | Mode::Disabled => {}
        }
    }

    pub(crate) fn command(&mut self, command: Command) {
        let (now, failures) = (self.now, self.failures());
        let mode = match command {
            Command::Trip(_) => {
                let wait = self.waits.pop_front().expect("the breaker opened too");
                match command {
                    Command::Trip(Some(asked)) => assert_eq!(wait, asked),
                    _ => assert!(
                        self.settings
                            .waits(0, 0)
                            .contains(&(wait.as_nanos() as f64))
                    ),
                }
                let until = (now + wait.as_nanos() as u64).next_multiple_of(TICK);
                let (attempt, at) = (0, now);
                Mode::Open { attempt, at, until }
            }
            Command::HalfOpen => Mode::HalfOpen { attempt: 0 },
            Command::Isolate(None) if self.mode == Mode::Isolated { until: None } => return,
            Command::Disable if self.mode == Mode::Disabled => return,
            Command::Isolate(None) => Mode::Isolated { until: None },
            Command::Isolate(Some(asked)) => {
                assert_eq!(self.waits.pop_front(), Some(asked));
                let until = (now + asked.as_nanos() as u64).next_multiple_of(TICK);
                Mode::Isolated { until: Some(until) }
            }
            Command::Disable => Mode::Disabled,
            Command::Close | Command::ObserveOnly | Command::Reset => Mode::Closed,
        };
        self.relapses = None;
        self.enter(mode, Why::Operator, failures, now);
        self.shadow = match command {
            Command::ObserveOnly => true,
            Command::Isolate(_) | Command::Disable | Command::Reset => false,
            Command::Trip(_) | Command::HalfOpen | Command::Close => self.shadow,
        };
    }

    /// The states that it may be in for a caller of this moment, and how long it refuses every call at the most.
    pub(crate) fn seen(&self) -> (Vec<State>, Option<u64>) {
        match self.mode {
            Mode::Open { until, .. } => {
                let state = if self.now >= self.certain(until) {
                    State::HalfOpen
                } else {
                    State::Open
                };
                (vec![state], Some(until.saturating_sub(self.now)))
            }
            Mode::HalfOpen { attempt } if self.is_lapsed() => {
                // It opened at the deadline for a wait that only the breaker knows.
                let at = self.deadline().expect("it is half-open");
                let waits = self.settings.waits(attempt + 1, self.relapses.unwrap_or(0));
                let until = |wait: f64| (at + wait.max(0.0) as u64).next_multiple_of(TICK);
                let states = if self.now < until(*waits.start()) {
                    vec![State::Open]
                } else if self.now >= self.certain(until(*waits.end())) {
                    vec![State::HalfOpen]
                } else {
                    vec![State::Open, State::HalfOpen]
                };
                let most = until(*waits.end()).saturating_sub(self.now);
                (states, Some(most))
            }
            Mode::Isolated { until: None } => (vec![State::Isolated], None),
            Mode::Isolated { until: Some(until) } if self.now < until => {
                (vec![State::Isolated], Some(until - self.now))
            }
            Mode::Isolated { until: Some(_) } => (vec![State::HalfOpen], Some(0)),
            Mode::Closed | Mode::HalfOpen { .. } | Mode::Disabled => {
                (vec![self.mode.state()], Some(0))
            }
        }
    }
}

/// The last of these in a row that were given up.
fn given_up(endings: &[Ending]) -> u32 {
    let is_given_up = |ending: &&Ending| matches!(ending, Ending::Cancelled);
    endings.iter().rev().take_while(is_given_up).count() as u32
}

fn asked(ending: Ending) -> u64 {
    match ending {
        Ending::Recorded(Outcome::Overload { retry_after }) => retry_after.as_nanos() as u64,
        _ => 0,
    }
}
