//! Circuits as metrics of the crate metrics.

mod handles;
mod series;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use breaker_core::State;
use metrics::Recorder;

#[cfg(feature = "keyed")]
use self::handles::TableHandles;
use self::{
    handles::{Handles, Sink},
    series::Series,
};
#[cfg(feature = "keyed")]
use super::KeyedEvent;
use super::{EndedEvent, Observe, ReconfiguredEvent, Subject, TransitionEvent};
use crate::{circuit::Circuit, snapshot::Snapshot, storage::WeakCircuit, sync::lock};

/// Keeps metrics of the circuits that it observes, for whatever recorder of the crate metrics there is (feature `metrics`).
///
/// | metric | kind | labels | |
/// | --- | --- | --- | --- |
/// | `breaker_state` | gauge | | 0 closed, 1 half-open, 2 open, 3 isolated, 4 disabled |
/// | `breaker_opened_total` | counter | | how often it opened; there from the beginning, so that the first time can raise an alert |
/// | `breaker_transitions_total` | counter | `from`, `to`, `reason` | the reason in [one word](crate::observe::Reason::kind) |
/// | `breaker_calls_total` | counter | `outcome` | `success` (where [calls are counted](crate::CircuitBuilder::count_calls)), `failure`, `ignored`, `cancelled`, `rejected` |
/// | `breaker_admitted_calls_total` | counter | | where calls are counted |
/// | `breaker_slow_calls_total` | counter | | where [`slow_after`](crate::CircuitBuilder::slow_after) says what that is |
/// | `breaker_open_seconds` | gauge | | for how long the circuit has been open in all |
/// | `breaker_recovery_seconds` | histogram | | from a trip until it is closed again |
/// | `breaker_reconfigured_total` | counter | | how often its settings were changed; there once they are |
/// | `breaker_uncounted_calls_total` | counter | | calls to a table of circuits that were not counted for want of room |
/// | `breaker_forgotten_open_total` | counter | | open circuits that a table forgot |
///
/// All have the label `circuit`, and those of a table of circuits `key`, where [`Metrics::with_keys`] asks for it. A circuit that only observes is shown
/// with the state and the transitions that it would have. The last two are the table's own, and there once they happen.
///
/// # When
///
/// A call costs nothing, on any path: each circuit counts by itself, and [`Metrics::collect`] hands on what was counted
/// since. Call it before the metrics are rendered, or now and then where they are pushed. Transitions are handed on at
/// once, and so is what a circuit counted when it ends.
///
/// # How many
///
/// A recorder does not forget a label, so there is a limit to how many are ever made up. Where [`Metrics::with_keys`] asks
/// for keys, one that trips gets its own label, and keeps it until its table forgets its circuit, as it does some time after
/// the trouble is over. So many have one at a time, and ten times as many ever; all others share the key `other`, without
/// `breaker_state`. The first 1000 circuits outside of tables get their own, and the others share the name `other`. Of two
/// circuits with the same name at one time the first has `breaker_state`. A circuit that is gone is shown as closed.
///
/// ```
/// use breaker_layer::{Circuit, observe::Metrics};
///
/// // Install the recorder first: an exporter's `install_recorder()`, for instance.
/// let metrics = Metrics::new();
/// let circuit = Circuit::builder("payments").count_calls(true).observe(metrics.clone()).build()?;
/// circuit.isolate();
/// assert!(circuit.try_acquire().is_err());
/// metrics.collect(); // and then render
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Metrics {
    shared: Arc<Shared>,
}

struct Shared {
    sink: Sink,
    keys: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    series: HashMap<(usize, u64), (WeakCircuit, SharedSeries)>,
    handles: HashMap<Labels, Arc<Handles>>,
    #[cfg(feature = "keyed")]
    tables: HashMap<Box<str>, TableHandles>,
    /// How many keys have labels of their own, and how many ever had.
    keys: usize,
    keys_ever: usize,
    /// How many tables and circuits outside of tables have labels of their own.
    names: usize,
}

type SharedSeries = Arc<Mutex<Series>>;

/// The circuit or the table, and the key.
type Labels = (Arc<str>, Option<Arc<str>>);

const OTHER: &str = "other";
const MOST_NAMES: usize = 1000;

impl Metrics {
    /// For the recorder that is installed: later ones are not seen.
    pub fn new() -> Self {
        Self::of(Sink::Global)
    }

    /// For this recorder.
    pub fn recording_to(recorder: impl Recorder + Send + Sync + 'static) -> Self {
        Self::of(Sink::Own(Arc::new(recorder)))
    }

    fn of(sink: Sink) -> Self {
        sink.describe();
        Self {
            shared: Arc::new(Shared {
                sink,
                keys: 0,
                known: Mutex::default(),
            }),
        }
    }

    /// Gives labels of their own to so many keys at a time, of all tables together. Default: none, and no label `key`:
    /// whoever makes up keys would make up names in your metrics too.
    ///
    /// What was observed so far is forgotten: say it first.
    #[must_use]
    pub fn with_keys(self, keys: usize) -> Self {
        let sink = self.shared.sink.clone();
        let known = Mutex::default();
        Self {
            shared: Arc::new(Shared { sink, keys, known }),
        }
    }

