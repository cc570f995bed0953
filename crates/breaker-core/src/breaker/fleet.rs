//! What a circuit says to its peers, and what it does with what they say.

use core::time::Duration;

use super::{Breaker, Phase, Rules, relative::Relative};
use crate::{
    fleet::{Credit, Level},
    policy::trip::{Evidence, Tripping},
    reason::Reason,
    time::Timestamp,
};

/// What others say, for the state of now: the peers of this process, and the other members of a group.
#[derive(Clone, Debug, Default)]
pub(super) struct Fleet {
    credit: Credit,
    /// Until when the credit counts.
    until: Timestamp,
    /// When the next call is a probe for certain, if they moved that.
    certain_at: Option<Timestamp>,
    /// It is not put off beyond this time, however often they ask for it.
    latest: Option<Timestamp>,
    /// If it is compared with the other members.
    pub(super) relative: Option<Relative>,
}

impl Breaker {
    /// What this process has against the downstream. What an operator did is nobody's evidence: it says nothing.
    pub fn vote(&self, rules: Rules<'_>) -> Level {
        match self.phase {
            Phase::Closed(evidence) | Phase::Recovering(evidence) => {
                let left_over = self.left_over(rules, evidence);
                self.tripping(rules).level(evidence, left_over)
            }
            Phase::Open { attempt, .. } | Phase::HalfOpen { attempt, .. } => {
                match self.is_by_hand(attempt) {
                    true => Level::NONE,
                    false => Level::MOST,
                }
            }
            Phase::Isolated { .. } | Phase::Disabled => Level::NONE,
        }
    }

    /// The peers' word counts until then: see [`Credit`]. It replaces the one before, and is over with this state.
    pub fn give_credit(&mut self, credit: Credit, until: Timestamp) {
        if credit.is_none() && self.fleet.is_none() {
            return;
        }
        let fleet = self.fleet.get_or_insert_default();
        (fleet.credit, fleet.until) = (credit, until);
    }

    /// The credit that counts at this moment, and until when; `None` if there is none.
    pub fn credit(&self, now: Timestamp) -> Option<(Credit, Timestamp)> {
        let fleet = self.fleet.as_ref()?;
        let counts = !fleet.credit.is_none() && now < fleet.until;
        counts.then_some((fleet.credit, fleet.until))
    }

    /// Has an open circuit's next call be a probe *for certain* no sooner than that long from now. From the first time on, or from the last
    /// [`Breaker::peer_probed`], all that together is at most its own longest wait. Calls go on to be drawn as probes before. Says
    /// whether that changed anything; it does not where the operator opened the circuit.
    pub fn put_off(&mut self, rules: Rules<'_>, wait: Duration, now: Timestamp) -> bool {
        let Phase::Open { attempt, until } = self.phase else {
            return false;
        };
        if self.is_by_hand(attempt) {
            return false;
        }
        let certain_at = self.certain_at(rules, until);
        let fleet = self.fleet.get_or_insert_default();
        let longest = rules.config.open.longest();
        let latest = *fleet.latest.get_or_insert(now.rounded_after(longest));
        let at = now.rounded_after(wait).min(latest);
        let is_later = at > certain_at;
        if is_later {
            fleet.certain_at = Some(at);
        }
        is_later
    }

    /// A peer probes, or has probed in vain: an open circuit can be put off by its longest wait once more.
    pub fn peer_probed(&mut self, rules: Rules<'_>, now: Timestamp) {
        if let (Phase::Open { .. }, Some(fleet)) = (self.phase, &mut self.fleet) {
            let latest = now.rounded_after(rules.config.open.longest());
            fleet.latest = fleet.latest.max(Some(latest));
        }
    }

