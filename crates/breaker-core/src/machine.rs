//! The decisions: a word, an event, the time and the configuration in; a word and a verdict out.
//!
//! Nothing here stores anything. Whoever calls keeps the [`Word`] in one place, puts the new one there only if the old
//! one still stands, and asks again if it does not. A [`Pace`] lies beside the word and is stored before it.

use core::time::Duration;

use crate::{
    Cancelled, Checked, Evidence, Mode, Outcome, Pace, Phase, Reason, Refusal, State, Streak,
    Tally, Timestamp, Transition, Word,
    policy::{open::Due, probes::Shown},
    time::{MAX_WAIT, Tick, nanos},
    word::{MOST_ATTEMPTS, MOST_PROBES, PENDING},
};

/// What every decision needs to know besides the word: the configuration and the seed of the jitter.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The circuit's configuration.
    pub config: &'a Checked,
    /// Tells circuits with the same configuration apart, so that a fleet does not probe in step.
    pub seed: u16,
    /// The generation with which the circuit began.
    pub first: u16,
}

/// What becomes of a call that asks to be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a call that was not let pass must not be made"]
pub enum Admission {
    /// It passes, and its outcome counts in the word's generation.
    Pass,
    /// It passes if [`Beside::admit`](crate::Beside::admit) has allowance for it.
    PassWithinAllowance,
    /// It passes, and its outcome counts for nothing.
    PassUncounted,
    /// It does not pass.
    Refuse(Refusal),
    /// It passes as one more probe, once the pace and then the word are stored.
    Probe(Pace, Word),
    /// It passes as the first probe of a half-open period, once the word is stored.
    FirstProbe(Word, Transition),
    /// Half-open ended without a verdict some time ago; store the word and ask again.
    Lapsed(Word, Transition),
}

/// What a recorded outcome does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what is not stored did not happen"]
pub enum Record {
    /// Nothing.
    Unchanged,
    /// It is counted in this word.
    Count(Word),
    /// It decides.
    Enter(Word, Transition),
    /// It comes after the deadline of its half-open period, and so changes nothing itself.
    Lapsed(Word, Transition),
}

/// What a closed circuit makes of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what is not stored did not happen"]
pub enum Count {
    /// Nothing.
    Unchanged,
    /// It is counted in this word.
    Store(Word),
    /// It trips: [`Rules::trip`], at the time of now.
    Trip(Reason),
}

/// What the cells beside the word, and a policy of the user's own, make of an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// The rule that it breaks.
    pub broken: Option<Reason>,
    /// The failures in the windows; the most, if there are two.
    pub failures: u32,
    /// Whether the window of calls is full, of nothing but good calls; `None` where nobody looked.
    ///
    /// Where a word that says otherwise stands or is stored after this, ask
    /// [`Beside::needs_successes`](crate::Beside::needs_successes): another call may have come between.
    pub clean: Option<bool>,
    /// The ramp is over.
    pub recovered: bool,
}

/// What happened to an admitted call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was recorded with this outcome.
    Recorded(Outcome),
    /// Its permit was dropped.
    Cancelled {
        /// The calls in a row that were given up, this one included.
        in_a_row: u32,
    },
}

/// What an operator can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open, for so long or for the usual time.
    Trip(Option<Duration>),
    /// Half-open.
    HalfOpen,
    /// Closed.
    Close,
    /// Refuse every call until told otherwise.
    Isolate,
    /// Let every call pass uncounted until told otherwise.
    Disable,
    /// Start afresh, do everything as usual, but refuse nothing.
    ObserveOnly,
    /// Start afresh.
    Reset,
}

/// How a fate counts: as a success, as a failure, or not at all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Good,
    Bad,
    None,
}

impl Fate {
    /// That of a call which was given up, before [`Fate::in_streak`] says how many were.
    pub const CANCELLED: Self = Self::Cancelled { in_a_row: 0 };

    /// The same with what the generation has counted, this call included.
    #[must_use]
    pub const fn in_streak(self, streak: Streak) -> Self {
        match self {
            Self::Recorded(_) => self,
            Self::Cancelled { .. } => Self::Cancelled {
                in_a_row: streak.given_up(),
            },
        }
    }

