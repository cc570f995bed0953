//! The hooks for a fleet.

use std::time::Duration;

use breaker_core::{Breaker, Phase, Rules, State, Timestamp};

use super::Circuit;
use crate::{
    fleet::{Credit, Level, Vote},
    storage::{AfterUnlock, CircuitState},
};

impl Circuit {
    /// What this process has against the downstream, for its peers: see [the module](crate::fleet).
    ///
    /// What an operator did is nobody's evidence: an isolated circuit says nothing.
    pub fn vote(&self) -> Vote {
        let now = self.slot().now();
        let vote = self.slot().read(|state| vote(state, now));
        // Only a table's circuits end before their last handle.
        vote.unwrap_or(Vote {
            level: Level::NONE,
            state: State::Closed,
            observes_only: false,
            takes_credit: false,
            due_in: None,
            probe_timeout: Duration::ZERO,
            generation: 0,
        })
    }

    /// What its peers say counts for this long: see [the module](crate::fleet). It replaces what they said before, and is over when the
    /// circuit changes its state.
    pub fn credit(&self, credit: Credit, lasts: Duration) {
        let now = self.slot().now();
        let until = now.saturating_add(lasts);
        self.slot()
            .change(|state| state.breaker.give_credit(credit, until));
    }

    /// A peer probes: an open circuit's next call is a probe *for certain* after this long at the earliest, at most after its
    /// own longest wait. Calls go on to be drawn as probes before.
    ///
    /// Nothing happens in another state, or where the operator opened the circuit.
    pub fn put_off(&self, wait: Duration) {
        self.move_probe(|breaker, rules, now| breaker.put_off(rules, wait, now));
    }

    /// A peer has good news: an open circuit's next call is a probe for certain after this long at the latest.
    ///
    /// Nothing happens in another state, or where the operator opened the circuit.
    pub fn come_due(&self, wait: Duration) {
        self.move_probe(|breaker, rules, now| breaker.come_due(rules, wait, now));
    }

    fn move_probe(&self, change: impl FnOnce(&mut Breaker, Rules<'_>, Timestamp) -> bool) {
        let now = self.slot().now();
        let after = self.slot().change(|state| {
            let (breaker, rules) = state.parts();
            // Those who wait for a time are to look at it again.
            change(breaker, rules, now).then(|| AfterUnlock::waking(state))
        });
        if let Some(Some(after)) = after {
            after.run();
        }
    }
}

fn vote(state: &CircuitState, now: Timestamp) -> Vote {
    let (breaker, rules) = (&state.breaker, state.rules());
    let is_open = matches!(breaker.phase(), Phase::Open { .. });
    Vote {
        level: breaker.vote(rules),
        state: breaker.state(rules, now),
        observes_only: breaker.is_shadow(),
        takes_credit: rules.config.takes_credit(),
        due_in: is_open.then(|| breaker.half_open_in(rules, now).unwrap_or_default()),
        probe_timeout: rules.config.probe_timeout(),
        generation: breaker.generation(),
    }
}
