//! The metrics of one set of labels, registered once and kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
};

use breaker_core::{State, Transition};
use metrics::{
    Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, Unit, with_recorder,
};

use crate::{storage::WeakCircuit, sync::lock};

/// Where the metrics go.
#[derive(Clone)]
pub(super) enum Sink {
    /// To the recorder that is installed.
    Global,
    Own(Arc<dyn Recorder + Send + Sync>),
}

impl Sink {
    fn with<T>(&self, register: impl FnOnce(&dyn Recorder) -> T) -> T {
        match self {
            Self::Global => with_recorder(register),
            Self::Own(recorder) => register(&**recorder),
        }
    }

    pub(super) fn describe(&self) {
        self.with(|recorder| {
            for (name, unit, text) in GAUGES {
                recorder.describe_gauge(name.into(), unit, text.into());
            }
            for &(name, text) in COUNTERS {
                recorder.describe_counter(name.into(), None, text.into());
            }
            recorder.describe_histogram(
                "breaker_recovery_seconds".into(),
                Some(Unit::Seconds),
                "The time from a trip until the circuit is closed again.".into(),
            );
        });
    }
}

const GAUGES: [(&str, Option<Unit>, &str); 2] = [
    (
        "breaker_state",
        None,
        "The circuit's state: 0 closed, 1 half-open, 2 open, 3 isolated, 4 disabled.",
    ),
    (
        "breaker_open_seconds",
        Some(Unit::Seconds),
        "For how long the circuit has been open in all.",
    ),
];

const COUNTERS: &[(&str, &str)] = &[
    ("breaker_opened_total", "How often the circuit opened."),
    (
        "breaker_transitions_total",
        "Transitions, by where from, where to, and why.",
    ),
    ("breaker_calls_total", "Calls, by what became of them."),
    (
        "breaker_admitted_calls_total",
        "Calls that were admitted, where they are counted.",
    ),
    (
        "breaker_slow_calls_total",
        "Calls that took longer than slow_after.",
    ),
    (
        "breaker_reconfigured_total",
        "How often the circuit's settings were changed.",
    ),
    #[cfg(feature = "keyed")]
    (
        "breaker_uncounted_calls_total",
        "Calls that were not counted, because the table of circuits had no room.",
    ),
    #[cfg(feature = "keyed")]
    (
        "breaker_forgotten_open_total",
        "Open circuits that a table of circuits forgot.",
    ),
];

const METADATA: Metadata<'_> = Metadata::new("breaker_layer", Level::INFO, Some(module_path!()));

/// The metrics of one set of labels.
pub(super) struct Handles {
    sink: Sink,
    labels: Vec<Label>,
    /// The one circuit that sets the state.
    owner: Mutex<Option<WeakCircuit>>,
    state: OnceLock<Gauge>,
    open_seconds: Gauge,
    /// Kept here, because some bridges know no gauge that is added to.
    open_so_far: Mutex<f64>,
    pub(super) recovery_seconds: Histogram,
    pub(super) opened: Counter,
    pub(super) failed: Counter,
    pub(super) ignored: Counter,
    pub(super) cancelled: Counter,
    pub(super) rejected: Counter,
    admitted: OnceLock<Counter>,
    succeeded: OnceLock<Counter>,
    slow: OnceLock<Counter>,
    reconfigured: OnceLock<Counter>,
    transitions: Mutex<HashMap<(State, State, &'static str), Counter>>,
}

impl Handles {
    pub(super) fn new(sink: Sink, circuit: &Arc<str>, key: Option<&Arc<str>>) -> Self {
        let mut labels = vec![Label::new("circuit", circuit.clone())];
        labels.extend(key.map(|key| Label::new("key", key.clone())));
        let new = Registering {
            sink: &sink,
            labels: &labels,
        };
        Self {
            owner: Mutex::default(),
            state: OnceLock::new(),
            open_seconds: new.gauge("breaker_open_seconds"),
            open_so_far: Mutex::default(),
            recovery_seconds: new.histogram("breaker_recovery_seconds"),
            opened: new.counter("breaker_opened_total", &[]),
            failed: new.calls("failure"),
            ignored: new.calls("ignored"),
            cancelled: new.calls("cancelled"),
            rejected: new.calls("rejected"),
            admitted: OnceLock::new(),
            succeeded: OnceLock::new(),
            slow: OnceLock::new(),
            reconfigured: OnceLock::new(),
            transitions: Mutex::default(),
            labels,
            sink,
        }
    }

