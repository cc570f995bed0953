//! Transitions, changes of settings and rejections as events of the crate tracing.

use breaker_core::{Refusal, State};
use tracing::{Level, event};

#[cfg(feature = "keyed")]
use super::KeyedEvent;
use super::{Observe, ReconfiguredEvent, RejectedEvent, TransitionEvent};

/// Writes each transition, each change of settings and each rejection as an event of the crate tracing (feature `tracing`), under the target
/// `breaker_layer`.
///
/// | what | level | fields |
/// | --- | --- | --- |
/// | opened, isolated, disabled | WARN | those of a transition |
/// | any other transition | INFO | those of a transition |
/// | other settings | INFO | `circuit.name`, `circuit.table`, `circuit.note`; the message says what is different |
/// | a call rejected | DEBUG | `circuit.name`, `circuit.table`, `error.type`, `circuit.retry_after_s` |
/// | a table of circuits let a call pass uncounted, or forgot an open circuit | WARN | `circuit.table`, `circuit.total` |
///
/// The last is written when it happens for the first, second, fourth, eighth time and so on.
///
/// A transition has `circuit.name`, `circuit.table`, `circuit.state.from`, `circuit.state.to`, `circuit.reason` (one
/// word), `circuit.generation`, `circuit.open_for_s`, `circuit.error`, `circuit.note`, `circuit.observe_only`, and as its message the
/// reason with its figures. Fields without a value are left out. OpenTelemetry's conventions have a name for none of
/// these but `error.type`, so the others follow its rules for names: a namespace, and units that are seconds.
///
/// A call that passes costs nothing. Where no subscriber wants DEBUG, [`Tracing::transitions`] spares the rejections.
///
/// ```
/// use breaker_layer::{Circuit, observe::Tracing};
///
/// let circuit = Circuit::builder("payments").observe(Tracing::new()).build()?;
/// circuit.trip();
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Tracing {
    spares_rejections: bool,
}

impl Tracing {
    /// Writes transitions and rejections.
    pub const fn new() -> Self {
        Self {
            spares_rejections: false,
        }
    }

    /// Writes transitions and changes of settings only.
    pub const fn transitions() -> Self {
        Self {
            spares_rejections: true,
        }
    }
}

/// A level is part of an event's static description, so the event is written down once for each.
macro_rules! transition {
    ($level:expr, $event:expr) => {{
        let (event, transition) = ($event, $event.transition());
        event!(
            target: "breaker_layer",
            $level,
            circuit.name = event.circuit(),
            circuit.table = event.table(),
            circuit.state.from = %transition.from(),
            circuit.state.to = %transition.to(),
            circuit.reason = transition.reason().kind(),
            circuit.generation = transition.generation(),
            circuit.open_for_s = transition.open_for().map(|span| span.as_secs_f64()),
            circuit.error = event.last_failures().and_then(|failures| failures.error()),
            circuit.note = event.note(),
            circuit.observe_only = event.is_observe_only().then_some(true),
            "{event}"
        );
    }};
}

impl Observe for Tracing {
    fn transition(&self, event: &TransitionEvent<'_>) {
        match event.transition().to() {
            State::Open | State::Isolated | State::Disabled => transition!(Level::WARN, event),
            _ => transition!(Level::INFO, event),
        }
    }

    fn reconfigured(&self, event: &ReconfiguredEvent<'_>) {
        event!(
            target: "breaker_layer",
            Level::INFO,
            circuit.name = event.circuit(),
            circuit.table = event.table(),
            circuit.note = event.note(),
            "{event}"
        );
    }

    fn wants_rejected(&self) -> bool {
        !self.spares_rejections
    }

    fn rejected(&self, event: &RejectedEvent<'_>) {
        let refusal = event.refusal();
        event!(
            target: "breaker_layer",
            Level::DEBUG,
            circuit.name = event.circuit(),
            circuit.table = event.table(),
            error.r#type = kind(refusal),
            circuit.retry_after_s = refusal.retry_after().map(|span| span.as_secs_f64()),
            "rejected"
        );
    }

    #[cfg(feature = "keyed")]
    fn keyed(&self, table: &str, event: KeyedEvent) {
        let (total, text) = match event {
            KeyedEvent::Uncounted { total } => (total, "no room: a call passes uncounted"),
            KeyedEvent::ForgottenOpen { total } => (total, "an open circuit is forgotten"),
        };
        // Whoever makes up keys does not fill the log.
        if total.is_power_of_two() {
            event!(
                target: "breaker_layer",
                Level::WARN,
                circuit.table = table,
                circuit.total = total,
                "{text}"
            );
        }
    }
}

const fn kind(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Open { .. } => "circuit_open",
        Refusal::ProbesTaken { .. } => "circuit_probing",
        Refusal::Recovering { .. } => "circuit_recovering",
        Refusal::Isolated { .. } => "circuit_isolated",
        _ => "circuit_rejecting",
    }
}
