//! The figures of a circuit, in columns.

use super::{
    model::{CircuitPart, Report, ServicePart},
    verdict::middles,
    words::{brief, count},
};

pub(crate) const HEADS: [&str; 9] = [
    "config", "trips", "rejected", "harm", "saved", "waiting", "waste", "to trip", "to close",
];

/// What each of [`HEADS`] is, where there is room to say it.
pub(crate) const MEANINGS: [&str; 9] = [
    "the configuration",
    "how often the circuit goes from closed to open",
    "calls that the circuit rejects",
    "rejected calls that had succeeded",
    "rejected calls that had failed",
    "how long the saved calls had taken",
    "failures that are let pass",
    "from an outage's first failure to the trip, in the middle",
    "from an outage's end until the circuit is closed, in the middle",
];

/// The figures of a circuit, under [`HEADS`].
pub(crate) fn row(circuit: &CircuitPart, service: &ServicePart) -> [String; 9] {
    let (to_trip, to_closed) = middles(circuit);
    let or_dash = |nanos: Option<u64>| nanos.map_or("–".to_owned(), brief);
    [
        circuit.configuration.clone(),
        count(circuit.trips),
        count(circuit.rejected),
        count(circuit.harm),
        count(circuit.saved),
        or_dash(circuit.waiting(service.timed > 0)),
        count(circuit.waste),
        or_dash(to_trip),
        or_dash(to_closed),
    ]
}

/// The sums of one configuration over all services.
pub(crate) fn total(report: &Report, lane: usize) -> [String; 9] {
    let circuits = || {
        report
            .services
            .iter()
            .filter_map(|service| service.circuits.get(lane))
    };
    let sum = |of: fn(&CircuitPart) -> u64| circuits().map(of).fold(0, u64::saturating_add);
    let is_timed = report.services.iter().any(|service| service.timed > 0)
        && (sum(|circuit| circuit.saved) == 0 || sum(|circuit| circuit.saved_timed) > 0);
    let dash = || "–".to_owned();
    [
        report.configurations.get(lane).cloned().unwrap_or_default(),
        count(sum(|circuit| circuit.trips)),
        count(sum(|circuit| circuit.rejected)),
        count(sum(|circuit| circuit.harm)),
        count(sum(|circuit| circuit.saved)),
        if is_timed {
            brief(sum(|circuit| circuit.saved_for.0))
        } else {
            dash()
        },
        count(sum(|circuit| circuit.waste)),
        dash(),
        dash(),
    ]
}
