//! A call that has ended, and what that did.

use core::time::Duration;

use crate::{reason::Reason, transition::Transition, verdict::Outcome};

/// How an admitted call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was recorded with this outcome.
    Recorded(Outcome),
    /// Its permit was dropped.
    Cancelled,
}

/// What a permit stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// A call whose outcome counts.
    Call,
    /// A call that passed uncounted.
    Uncounted,
    /// A call whose outcome is ignored, whatever it is. As a probe it has given its place back already
    /// ([`Breaker::exclude`](crate::Breaker::exclude)).
    Excluded,
    /// A call whose outcome counts, and that the downstream has answered already: if it is cancelled now, it is not one that
    /// was given up.
    Answered,
    /// A promise of readiness, which is no call yet.
    Readiness,
}

/// A call that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedCall {
    /// The generation in which it was admitted.
    pub generation: u64,
    /// Nothing spoke against the downstream when it was admitted ([`Breaker::is_clean`](crate::Breaker::is_clean)).
    pub calm: bool,
    /// What it was.
    pub kind: CallKind,
    /// How it ended.
    pub ending: Ending,
    /// How long it took, where somebody asks.
    pub took: Option<Duration>,
    /// The rule of the user's own policy that it breaks.
    pub broken: Option<Reason>,
}

/// What a call that has ended did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The transition that it made, or that was due when it came.
    pub transition: Option<Transition>,
    /// It was not a straggler, for which the circuit has moved on.
    pub in_time: bool,
    /// It took longer than a call may, and is one that can be slow.
    pub is_slow: bool,
}

impl EndedCall {
    /// How it counts, in the totals too, once it is known what it was.
    #[inline]
    pub const fn counts_as(&self) -> Ending {
        match self.kind {
            CallKind::Excluded | CallKind::Readiness => Ending::Recorded(Outcome::Ignored),
            CallKind::Call | CallKind::Answered | CallKind::Uncounted => self.ending,
        }
    }

    /// Whether it counts as a failure by its outcome.
    pub const fn is_failure(&self) -> bool {
        matches!(
            self.counts_as(),
            Ending::Recorded(Outcome::Failure | Outcome::Overload { .. })
        )
    }

    /// Whether it counts as cancelled.
    pub(super) const fn is_cancelled(&self) -> bool {
        matches!(self.counts_as(), Ending::Cancelled)
    }

    /// Whether it took longer than this, and is one that can be slow.
    pub(super) fn is_slow(&self, limit: Option<Duration>) -> bool {
        let took_too_long = limit.is_some_and(|limit| self.took.is_some_and(|took| took > limit));
        took_too_long && self.counts_as() != Ending::Recorded(Outcome::Ignored)
    }

    /// For how long the downstream asked to be left alone.
    pub(super) const fn asked(&self) -> Option<Duration> {
        match self.ending {
            Ending::Recorded(Outcome::Overload { retry_after }) => Some(retry_after),
            Ending::Recorded(Outcome::Success | Outcome::Failure | Outcome::Ignored)
            | Ending::Cancelled => None,
        }
    }
}
