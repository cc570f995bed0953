//! Transitions for the log, until they are written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use breaker_layer::{Observe, TransitionEvent, observe::Transition};

/// The transitions since they were last taken; clones share them.
///
/// One message can make any number of them, and must not fill the memory: beyond so many they are only counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<Transitions>>);

const MOST: usize = 1000;

/// What happened to a service, in order.
#[derive(Debug, Default)]
pub struct Transitions {
    /// The first ones.
    pub first: Vec<Transition>,
    /// How many came after them.
    pub more: u64,
}

impl Log {
    pub(super) fn take(&self) -> Transitions {
        std::mem::take(&mut self.transitions())
    }

    fn transitions(&self) -> MutexGuard<'_, Transitions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observe for Log {
    fn transition(&self, event: &TransitionEvent<'_>) {
        let mut transitions = self.transitions();
        if transitions.first.len() < MOST {
            transitions.first.push(event.transition());
        } else {
            transitions.more += 1;
        }
    }
}
