//! What happens to a circuit is told to whoever asked, once it is stored and with nothing held.

mod event;
#[cfg(feature = "metrics")]
mod metrics;
mod operator;
#[cfg(feature = "tokio")]
mod readiness;
#[cfg(feature = "tracing")]
mod tracing;

use std::{borrow::Cow, sync::Arc};

use breaker_core::Refusal;

use crate::{
    circuit::Circuit,
    quiet::Quiet,
    snapshot::Snapshot,
    storage::{Change, Ended, EventSink, Handle, Listener, Reconfigured, RecordedOutcome, Subject},
};

pub use crate::events::{Event, Events};
pub use crate::failure::LastFailures;
#[cfg(feature = "keyed")]
pub use crate::storage::KeyedEvent;
pub use breaker_core::{Reason, Rule, Tally, Totals, Transition};
pub use event::{EndedEvent, ReconfiguredEvent, RecordedEvent, RejectedEvent, TransitionEvent};
#[cfg(feature = "metrics")]
pub use metrics::Metrics;
pub use operator::Operator;
#[cfg(feature = "tokio")]
pub use readiness::Readiness;
#[cfg(feature = "tracing")]
pub use tracing::Tracing;

/// Is told what happens to a circuit.
///
/// It runs on the task whose call did it, after the change: it should be quick. It may call the circuit again. If it
/// panics the panic is caught, and the others are told all the same. Two transitions may arrive out of order when two
/// threads make them; [`Transition::generation`](crate::observe::Transition::generation) tells which came later.
///
/// Transitions are told to all. Single calls are told where they are asked for, because the calls of such a circuit pay
/// for it: a rejection takes a lock, and each call is timed and recorded even while nothing speaks against the
/// downstream.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering::Relaxed}};
/// use breaker_layer::{Circuit, Observe, TransitionEvent, observe::RejectedEvent};
///
/// #[derive(Clone, Default)]
/// struct Pager { refused: Arc<AtomicU32> }
///
/// impl Observe for Pager {
///     fn transition(&self, event: &TransitionEvent<'_>) {
///         println!("{event}"); // payments: closed -> open, operator, for 100ms
///     }
///
///     fn wants_rejected(&self) -> bool {
///         true
///     }
///
///     fn rejected(&self, _: &RejectedEvent<'_>) {
///         self.refused.fetch_add(1, Relaxed);
///     }
/// }
///
/// let pager = Pager::default();
/// let circuit = Circuit::builder("payments").observe(pager.clone()).build()?;
/// # let circuit = Circuit::builder("payments").observe(pager.clone()).clock(breaker_layer::clock::ManualClock::new().clock()).build()?;
/// circuit.trip();
/// assert!(circuit.try_acquire().is_err());
/// assert_eq!(pager.refused.load(Relaxed), 1);
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
///
/// Implemented for closures over [`TransitionEvent`]. An observer that keeps a [`Circuit`] which it
/// observes keeps it alive for ever.
#[doc(alias("OnStateChange", "onStateTransition", "OnOpened"))]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no observer",
    label = "does not observe a circuit",
    note = "a closure is one if its argument is annotated: `|event: &TransitionEvent<'_>| ...`, and if it is `Send`, `Sync` and `'static`"
)]
pub trait Observe: Send + Sync + 'static {
    /// The circuit went from one state to another.
    fn transition(&self, event: &TransitionEvent<'_>);

    /// The circuit goes on with other settings: see [`Circuit::reconfigure`]. Default: nothing.
    fn reconfigured(&self, event: &ReconfiguredEvent<'_>) {
        let _ = event;
    }

    /// Whether [`Observe::rejected`] is wanted. Asked once, when the observer is added. Default: no.
    fn wants_rejected(&self) -> bool {
        false
    }

    /// A call was rejected. Default: nothing.
    fn rejected(&self, event: &RejectedEvent<'_>) {
        let _ = event;
    }

    /// Whether [`Observe::recorded`] is wanted. Asked once, when the observer is added. Default: no.
    fn wants_recorded(&self) -> bool {
        false
    }

    /// A call's outcome was recorded. Of a table's calls those are told whose key has a circuit. Default: nothing.
    fn recorded(&self, event: &RecordedEvent<'_>) {
        let _ = event;
    }

    /// A circuit begins that this observes, in a table or not. Default: nothing.
    fn began(&self, circuit: &Circuit, table: Option<&str>) {
        let _ = (circuit, table);
    }

    /// The circuit is gone: its last handle was dropped, or its table forgot it. No transition of it is
    /// told after that. Default: nothing.
    fn ended(&self, event: &EndedEvent<'_>) {
        let _ = event;
    }

    /// Something happened to the table of this name, rather than to one of its circuits. Default: nothing.
    #[cfg(feature = "keyed")]
    fn keyed(&self, table: &str, event: KeyedEvent) {
        let _ = (table, event);
    }
}