    fn weight(self, config: &Checked) -> Weight {
        match self {
            Self::Recorded(Outcome::Success) => Weight::Good,
            Self::Recorded(Outcome::Failure | Outcome::Overload { .. }) => Weight::Bad,
            Self::Recorded(Outcome::Ignored) => Weight::None,
            Self::Cancelled { in_a_row } => match config.cancelled {
                Cancelled::Failure => Weight::Bad,
                Cancelled::FailureAfter(calls) if in_a_row > calls.into() => Weight::Bad,
                Cancelled::FailureAfter(_) | Cancelled::Ignored => Weight::None,
            },
        }
    }

    /// Why a circuit opens, if it does so because all calls are given up.
    fn given_up(self, config: &Checked) -> Option<Reason> {
        match (self, config.cancelled) {
            (Self::Cancelled { in_a_row }, Cancelled::FailureAfter(calls))
                if in_a_row > calls.into() =>
            {
                Some(Reason::GivenUp { calls: in_a_row })
            }
            _ => None,
        }
    }

    /// Whether this counts as a failure.
    pub fn is_failure(self, config: &Checked) -> bool {
        self.weight(config) == Weight::Bad
    }

    /// Whether this is a call that failed, as the totals count it.
    pub const fn is_failed_call(self) -> bool {
        matches!(
            self,
            Self::Recorded(Outcome::Failure | Outcome::Overload { .. })
        )
    }

    /// Whether this counts at all, as a success or as a failure.
    pub fn counts(self, config: &Checked) -> bool {
        self.weight(config) != Weight::None
    }

    /// Whether this is a slow call if it took too long: it counts, or was given up.
    pub fn may_be_slow(self, config: &Checked) -> bool {
        matches!(self, Self::Cancelled { .. }) || self.counts(config)
    }

    const fn asked(self) -> Option<Duration> {
        match self {
            Self::Recorded(Outcome::Overload { retry_after }) => Some(retry_after),
            Self::Recorded(Outcome::Success | Outcome::Failure | Outcome::Ignored)
            | Self::Cancelled { .. } => None,
        }
    }
}

