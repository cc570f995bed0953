//! The machine against a naive model that keeps every event, over random histories.
//!
//! The model counts by looking through all that ever happened, and computes in nanoseconds and floating point. Time moves
//! in whole milliseconds, and half-open's timeout is 16 ms, so that what the word rounds is not rounded here. The wait of
//! an opening is the machine's own, checked against the bounds of its jitter.

use std::{collections::VecDeque, ops::RangeInclusive, time::Duration};

use breaker_core::{
    Cancelled, Checked, Config, Evidence, OpenTime, Outcome, Pace, Percent, Probes, Reason,
    Refusal, State, Streak, Timestamp, Transition, Trip, Word,
    machine::{Admission, Command, Count, Fate, Record, Rules, Weighed},
};
use proptest::{collection::vec, option, prelude::*, sample::select};

const MILLI: u64 = 1_000_000;
/// Open times are rounded up to this.
const TICK: u64 = 100_000;
const TIMEOUT: u64 = 16 * MILLI;

#[derive(Clone, Debug)]
struct Settings {
    row: Option<u32>,
    /// Tolerated, intolerable, calls per false trip.
    evidence: Option<(f64, f64, u64)>,
    open: Open,
    jitter: f64,
    longest_asked: u64,
    probes: u32,
    successes: u32,
    sample: u32,
    cancelled: Cancelled,
    seed: u16,
    first: u16,
    start: u64,
}

#[derive(Clone, Copy, Debug)]
enum Open {
    Fixed(u64),
    Exponential(u64, u64, f64),
    Share(f64, u64, u64),
}

impl Settings {
    fn config(&self) -> Checked {
        let row = self.row.map_or(Trip::never(), Trip::consecutive_failures);
        let evidence = self
            .evidence
            .map_or(Trip::never(), |(tolerated, intolerable, calls)| {
                Trip::evidence(Percent(tolerated), Percent(intolerable), calls)
            });
        let open = match self.open {
            Open::Fixed(wait) => OpenTime::fixed(Duration::from_nanos(wait)),
            Open::Exponential(shortest, longest, factor) => OpenTime::exponential(
                Duration::from_nanos(shortest),
                Duration::from_nanos(longest),
            )
            .factor(factor),
            Open::Share(share, shortest, longest) => OpenTime::probe_share(
                Percent(share),
                Duration::from_nanos(shortest),
                Duration::from_nanos(longest),
            ),
        };
        let probes = Probes::new(self.probes)
            .successes(self.successes)
            .out_of(self.sample)
            .timeout(Duration::from_nanos(TIMEOUT));
        Config::new()
            .trip(Trip::any_of([row, evidence]))
            .open_time(
                open.jitter(Percent(self.jitter))
                    .longest_asked(Duration::from_nanos(self.longest_asked)),
            )
            .probes(probes)
            .cancelled(self.cancelled)
            .build()
            .expect("the settings are good")
    }

    /// The waits that the jitter allows at this attempt.
    fn waits(&self, attempt: u32) -> RangeInclusive<f64> {
        let (wait, least, most) = match self.open {
            Open::Fixed(wait) => (wait as f64, MILLI as f64, f64::INFINITY),
            Open::Exponential(shortest, longest, factor) => (
                (shortest as f64 * factor.powi(attempt as i32)).min(longest as f64),
                shortest as f64,
                longest as f64,
            ),
            Open::Share(_, shortest, _) => (shortest as f64, shortest as f64, shortest as f64),
        };
        let spread = wait * self.jitter / 100.0;
        // The machine computes in whole nanoseconds, rounding down at each doubling.
        let slack = f64::from(attempt) * 4.0 + 1.0;
        (wait - spread).clamp(least, most) - slack..=(wait + spread).clamp(least, most) + slack
    }

