//! A call asks to be admitted.

use core::time::Duration;

use super::{Breaker, Phase, Rules};
use crate::{
    policy::probes::Tally, reason::Reason, time::Timestamp, transition::Transition,
    verdict::Refusal,
};

/// What becomes of a call that asks to be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a call that was not let pass must not be made"]
pub enum Admission {
    /// It passes, and its outcome counts in the present generation.
    Pass,
    /// It passes, and its outcome counts for nothing.
    PassUncounted,
    /// It does not pass.
    Refuse(Refusal),
}

/// The transitions that a call makes when it asks. There are two at the most: a half-open period that had lapsed, and then the
/// first probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "they have happened, and somebody wants to be told"]
pub struct Changes([Option<Transition>; 2]);

impl Changes {
    /// One transition.
    pub const fn one(transition: Transition) -> Self {
        Self([Some(transition), None])
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Each of them, the earlier one first.
    pub fn iter(&self) -> impl Iterator<Item = &Transition> {
        self.0.iter().flatten()
    }
}

impl IntoIterator for Changes {
    type Item = Transition;
    type IntoIter = core::iter::Flatten<core::array::IntoIter<Option<Transition>, 2>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}

/// No refusal of a half-open circuit says to come again sooner. Most probes are answered by then, and one that hangs is
/// asked after ten times until its deadline of 30 s.
const SHORTEST_HALF_OPEN: Duration = Duration::from_millis(50);
/// No refusal of a recovering circuit says to come again sooner: timers know no less.
const SHORTEST_RECOVERING: Duration = Duration::from_millis(1);

impl Breaker {
    /// Decides whether a call may pass. `draw` is this request's own random number, which is drawn where one is needed and
    /// there is none yet.
    pub fn admit(
        &mut self,
        rules: Rules<'_>,
        now: Timestamp,
        draw: &mut Option<u32>,
    ) -> (Admission, Changes) {
        let lapsed = self.lapse(rules, now);
        let refusal = self.refuses(rules, now, draw);
        let (admission, begun) = self.let_pass(rules, now, refusal);
        (admission, Changes([lapsed, begun]))
    }

    /// As [`Breaker::admit`], for a caller that waits for its turn: no calls flow that could be drawn, so an open circuit is
    /// due after its shortest wait, doubled with each attempt. A refusal then says how long to wait.
    pub fn admit_waiting(&mut self, rules: Rules<'_>, now: Timestamp) -> (Admission, Changes) {
        let lapsed = self.lapse(rules, now);
        let refusal = self.refuses_waiting(rules, now);
        let (admission, begun) = self.let_pass(rules, now, refusal);
        (admission, Changes([lapsed, begun]))
    }

    /// Why a call of this moment would be refused, without making it: it takes no probe's place, and uses no allowance. A
    /// half-open period that has lapsed ends.
    pub fn refusal(
        &mut self,
        rules: Rules<'_>,
        now: Timestamp,
        draw: &mut Option<u32>,
    ) -> (Option<Refusal>, Changes) {
        let lapsed = self.lapse(rules, now);
        let refusal = self.refuses(rules, now, draw);
        (refusal.filter(|_| !self.shadow), Changes([lapsed, None]))
    }

    /// As [`Breaker::refusal`], for a caller that waits for its turn.
    pub fn refusal_waiting(
        &mut self,
        rules: Rules<'_>,
        now: Timestamp,
    ) -> (Option<Refusal>, Changes) {
        let lapsed = self.lapse(rules, now);
        let refusal = self.refuses_waiting(rules, now);
        (refusal.filter(|_| !self.shadow), Changes([lapsed, None]))
    }

