//! One circuit: the rules of breaker-core, driven as breaker-layer drives them, without sharing.

use std::{cell::Cell, time::Duration};

use breaker_core::{
    Beside, Call, Checked, Outcome, Pace, Phase, State, Streak, Timestamp, Transition, Word,
    machine::{self, Admission, Count, Record, Rules},
};

use crate::input::Fate;

/// A circuit that began with its first call.
pub(crate) struct Machine {
    cells: Box<[Cell<u64>]>,
    word: Word,
    pace: Pace,
    streak: Streak,
    /// When it began; its own time counts from there, as a circuit's does.
    origin: u64,
    seed: u16,
}

/// What an admitted call holds: the generation in which its outcome counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permit(u16);

impl Machine {
    pub(crate) fn new(config: &Checked, seed: u16, origin: u64) -> Self {
        let cells: Box<[_]> = (0..config.cells()).map(|_| Cell::new(0)).collect();
        Beside::new(config, &cells).begin(0);
        let rules = Rules {
            config,
            seed,
            first: 0,
        };
        let word = rules.first_word(0);
        Self {
            cells,
            word,
            pace: rules.pace(word, Timestamp::ZERO),
            streak: Streak::new(0),
            origin,
            seed,
        }
    }

    /// Asks to make a call; `None` if it is refused.
    pub(crate) fn admit(
        &mut self,
        config: &Checked,
        at: u64,
        mut tell: impl FnMut(Transition),
    ) -> Option<Permit> {
        let now = self.now(at);
        loop {
            if self.word.passes() {
                break;
            }
            let (rules, word, streak) = (self.rules(config), self.word, &mut self.streak);
            let draw = || {
                *streak = streak.drawn(word.generation());
                rules.lot(word, now, streak.draws())
            };
            match rules.admit(word, self.pace, now, draw) {
                Admission::Pass | Admission::PassUncounted => break,
                Admission::PassWithinAllowance => {
                    self.beside(config)
                        .admit(self.word.generation(), now)
                        .ok()?;
                    break;
                }
                Admission::Refuse(_) => return None,
                Admission::Probe(pace, word) => {
                    (self.pace, self.word) = (pace, word);
                    break;
                }
                Admission::FirstProbe(word, transition) => {
                    self.enter(config, word, transition, now, &mut tell);
                    break;
                }
                Admission::Lapsed(word, transition) => {
                    self.enter(config, word, transition, now, &mut tell);
                }
            }
        }
        Some(Permit(self.word.generation()))
    }

    /// Says how an admitted call went.
    #[inline]
    pub(crate) fn record(
        &mut self,
        config: &Checked,
        permit: Permit,
        fate: Fate,
        took: u64,
        at: u64,
        tell: impl FnMut(Transition),
    ) {
        let is_free = fate == Fate::Success
            && self.word.is_calm()
            && self.streak.is_empty()
            && !config.records_successes();
        if self.word.generation() != permit.0 || is_free {
            return;
        }
        let slow = config
            .slow_after()
            .is_some_and(|limit| Duration::from_nanos(took) > limit);
        let fate = match fate {
            Fate::Success => machine::Fate::Recorded(Outcome::Success),
            Fate::Failure => machine::Fate::Recorded(Outcome::Failure),
            Fate::Ignored => machine::Fate::Recorded(Outcome::Ignored),
            Fate::Cancelled => machine::Fate::CANCELLED,
        };
        self.streak = self.streak.after(self.word, fate);
        let fate = fate.in_streak(self.streak);
        let now = self.now(at);
        if let Phase::HalfOpen { .. } = self.word.phase() {
            self.record_probe(config, fate, slow, now, tell);
        } else {
            self.record_closed(config, fate, slow, now, tell);
        }
    }

    fn record_probe(
        &mut self,
        config: &Checked,
        fate: machine::Fate,
        slow: bool,
        now: Timestamp,
        tell: impl FnMut(Transition),
    ) {
        let ignored = self.streak.ignored();
        match self
            .rules(config)
            .record_probe(self.word, self.pace, fate, slow, ignored, now)
        {
            Record::Unchanged => {}
            Record::Count(word) => self.word = word,
            Record::Enter(word, transition) | Record::Lapsed(word, transition) => {
                self.enter(config, word, transition, now, tell);
            }
        }
    }

    fn record_closed(
        &mut self,
        config: &Checked,
        fate: machine::Fate,
        slow: bool,
        now: Timestamp,
        tell: impl FnMut(Transition),
    ) {
        let generation = self.word.generation();
        let mut weighed = machine::Weighed::default();
        let counts = fate.counts(config);
        if counts || slow && fate.may_be_slow(config) {
            let failed = fate.is_failure(config);
            let beside = self.beside(config);
            weighed = beside.record(generation, Call { failed, slow }, || now);
            let is_recovering = counts && matches!(self.word.phase(), Phase::Recovering(_));
            weighed.recovered = is_recovering && beside.recover(generation, failed);
        }
        match self.rules(config).count(self.word, fate, &weighed) {
            Count::Unchanged => {}
            Count::Store(word) => self.word = word,
            Count::Trip(reason) => {
                let (word, transition) =
                    self.rules(config)
                        .trip(self.word, reason, fate, weighed.failures, now);
                self.enter(config, word, transition, now, tell);
            }
        }
    }

    fn enter(
        &mut self,
        config: &Checked,
        word: Word,
        transition: Transition,
        now: Timestamp,
        mut tell: impl FnMut(Transition),
    ) {
        self.word = word;
        self.streak = self.streak.entered(word.generation());
        self.pace = self.rules(config).pace(word, transition.at().min(now));
        if transition.from() == State::Closed {
            self.beside(config).clear(word.generation());
        }
        tell(transition);
    }

    const fn rules<'c>(&self, config: &'c Checked) -> Rules<'c> {
        Rules {
            config,
            seed: self.seed,
            first: 0,
        }
    }

    const fn beside<'s>(&'s self, config: &'s Checked) -> Beside<'s, Cell<u64>> {
        Beside::new(config, &self.cells)
    }

    const fn now(&self, at: u64) -> Timestamp {
        Timestamp::from_nanos(at.saturating_sub(self.origin))
    }

    /// When it began.
    pub(crate) const fn origin(&self) -> u64 {
        self.origin
    }
}