    /// Whether this circuit is the one that sets the state from now on.
    pub(super) fn claim(&self, circuit: WeakCircuit) -> bool {
        *lock(&self.owner).get_or_insert(circuit) == circuit
    }

    /// The circuit that sets the state is gone.
    pub(super) fn release(&self, circuit: WeakCircuit) {
        let mut owner = lock(&self.owner);
        if *owner == Some(circuit) {
            self.set_state(State::Closed);
            *owner = None;
        }
    }

    pub(super) fn add_open_seconds(&self, more: f64) {
        let mut so_far = lock(&self.open_so_far);
        *so_far += more;
        self.open_seconds.set(*so_far);
    }

    pub(super) fn set_state(&self, state: State) {
        let value = match state {
            State::Closed => 0.0,
            State::HalfOpen => 1.0,
            State::Open => 2.0,
            State::Isolated => 3.0,
            State::Disabled => 4.0,
            // The core's states are all known here.
            _ => return,
        };
        let new = self.registering();
        self.state
            .get_or_init(|| new.gauge("breaker_state"))
            .set(value);
    }

    /// Counters of what is counted only where it was asked for: a zero would not be the truth elsewhere.
    pub(super) fn admitted(&self) -> &Counter {
        let new = self.registering();
        self.admitted
            .get_or_init(|| new.counter("breaker_admitted_calls_total", &[]))
    }

    pub(super) fn succeeded(&self) -> &Counter {
        let new = self.registering();
        self.succeeded.get_or_init(|| new.calls("success"))
    }

    pub(super) fn slow(&self) -> &Counter {
        let new = self.registering();
        self.slow
            .get_or_init(|| new.counter("breaker_slow_calls_total", &[]))
    }

    pub(super) fn reconfigured(&self) -> &Counter {
        let new = self.registering();
        self.reconfigured
            .get_or_init(|| new.counter("breaker_reconfigured_total", &[]))
    }

    pub(super) fn count_transition(&self, transition: &Transition) {
        let (from, to) = (transition.from(), transition.to());
        let reason = transition.reason().kind();
        let new = self.registering();
        let made = || {
            let text = |state: State| state.to_string().replace('-', "_");
            let labels = [
                Label::new("from", text(from)),
                Label::new("to", text(to)),
                Label::from_static_parts("reason", reason),
            ];
            new.counter("breaker_transitions_total", &labels)
        };
        let mut transitions = lock(&self.transitions);
        transitions
            .entry((from, to, reason))
            .or_insert_with(made)
            .increment(1);
    }

    fn registering(&self) -> Registering<'_> {
        Registering {
            sink: &self.sink,
            labels: &self.labels,
        }
    }
}

/// The metrics of a table of circuits itself.
#[cfg(feature = "keyed")]
pub(super) struct TableHandles {
    pub(super) uncounted: Counter,
    pub(super) forgotten_open: Counter,
}

#[cfg(feature = "keyed")]
impl TableHandles {
    pub(super) fn new(sink: &Sink, table: &str) -> Self {
        let labels = &[Label::new("circuit", table.to_owned())];
        let new = Registering { sink, labels };
        Self {
            uncounted: new.counter("breaker_uncounted_calls_total", &[]),
            forgotten_open: new.counter("breaker_forgotten_open_total", &[]),
        }
    }
}

/// Registers metrics with these labels.
#[derive(Clone, Copy)]
struct Registering<'a> {
    sink: &'a Sink,
    labels: &'a [Label],
}

impl Registering<'_> {
    fn calls(self, outcome: &'static str) -> Counter {
        let outcome = Label::from_static_parts("outcome", outcome);
        self.counter("breaker_calls_total", &[outcome])
    }

    fn counter(self, name: &'static str, more: &[Label]) -> Counter {
        let key = Key::from_parts(name, [self.labels, more].concat());
        self.sink
            .with(|recorder| recorder.register_counter(&key, &METADATA))
    }

    fn gauge(self, name: &'static str) -> Gauge {
        let key = Key::from_parts(name, self.labels.to_vec());
        self.sink
            .with(|recorder| recorder.register_gauge(&key, &METADATA))
    }

    fn histogram(self, name: &'static str) -> Histogram {
        let key = Key::from_parts(name, self.labels.to_vec());
        self.sink
            .with(|recorder| recorder.register_histogram(&key, &METADATA))
    }
}
