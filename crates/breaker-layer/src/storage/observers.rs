//! Those who are told what happens to a circuit, and what they are told.
//!
//! Storage knows observers by a trait of its own, because the user's [`Observe`](crate::Observe) speaks of circuits.

use std::{fmt, sync::Arc};

use breaker_core::{Config, Refusal, Transition};

use super::{CircuitState, Ended, Handle, RecordedOutcome, Slot, WeakCircuit};
use crate::{failure::LastFailures, text::OneLine};

/// A circuit as its observers know it.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) name: Arc<str>,
    pub(crate) table: Option<Arc<str>>,
    pub(crate) circuit: WeakCircuit,
}

#[derive(Clone)]
pub(crate) struct Change {
    pub(crate) subject: Subject,
    pub(crate) transition: Transition,
    pub(crate) note: Option<Arc<str>>,
    pub(crate) observe_only: bool,
    pub(crate) failures: Option<Arc<LastFailures>>,
}

/// A change of a circuit's settings.
#[derive(Clone)]
pub(crate) struct Reconfigured {
    pub(crate) subject: Subject,
    /// Before and after.
    pub(crate) configs: Box<[Config; 2]>,
    pub(crate) note: Option<Arc<str>>,
}

/// What happens to a table of circuits.
#[cfg(feature = "keyed")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyedEvent {
    /// A call was not counted: its key has no circuit, and there is no room for one.
    Uncounted {
        /// How often that happened to the table.
        total: u64,
    },
    /// A circuit was forgotten that was open or half-open: the table was full and its key not called for a second or more, or
    /// nobody made the probe that was due for the idle time.
    ForgottenOpen {
        /// How often that happened to the table.
        total: u64,
    },
}

/// One that is told. It does not panic.
pub(crate) trait EventSink: Send + Sync {
    fn changed(&self, change: &Change);
    fn reconfigured(&self, change: &Reconfigured);
    fn rejected(&self, subject: &Subject, refusal: Refusal);
    fn recorded(&self, subject: &Subject, call: &RecordedOutcome);
    fn began(&self, circuit: &Handle, table: Option<&str>);
    fn ended(&self, subject: &Subject, ended: &Ended);
    #[cfg(feature = "keyed")]
    fn keyed(&self, table: &str, event: KeyedEvent);
}

impl Subject {
    /// That of a slot with this state.
    pub(crate) fn of(state: &CircuitState, slot: &'static Slot) -> Self {
        Self {
            name: state.name.clone(),
            table: state.observers.table(),
            circuit: state.weak(slot),
        }
    }

    /// What the table calls it, if it is of one that has names.
    pub(crate) fn key(&self) -> Option<&Arc<str>> {
        let table = self.table.as_deref()?;
        (*table != *self.name).then_some(&self.name)
    }
}

/// `table name`, or what there is of it, on one line.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(table), Some(_)) = (&self.table, self.key()) {
            write!(f, "{} ", OneLine(table))?;
        }
        OneLine(&self.name).fmt(f)
    }
}

/// All observers of one circuit, or of all circuits of a table.
#[derive(Clone, Default)]
pub(crate) struct Observers(Option<Arc<Listeners>>);

#[derive(Clone, Default)]
struct Listeners {
    table: Option<Arc<str>>,
    all: Vec<Listener>,
}

/// An observer, and what it said that it wants.
#[derive(Clone)]
pub(crate) struct Listener {
    /// Tells it from others.
    id: usize,
    wants_rejected: bool,
    wants_recorded: bool,
    sink: Arc<dyn EventSink>,
}

impl Listener {
    pub(crate) fn new(
        id: usize,
        wants_rejected: bool,
        wants_recorded: bool,
        sink: Arc<dyn EventSink>,
    ) -> Self {
        Self {
            id,
            wants_rejected,
            wants_recorded,
            sink,
        }
    }

    pub(crate) const fn id(&self) -> usize {
        self.id
    }
}

impl Observers {
    /// Adds an observer, unless it is there.
    pub(crate) fn add(&mut self, listener: Listener) {
        if !self.all().iter().any(|there| there.id == listener.id) {
            self.change(|listeners| listeners.all.push(listener));
        }
    }

    /// Adds an observer, unless it is there: of this table's circuits, if of any.
    pub(crate) fn add_to(&mut self, listener: Listener, table: Option<&Arc<str>>) {
        self.add(listener);
        if let Some(table) = table {
            self.change(|listeners| listeners.table = Some(table.clone()));
        }
    }

    /// Takes an observer away, to be dropped with nothing held.
    pub(crate) fn remove(&mut self, id: usize) -> Option<Listener> {
        let at = self.all().iter().position(|there| there.id == id)?;
        let mut removed = None;
        self.change(|listeners| removed = Some(listeners.all.remove(at)));
        removed
    }

    #[cfg(feature = "keyed")]
    pub(crate) fn of_table(mut self, table: &Arc<str>) -> Self {
        if !self.is_empty() {
            self.change(|listeners| listeners.table = Some(table.clone()));
        }
        self
    }

    fn change(&mut self, change: impl FnOnce(&mut Listeners)) {
        change(Arc::make_mut(self.0.get_or_insert_default()));
    }

    fn all(&self) -> &[Listener] {
        self.0.as_deref().map_or(&[], |listeners| &listeners.all)
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

    /// Tells each, whatever the others do.
    pub(crate) fn tell(&self, tell: impl Fn(&dyn EventSink)) {
        self.tell_those(|_| true, tell);
    }

    pub(crate) fn tell_rejected(&self, subject: &Subject, refusal: Refusal) {
        self.tell_those(
            |listener| listener.wants_rejected,
            |sink| sink.rejected(subject, refusal),
        );
    }

    pub(crate) fn tell_recorded(&self, subject: &Subject, call: &RecordedOutcome) {
        self.tell_those(
            |listener| listener.wants_recorded,
            |sink| sink.recorded(subject, call),
        );
    }

    pub(crate) fn tell_began(&self, circuit: &Handle) {
        let table = self.table();
        self.tell(|sink| sink.began(circuit, table.as_deref()));
    }

    fn tell_those(&self, wants: impl Fn(&Listener) -> bool, tell: impl Fn(&dyn EventSink)) {
        for listener in self.all().iter().filter(|listener| wants(listener)) {
            tell(&*listener.sink);
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} observers", self.all().len())
    }
}