impl Rules<'_> {
    /// Decides whether a call may pass; `draw` gives a random number of this request's own, where one is needed:
    /// [`Rules::lot`].
    pub fn admit(
        &self,
        word: Word,
        pace: Pace,
        now: Timestamp,
        draw: impl FnOnce() -> u32,
    ) -> Admission {
        match word.phase() {
            Phase::Closed(_) => Admission::Pass,
            Phase::Recovering(_) => Admission::PassWithinAllowance,
            Phase::Disabled => Admission::PassUncounted,
            Phase::Isolated => Admission::Refuse(Refusal::Isolated),
            Phase::Open { attempt, until } => {
                match self
                    .config
                    .open
                    .due(Tick::from_bits(until), now, || self.random(word), draw)
                {
                    Due::No if !self.is_overdue(word, pace, now) => {
                        let retry_after = self.back_off(word, pace, Tick::from_bits(until), now);
                        self.refuse(word, Refusal::Open { retry_after })
                    }
                    Due::Yes | Due::No => self.first_probe(word, attempt, now),
                }
            }
            Phase::HalfOpen { attempt, tally } => {
                if let Some((word, transition)) = self.lapse(word, pace, now) {
                    Admission::Lapsed(word, transition)
                } else if self.config.probes.has_room(tally) {
                    let tally = Tally {
                        live: tally.live + 1,
                        ..tally
                    };
                    Admission::Probe(
                        self.extended(word, pace, now),
                        word.in_half_open(Phase::HalfOpen { attempt, tally }, true),
                    )
                } else {
                    let retry_after = self.until_a_place(word, pace, now);
                    self.refuse(word, Refusal::ProbesTaken { retry_after })
                }
            }
        }
    }

    /// As [`Rules::admit`], for a caller that waits for its turn: no calls flow that could be drawn, so an open circuit is
    /// due after its shortest wait, doubled with each attempt. A refusal then says how long to wait.
    pub fn admit_waiting(&self, word: Word, pace: Pace, now: Timestamp) -> Admission {
        let Phase::Open { attempt, until } = word.phase() else {
            return self.admit(word, pace, now, || 0);
        };
        let due =
            self.config
                .open
                .due_for_waiting(Tick::from_bits(until), attempt, self.random(word));
        let retry_after = due.left(now);
        if retry_after.is_zero() || self.is_overdue(word, pace, now) {
            self.first_probe(word, attempt, now)
        } else {
            self.refuse(word, Refusal::Open { retry_after })
        }
    }

    /// How long half-open goes on without a verdict; `None` in any other state, and while no probe is under way: then nothing
    /// is waited for.
    pub fn lapses_in(&self, word: Word, pace: Pace, now: Timestamp) -> Option<Duration> {
        let Phase::HalfOpen { tally, .. } = word.phase() else {
            return None;
        };
        (tally.live > 0).then(|| self.until_deadline(word, pace, now))
    }

    fn until_deadline(&self, word: Word, pace: Pace, now: Timestamp) -> Duration {
        let timeout = self.config.probes.timeout;
        if pace.generation() == word.generation() {
            pace.lasts(timeout).saturating_sub(pace.age(now))
        } else {
            timeout
        }
    }

    /// How long it is not worth asking again while probes are under way: as long again as they have been, so that whoever
    /// asks at these times asks a few times until the deadline.
    fn until_a_place(&self, word: Word, pace: Pace, now: Timestamp) -> Duration {
        let under_way = time_in(word, pace, now).max(SHORTEST_RETRY);
        under_way.min(self.until_deadline(word, pace, now))
    }

    /// How long it is not worth asking an open circuit again: until a call may be a probe; and then as long again as it has
    /// been open, up to the moment when the next call is a probe for certain.
    fn back_off(&self, word: Word, pace: Pace, until: Tick, now: Timestamp) -> Duration {
        let left = until.left(now);
        if !left.is_zero() {
            return left;
        }
        let open_for = time_in(word, pace, now).max(self.config.open.shortest());
        open_for.min(self.config.open.certain_in(until, now, self.random(word)))
    }

    /// The random number of the draw that is the `nth` in this word's generation.
    pub const fn lot(&self, word: Word, now: Timestamp, nth: u32) -> u32 {
        let moment = mix(now.as_nanos() ^ mix(nth as u64));
        mix(moment ^ self.random(word)) as u32
    }

    /// The open circuit's first probe, whatever was drawn.
    fn first_probe(&self, word: Word, attempt: u32, now: Timestamp) -> Admission {
        let half_open = word.enter(Phase::HalfOpen {
            attempt,
            tally: Tally {
                live: 1,
                ..Tally::default()
            },
        });
        Admission::FirstProbe(
            half_open,
            transition(word, half_open, Reason::ProbeDue, 0, now),
        )
    }

    /// A refusal; in the shadow the call passes all the same.
    fn refuse(&self, word: Word, refusal: Refusal) -> Admission {
        if word.is_shadow() {
            Admission::PassUncounted
        } else {
            Admission::Refuse(refusal)
        }
    }

    /// As [`Rules::count`], where nothing is kept beside the word: the word to store, or `None` where it takes a closer look.
    #[inline]
    pub fn step(&self, word: Word, failed: bool) -> Option<Word> {
        self.config.trip.step(word, failed)
    }

    /// Counts an outcome of the current generation while closed. It needs no time unless it trips.
    #[inline]
    pub fn count(&self, word: Word, fate: Fate, beside: &Weighed) -> Count {
        if !word.is_closed() {
            return Count::Unchanged;
        }
        let weight = fate.weight(self.config);
        let seen = match weight {
            Weight::None => Ok(word.evidence()),
            Weight::Good => self.config.trip.judge(word.evidence(), false),
            Weight::Bad => self.config.trip.judge(word.evidence(), true),
        };
        let seen = match (seen, beside.broken) {
            (Err(reason), _) | (Ok(_), Some(reason)) => {
                return Count::Trip(fate.given_up(self.config).unwrap_or(reason));
            }
            (Ok(seen), None) => seen,
        };
        let pending = (word.pending() + u32::from(fate.is_failed_call())) & PENDING;
        let has_window = self.config.trip.calls.is_some();
        let needs_window = has_window
            && (weight == Weight::Bad || word.needs_window() && beside.clean != Some(true));
        let mut next = word.with_evidence(seen, pending).with_window(needs_window);
        if beside.recovered {
            next = next.recovered();
        }
        if next == word {
            Count::Unchanged
        } else {
            Count::Store(next)
        }
    }

    /// Opens a closed circuit; `fate` is that of the call which tripped it, `failures` those that its windows hold.
    pub fn trip(
        &self,
        word: Word,
        reason: Reason,
        fate: Fate,
        failures: u32,
        now: Timestamp,
    ) -> (Word, Transition) {
        let seen = match reason {
            Reason::ConsecutiveFailures { failures } => failures,
            _ => self.failures(word) + u32::from(fate.is_failure(self.config)),
        };
        self.open(word, 0, now, reason, seen.max(failures), fate.asked())
    }

    /// Records the outcome of a probe of the current generation, of which so many were ignored, this one included.
    pub fn record_probe(
        &self,
        word: Word,
        pace: Pace,
        fate: Fate,
        slow: bool,
        ignored: u32,
        now: Timestamp,
    ) -> Record {
        let Phase::HalfOpen { attempt, tally } = word.phase() else {
            return Record::Unchanged;
        };
        if let Some((word, transition)) = self.lapse(word, pace, now) {
            return Record::Lapsed(word, transition);
        }
        let mut tally = Tally {
            live: tally.live.saturating_sub(1),
            ..tally
        };
        let weight = fate.weight(self.config);
        match weight {
            Weight::Good => tally.good += 1,
            Weight::Bad => tally.failed += 1,
            Weight::None => {}
        }
        if slow && fate.may_be_slow(self.config) {
            tally.slow = (tally.slow + 1).min(MOST_PROBES);
        }
        match self.config.probes.judge(tally, ignored) {
            Shown::Undecided => {
                Record::Count(word.in_half_open(Phase::HalfOpen { attempt, tally }, false))
            }
            Shown::Good(reason) => {
                let phase = if self.config.ramp.is_some() {
                    Phase::Recovering(Evidence::default())
                } else {
                    CLOSED
                };
                let closed = self.begin(word.enter(phase));
                Record::Enter(closed, transition(word, closed, reason, tally.failed, now))
            }
            Shown::Bad(reason) => {
                let (word, transition) = self.open(
                    word,
                    (attempt + 1).min(MOST_ATTEMPTS),
                    now,
                    fate.given_up(self.config).unwrap_or(reason),
                    tally.failed,
                    fate.asked(),
                );
                Record::Enter(word, transition)
            }
        }
    }

    /// Carries out a command; `None` if there is nothing to do.
    pub fn command(
        &self,
        word: Word,
        command: Command,
        now: Timestamp,
    ) -> Option<(Word, Transition)> {
        let next = match command {
            Command::Trip(for_long) => {
                let wait = for_long
                    .unwrap_or_else(|| self.wait(word, 0, None))
                    .clamp(Duration::from_millis(1), MAX_WAIT);
                let until = Tick::after(now, wait).bits();
                let opened = word.enter(Phase::Open { attempt: 0, until });
                let transition =
                    transition(word, opened, Reason::Operator, self.failures(word), now);
                return Some((
                    opened,
                    Transition {
                        open_for: Some(wait),
                        ..transition
                    },
                ));
            }
            Command::HalfOpen => word.enter(Phase::HalfOpen {
                attempt: 0,
                tally: Tally::default(),
            }),
            Command::Close => self.begin(word.enter(CLOSED)),
            Command::Isolate if word.phase() == Phase::Isolated => return None,
            Command::Isolate => word.enter(Phase::Isolated).shadow(false),
            Command::Disable if word.phase() == Phase::Disabled => return None,
            Command::Disable => word.enter(Phase::Disabled).shadow(false),
            Command::ObserveOnly => self.begin(word.enter(CLOSED)).shadow(true),
            Command::Reset => self.begin(word.enter(CLOSED)).shadow(false),
        };
        Some((
            next,
            transition(word, next, Reason::Operator, self.failures(word), now),
        ))
    }

    /// A circuit that begins with this generation: closed, unless its mode says otherwise.
    pub fn first_word(&self, generation: u16) -> Word {
        let closed = self.begin(Word::closed(generation));
        match self.config.mode {
            Mode::Normal => closed,
            Mode::ObserveOnly => closed.shadow(true),
            Mode::Disabled => closed.with(Phase::Disabled),
            Mode::Isolated => closed.with(Phase::Isolated),
        }
    }

    /// The same word as these settings begin with it: a window of calls is worth a success, because it is empty or another
    /// one, and without a ramp the recovery is over.
    pub fn begin(&self, word: Word) -> Word {
        let word = word.with_window(word.is_closed() && self.config.trip.calls.is_some());
        match word.phase() {
            Phase::Recovering(_) if self.config.ramp.is_none() => word.recovered(),
            _ => word,
        }
    }

    /// The same word with the wait that these settings give it, where it is an open circuit's, is shorter than that which
    /// the settings `before` gave it, and is not one that somebody asked for. It opened at this time.
    pub fn cut_wait(&self, before: &Checked, word: Word, opened: Timestamp) -> Word {
        let Phase::Open { attempt, until } = word.phase() else {
            return word;
        };
        let wait = |config: &Checked| config.open.wait(attempt, self.random(word), None);
        let (old, new) = (wait(before), wait(self.config));
        if new < old && until == Tick::after(opened, old).bits() {
            let until = Tick::after(opened, new).bits();
            word.with(Phase::Open { attempt, until })
        } else {
            word
        }
    }

    /// The state as a caller of this moment would meet it: it knows the time, and moves nothing.
    pub fn state(&self, word: Word, pace: Pace, now: Timestamp) -> State {
        let word = self.lapse(word, pace, now).map_or(word, |(word, _)| word);
        match word.phase() {
            Phase::Open { until, .. } if self.is_over(word, pace, until, now) => State::HalfOpen,
            _ => word.stored_state(),
        }
    }

    /// How long every call will be refused from now on, if any is; `None` if the operator refuses them.
    pub fn retry_after(&self, word: Word, pace: Pace, now: Timestamp) -> Option<Duration> {
        let word = self.lapse(word, pace, now).map_or(word, |(word, _)| word);
        match word.phase() {
            Phase::Open { .. } if self.is_overdue(word, pace, now) => Some(Duration::ZERO),
            Phase::Open { until, .. } => Some(Tick::from_bits(until).left(now)),
            Phase::Isolated => None,
            Phase::Closed(_) | Phase::Recovering(_) | Phase::HalfOpen { .. } | Phase::Disabled => {
                Some(Duration::ZERO)
            }
        }
    }

    /// After how long [`Rules::state`] makes an open circuit half-open if no call comes; `None` in any other state.
    pub fn half_open_in(&self, word: Word, pace: Pace, now: Timestamp) -> Option<Duration> {
        let word = self.lapse(word, pace, now).map_or(word, |(word, _)| word);
        match word.phase() {
            Phase::Open { .. } if self.is_overdue(word, pace, now) => None,
            Phase::Open { until, .. } => {
                let until = Tick::from_bits(until);
                let left =
                    until
                        .left(now)
                        .max(self.config.open.certain_in(until, now, self.random(word)));
                (!left.is_zero()).then_some(left)
            }
            Phase::Closed(_)
            | Phase::Recovering(_)
            | Phase::HalfOpen { .. }
            | Phase::Isolated
            | Phase::Disabled => None,
        }
    }

    /// The failures that count in this state.
    pub fn failures(&self, word: Word) -> u32 {
        match word.phase() {
            Phase::Closed(seen) | Phase::Recovering(seen) => self.config.trip.failures(seen),
            Phase::HalfOpen { tally, .. } => tally.failed,
            Phase::Open { .. } | Phase::Isolated | Phase::Disabled => 0,
        }
    }

    /// The pace to store for a state that was entered now.
    pub fn pace(&self, word: Word, now: Timestamp) -> Pace {
        Pace::entered(word.generation(), now)
    }

    fn is_over(&self, word: Word, pace: Pace, until: u64, now: Timestamp) -> bool {
        let until = Tick::from_bits(until);
        let is_certain = || self.config.open.is_certain(until, now, self.random(word));
        until.left(now).is_zero() && is_certain() || self.is_overdue(word, pace, now)
    }

    /// Whether an open circuit was left alone for so long that the ticks of its word cannot tell how long.
    fn is_overdue(&self, word: Word, pace: Pace, now: Timestamp) -> bool {
        pace.generation() == word.generation() && pace.age(now) > MAX_WAIT * 2
    }

    /// What becomes of a half-open circuit whose deadline has passed: it opened at the deadline. Without a probe under way
    /// there is none: its places are free, and the next call is a probe.
    fn lapse(&self, word: Word, pace: Pace, now: Timestamp) -> Option<(Word, Transition)> {
        let Phase::HalfOpen { attempt, tally } = word.phase() else {
            return None;
        };
        if tally.live == 0 || pace.generation() != word.generation() {
            // Of another generation, it was entered this moment, and its pace is still to be stored.
            return None;
        }
        let lasts = pace.lasts(self.config.probes.timeout);
        if pace.age(now) < lasts {
            return None;
        }
        // Long ago is as good as not so long ago.
        let long_ago = Timestamp::from_nanos(now.as_nanos().saturating_sub(nanos(MAX_WAIT)));
        let at = pace.since(now).saturating_add(lasts).min(now).max(long_ago);
        let attempt = (attempt + 1).min(MOST_ATTEMPTS);
        Some(self.open(word, attempt, at, Reason::ProbeTimedOut, tally.failed, None))
    }

    /// The pace with a probe admitted now. One that finds no other under way starts the deadline afresh.
    fn extended(&self, word: Word, pace: Pace, now: Timestamp) -> Pace {
        let is_first = matches!(word.phase(), Phase::HalfOpen { tally, .. } if tally.live == 0);
        if is_first || pace.generation() != word.generation() {
            return self.pace(word, now);
        }
        pace.admitted(now, self.config.probes.timeout)
    }

    fn open(
        &self,
        word: Word,
        attempt: u32,
        at: Timestamp,
        reason: Reason,
        failures: u32,
        asked: Option<Duration>,
    ) -> (Word, Transition) {
        let wait = self.wait(word, attempt, asked);
        let opened = word.enter(Phase::Open {
            attempt,
            until: Tick::after(at, wait).bits(),
        });
        let transition = transition(word, opened, reason, failures, at);
        let millis = asked.unwrap_or_default().as_millis();
        (
            opened,
            Transition {
                open_for: Some(wait),
                asked: u32::try_from(millis).unwrap_or(u32::MAX),
                ..transition
            },
        )
    }

    /// The open time of the generation after this one.
    fn wait(&self, word: Word, attempt: u32, asked: Option<Duration>) -> Duration {
        self.config.open.wait(
            attempt,
            self.random_of(word.generation().wrapping_add(1)),
            asked,
        )
    }

    /// The random number of this word's generation.
    const fn random(&self, word: Word) -> u64 {
        self.random_of(word.generation())
    }

    const fn random_of(&self, generation: u16) -> u64 {
        mix((self.seed as u64) << 16 | generation.wrapping_sub(self.first) as u64)
    }
}

