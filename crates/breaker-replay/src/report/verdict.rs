//! A verdict in plain words.

use super::{
    model::{CircuitPart, Span},
    words::{count, counted, share, span},
};

/// What a configuration would have meant for a service.
pub(crate) fn of(circuit: &CircuitPart) -> String {
    let outages = circuit.answers.len() as u64;
    if circuit.trips == 0 {
        return match outages {
            0 => "Would have changed nothing: no outage, no trip.".to_owned(),
            _ => format!(
                "Would not have helped: {}, and no trip; all {} failures would have been waited for.",
                counted(outages, "outage"),
                count(circuit.waste)
            ),
        };
    }
    format!(
        "{}: {}; {}.",
        judgement(circuit),
        trips(circuit),
        calls(circuit)
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

fn calls(circuit: &CircuitPart) -> String {
    format!(
        "{} rejected, of which {} had failed ({} of waiting saved) and {} had succeeded",
        counted(circuit.rejected, "call"),
        share(circuit.saved, circuit.rejected),
        span(circuit.saved_for.0),
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
