//! A closed circuit whose calls count in its windows.

use std::time::Duration;

use breaker_core::{
    Breaker, CallKind, Checked, Command, EndedCall, Ending, Outcome, Phase, Reason, Refusal, Rules,
    State, Timestamp, Totals,
};

/// A call that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
}

pub(crate) struct Circuit {
    config: Checked,
    breaker: Breaker,
}

impl Circuit {
    pub(crate) fn new(config: Checked) -> Self {
        let breaker = Breaker::new(rules(&config));
        Self { config, breaker }
    }

    /// Counts a call at this time, and says which rule that breaks. The circuit closes again at once.
    pub(crate) fn record(&mut self, call: Call, now: u64) -> Option<Reason> {
        let transition = self.end(self.breaker.generation(), call, Some(now))?;
        assert_eq!(transition.0, State::Open);
        self.command(Command::Close);
        Some(transition.1)
    }

    /// As [`Circuit::record`], where nobody needs to know the time but for a trip.
    pub(crate) fn record_untimed(&mut self, call: Call) -> Option<Reason> {
        let is_calm = self.is_calm() && !call.failed && !call.slow;
        let before = self.calls();
        let reason = match is_calm {
            true => {
                let transition = self.end(self.breaker.generation(), call, None);
                transition.map(|(_, reason)| reason)
            }
            false => self.record(call, 0),
        };
        if is_calm {
            assert_eq!((reason, self.calls()), (None, before), "it changes nothing");
        }
        reason
    }

    /// A call that was admitted so many generations ago ends now.
    pub(crate) fn straggler(&mut self, call: Call, back: u64) {
        if let Some(generation) = self.breaker.generation().checked_sub(back) {
            assert_eq!(self.end(generation, call, None), None);
        }
    }

    /// So many transitions, the last of which closes it.
    pub(crate) fn transitions(&mut self, more: u64) {
        for _ in 1..more {
            self.command(Command::HalfOpen);
        }
        self.command(Command::Close);
    }

    pub(crate) fn command(&mut self, command: Command) {
        let rules = rules(&self.config);
        let transition = self.breaker.command(rules, command, Timestamp::ZERO);
        assert!(transition.is_some(), "{command:?} does something");
    }

    /// Goes on with another configuration.
    pub(crate) fn reconfigure(&mut self, config: Checked, now: u64) {
        let now = Timestamp::from_nanos(now);
        self.breaker
            .reconfigure(rules(&self.config), rules(&config), now);
        self.config = config;
    }

    /// Half-open, and then a probe succeeds.
    pub(crate) fn begin_recovery(&mut self, now: u64) {
        self.command(Command::HalfOpen);
        assert_eq!(self.admit(now), Ok(()));
        let call = Call {
            failed: false,
            slow: false,
        };
        let closed = self.end(self.breaker.generation(), call, Some(now));
        assert_eq!(closed.map(|(state, _)| state), Some(State::Closed));
    }

    pub(crate) fn is_recovering(&self) -> bool {
        matches!(self.breaker.phase(), Phase::Recovering(_))
    }

    /// Asks to make a call.
    pub(crate) fn admit(&mut self, now: u64) -> Result<(), Duration> {
        let now = Timestamp::from_nanos(now);
        let (admission, _) = self.breaker.admit(rules(&self.config), now, &mut None);
        match admission {
            breaker_core::Admission::Pass => Ok(()),
            breaker_core::Admission::Refuse(Refusal::Recovering { retry_after }) => {
                Err(retry_after)
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn calls(&self) -> Option<Totals> {
        self.breaker.calls()
    }

    pub(crate) fn time(&self, now: u64) -> Option<Totals> {
        self.breaker.time(Timestamp::from_nanos(now))
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.breaker.is_calm(rules(&self.config))
    }

    fn end(&mut self, generation: u64, call: Call, now: Option<u64>) -> Option<(State, Reason)> {
        let outcome = match call.failed {
            true => Outcome::Failure,
            false => Outcome::Success,
        };
        let call = EndedCall {
            generation,
            calm: false,
            kind: CallKind::Call,
            ending: Ending::Recorded(outcome),
            took: Some(Duration::from_secs(if call.slow { 2 } else { 0 })),
            broken: None,
        };
        let now = || Timestamp::from_nanos(now.expect("nobody needs the time"));
        let recorded = self.breaker.record(rules(&self.config), &call, now);
        recorded
            .transition
            .map(|transition| (transition.to(), transition.reason()))
    }
}

const fn rules(config: &Checked) -> Rules<'_> {
    Rules { config, seed: 0 }
}