    /// Why this call is refused, unless in the shadow.
    fn refuses(
        &mut self,
        rules: Rules<'_>,
        now: Timestamp,
        draw: &mut Option<u32>,
    ) -> Option<Refusal> {
        let Phase::Open { attempt, until } = self.phase else {
            return self.refuses_all(rules, now);
        };
        let open = &rules.config.open;
        let certain_at = self.certain_at(rules, until);
        let number = || *draw.get_or_insert_with(|| self.draw(rules, now));
        if open.is_due(attempt, until..certain_at, now, number) {
            return None;
        }
        let retry_after = if now < until {
            until.saturating_since(now)
        } else {
            // As long again as it has been open, up to the moment when the next call is a probe for certain.
            let certain_in = certain_at.saturating_since(now);
            self.age(now).max(open.shortest()).min(certain_in)
        };
        Some(Refusal::Open { retry_after })
    }

    /// As [`Breaker::refuses`], for a caller that waits for its turn.
    pub(super) fn refuses_waiting(&self, rules: Rules<'_>, now: Timestamp) -> Option<Refusal> {
        let Phase::Open { attempt, until } = self.phase else {
            return self.refuses_all(rules, now);
        };
        let due = self.due_for_waiting(rules, attempt, until);
        (now < due).then(|| Refusal::Open {
            retry_after: due.saturating_since(now),
        })
    }

    /// Why calls are refused in a state that is not open.
    fn refuses_all(&self, rules: Rules<'_>, now: Timestamp) -> Option<Refusal> {
        match self.phase {
            Phase::Isolated { until } => {
                let left = until.map(|until| until.saturating_since(now));
                let is_over = left.is_some_and(|left| left.is_zero());
                (!is_over).then_some(Refusal::Isolated { retry_after: left })
            }
            Phase::HalfOpen { tally, .. } if !rules.config.probes.has_room(tally) => {
                // As long again as probes have been under way: whoever asks at these times asks a few times until the
                // deadline.
                let under_way = self.age(now).max(SHORTEST_HALF_OPEN);
                let retry_after = under_way.min(self.until_deadline(rules, now));
                Some(Refusal::ProbesTaken { retry_after })
            }
            Phase::HalfOpen { .. }
            | Phase::Open { .. }
            | Phase::Closed(_)
            | Phase::Recovering(_)
            | Phase::Disabled => None,
        }
    }

    fn draw(&mut self, rules: Rules<'_>, now: Timestamp) -> u32 {
        self.draws = self.draws.wrapping_add(1);
        rules.lot(self.generation, now, self.draws)
    }

    /// Lets a call pass unless there is a refusal; in the shadow it passes all the same.
    fn let_pass(
        &mut self,
        rules: Rules<'_>,
        now: Timestamp,
        refusal: Option<Refusal>,
    ) -> (Admission, Option<Transition>) {
        if let Some(refusal) = refusal.or_else(|| self.use_allowance(now)) {
            let refused = match self.shadow {
                true => Admission::PassUncounted,
                false => Admission::Refuse(refusal),
            };
            return (refused, None);
        }
        match self.phase {
            Phase::Closed(_) | Phase::Recovering(_) => (Admission::Pass, None),
            Phase::Disabled => (Admission::PassUncounted, None),
            // An isolated circuit has a refusal until its time is over.
            Phase::Isolated { .. } => (Admission::Pass, Some(self.begin_probes(0, now))),
            Phase::Open { attempt, .. } => (Admission::Pass, Some(self.begin_probes(attempt, now))),
            Phase::HalfOpen { attempt, tally } => {
                self.admit_probe(rules, attempt, tally, now);
                (Admission::Pass, None)
            }
        }
    }

    /// Becomes half-open with a first probe.
    fn begin_probes(&mut self, attempt: u32, now: Timestamp) -> Transition {
        let tally = Tally {
            live: 1,
            ..Tally::default()
        };
        self.enter(Phase::HalfOpen { attempt, tally }, Reason::ProbeDue, 0, now)
    }

    /// Uses up allowance of a recovering circuit for a call, or says that there is none.
    fn use_allowance(&mut self, now: Timestamp) -> Option<Refusal> {
        let Phase::Recovering(_) = self.phase else {
            return None;
        };
        let left = self.allowance.admit(now).err()?;
        let retry_after = left.max(SHORTEST_RECOVERING);
        Some(Refusal::Recovering { retry_after })
    }
}
