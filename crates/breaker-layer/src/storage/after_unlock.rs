//! What is done about a change once the circuit's lock is free again.

use std::{sync::Arc, task::Waker, time::Duration};

use breaker_core::{Changes, Outcome};

use super::{Change, CircuitState, Handle, Observers, Slot, Subject};
use crate::{failure::LastFailures, quiet::quietly};

/// Whom to wake and whom to tell of what has happened to a circuit: taken down under its lock, done without.
#[derive(Default)]
#[must_use = "those who wait are to be woken, and the observers told"]
pub(crate) struct AfterUnlock(Option<Pending>);

#[derive(Default)]
struct Pending {
    wakers: Vec<Waker>,
    notification: Option<Notification>,
}

struct Notification {
    /// The circuit does not end before all have been told of this.
    _circuit: Option<Handle>,
    subject: Subject,
    observers: Observers,
    changes: Changes,
    note: Option<Arc<str>>,
    observe_only: bool,
    recorded: Option<RecordedOutcome>,
    failures: Option<Arc<LastFailures>>,
}

/// A call whose outcome was recorded.
pub(crate) struct RecordedOutcome {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) took: Option<Duration>,
    pub(crate) is_slow: bool,
    pub(crate) is_straggler: bool,
}

impl AfterUnlock {
    fn new(wakers: Vec<Waker>, notification: Option<Notification>) -> Self {
        let is_any = !wakers.is_empty() || notification.is_some();
        Self(is_any.then_some(Pending {
            wakers,
            notification,
        }))
    }

    /// Those who wait are woken.
    pub(crate) fn waking(state: &mut CircuitState) -> Self {
        Self::new(state.wakers(), None)
    }

    /// Of changes that were made just now, for the reason of this note if it was the operator who made them.
    pub(crate) fn of(
        slot: &'static Slot,
        state: &mut CircuitState,
        changes: Changes,
        note: Option<&Arc<str>>,
    ) -> Self {
        if changes.is_empty() {
            return Self::default();
        }
        state.note_changes(changes, note);
        let wakers = state.wakers();
        Self::new(
            wakers,
            Notification::of(slot, state, changes, note.cloned()),
        )
    }

    /// A call was recorded, too.
    pub(crate) fn add_recorded(
        &mut self,
        slot: &'static Slot,
        state: &CircuitState,
        recorded: RecordedOutcome,
    ) {
        let pending = self.0.get_or_insert_default();
        if pending.notification.is_none() {
            pending.notification = Notification::of(slot, state, Changes::default(), None);
        }
        if let Some(notification) = &mut pending.notification {
            notification.recorded = Some(recorded);
        }
    }

    /// This failed before the circuit opened.
    pub(crate) fn say_what_failed(&mut self, failures: Arc<LastFailures>) {
        if let Some(notification) = self
            .0
            .as_mut()
            .and_then(|pending| pending.notification.as_mut())
        {
            notification.failures = Some(failures);
        }
    }

    /// To be called with nothing held.
    #[inline]
    pub(crate) fn run(self) {
        if let Some(pending) = self.0 {
            pending.run();
        }
    }
}

impl Pending {
    #[cold]
    fn run(self) {
        for waker in self.wakers {
            quietly(|| waker.wake());
        }
        if let Some(notification) = self.notification {
            notification.tell();
        }
    }
}

impl Notification {
    fn of(
        slot: &'static Slot,
        state: &CircuitState,
        changes: Changes,
        note: Option<Arc<str>>,
    ) -> Option<Self> {
        let observers = state.observers.clone();
        if observers.is_empty() {
            return None;
        }
        Some(Self {
            _circuit: slot.one_more_handle(),
            subject: Subject::of(state, slot),
            observers,
            changes,
            note,
            observe_only: state.breaker.is_shadow(),
            recorded: None,
            failures: None,
        })
    }

    fn tell(self) {
        for transition in self.changes {
            let change = Change {
                subject: self.subject.clone(),
                transition,
                note: self.note.clone(),
                observe_only: self.observe_only,
                failures: self.failures.clone(),
            };
            self.observers.tell(|sink| sink.changed(&change));
        }
        if let Some(recorded) = self.recorded {
            self.observers.tell_recorded(&self.subject, &recorded);
        }
    }
}
