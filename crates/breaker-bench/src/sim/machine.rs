//! The policies of breaker-core, driven as its shell does it, without sharing.

use std::cell::Cell;

use breaker_core::{
    Beside, Call, Checked, Config, Outcome, Pace, Phase, State, Timestamp, Transition, Word,
    machine::{Admission, Count, Fate, Record, Rules},
};

use super::policy::Policy;

/// One circuit of one client.
pub struct Machine {
    config: Checked,
    cells: Box<[Cell<u64>]>,
    seed: u16,
    word: Word,
    pace: Pace,
    trips: u64,
}

impl Machine {
    /// A circuit with these settings; the seed is that of its jitter.
    ///
    /// # Panics
    ///
    /// When the settings are out of their ranges.
    pub fn new(settings: Config, seed: u16) -> Self {
        let config = settings.build().expect("settings in their ranges");
        let cells: Box<[_]> = (0..config.cells()).map(|_| Cell::new(0)).collect();
        Beside::new(&config, &cells).begin(0);
        let rules = Rules {
            config: &config,
            seed,
            first: 0,
        };
        let word = rules.first_word(0);
        Self {
            config,
            cells,
            seed,
            word,
            pace: Pace::from_bits(0),
            trips: 0,
        }
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            config: &self.config,
            seed: self.seed,
            first: 0,
        }
    }

    fn beside(&self) -> Beside<'_, Cell<u64>> {
        Beside::new(&self.config, &self.cells)
    }

    fn enter(&mut self, word: Word, transition: Transition, now: Timestamp) {
        self.word = word;
        self.pace = self.rules().pace(word, transition.at().min(now));
        if transition.from() == State::Closed {
            self.trips += 1;
            self.beside().clear(word.generation());
        }
    }

    fn record_probe(&mut self, fate: Fate, now: Timestamp) {
        match self
            .rules()
            .record_probe(self.word, self.pace, fate, false, 0, now)
        {
            Record::Unchanged => {}
            Record::Count(word) => self.word = word,
            Record::Enter(word, transition) | Record::Lapsed(word, transition) => {
                self.enter(word, transition, now);
            }
        }
    }

    fn record_closed(&mut self, fate: Fate, failed: bool, now: Timestamp) {
        let generation = self.word.generation();
        // No call takes as long as a slow one.
        let call = Call {
            failed,
            slow: false,
        };
        let mut weighed = self.beside().record(generation, call, || now);
        weighed.recovered = matches!(self.word.phase(), Phase::Recovering(_))
            && self.beside().recover(generation, failed);
        match self.rules().count(self.word, fate, &weighed) {
            Count::Unchanged => {}
            Count::Store(word) => self.word = word,
            Count::Trip(reason) => {
                let (word, transition) =
                    self.rules()
                        .trip(self.word, reason, fate, weighed.failures, now);
                self.enter(word, transition, now);
            }
        }
    }
}

impl Policy for Machine {
    fn admit(&mut self, now: Timestamp, draw: u32) -> Option<u64> {
        loop {
            match self.rules().admit(self.word, self.pace, now, || draw) {
                Admission::Pass | Admission::PassUncounted => {}
                Admission::PassWithinAllowance => {
                    self.beside().admit(self.word.generation(), now).ok()?;
                }
                Admission::Refuse(_) => return None,
                Admission::Probe(pace, word) => (self.pace, self.word) = (pace, word),
                Admission::FirstProbe(word, transition) => self.enter(word, transition, now),
                Admission::Lapsed(word, transition) => {
                    self.enter(word, transition, now);
                    continue;
                }
            }
            return Some(self.word.generation().into());
        }
    }

    fn record(&mut self, permit: u64, failed: bool, now: Timestamp) {
        let changes_nothing = !failed && self.word.is_calm() && !self.config.records_successes();
        if u64::from(self.word.generation()) != permit || changes_nothing {
            return;
        }
        let outcome = if failed {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        let fate = Fate::Recorded(outcome);
        if let Phase::HalfOpen { .. } = self.word.phase() {
            self.record_probe(fate, now);
        } else {
            self.record_closed(fate, failed, now);
        }
    }

    fn trips(&self) -> u64 {
        self.trips
    }
}
