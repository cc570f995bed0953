//! Which status means what.

use std::time::Duration;

use breaker_core::Outcome;

/// The statuses that mean something else than usual.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sets<T: 'static> {
    pub(super) ignored: &'static [T],
    pub(super) successes: &'static [T],
    pub(super) overloads: &'static [T],
    pub(super) failures: &'static [T],
}

impl<T> Sets<T> {
    pub(super) const fn new() -> Self {
        Self {
            ignored: &[],
            successes: &[],
            overloads: &[],
            failures: &[],
        }
    }
}

impl<T> Default for Sets<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: PartialEq> Sets<T> {
    /// What this status means, if it is in one of the sets.
    pub(super) fn meaning(&self, status: &T) -> Option<Meaning> {
        let sets = [
            (self.ignored, Meaning::Ignored),
            (self.successes, Meaning::Success),
            (self.overloads, Meaning::Overload),
            (self.failures, Meaning::Failure),
        ];
        let changed = sets.into_iter().find(|(set, _)| set.contains(status));
        changed.map(|(_, meaning)| meaning)
    }
}

/// What a status means.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    Success,
    Ignored,
    Failure,
    /// A failure that may say for how long.
    Overload,
    /// A failure only if it says for how long.
    Limit,
}

impl Meaning {
    /// The outcome, of a response that asks to be left alone for so long; `None` if that is a plain success.
    pub(super) fn outcome(self, delay: impl FnOnce() -> Option<Duration>) -> Option<Outcome> {
        let overload = || delay().map(|retry_after| Outcome::Overload { retry_after });
        match self {
            Self::Success => None,
            Self::Ignored => Some(Outcome::Ignored),
            Self::Failure => Some(Outcome::Failure),
            Self::Overload => overload().or(Some(Outcome::Failure)),
            Self::Limit => overload(),
        }
    }
}
