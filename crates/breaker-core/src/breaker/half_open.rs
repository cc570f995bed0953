//! The deadline of half-open. It moves with each probe that is admitted, and there is none while no probe is under way.

use core::time::Duration;

use super::{Breaker, Cause, MOST_ATTEMPTS, Phase, Rules};
use crate::{
    policy::probes::Tally, reason::Reason, time::Timestamp, transition::Transition,
    verdict::Refusal,
};

/// What becomes of a half-open circuit whose deadline has passed.
#[derive(Clone, Copy)]
pub(super) struct Lapse {
    pub(super) attempt: u32,
    /// The deadline.
    pub(super) at: Timestamp,
    failures: u32,
}

impl Breaker {
    /// How long half-open goes on without a verdict; `None` in any other state, and while no probe is under way: then nothing
    /// is waited for.
    pub fn lapses_in(&self, rules: Rules<'_>, now: Timestamp) -> Option<Duration> {
        let Phase::HalfOpen { tally, .. } = self.phase else {
            return None;
        };
        (tally.live > 0).then(|| self.until_deadline(rules, now))
    }

    /// Where all of half-open's places are taken, when it ends without a verdict.
    pub fn full_until(&self, rules: Rules<'_>, now: Timestamp) -> Option<Timestamp> {
        let Phase::HalfOpen { tally, .. } = self.phase else {
            return None;
        };
        let left = self.lapses_in(rules, now)?;
        (!rules.config.probes.has_room(tally)).then(|| now.saturating_add(left))
    }

    /// When half-open ends if its probes are never answered, at the earliest: the half-open of now, or that which begins as
    /// soon as a caller that waits is let in. `None` where none comes by itself.
    pub fn next_lapse(&self, rules: Rules<'_>, now: Timestamp) -> Option<Timestamp> {
        let opened = matches!(
            self.phase,
            Phase::Open { .. } | Phase::Isolated { until: Some(_) }
        );
        if opened {
            let refusal = self.refuses_waiting(rules, now);
            let wait = refusal.and_then(Refusal::retry_after).unwrap_or_default();
            let lasts = rules.config.probes.lasts(0);
            return Some(now.saturating_add(wait).saturating_add(lasts));
        }
        let left = self.lapses_in(rules, now)?;
        Some(now.saturating_add(left))
    }

    pub(super) fn until_deadline(&self, rules: Rules<'_>, now: Timestamp) -> Duration {
        let lasts = rules.config.probes.lasts(self.extension);
        lasts.saturating_sub(self.age(now))
    }

    /// What becomes of a half-open circuit whose deadline has passed: it opened at the deadline.
    pub(super) fn lapsed(&self, rules: Rules<'_>, now: Timestamp) -> Option<Lapse> {
        let Phase::HalfOpen { attempt, tally } = self.phase else {
            return None;
        };
        let lasts = rules.config.probes.lasts(self.extension);
        let has_passed = tally.live > 0 && self.age(now) >= lasts;
        has_passed.then(|| Lapse {
            attempt: (attempt + 1).min(MOST_ATTEMPTS),
            at: self.entered().saturating_add(lasts).min(now),
            failures: tally.failed,
        })
    }

    /// Opens a half-open circuit whose deadline has passed.
    pub(super) fn lapse(&mut self, rules: Rules<'_>, now: Timestamp) -> Option<Transition> {
        let Lapse {
            attempt,
            at,
            failures,
        } = self.lapsed(rules, now)?;
        let cause = Cause {
            reason: Reason::NoVerdict,
            failures,
            asked: None,
        };
        Some(self.open(rules, attempt, at, cause))
    }

    /// A call that was admitted in this generation is excluded from now on: where it is a probe, it gives its place back before
    /// it ends, because no verdict needs its outcome. Says whether it did. To be called once a call, whose end is recorded as
    /// [`CallKind::Excluded`](crate::CallKind::Excluded).
    pub fn exclude(&mut self, generation: u64) -> bool {
        match &mut self.phase {
            Phase::HalfOpen { tally, .. } if generation == self.generation && tally.live > 0 => {
                tally.live -= 1;
                true
            }
            Phase::HalfOpen { .. }
            | Phase::Closed(_)
            | Phase::Recovering(_)
            | Phase::Open { .. }
            | Phase::Isolated { .. }
            | Phase::Disabled => false,
        }
    }

    /// Admits one more probe. One that finds no other under way starts the deadline afresh.
    pub(super) fn admit_probe(
        &mut self,
        rules: Rules<'_>,
        attempt: u32,
        tally: Tally,
        now: Timestamp,
    ) {
        if tally.live == 0 {
            (self.entered, self.extension) = (now, 0);
        } else {
            let extension = rules.config.probes.extension(self.age(now));
            self.extension = self.extension.max(extension);
        }
        let tally = Tally {
            live: tally.live + 1,
            ..tally
        };
        self.phase = Phase::HalfOpen { attempt, tally };
    }
}