impl<F: Fn(&TransitionEvent<'_>) + Send + Sync + 'static> Observe for F {
    fn transition(&self, event: &TransitionEvent<'_>) {
        self(event);
    }
}

/// An observer that its owner keeps, too.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use breaker_layer::{Circuit, Observe, TransitionEvent};
///
/// #[derive(Default)]
/// struct Log(Mutex<Vec<String>>);
///
/// impl Observe for Log {
///     fn transition(&self, event: &TransitionEvent<'_>) {
///         self.0.lock().unwrap().push(event.to_string());
///     }
/// }
///
/// let log = Arc::new(Log::default());
/// let circuit = Circuit::builder("payments").observe(log.clone()).build()?;
/// circuit.isolate();
/// assert_eq!(log.0.lock().unwrap().len(), 1);
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
// Each method, or what the observer says of itself would be lost.
#[deny(clippy::missing_trait_methods)]
impl<O: Observe + ?Sized> Observe for Arc<O> {
    fn transition(&self, event: &TransitionEvent<'_>) {
        (**self).transition(event);
    }

    fn reconfigured(&self, event: &ReconfiguredEvent<'_>) {
        (**self).reconfigured(event);
    }

    fn wants_rejected(&self) -> bool {
        (**self).wants_rejected()
    }

    fn rejected(&self, event: &RejectedEvent<'_>) {
        (**self).rejected(event);
    }

    fn wants_recorded(&self) -> bool {
        (**self).wants_recorded()
    }

    fn recorded(&self, event: &RecordedEvent<'_>) {
        (**self).recorded(event);
    }

    fn began(&self, circuit: &Circuit, table: Option<&str>) {
        (**self).began(circuit, table);
    }

    fn ended(&self, event: &EndedEvent<'_>) {
        (**self).ended(event);
    }

    #[cfg(feature = "keyed")]
    fn keyed(&self, table: &str, event: KeyedEvent) {
        (**self).keyed(table, event);
    }
}

/// The user's observer, as a circuit tells it.
struct Guarded(Quiet<Arc<dyn Observe>>);

/// One that wants what this observer says that it wants.
pub(crate) fn listener(observer: Arc<dyn Observe>) -> Listener {
    Listener::new(
        id_of(&observer),
        observer.wants_rejected(),
        observer.wants_recorded(),
        Arc::new(Guarded(Quiet::new(observer))),
    )
}

/// Tells it from all other observers that there are.
pub(crate) fn id_of(observer: &Arc<dyn Observe>) -> usize {
    Arc::as_ptr(observer).cast::<()>().addr()
}

impl EventSink for Guarded {
    fn changed(&self, change: &Change) {
        self.0
            .run(|observer| observer.transition(&TransitionEvent(Cow::Borrowed(change))));
    }

    fn reconfigured(&self, change: &Reconfigured) {
        self.0
            .run(|observer| observer.reconfigured(&ReconfiguredEvent(Cow::Borrowed(change))));
    }

    fn rejected(&self, subject: &Subject, refusal: Refusal) {
        self.0
            .run(|observer| observer.rejected(&RejectedEvent { subject, refusal }));
    }

    fn recorded(&self, subject: &Subject, call: &RecordedOutcome) {
        self.0
            .run(|observer| observer.recorded(&RecordedEvent { subject, call }));
    }

    fn began(&self, circuit: &Handle, table: Option<&str>) {
        let circuit = &Circuit::of(circuit.clone());
        self.0.run(|observer| observer.began(circuit, table));
    }

    fn ended(&self, subject: &Subject, ended: &Ended) {
        let last = &Snapshot::last(ended);
        self.0
            .run(|observer| observer.ended(&EndedEvent { subject, last }));
    }

    #[cfg(feature = "keyed")]
    fn keyed(&self, table: &str, event: KeyedEvent) {
        self.0.run(|observer| observer.keyed(table, event));
    }
}