    /// The steps of the sequential test for a failure and for a success, in parts of its threshold.
    fn steps(&self) -> Option<(i64, i64, f64)> {
        self.evidence.map(|(tolerated, intolerable, calls)| {
            let (p0, p1) = (tolerated / 100.0, intolerable / 100.0);
            let threshold = (calls as f64).ln();
            // A step beyond the threshold is as good as the threshold.
            let scaled = |step: f64| ((step / threshold * FULL as f64).round() as i64).min(FULL);
            let failure = scaled((p1 / p0).ln());
            let success = scaled(((1.0 - p0) / (1.0 - p1)).ln());
            (failure, success, threshold)
        })
    }

    /// Whether it failed, where so many calls before it in a row were given up.
    fn is_failure(&self, fate: Fate, given_up: u32) -> Option<bool> {
        match (fate, self.cancelled) {
            (Fate::Recorded(Outcome::Success), _) => Some(false),
            (Fate::Recorded(Outcome::Failure | Outcome::Overload { .. }), _) => Some(true),
            (Fate::Cancelled { .. }, Cancelled::Failure) => Some(true),
            (Fate::Cancelled { .. }, Cancelled::FailureAfter(calls)) => {
                (given_up >= calls.into()).then_some(true)
            }
            _ => None,
        }
    }
}

/// The threshold of the scaled test.
const FULL: i64 = Evidence::FULL as i64;

/// The last of these in a row that were given up.
fn given_up(fates: &[Fate]) -> u32 {
    let is_given_up = |fate: &&Fate| matches!(fate, Fate::Cancelled { .. });
    fates.iter().rev().take_while(is_given_up).count() as u32
}

