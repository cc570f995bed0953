//! A circuit goes on with other settings.

use super::{Breaker, Phase, Rules, windows::Windows};
use crate::{policy::ramp::Allowance, time::Timestamp};

impl Breaker {
    /// Goes on with other settings.
    ///
    /// As many calls of the windows are kept as fit. A wait that is shorter now is cut, counted from when the circuit opened;
    /// one that somebody asked for is not. A recovery ends where there is no ramp any more, and begins afresh on another one.
    pub fn reconfigure(&mut self, before: Rules<'_>, after: Rules<'_>, now: Timestamp) {
        let windows = self
            .windows
            .take()
            .map_or_else(Windows::default, |old| *old);
        self.windows = windows.boxed_for(after.config, now);
        match self.phase {
            Phase::Recovering(evidence) => match after.config.ramp {
                None => self.phase = Phase::Closed(evidence),
                Some(ramp) if before.config.ramp != after.config.ramp => {
                    self.allowance = Allowance::new(ramp, now);
                }
                Some(_) => {}
            },
            Phase::Open { attempt, until } => {
                let wait = |rules: Rules<'_>| {
                    let random = rules.random(self.generation);
                    rules
                        .config
                        .open
                        .wait(attempt, self.relapses(), random, None)
                };
                let (old, new) = (wait(before), wait(after));
                if new < old && until == self.entered.rounded_after(old) {
                    let until = self.entered.rounded_after(new);
                    self.phase = Phase::Open { attempt, until };
                }
            }
            Phase::Closed(_) | Phase::HalfOpen { .. } | Phase::Isolated | Phase::Disabled => {}
        }
    }
}
