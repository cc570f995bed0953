//! The hooks for a fleet.

use std::{sync::Arc, time::Duration};

use breaker_core::{Breaker, Command, Phase, Rules, State, Timestamp};

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
            has_tripped: false,
        })
    }

    /// What its peers say counts for this long: see [the module](crate::fleet). It replaces what they said before, and is over when the
    /// circuit changes its state.
    ///
    /// Here and below, `generation` is that of the [`Vote`] from which this follows: nothing happens to a circuit that has changed its
    /// state since.
    pub fn credit(&self, generation: u64, credit: Credit, lasts: Duration) {
        let now = self.slot().now();
        let until = now.saturating_add(lasts);
        self.slot().change(|state| {
            if state.breaker.generation() == generation {
                state.breaker.give_credit(credit, until);
            }
        });
    }

    /// A peer is to probe: an open circuit's next call is a probe *for certain* after this long at the earliest. However often it is
    /// put off, that is by its own longest wait in all, unless [a peer is heard to probe](Circuit::peer_probed). Calls go on to be drawn as
    /// probes before, and callers that wait for a permit are not put off.
    ///
    /// Nothing happens in another state, or where the operator opened the circuit.
    pub fn put_off(&self, generation: u64, wait: Duration) {
        self.move_probe(generation, |breaker, rules, now| {
            breaker.put_off(rules, wait, now)
        });
    }

    /// A peer probes, or did in vain: from now on an open circuit can be put off by its longest wait once more.
    pub fn peer_probed(&self, generation: u64) {
        self.move_probe(generation, |breaker, rules, now| {
            breaker.peer_probed(rules, now);
            false
        });
    }

    /// A peer has good news: an open circuit's next call is a probe for certain after this long at the latest.
    ///
    /// Nothing happens in another state, or where the operator opened the circuit.
    pub fn come_due(&self, generation: u64, wait: Duration) {
        self.move_probe(generation, |breaker, rules, now| {
            breaker.come_due(rules, wait, now)
        });
    }

    /// Most peers are open: a closed circuit goes half-open for this reason, and its own next calls decide.
    pub fn follow(&self, generation: u64, why: impl Into<Arc<str>>) {
        let is_it = |state: &CircuitState, _| {
            let phase = state.breaker.phase();
            let is_closed = matches!(phase, Phase::Closed(_) | Phase::Recovering(_));
            is_closed && state.breaker.generation() == generation
        };
        self.command_if(is_it, Command::HalfOpen, Some(&why.into()));
    }

    fn move_probe(
        &self,
        generation: u64,
        change: impl FnOnce(&mut Breaker, Rules<'_>, Timestamp) -> bool,
    ) {
        let now = self.slot().now();
        let after = self.slot().change(|state| {
            let (breaker, rules) = state.parts();
            let is_it = breaker.generation() == generation;
            // Those who wait for a time are to look at it again.
            (is_it && change(breaker, rules, now)).then(|| AfterUnlock::waking(state))
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
        has_tripped: breaker.has_tripped(),
    }
}
