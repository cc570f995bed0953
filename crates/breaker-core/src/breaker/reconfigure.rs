//! A circuit goes on with other settings.

use super::{Breaker, Phase, Rules, windows::Windows};
use crate::{
    policy::{probes::Tally, ramp::Allowance},
    time::Timestamp,
};

impl Breaker {
    /// Goes on with other settings.
    ///
    /// As many calls of the windows are kept as fit. A wait that is shorter now is cut, counted from when the circuit opened;
    /// one that somebody asked for is not. A recovery ends where there is no ramp any more, and begins afresh on another one. Other
    /// rules for probes begin with no outcome seen, and with the probes that are under way.
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
                let (old, new) = (
                    self.usual_wait(before, attempt),
                    self.usual_wait(after, attempt),
                );
                if new < old && until == self.entered.rounded_after(old) {
                    let until = self.entered.rounded_after(new);
                    self.phase = Phase::Open { attempt, until };
                }
            }
            Phase::HalfOpen { attempt, tally } => {
                if before.config.probes != after.config.probes {
                    // What was seen is not held against other rules: it may be more than they ask for, and no probe is to come then.
                    let tally = Tally {
                        live: tally.live,
                        ..Tally::default()
                    };
                    self.phase = Phase::HalfOpen { attempt, tally };
                }
            }
            Phase::Closed(_) | Phase::Isolated { .. } | Phase::Disabled => {}
        }
    }
}