    /// Hands on what was counted since the last time, and the states as they are by now.
    pub fn collect(&self) {
        let all: Vec<_> = self.shared.known().series.values().cloned().collect();
        for (circuit, series) in all {
            let mut series = lock(&series);
            // Taken while nobody else can hand on a later one.
            if let Some(snapshot) = Snapshot::of_weak(circuit) {
                series.publish(&snapshot);
            }
        }
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }

    /// The series of a circuit. One that is gone gets none that is kept.
    fn series(&self, subject: &Subject) -> SharedSeries {
        let known = &mut *self.known();
        if let Some((_, series)) = known.series.get(&subject.circuit.id()) {
            return series.clone();
        }
        let labels = match &subject.table {
            Some(table) => {
                let key = subject.key().filter(|_| self.keys > 0);
                (table.clone(), key.map(|_| OTHER.into()))
            }
            None => (subject.name.clone(), None),
        };
        let (handles, is_own) = known.handles(&self.sink, labels);
        let has_state = subject.table.is_none() && is_own;
        let owns_state = has_state && handles.claim(subject.circuit);
        let series = Arc::new(Mutex::new(Series::new(handles, owns_state)));
        if !subject.circuit.is_over() {
            let kept = (subject.circuit, series.clone());
            known.series.insert(subject.circuit.id(), kept);
        }
        series
    }

    /// From now on a key that trips has labels of its own, if there are any left.
    fn single_out(&self, subject: &Subject, series: &mut Series) {
        let (Some(table), Some(key)) = (&subject.table, subject.key()) else {
            return;
        };
        if series.is_single() {
            return;
        }
        let known = &mut *self.known();
        let labels = (table.clone(), Some(key.clone()));
        let is_known = known.handles.contains_key(&labels);
        let may_be_known = is_known || known.keys_ever < self.keys.saturating_mul(10);
        if known.keys < self.keys && may_be_known {
            known.keys += 1;
            known.keys_ever += usize::from(!is_known);
            let handles = known.make(&self.sink, labels);
            let owns_state = handles.claim(subject.circuit);
            series.single_out(handles, owns_state);
        }
    }
}

impl Known {
    /// The handles of a table, or the common ones where there are too many.
    #[cfg(feature = "keyed")]
    fn table(&mut self, sink: &Sink, table: &str) -> &TableHandles {
        let is_own = self.tables.len() < MOST_NAMES || self.tables.contains_key(table);
        let name = if is_own { table } else { OTHER };
        let made = || TableHandles::new(sink, name);
        self.tables.entry(name.into()).or_insert_with(made)
    }

    /// The handles of these labels, or the common ones where there are too many; and which it is.
    fn handles(&mut self, sink: &Sink, labels: Labels) -> (Arc<Handles>, bool) {
        let is_known = self.handles.contains_key(&labels);
        let is_own = is_known || self.names < MOST_NAMES;
        self.names += usize::from(is_own && !is_known);
        let labels = if is_own { labels } else { (OTHER.into(), None) };
        (self.make(sink, labels), is_own)
    }

    fn make(&mut self, sink: &Sink, labels: Labels) -> Arc<Handles> {
        let made = || Arc::new(Handles::new(sink.clone(), &labels.0, labels.1.as_ref()));
        match self.handles.get(&labels) {
            Some(handles) => handles.clone(),
            None => {
                let handles = made();
                self.handles.insert(labels, handles.clone());
                handles
            }
        }
    }
}

impl Observe for Metrics {
    fn began(&self, circuit: &Circuit, table: Option<&str>) {
        let subject = Subject {
            name: circuit.name(),
            table: table.map(Arc::from),
            circuit: circuit.downgrade(),
        };
        let series = self.shared.series(&subject);
        lock(&series).publish(&circuit.snapshot());
    }

    fn transition(&self, event: &TransitionEvent<'_>) {
        let (subject, transition) = (event.subject(), event.transition());
        let series = self.shared.series(subject);
        let mut series = lock(&series);
        if transition.to() != State::Closed {
            self.shared.single_out(subject, &mut series);
        }
        series.record(&transition);
    }

    fn reconfigured(&self, event: &ReconfiguredEvent<'_>) {
        let series = self.shared.series(event.subject());
        lock(&series).count_reconfigured();
    }

    fn ended(&self, event: &EndedEvent<'_>) {
        let circuit = event.subject().circuit;
        let series = self.shared.series(event.subject());
        let mut series = lock(&series);
        series.end(event.last(), circuit);
        let known = &mut *self.shared.known();
        known.series.remove(&circuit.id());
        known.keys -= usize::from(series.is_single());
    }

    #[cfg(feature = "keyed")]
    fn keyed(&self, table: &str, event: KeyedEvent) {
        let known = &mut *self.shared.known();
        let handles = known.table(&self.shared.sink, table);
        match event {
            KeyedEvent::Uncounted { .. } => handles.uncounted.increment(1),
            KeyedEvent::ForgottenOpen { .. } => handles.forgotten_open.increment(1),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("circuits", &self.shared.known().series.len())
            .finish_non_exhaustive()
    }
}
