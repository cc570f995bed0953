//! The policies of breaker-core, driven as its shell does it, without sharing.

use breaker_core::{
    Admission, Breaker, CallKind, Checked, Config, EndedCall, Ending, Outcome, Rules, State,
    Timestamp, Transition,
};

use super::policy::Policy;

/// One circuit of one client.
#[derive(Clone)]
pub struct Machine {
    config: Checked,
    seed: u16,
    breaker: Breaker,
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
        Self {
            breaker: Breaker::new(Rules {
                config: &config,
                seed,
            }),
            config,
            seed,
            trips: 0,
        }
    }

    /// The state, and the rules for it.
    pub(super) const fn parts(&mut self) -> (&mut Breaker, Rules<'_>) {
        let rules = Rules {
            config: &self.config,
            seed: self.seed,
        };
        (&mut self.breaker, rules)
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.breaker.stored_state() == State::Closed
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.breaker.stored_state() == State::Open
    }

    /// Whether it is half-open.
    pub fn is_half_open(&self) -> bool {
        self.breaker.stored_state() == State::HalfOpen
    }

    fn note(&mut self, transition: Transition) {
        self.trips += u64::from(transition.from() == State::Closed);
    }
}

impl Policy for Machine {
    fn admit(&mut self, now: Timestamp, draw: u32) -> Option<u64> {
        let rules = Rules {
            config: &self.config,
            seed: self.seed,
        };
        let (admission, changes) = self.breaker.admit(rules, now, &mut Some(draw));
        for transition in changes {
            self.note(transition);
        }
        match admission {
            Admission::Pass | Admission::PassUncounted => {
                let is_calm = self.breaker.is_clean();
                Some(self.breaker.generation() << 1 | u64::from(is_calm))
            }
            Admission::Refuse(_) => None,
        }
    }

    fn record(&mut self, permit: u64, failed: bool, now: Timestamp) {
        let outcome = if failed {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        let call = EndedCall {
            generation: permit >> 1,
            calm: permit & 1 != 0,
            kind: CallKind::Call,
            ending: Ending::Recorded(outcome),
            // No call takes as long as a slow one.
            took: None,
            broken: None,
        };
        let rules = Rules {
            config: &self.config,
            seed: self.seed,
        };
        let recorded = self.breaker.record(rules, &call, || now);
        if let Some(transition) = recorded.transition {
            self.note(transition);
        }
    }

    fn trips(&self) -> u64 {
        self.trips
    }
}
