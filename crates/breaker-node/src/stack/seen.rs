//! What a breaker did, as its observer sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use breaker_layer::{Observe, State, TransitionEvent};

use super::Verdict;

/// What the observer of a breaker has seen; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Seen(Arc<Mutex<Changes>>);

#[derive(Debug)]
pub(super) struct Changes {
    /// The state that was entered last.
    pub(super) state: State,
    /// The failures that had counted when the breaker last opened.
    pub(super) opened_after: u32,
    /// The last change that makes a verdict, until it is taken.
    pub(super) verdict: Option<Verdict>,
}

impl Seen {
    /// Nothing yet: the breaker is closed.
    pub(super) fn new() -> Self {
        let (state, opened_after, verdict) = (State::Closed, 0, None);
        Self(Arc::new(Mutex::new(Changes {
            state,
            opened_after,
            verdict,
        })))
    }

    pub(super) fn changes(&self) -> MutexGuard<'_, Changes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observe for Seen {
    fn transition(&self, event: &TransitionEvent<'_>) {
        let transition = event.transition();
        let failures = transition.failures();
        let mut changes = self.changes();
        match (transition.from(), transition.to()) {
            (_, State::Open) => {
                changes.opened_after = failures;
                changes.verdict = Some(Verdict::Opened { failures });
            }
            (State::HalfOpen, State::Closed) => changes.verdict = Some(Verdict::Closed),
            _ => {}
        }
        changes.state = transition.to();
    }
}