fn asked(fate: Fate) -> u64 {
    match fate {
        Fate::Recorded(Outcome::Overload { retry_after }) => retry_after.as_nanos() as u64,
        _ => 0,
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Closed,
    Open { attempt: u32, at: u64, until: u64 },
    HalfOpen { attempt: u32 },
    Isolated,
    Disabled,
}

impl Mode {
    fn state(self) -> State {
        match self {
            Self::Closed => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
            Self::Isolated => State::Isolated,
            Self::Disabled => State::Disabled,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Admitted { generation: u64, at: u64 },
    Ended { generation: u64, fate: Fate },
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Permit {
    generation: u64,
    counted: bool,
}

/// A transition, as far as the model knows it.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    from: State,
    to: State,
    generation: u64,
    why: Why,
    failures: u32,
    at: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Why {
    Row(u32),
    Evidence {
        score: f64,
        threshold: f64,
        calls: u32,
    },
    ProbesFailed(u32, u32),
    ProbesSucceeded(u32),
    ProbesIgnored(u32),
    GivenUp(u32),
    TimedOut,
    Due,
    Operator,
}

struct Model<'a> {
    settings: &'a Settings,
    now: u64,
    generation: u64,
    shadow: bool,
    mode: Mode,
    events: Vec<Event>,
    told: Vec<Told>,
    /// For how long the machine opened, each time it did.
    waits: VecDeque<Duration>,
}

impl<'a> Model<'a> {
    fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            now: settings.start,
            generation: 0,
            shadow: false,
            mode: Mode::Closed,
            events: Vec::new(),
            told: Vec::new(),
            waits: VecDeque::new(),
        }
    }

    /// How the calls of this generation ended.
    fn fates(&self) -> Vec<Fate> {
        self.events
            .iter()
            .filter_map(|event| match *event {
                Event::Ended { generation, fate } if generation == self.generation => Some(fate),
                _ => None,
            })
            .collect()
    }

    /// The results of this generation: whether each failed.
    fn results(&self) -> Vec<bool> {
        let fates = self.fates();
        (0..fates.len())
            .filter_map(|at| self.settings.is_failure(fates[at], given_up(&fates[..at])))
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

    /// How far the results are above the lowest point that they ever reached, and the calls since.
    fn score(&self, results: &[bool]) -> (i64, usize) {
        let Some((failure, success, _)) = self.settings.steps() else {
            return (0, 0);
        };
        let mut sum = 0;
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

    fn failures(&self) -> u32 {
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
            Mode::Open { .. } | Mode::Isolated | Mode::Disabled => 0,
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
        self.mode = mode;
    }

    fn open(&mut self, attempt: u32, why: Why, failures: u32, at: u64, asked: u64) {
        let wait = self.waits.pop_front().expect("the machine opened too");
        let wait = wait.as_nanos() as u64;
        let asked = asked.min(self.settings.longest_asked);
        let allowed = self.settings.waits(attempt);
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

    fn is_lapsed(&self) -> bool {
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

    fn acquire(&mut self, draw: u32) -> Result<Permit, Refusal> {
        self.lapse();
        let refusal = match self.mode {
            Mode::Closed => return Ok(self.permit(true)),
            Mode::Disabled => return Ok(self.permit(false)),
            Mode::Isolated => return Err(Refusal::Isolated),
            Mode::Open { attempt, at, until } => {
                let drawn = match self.settings.open {
                    Open::Share(share, ..) => f64::from(draw) / 2f64.powi(32) < share / 100.0,
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

    fn end(&mut self, permit: Permit, fate: Fate) {
        if !permit.counted || permit.generation != self.generation || self.lapse() {
            return;
        }
        let before = self.failures();
        let generation = self.generation;
        self.events.push(Event::Ended { generation, fate });
        let fates = self.fates();
        let ignored = fates
            .iter()
            .filter(|fate| **fate == Fate::Recorded(Outcome::Ignored))
            .count() as u32;
        let in_a_row = given_up(&fates);
        let is_failure = self
            .settings
            .is_failure(fate, given_up(&fates[..fates.len() - 1]));
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
        let (now, asked) = (self.now, asked(fate));
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
                    self.open(0, reason(Why::Row(row)), failures, now, asked);
                } else if score >= FULL {
                    let (_, _, threshold) = self.settings.steps().expect("it has a score");
                    let why = Why::Evidence {
                        score: score as f64 / FULL as f64 * threshold,
                        threshold,
                        calls: (results.len() - since) as u32,
                    };
                    self.open(0, reason(why), before + u32::from(is_failure), now, asked);
                }
            }
            Mode::HalfOpen { attempt } => {
                let done = results.len() as u32;
                let failed = results.iter().filter(|failed| **failed).count() as u32;
                if done - failed >= self.settings.successes {
                    self.enter(Mode::Closed, Why::ProbesSucceeded(done), failed, now);
                } else if self.settings.sample - failed < self.settings.successes {
                    let why = Why::ProbesFailed(failed, done);
                    self.open(attempt + 1, reason(why), failed, now, asked);
                } else if ignored >= 10 && failed == 0 {
                    self.enter(Mode::Closed, Why::ProbesIgnored(ignored), failed, now);
                } else if ignored >= 10 {
                    let why = Why::ProbesFailed(failed, done);
                    self.open(attempt + 1, why, failed, now, asked);
                }
            }
            Mode::Open { .. } | Mode::Isolated | Mode::Disabled => {}
        }
    }

    fn command(&mut self, command: Command) {
        let (now, failures) = (self.now, self.failures());
        let mode = match command {
            Command::Trip(_) => {
                let wait = self.waits.pop_front().expect("the machine opened too");
                match command {
                    Command::Trip(Some(asked)) => assert_eq!(wait, asked),
                    _ => assert!(self.settings.waits(0).contains(&(wait.as_nanos() as f64))),
                }
                let until = (now + wait.as_nanos() as u64).next_multiple_of(TICK);
                let (attempt, at) = (0, now);
                Mode::Open { attempt, at, until }
            }
            Command::HalfOpen => Mode::HalfOpen { attempt: 0 },
            Command::Isolate if self.mode == Mode::Isolated => return,
            Command::Disable if self.mode == Mode::Disabled => return,
            Command::Isolate => Mode::Isolated,
            Command::Disable => Mode::Disabled,
            Command::Close | Command::ObserveOnly | Command::Reset => Mode::Closed,
        };
        self.enter(mode, Why::Operator, failures, now);
        self.shadow = match command {
            Command::ObserveOnly => true,
            Command::Isolate | Command::Disable | Command::Reset => false,
            Command::Trip(_) | Command::HalfOpen | Command::Close => self.shadow,
        };
    }

    /// The states that it may be in for a caller of this moment, and how long it refuses every call at the most.
    fn seen(&self) -> (Vec<State>, Option<u64>) {
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
                // It opened at the deadline for a wait that only the machine knows.
                let at = self.deadline().expect("it is half-open");
                let waits = self.settings.waits(attempt + 1);
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
            Mode::Isolated => (vec![State::Isolated], None),
            Mode::Closed | Mode::HalfOpen { .. } | Mode::Disabled => {
                (vec![self.mode.state()], Some(0))
            }
        }
    }
}

/// The machine as a shell drives it that has no other threads.
struct Machine<'a> {
    rules: Rules<'a>,
    now: Timestamp,
    word: Word,
    pace: Pace,
    streak: Streak,
    told: Vec<Transition>,
}

impl Machine<'_> {
    fn enter(&mut self, word: Word, transition: Transition) {
        self.word = word;
        self.pace = self.rules.pace(word, transition.at().min(self.now));
        self.told.push(transition);
    }

    fn acquire(&mut self, draw: u32) -> Result<(u16, bool), Refusal> {
        loop {
            let admission = self.rules.admit(self.word, self.pace, self.now, || draw);
            match admission {
                Admission::Pass => return Ok((self.word.generation(), true)),
                Admission::PassUncounted => return Ok((self.word.generation(), false)),
                Admission::PassWithinAllowance => unreachable!("there is no ramp"),
                Admission::Refuse(refusal) => return Err(refusal),
                Admission::Probe(pace, word) => {
                    (self.pace, self.word) = (pace, word);
                    return Ok((word.generation(), true));
                }
                Admission::FirstProbe(word, transition) => {
                    self.enter(word, transition);
                    return Ok((word.generation(), true));
                }
                Admission::Lapsed(word, transition) => self.enter(word, transition),
            }
        }
    }

    fn end(&mut self, (generation, counted): (u16, bool), fate: Fate) {
        if !counted || generation != self.word.generation() {
            return;
        }
        self.streak = self.streak.after(self.word, fate);
        let (fate, ignored) = (fate.in_streak(self.streak), self.streak.ignored());
        match self.rules.count(self.word, fate, &Default::default()) {
            Count::Unchanged => {}
            Count::Store(word) => self.word = word,
            Count::Trip(reason) => {
                let (word, transition) = self.rules.trip(self.word, reason, fate, 0, self.now);
                return self.enter(word, transition);
            }
        }
        match self
            .rules
            .record_probe(self.word, self.pace, fate, false, ignored, self.now)
        {
            Record::Unchanged => {}
            Record::Count(word) => self.word = word,
            Record::Enter(word, transition) | Record::Lapsed(word, transition) => {
                self.enter(word, transition);
            }
        }
    }

    fn command(&mut self, command: Command) {
        if let Some((word, transition)) = self.rules.command(self.word, command, self.now) {
            self.enter(word, transition);
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Acquire(u32),
    End(prop::sample::Index, Fate),
    Advance(u64),
    Command(Command),
}

fn is_alike(told: &Told, transition: &Transition, first: u16) -> bool {
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
        (Why::TimedOut, Reason::ProbeTimedOut)
        | (Why::Due, Reason::ProbeDue)
        | (Why::Operator, Reason::Operator) => true,
        _ => false,
    };
    why && told.from == transition.from()
        && told.to == transition.to()
        && (told.generation as u16).wrapping_add(first) == transition.generation()
        && told.failures == transition.failures()
        && Timestamp::from_nanos(told.at) == transition.at()
        && transition.open_for().is_some() == (told.to == State::Open)
}

fn settings() -> impl Strategy<Value = Settings> {
    let open = prop_oneof![
        (1..200u64).prop_map(|wait| Open::Fixed(wait * MILLI)),
        (1..50u64, 1..20u64, select(vec![1.0, 1.5, 2.0, 3.0])).prop_map(
            |(shortest, times, factor)| Open::Exponential(
                shortest * MILLI,
                shortest * times * MILLI,
                factor
            )
        ),
        (select(vec![1.0, 20.0, 60.0, 100.0]), 1..100u64, 0..300u64).prop_map(
            |(share, shortest, more)| Open::Share(
                share,
                shortest * MILLI,
                (shortest + more) * MILLI
            )
        ),
    ];
    let trip = (
        option::of(1..6u32),
        option::of((
            1.0..49.0,
            50.0..99.0,
            select(vec![2, 10, 1000, 162_755, 1_000_000_000]),
        )),
    );
    let probes = (1..5u32, 1..4u32, 0..4u32);
    let rest = (
        select(vec![0.0, 20.0, 100.0]),
        0..300u64,
        prop_oneof![
            Just(Cancelled::Ignored),
            Just(Cancelled::Failure),
            (1..5u16).prop_map(Cancelled::FailureAfter),
        ],
        any::<u16>(),
        select(vec![0, 1, 40_000, 65_530]),
        select(vec![0, 17, 123_456_789, u64::MAX / MILLI / 2]),
    );
    (trip, open, probes, rest).prop_map(
        |((row, evidence), open, (probes, successes, more), rest)| {
            let (jitter, longest_asked, cancelled, seed, first, start) = rest;
            Settings {
                row,
                evidence,
                open,
                jitter: if matches!(open, Open::Share(..)) {
                    0.0
                } else {
                    jitter
                },
                longest_asked: longest_asked * MILLI,
                probes,
                successes,
                sample: successes + more,
                cancelled,
                seed,
                first,
                start: start * MILLI,
            }
        },
    )
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Recorded(Outcome::Success)),
        6 => Just(Fate::Recorded(Outcome::Failure)),
        3 => Just(Fate::Recorded(Outcome::Ignored)),
        6 => Just(Fate::CANCELLED),
        1 => (0..400u64).prop_map(|asked| Fate::Recorded(Outcome::Overload {
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
        Just(Command::Isolate),
        Just(Command::Disable),
        Just(Command::ObserveOnly),
        Just(Command::Reset),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let days = 24 * 3_600_000;
    prop_oneof![
        24 => any::<u32>().prop_map(Op::Acquire),
        24 => (any::<prop::sample::Index>(), fate()).prop_map(|(which, fate)| Op::End(which, fate)),
        8 => select(vec![0, 1, 2, 5, 10, 15, 16, 17, 25, 47, 48, 63, 64, 65, 1000, days])
            .prop_map(Op::Advance),
        1 => command().prop_map(Op::Command),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_machine_does_what_a_model_does_that_keeps_every_event(
        settings in settings(),
        ops in vec(op(), 1..250),
    ) {
        let config = settings.config();
        let mut model = Model::new(&settings);
        let mut machine = Machine {
            rules: Rules { config: &config, seed: settings.seed, first: settings.first },
            now: Timestamp::from_nanos(settings.start),
            word: Word::closed(settings.first),
            pace: Pace::from_bits(0),
            streak: Streak::new(settings.first),
            told: Vec::new(),
        };
        machine.pace = machine.rules.pace(machine.word, machine.now);
        let mut permits = Vec::new();
        for op in ops {
            let told = machine.told.len();
            let mut given = None;
            let mut ended = None;
            match op {
                Op::Acquire(draw) => given = Some((draw, machine.acquire(draw))),
                Op::End(which, fate) if !permits.is_empty() => {
                    let (permit, ours): ((u16, bool), Permit) =
                        permits.swap_remove(which.index(permits.len()));
                    machine.end(permit, fate);
                    ended = Some((ours, fate));
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
                (_, Some((ours, fate)), _) => model.end(ours, fate),
                (_, _, Op::Command(command)) => model.command(*command),
                _ => {}
            }
            prop_assert!(model.waits.is_empty(), "the model opened less often");
            prop_assert_eq!(machine.told.len(), model.told.len());
            for (transition, ours) in machine.told[told..].iter().zip(&model.told[told..]) {
                prop_assert!(is_alike(ours, transition, settings.first), "{:?} {:?}", ours, transition);
            }
            let Machine { rules, word, pace, now, .. } = &machine;
            let (states, left) = model.seen();
            prop_assert!(states.contains(&rules.state(*word, *pace, *now)));
            let retry_after = rules.retry_after(*word, *pace, *now);
            if model.is_lapsed() {
                prop_assert!(retry_after <= left.map(Duration::from_nanos));
            } else {
                prop_assert_eq!(retry_after, left.map(Duration::from_nanos));
            }
            prop_assert_eq!(rules.failures(*word), model.failures());
            prop_assert_eq!(word.is_shadow(), model.shadow);
            prop_assert_eq!(word.generation().wrapping_sub(settings.first), model.generation as u16);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// The short way of a call that counts in the word is the long one's.
    #[test]
    fn a_step_in_the_word_is_what_counting_makes_of_it(
        score in 0..1u64 << 18,
        calls in prop_oneof![Just(511u64), 0..512u64],
        pending in prop_oneof![Just(15u64), 0..16u64],
        recovering: bool,
        shadow: bool,
        failed: bool,
    ) {
        let config = Config::new().build().unwrap();
        let rules = Rules { config: &config, seed: 0, first: 0 };
        let bits = u64::from(shadow) << 47 | u64::from(recovering) << 44;
        let word = Word::from_bits(bits | score << 26 | calls << 16 | pending);
        let outcome = if failed { Outcome::Failure } else { Outcome::Success };
        if let Some(next) = rules.step(word, failed) {
            let counted = match rules.count(word, Fate::Recorded(outcome), &Weighed::default()) {
                Count::Store(next) => next,
                Count::Unchanged => word,
                Count::Trip(reason) => panic!("it trips: {reason:?}"),
            };
            prop_assert_eq!(next, counted);
        } else {
            prop_assert!(failed);
        }
    }

    /// A circuit that refuses all calls by its word alone refuses by its settings, too, and says the same wait.
    #[test]
    fn what_the_word_refuses_the_settings_refuse(
        opened in 0..5000 * DAYS,
        wait in 1..100 * DAYS,
        later in prop_oneof![0..101 * DAYS, 0..1500 * DAYS],
        shadow: bool,
    ) {
        let config = Config::new().build().unwrap();
        let rules = Rules { config: &config, seed: 0, first: 0 };
        let closed = Word::from_bits(u64::from(shadow) << 47);
        let wait = Duration::from_nanos(wait);
        let now = Timestamp::from_nanos(opened);
        let (word, _) = rules.command(closed, Command::Trip(Some(wait)), now).unwrap();
        let pace = rules.pace(word, now);
        let now = Timestamp::from_nanos(opened + later);
        let admission = rules.admit(word, pace, now, || u32::MAX);
        let is_refused = word.refuses_all(pace, now);
        if is_refused {
            let retry_after = Duration::from_nanos(word.refuses_for(now));
            prop_assert!(!shadow && !retry_after.is_zero());
            prop_assert_eq!(admission, Admission::Refuse(Refusal::Open { retry_after }));
        }
        let is_open = Duration::from_nanos(later) < wait.max(Duration::from_millis(1));
        prop_assert!(is_refused || shadow || !is_open, "it should refuse");
    }
}

const DAYS: u64 = 24 * 3600 * 1_000_000_000;
