//! A verdict in plain words.

use super::{
    model::{CircuitPart, ServicePart, Span},
    words::{count, counted, share, span},
};

/// Fewer calls tell nothing.
const FEW: u64 = 20;
/// More calls that say nothing about the service, in percent, make its health unknown.
const UNKNOWN: u64 = 5;

/// What a configuration would have meant for a service.
pub(crate) fn of(circuit: &CircuitPart, service: &ServicePart) -> String {
    let outages = circuit.answers.len() as u64;
    if circuit.trips > 0 {
        return format!(
            "{}: {}; {}.",
            judgement(circuit),
            trips(circuit),
            calls(circuit, service)
        );
    }
    if outages > 0 {
        return format!(
            "Would not have helped: {}, and no trip; all {} failures would have been waited for.",
            counted(outages, "outage"),
            count(circuit.waste)
        );
    }
    if service.cancelled * 100 > service.calls * UNKNOWN {
        return format!(
            "Cannot tell: {} of the calls were given up by their clients, which may be an outage (--failures 499 counts them).",
            share(service.cancelled, service.calls)
        );
    }
    if service.calls - service.cancelled < FEW {
        return format!(
            "Too few calls to tell: {}, {} of them failed.",
            counted(service.calls, "call"),
            count(service.failures)
        );
    }
    "Would have changed nothing: no outage, no trip.".to_owned()
}

/// The calls of a service, how they went, and its outages.
pub(crate) fn summary(service: &ServicePart) -> String {
    let given_up = if service.cancelled == 0 {
        String::new()
    } else {
        format!(
            ", {} given up by clients (--failures 499 counts them)",
            share(service.cancelled, service.calls)
        )
    };
    format!(
        "{}, {} failed{given_up}, {}",
        counted(service.calls, "call"),
        share(service.failures, service.calls),
        counted(service.outages.len() as u64, "outage"),
    )
}

fn judgement(circuit: &CircuitPart) -> &'static str {
    let CircuitPart { harm, saved, .. } = *circuit;
    if harm > saved {
        "Would have done more harm than good"
    } else if harm.saturating_mul(5) > saved {
        "Would have helped, at a price"
    } else if circuit.waste > saved {
        "Would have helped a little"
    } else {
        "Would have helped"
    }
}

fn trips(circuit: &CircuitPart) -> String {
    let detailed = circuit.episodes.len() as u64;
    let inside = detailed - circuit.trips_outside_outages;
    let place = match (detailed, inside) {
        (1, 1) => "in an outage".to_owned(),
        (1, 0) => "outside of any outage".to_owned(),
        (all, inside) if all == inside => "all in outages".to_owned(),
        (_, 0) => "none of them in an outage".to_owned(),
        (all, inside) => format!("{} of them outside of any outage", count(all - inside)),
    };
    let mut text = format!("{}, {place}", counted(circuit.trips, "trip"));
    let (to_trip, to_closed) = middles(circuit);
    if let Some(to_trip) = to_trip {
        text += &format!(", {} after the onset", span(to_trip));
    }
    if let Some(to_closed) = to_closed {
        text += &format!(", closed {} after the recovery", span(to_closed));
    }
    let missed = circuit
        .answers
        .iter()
        .filter(|answer| answer.to_trip.is_none())
        .count() as u64;
    if missed > 0 {
        text += &format!(", {} missed", counted(missed, "outage"));
    }
    text
}

fn calls(circuit: &CircuitPart, service: &ServicePart) -> String {
    let waiting = if service.timed == 0 {
        String::new()
    } else {
        format!(" ({} of waiting saved)", span(circuit.saved_for.0))
    };
    format!(
        "{} rejected, of which {} had failed{waiting} and {} had succeeded",
        counted(circuit.rejected, "call"),
        share(circuit.saved, circuit.rejected),
        count(circuit.harm),
    )
}

/// The middle time from onset to trip, and from recovery to closed.
pub(crate) fn middles(circuit: &CircuitPart) -> (Option<u64>, Option<u64>) {
    let middle = |spans: Vec<Span>| {
        let mut spans = spans;
        spans.sort_unstable();
        spans.get(spans.len() / 2).map(|span| span.0)
    };
    let answers = || circuit.answers.iter();
    (
        middle(answers().filter_map(|answer| answer.to_trip).collect()),
        middle(answers().filter_map(|answer| answer.to_closed).collect()),
    )
}
