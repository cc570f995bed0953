//! One circuit: the decisions of breaker-core, driven as breaker-layer drives them, without sharing.

use std::time::Duration;

use breaker_core::{
    Admission, Breaker, CallKind, Checked, EndedCall, Ending, Outcome, Rules, Timestamp, Transition,
};

use crate::input::Fate;

/// A circuit that began with its first call.
pub(crate) struct Machine {
    breaker: Breaker,
    /// When it began; its own time counts from there, as a circuit's does.
    origin: u64,
    seed: u16,
}

/// What an admitted call holds: the generation in which its outcome counts, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permit {
    calm: bool,
    generation: u64,
    kind: CallKind,
}

impl Machine {
    pub(crate) fn new(config: &Checked, seed: u16, origin: u64) -> Self {
        Self {
            breaker: Breaker::new(Rules { config, seed }),
            origin,
            seed,
        }
    }

    /// Asks to make a call; `None` if it is refused.
    pub(crate) fn admit(
        &mut self,
        config: &Checked,
        at: u64,
        tell: impl FnMut(Transition),
    ) -> Option<Permit> {
        let mut kind = CallKind::Call;
        if !self.breaker.passes() {
            let (rules, now) = (self.rules(config), self.now(at));
            let (admission, changes) = self.breaker.admit(rules, now, &mut None);
            changes.into_iter().for_each(tell);
            kind = match admission {
                Admission::Pass => CallKind::Call,
                Admission::PassUncounted => CallKind::Uncounted,
                Admission::Refuse(_) => return None,
            };
        }
        Some(Permit {
            generation: self.breaker.generation(),
            calm: self.breaker.is_clean(),
            kind,
        })
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
        let rules = self.rules(config);
        if fate == Fate::Success && self.breaker.is_calm(rules) {
            return;
        }
        let call = EndedCall {
            generation: permit.generation,
            calm: permit.calm,
            kind: permit.kind,
            ending: match fate {
                Fate::Success => Ending::Recorded(Outcome::Success),
                Fate::Failure => Ending::Recorded(Outcome::Failure),
                Fate::Ignored => Ending::Recorded(Outcome::Ignored),
                Fate::Cancelled => Ending::Cancelled,
            },
            took: Some(Duration::from_nanos(took)),
            broken: None,
        };
        let now = self.now(at);
        let recorded = self.breaker.record(rules, &call, || now);
        recorded.transition.into_iter().for_each(tell);
    }

    const fn rules<'c>(&self, config: &'c Checked) -> Rules<'c> {
        Rules {
            config,
            seed: self.seed,
        }
    }

    const fn now(&self, at: u64) -> Timestamp {
        Timestamp::from_nanos(at.saturating_sub(self.origin))
    }

    /// When it began.
    pub(crate) const fn origin(&self) -> u64 {
        self.origin
    }
}
