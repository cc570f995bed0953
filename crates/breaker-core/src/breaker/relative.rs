//! What a circuit of a group has seen of its own calls, and how it is judged against the other members.

use super::{Breaker, Phase, Rules};
use crate::{
    policy::trip::{Evidence, Test, Tripping},
    reason::Reason,
    relative::{LEAST_CALLS, Ratio},
    time::Timestamp,
};

/// A circuit that is compared with others, for the state of now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relative {
    /// The test for what the others do.
    test: Test,
    others: Ratio,
    /// The failures since the score was last zero.
    failures: u32,
    sample: Sample,
}

/// The calls of late that were counted and whose counting did not depend on how they ended.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    failed: f32,
    calls: f32,
    /// When it last faded.
    at: Timestamp,
}

impl Sample {
    /// It holds no more calls.
    const MOST: f32 = 200.0;
    /// It fades in so many seconds.
    const SECONDS: f32 = 30.0;
    /// As many good calls are taken as seen before the first one.
    const BEFORE: f32 = 10.0;

    fn fade(&mut self, now: Timestamp) {
        let elapsed = now.saturating_since(self.at).as_secs_f32();
        self.keep(libm::expf(-elapsed / Self::SECONDS));
        self.at = now;
    }

    fn keep(&mut self, share: f32) {
        self.failed *= share;
        self.calls *= share;
    }

    fn add(&mut self, failed: bool) {
        self.calls += 1.0;
        self.failed += f32::from(u8::from(failed));
        if self.calls > Self::MOST {
            self.keep(Self::MOST / self.calls);
        }
    }

    fn ratio(self) -> f64 {
        f64::from(self.failed / (self.calls + Self::BEFORE))
    }
}

impl Relative {
    fn new(test: Test) -> Self {
        Self {
            test,
            others: Ratio::NONE,
            failures: 0,
            sample: Sample::default(),
        }
    }

    /// These rules, with the test for what the others do.
    pub(super) fn tripping(&self, trip: Tripping) -> Tripping {
        trip.with_test(self.test)
    }

    /// Counts a call. Before a failure it also holds all calls since the score was last zero against what the others do now, because
    /// they may have become worse together: the evidence with that score.
    pub(super) fn count(
        &mut self,
        seen: Evidence,
        failed: bool,
        left_over: u32,
        now: impl FnOnce() -> Timestamp,
    ) -> Evidence {
        if failed {
            self.sample.fade(now());
        }
        if !seen.is_nothing() {
            self.sample.add(failed);
        }
        if !failed {
            return seen;
        }
        let mut score = self.test.score(self.failures, seen.calls, left_over);
        if score == 0 {
            self.failures = 0;
        } else if seen.calls < LEAST_CALLS {
            // One failure more does not trip.
            score = score.min(self.test.short_of_a_failure());
        }
        self.failures = self.failures.saturating_add(1);
        Evidence {
            score,
            calls: if score == 0 { 0 } else { seen.calls },
            ..seen
        }
    }

    /// The evidence after that, or why it is enough.
    pub(super) fn judged(&mut self, judged: Result<Evidence, Reason>) -> Result<Evidence, Reason> {
        match judged {
            Ok(seen) => {
                if seen.score == 0 {
                    self.failures = 0;
                }
                Ok(seen)
            }
            Err(Reason::Evidence { calls, .. }) => Err(Reason::Relative {
                failures: self.failures,
                calls,
                others: self.others,
            }),
            Err(reason) => Err(reason),
        }
    }

    /// How many of its calls fail: of the sample, or of those since the score was last zero if that is more. The latter has the first
    /// failure in it and is too much for one that is well; but it follows at once when the requests become bad for all.
    fn ratio(&self, seen: Evidence) -> Ratio {
        let lately = f64::from(self.failures) / (f64::from(seen.calls) + 2.0);
        Ratio::of(self.sample.ratio().max(lately))
    }
}

impl Breaker {
    /// Judges the evidence against what the other members of a group do, in place of [`Trip::evidence`](crate::Trip::evidence)'s own
    /// ratios: to be said before each failure is recorded. It is tolerated that `own` of the calls fail, whatever the others do.
    ///
    /// With `None` there are no others, and the circuit's own ratios hold. So they do where its rules have no evidence.
    pub fn compare(&mut self, rules: Rules<'_>, others: Option<Ratio>, own: Ratio) {
        let (Phase::Closed(_) | Phase::Recovering(_)) = self.phase else {
            return;
        };
        let test = others.and_then(|others| {
            let test = rules.config.trip.relative_to(others, own)?;
            Some((test, others))
        });
        match test {
            Some((test, others)) => {
                let fleet = self.fleet.get_or_insert_default();
                let relative = fleet.relative.get_or_insert_with(|| Relative::new(test));
                (relative.test, relative.others) = (test, others);
            }
            None => {
                if let Some(fleet) = &mut self.fleet {
                    fleet.relative = None;
                }
            }
        }
    }

    /// How many of its calls fail, as far as a circuit that is compared with others has counted them: what it tells them. `None`
    /// if it is not closed.
    pub fn failing(&self) -> Option<Ratio> {
        let (Phase::Closed(evidence) | Phase::Recovering(evidence)) = self.phase else {
            return None;
        };
        let relative = self.relative();
        Some(relative.map_or(Ratio::NONE, |relative| relative.ratio(evidence)))
    }

    pub(super) fn relative(&self) -> Option<&Relative> {
        self.fleet.as_ref()?.relative.as_ref()
    }
}
