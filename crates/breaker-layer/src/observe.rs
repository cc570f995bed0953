//! Changes are told to whoever asked, once they are stored and with nothing held.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use breaker_core::Transition;

/// Is told what happens to a circuit.
///
/// It runs on the task whose call changed the circuit, after the change: it should be quick. It may call the circuit
/// again. If it panics the panic is caught, and the others are told all the same. Two transitions may arrive out of
/// order when two threads make them; [`Transition::generation`] tells which came later.
///
/// Implemented for closures over [`TransitionEvent`]. An observer that keeps a [`Circuit`](crate::Circuit) which it
/// observes keeps it alive for ever.
pub trait Observe: Send + Sync + 'static {
    /// The circuit went from one state to another.
    fn transition(&self, event: &TransitionEvent<'_>);

    /// Something happened to the table of this name, rather than to one of its circuits. Default: nothing.
    #[cfg(feature = "keyed")]
    fn keyed(&self, table: &str, news: KeyedNews) {
        let _ = (table, news);
    }
}

/// What happens to a table of circuits.
#[cfg(feature = "keyed")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyedNews {
    /// A call was not counted: its key has no circuit, and there is no room for one.
    Uncounted {
        /// How often that happened to the table.
        total: u64,
    },
    /// A circuit was forgotten that was open or half-open: due for a probe, and its key not called for the idle time.
    ForgottenOpen {
        /// How often that happened to the table.
        total: u64,
    },
}

impl<F: Fn(&TransitionEvent<'_>) + Send + Sync + 'static> Observe for F {
    fn transition(&self, event: &TransitionEvent<'_>) {
        self(event);
    }
}

/// A transition, and the circuit that made it.
#[derive(Debug)]
pub struct TransitionEvent<'a> {
    circuit: &'a str,
    transition: Transition,
}

impl TransitionEvent<'_> {
    /// The circuit's name.
    pub const fn circuit(&self) -> &str {
        self.circuit
    }

    /// What happened, and why.
    pub const fn transition(&self) -> Transition {
        self.transition
    }
}

/// All observers of one circuit.
#[derive(Clone, Default)]
pub(crate) struct Observers(Option<Arc<[Arc<dyn Observe>]>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: Arc<dyn Observe>) {
        let present = self.0.iter().flat_map(|all| all.iter().cloned());
        self.0 = Some(present.chain([observer]).collect());
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn tell(&self, circuit: &str, transition: Transition) {
        let event = TransitionEvent {
            circuit,
            transition,
        };
        for observer in self.0.iter().flat_map(|all| all.iter()) {
            // What it panicked with has been reported by the panic hook.
            let _ = catch_unwind(AssertUnwindSafe(|| observer.transition(&event)));
        }
    }
}

#[cfg(feature = "keyed")]
impl Observers {
    pub(crate) fn tell_keyed(&self, table: &str, news: KeyedNews) {
        for observer in self.0.iter().flat_map(|all| all.iter()) {
            // What it panicked with has been reported by the panic hook.
            let _ = catch_unwind(AssertUnwindSafe(|| observer.keyed(table, news)));
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} observers",
            self.0.as_ref().map_or(0, |all| all.len())
        )
    }
}
