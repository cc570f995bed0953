//! What breakers did, as their observer sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use breaker_layer::{Observe, State, TransitionEvent};

use super::Verdict;

/// What the breakers' observer has seen; clones share it.
///
/// Messages are handled one at a time, so whatever happened since it was last taken happened to one service.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<Mutex<Changes>>);

#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The state that was entered last.
    pub(super) state: Option<State>,
    /// The failures that had counted when the breaker last opened.
    pub(super) opened_after: Option<u32>,
    /// The last change that makes a verdict.
    pub(super) verdict: Option<Verdict>,
}

impl Seen {
    /// What happened since this was last called.
    pub(super) fn take(&self) -> Changes {
        std::mem::take(&mut self.changes())
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
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
                changes.opened_after = Some(failures);
                changes.verdict = Some(Verdict::Opened { failures });
            }
            (State::HalfOpen, State::Closed) => changes.verdict = Some(Verdict::Closed),
            _ => {}
        }
        changes.state = Some(transition.to());
    }
}