    /// Makes an open circuit's next call a probe for certain, that long from now at the latest, but not before the time for
    /// which the downstream asked. Says whether that changed anything; it does not where the operator opened the circuit.
    pub fn come_due(&mut self, rules: Rules<'_>, wait: Duration, now: Timestamp) -> bool {
        let Phase::Open { attempt, until } = self.phase else {
            return false;
        };
        let usual = self.entered.rounded_after(self.usual_wait(rules, attempt));
        let at = match until > usual {
            // The downstream asked for it.
            true => now.rounded_after(wait).max(until),
            false => now.rounded_after(wait),
        };
        if self.is_by_hand(attempt) || at >= self.certain_at(rules, until) {
            return false;
        }
        let until = until.min(at);
        self.phase = Phase::Open { attempt, until };
        self.fleet.get_or_insert_default().certain_at = Some(at);
        true
    }

    /// When the next call of a circuit that is open until then is a probe for certain.
    pub(super) fn certain_at(&self, rules: Rules<'_>, until: Timestamp) -> Timestamp {
        let usual = || {
            let random = rules.random(self.generation);
            rules.config.open.certain_at(until, random)
        };
        self.moved().unwrap_or_else(usual)
    }

    /// As [`Breaker::certain_at`], if the peers moved that.
    fn moved(&self) -> Option<Timestamp> {
        self.fleet.as_ref()?.certain_at
    }

    /// When a caller that waits is let in by a circuit that is open until then. It comes due with the others, but is not put off:
    /// nothing else probes where all callers wait.
    pub(super) fn due_for_waiting(
        &self,
        rules: Rules<'_>,
        attempt: u32,
        until: Timestamp,
    ) -> Timestamp {
        let random = rules.random(self.generation);
        let usual = rules.config.open.due_for_waiting(until, attempt, random);
        self.moved().map_or(usual, |moved| moved.min(usual))
    }

    /// What a call of its own adds to the evidence, or why that is enough, if need be together with what others say.
    #[cold]
    #[inline(never)]
    pub(super) fn judge_with_others(
        &mut self,
        rules: Rules<'_>,
        mut evidence: Evidence,
        failed: bool,
        mut now: impl FnMut() -> Timestamp,
    ) -> Result<Evidence, Reason> {
        let left_over = match failed {
            true => self.left_over(rules, evidence),
            false => 0,
        };
        let trip = self.tripping(rules);
        if let Some(relative) = self.relative_mut() {
            evidence = relative.count(evidence, failed, left_over, &mut now);
        }
        let mut judged = trip.judge(evidence, failed, left_over, &mut now);
        if let Some(relative) = self.relative_mut() {
            judged = relative.judged(judged);
        }
        let evidence = judged?;
        if !failed {
            return Ok(evidence);
        }
        match self.credit(now()) {
            Some((credit, _)) if trip.is_enough_with(evidence, left_over, credit, now()) => {
                Err(Reason::Peers {
                    failures: trip.failures(evidence, left_over),
                    peers: credit.peers(),
                })
            }
            _ => Ok(evidence),
        }
    }

    /// The failed probes that a trip counts as. Where calls are drawn as probes, one for the peers: at least one of them draws its calls,
    /// too, so that both together probe no less than one alone.
    pub(super) fn probed_by_peers(rules: Rules<'_>, reason: Reason) -> u32 {
        let is_by_peers = matches!(reason, Reason::Peers { .. });
        u32::from(is_by_peers && rules.config.open.draws())
    }

    /// Whether it has tripped by itself, and no operator has had his way since.
    pub const fn has_tripped(&self) -> bool {
        self.trips > 0
    }

    /// When it trips, as the other members of its group have it.
    fn tripping(&self, rules: Rules<'_>) -> Tripping {
        let trip = rules.config.trip;
        match self.relative() {
            Some(relative) => relative.tripping(trip),
            None => trip,
        }
    }

    fn relative_mut(&mut self) -> Option<&mut Relative> {
        self.fleet.as_mut()?.relative.as_mut()
    }

    /// Whether an open or half-open circuit, of this attempt, is so because the operator said so.
    const fn is_by_hand(&self, attempt: u32) -> bool {
        !self.has_tripped() && attempt == 0
    }
}
