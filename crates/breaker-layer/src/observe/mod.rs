//! What happens to a circuit is told to whoever asked, once it is stored and with nothing held.

mod event;
mod events;
#[cfg(feature = "metrics")]
mod metrics;
mod operator;
#[cfg(feature = "tokio")]
mod readiness;
#[cfg(feature = "tracing")]
mod tracing;

use std::{
    borrow::Cow,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::circuit::Circuit;

pub use breaker_core::{Reason, Rule, Tally, Totals, Transition};
pub(crate) use event::{Change, Reconfigured, Subject};
pub use event::{EndedEvent, ReconfiguredEvent, RecordedEvent, RejectedEvent, TransitionEvent};
pub use events::{Event, Events};
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
///         println!("{event}"); // payments: closed -> open, operator, for 250ms
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
    fn keyed(&self, table: &str, news: KeyedNews) {
        (**self).keyed(table, news);
    }
}

/// All observers of one circuit, or of all circuits of a table.
#[derive(Clone, Default)]
pub(crate) struct Observers(Option<Arc<Audience>>);

#[derive(Clone, Default)]
struct Audience {
    table: Option<Arc<str>>,
    all: Vec<Listener>,
}

#[derive(Clone)]
struct Listener {
    observer: Arc<dyn Observe>,
    wants_rejected: bool,
    wants_recorded: bool,
}

impl Observers {
    pub(crate) fn add(&mut self, observer: Arc<dyn Observe>) {
        let listener = Listener {
            wants_rejected: observer.wants_rejected(),
            wants_recorded: observer.wants_recorded(),
            observer,
        };
        self.change(|audience| audience.all.push(listener));
    }

    /// Adds an observer, unless it is there: of this table's circuits, if of any.
    pub(crate) fn add_once(&mut self, observer: &Arc<dyn Observe>, table: Option<&Arc<str>>) {
        let is_it = |listener: &Listener| Arc::ptr_eq(&listener.observer, observer);
        if !self.all().iter().any(is_it) {
            self.add(observer.clone());
        }
        if let Some(table) = table {
            self.change(|audience| audience.table = Some(table.clone()));
        }
    }

    /// Takes an observer away, to be dropped with nothing held.
    pub(crate) fn remove(&mut self, observer: &Arc<dyn Observe>) -> Option<Arc<dyn Observe>> {
        let is_it = |listener: &Listener| Arc::ptr_eq(&listener.observer, observer);
        let at = self.all().iter().position(is_it)?;
        let mut removed = None;
        self.change(|audience| removed = Some(audience.all.remove(at).observer));
        removed
    }

    #[cfg(feature = "keyed")]
    pub(crate) fn of_table(mut self, table: &Arc<str>) -> Self {
        if !self.is_empty() {
            self.change(|audience| audience.table = Some(table.clone()));
        }
        self
    }

    fn change(&mut self, change: impl FnOnce(&mut Audience)) {
        change(Arc::make_mut(self.0.get_or_insert_default()));
    }

    fn all(&self) -> &[Listener] {
        self.0.as_deref().map_or(&[], |audience| &audience.all)
    }

    pub(crate) fn table(&self) -> Option<Arc<str>> {
        self.0.as_ref()?.table.clone()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    pub(crate) fn want_rejected(&self) -> bool {
        self.all().iter().any(|listener| listener.wants_rejected)
    }

    pub(crate) fn want_recorded(&self) -> bool {
        self.all().iter().any(|listener| listener.wants_recorded)
    }

    pub(crate) fn tell(&self, change: &Change) {
        let event = TransitionEvent(Cow::Borrowed(change));
        self.tell_each(|_| true, |observer| observer.transition(&event));
    }

    pub(crate) fn tell_reconfigured(&self, change: &Reconfigured) {
        let event = ReconfiguredEvent(Cow::Borrowed(change));
        self.tell_each(|_| true, |observer| observer.reconfigured(&event));
    }

    pub(crate) fn tell_rejected(&self, event: &RejectedEvent<'_>) {
        self.tell_each(
            |listener| listener.wants_rejected,
            |observer| observer.rejected(event),
        );
    }

    pub(crate) fn tell_recorded(&self, event: &RecordedEvent<'_>) {
        self.tell_each(
            |listener| listener.wants_recorded,
            |observer| observer.recorded(event),
        );
    }

    pub(crate) fn tell_began(&self, circuit: &Circuit) {
        let table = self.table();
        self.tell_each(
            |_| true,
            |observer| observer.began(circuit, table.as_deref()),
        );
    }

    pub(crate) fn tell_ended(&self, event: &EndedEvent<'_>) {
        self.tell_each(|_| true, |observer| observer.ended(event));
    }

    #[cfg(feature = "keyed")]
    pub(crate) fn tell_keyed(&self, table: &str, news: KeyedNews) {
        self.tell_each(|_| true, |observer| observer.keyed(table, news));
    }

    fn tell_each(&self, wants: impl Fn(&Listener) -> bool, tell: impl Fn(&dyn Observe)) {
        for listener in self.all().iter().filter(|listener| wants(listener)) {
            // What it panicked with has been reported by the panic hook.
            let _ = catch_unwind(AssertUnwindSafe(|| tell(&*listener.observer)));
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} observers", self.all().len())
    }
}