/// No refusal of a half-open circuit says to come again sooner. Most probes are answered by then, and one that hangs is
/// asked after ten times until its deadline of 30 s.
const SHORTEST_RETRY: Duration = Duration::from_millis(50);

/// For how long this word's state has lasted, as far as it is known.
fn time_in(word: Word, pace: Pace, now: Timestamp) -> Duration {
    if pace.generation() == word.generation() {
        pace.age(now)
    } else {
        Duration::ZERO
    }
}

const CLOSED: Phase = Phase::Closed(Evidence {
    score: 0,
    calls: 0,
    row: 0,
});

fn transition(from: Word, to: Word, reason: Reason, failures: u32, at: Timestamp) -> Transition {
    Transition {
        from: from.stored_state(),
        to: to.stored_state(),
        generation: to.generation(),
        reason,
        failures,
        asked: 0,
        at,
        open_for: None,
    }
}

/// Scatters a number over all 64 bits: the finalizer of SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast Splittable
/// Pseudorandom Number Generators", 2014).
pub const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{vec, vec::Vec};

    use super::*;
    use crate::{Config, OpenTime, Percent, Probes, Trip};

    const FAILURE: Fate = Fate::Recorded(Outcome::Failure);
    const SUCCESS: Fate = Fate::Recorded(Outcome::Success);
    const SECOND: Duration = Duration::from_secs(1);

    fn config() -> Checked {
        Config::new()
            .trip(Trip::consecutive_failures(2))
            .open_time(OpenTime::exponential(SECOND, 60 * SECOND).jitter(Percent(0.0)))
            .probes(Probes::new(2).timeout(8 * SECOND))
            .build()
            .unwrap()
    }

    fn rules(config: &Checked) -> Rules<'_> {
        Rules {
            config,
            seed: 0,
            first: 0,
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    /// A half-open word with these probes, entered at zero.
    fn half_open(rules: Rules<'_>, attempt: u32, tally: Tally) -> (Word, Pace) {
        let word = Word::closed(8).enter(Phase::HalfOpen { attempt, tally });
        (word, rules.pace(word, Timestamp::ZERO))
    }

    fn live(live: u32) -> Tally {
        Tally {
            live,
            ..Tally::default()
        }
    }

    fn opened(word: Word) -> (u32, u64) {
        match word.phase() {
            Phase::Open { attempt, until } => (attempt, until),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_success_that_finds_nothing_changes_nothing() {
        let config = config();
        let word = Word::closed(3);
        assert_eq!(
            rules(&config).count(word, SUCCESS, &Weighed::default()),
            Count::Unchanged
        );
    }

    #[test]
    fn what_does_not_count_changes_nothing_in_any_state() {
        let config = config();
        let rules = rules(&config);
        let seen = Evidence {
            row: 1,
            ..Evidence::default()
        };
        for fate in [Fate::CANCELLED, Fate::Recorded(Outcome::Ignored)] {
            let word = Word::closed(3).with(Phase::Closed(seen));
            assert_eq!(
                rules.count(word, fate, &Weighed::default()),
                Count::Unchanged
            );
            let (word, pace) = half_open(rules, 0, live(2));
            let Record::Count(next) = rules.record_probe(word, pace, fate, false, 0, at(1)) else {
                panic!("it only gives its place back")
            };
            assert_eq!(
                next,
                word.with(Phase::HalfOpen {
                    attempt: 0,
                    tally: live(1)
                })
            );
        }
    }

    #[test]
    fn only_closed_counts_and_only_half_open_records_probes() {
        let config = config();
        let rules = rules(&config);
        let phases = vec![
            Phase::Open {
                attempt: 0,
                until: 5,
            },
            Phase::Isolated,
            Phase::Disabled,
        ];
        for phase in phases {
            let word = Word::closed(3).enter(phase);
            let pace = rules.pace(word, at(0));
            assert_eq!(
                rules.count(word, FAILURE, &Weighed::default()),
                Count::Unchanged
            );
            let record = rules.record_probe(word, pace, FAILURE, false, 0, at(0));
            assert_eq!(record, Record::Unchanged);
        }
    }

    #[test]
    fn a_failed_probe_opens_for_the_next_longer_wait_and_the_attempts_end_somewhere() {
        let config = config();
        let rules = rules(&config);
        for (attempt, next, wait) in [(0, 1, 2), (1, 2, 4), (62, 63, 60), (63, 63, 60)] {
            let (word, pace) = half_open(rules, attempt, live(1));
            let Record::Enter(word, transition) =
                rules.record_probe(word, pace, FAILURE, false, 0, at(1))
            else {
                panic!("one of two is enough")
            };
            assert_eq!(opened(word), (next, (1 + wait) * 10_000));
            assert_eq!(transition.open_for(), Some(wait as u32 * SECOND));
            assert_eq!(word.generation(), 10);
        }
    }

    #[test]
    fn a_lapse_opened_at_the_deadline_whenever_it_is_noticed() {
        let config = config();
        let rules = rules(&config);
        let (word, pace) = half_open(rules, 0, live(1));
        for noticed in [8, 9, 1000] {
            let Admission::Lapsed(word, transition) = rules.admit(word, pace, at(noticed), || 0)
            else {
                panic!("its deadline has passed")
            };
            assert_eq!(opened(word), (1, 10 * 10_000));
            assert_eq!(transition.at(), at(8));
            assert_eq!(transition.reason(), Reason::ProbeTimedOut);
        }
    }

    #[test]
    fn nothing_lapses_while_no_probe_is_under_way_and_the_next_one_starts_the_deadline_afresh() {
        let config = config();
        let rules = rules(&config);
        let (word, pace) = half_open(rules, 0, live(0));
        assert_eq!(rules.state(word, pace, at(1000)), State::HalfOpen);
        assert_eq!(rules.lapses_in(word, pace, at(1000)), None);
        let Admission::Probe(pace, word) = rules.admit(word, pace, at(1000), || 0) else {
            panic!("there is room")
        };
        assert_eq!(rules.lapses_in(word, pace, at(1001)), Some(7 * SECOND));
        assert_eq!(rules.state(word, pace, at(1007)), State::HalfOpen);
        assert_eq!(rules.state(word, pace, at(1008)), State::Open);
    }

    #[test]
    fn a_half_open_word_whose_pace_is_not_stored_yet_has_not_lapsed() {
        let config = config();
        let rules = rules(&config);
        let (word, _) = half_open(rules, 0, live(1));
        let stale = rules.pace(Word::closed(8), at(0));
        assert_eq!(rules.state(word, stale, at(1000)), State::HalfOpen);
        let Admission::Probe(pace, _) = rules.admit(word, stale, at(1000), || 0) else {
            panic!("there is room")
        };
        assert_eq!(pace.generation(), word.generation());
        assert_eq!(rules.state(word, pace, at(1007)), State::HalfOpen);
        assert_eq!(rules.state(word, pace, at(1008)), State::Open);
    }

    #[test]
    fn in_the_shadow_every_refusal_passes_uncounted() {
        let config = config();
        let rules = rules(&config);
        let (full, pace) = half_open(rules, 0, live(2));
        let open = Word::closed(3).enter(Phase::Open {
            attempt: 0,
            until: 10_000,
        });
        for word in [full, open] {
            assert!(matches!(
                rules.admit(word, pace, at(0), || 0),
                Admission::Refuse(_)
            ));
            assert_eq!(
                rules.admit(word.shadow(true), pace, at(0), || 0),
                Admission::PassUncounted
            );
        }
    }

    #[test]
    fn a_first_probe_keeps_the_attempt_for_the_next_wait() {
        let config = config();
        let rules = rules(&config);
        let open = Word::closed(3).enter(Phase::Open {
            attempt: 5,
            until: 10_000,
        });
        let pace = rules.pace(open, at(0));
        let Admission::FirstProbe(word, transition) = rules.admit(open, pace, at(1), || 0) else {
            panic!("it is due")
        };
        assert_eq!(
            word.phase(),
            Phase::HalfOpen {
                attempt: 5,
                tally: live(1)
            }
        );
        assert_eq!(transition.reason(), Reason::ProbeDue);
    }

    #[test]
    fn calls_that_are_all_given_up_count_as_failures_from_the_one_after_the_last_that_is_let_off() {
        let given_up = |cancelled, in_a_row| {
            let config = Config::new().cancelled(cancelled).build().unwrap();
            Fate::Cancelled { in_a_row }.is_failure(&config)
        };
        for in_a_row in [1, 15, 16, 4095] {
            assert!(!given_up(Cancelled::Ignored, in_a_row));
            assert!(given_up(Cancelled::Failure, in_a_row));
            assert_eq!(given_up(Cancelled::default(), in_a_row), in_a_row > 15);
            assert_eq!(
                given_up(Cancelled::FailureAfter(4094), in_a_row),
                in_a_row == 4095
            );
        }
    }

    #[test]
    fn as_many_are_let_off_as_there_are_failures_that_trip_from_clean_on_the_default_policy() {
        let config = Config::new().build().unwrap();
        let rules = rules(&config);
        let mut word = Word::closed(0);
        let failures = (1..).find(|_| match rules.count(word, FAILURE, &Weighed::default()) {
            Count::Store(next) => {
                word = next;
                false
            }
            Count::Trip(_) => true,
            Count::Unchanged => panic!("a failure counts"),
        });
        assert_eq!(
            Some(Cancelled::default()),
            failures.map(Cancelled::FailureAfter)
        );
    }

    #[test]
    fn reading_the_state_needs_no_new_word() {
        let config = config();
        let rules = rules(&config);
        let (word, pace) = half_open(rules, 0, live(1));
        let states: Vec<State> = [0, 7, 8, 9, 10, 100]
            .map(|seconds| rules.state(word, pace, at(seconds)))
            .into();
        use State::{HalfOpen, Open};
        assert_eq!(states, [HalfOpen, HalfOpen, Open, Open, HalfOpen, HalfOpen]);
        assert_eq!(rules.retry_after(word, pace, at(9)), Some(SECOND));
    }

    #[test]
    fn the_jitter_is_the_seed_s_and_the_number_of_the_opening_since_the_circuit_began() {
        let config = Config::new()
            .open_time(OpenTime::fixed(10 * SECOND).jitter(Percent(50.0)))
            .build()
            .unwrap();
        let wait = |seed, first, generation| {
            let rules = Rules {
                config: &config,
                seed,
                first,
            };
            let command = rules.command(Word::closed(generation), Command::Trip(None), at(0));
            command.unwrap().1.open_for().unwrap()
        };
        assert_eq!(wait(1, 0, 4), wait(1, 0, 4));
        assert_eq!(wait(1, 0, 4), wait(1, 65_530, 65_534));
        assert_ne!(wait(1, 0, 4), wait(2, 0, 4));
        assert_ne!(wait(1, 0, 4), wait(1, 0, 5));
    }
}
