//! A verdict in plain words.

use super::{
    model::{CircuitPart, OutagePart, ServicePart, Span},
    words::{count, counted, share, span},
};
use crate::{input::show, suggest::Prices};

/// Fewer calls tell nothing.
const FEW: u64 = 20;
/// More calls that say nothing about the service, in percent, make its health unknown.
const UNKNOWN: u64 = 5;

/// What a configuration would have meant for a service.
pub(crate) fn of(circuit: &CircuitPart, service: &ServicePart, prices: Prices) -> String {
    let outages = circuit.answers.len() as u64;
    let are_few = service.calls - service.cancelled < FEW;
    let shows_nothing = outages == 0 && circuit.rejected == 0;
    if circuit.trips > 0 && !(are_few && shows_nothing) {
        return format!(
            "{}: {}; {}.",
            judgement(circuit, prices),
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
    if are_few {
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

/// When an outage was, how long it lasted, and how much of it failed.
pub(crate) fn outage(part: &OutagePart) -> String {
    let until = match part.ended {
        Some(ended) => format!(
            "to {} ({})",
            show(ended.0),
            span(ended.0.saturating_sub(part.began.0))
        ),
        None => "to the end of the log".to_owned(),
    };
    format!(
        "outage from {} {until}: {} of {} failed",
        show(part.began.0),
        count(part.failures),
        counted(part.calls, "call")
    )
}

/// What it was good for, at these prices.
fn judgement(circuit: &CircuitPart, prices: Prices) -> &'static str {
    if circuit.rejected == 0 {
        return "Would have changed nothing";
    }
    let told = circuit.harm + circuit.saved;
    if circuit.rejected.saturating_sub(told) > told {
        return "Cannot tell, because most of the rejected calls were given up by their clients (--failures 499 counts them)";
    }
    let harm = circuit.harm as f64 * prices.harm;
    let saved = circuit.saved as f64 * prices.waste;
    if harm > saved {
        "Would have done more harm than good"
    } else if harm * 5.0 > saved {
        "Would have helped, at a price"
    } else if circuit.waste > circuit.saved {
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
    let all = circuit.answers.len() as u64;
    let open = circuit
        .answers
        .iter()
        .filter(|answer| answer.was_open)
        .count() as u64;
    if open > 0 {
        text += &format!(
            ", {} of {} began while it was open",
            count(open),
            counted(all, "outage")
        );
    }
    let missed = circuit.missed();
    if missed > 0 {
        text += &format!(", {} missed", counted(missed, "outage"));
    }
    text
}

fn calls(circuit: &CircuitPart, service: &ServicePart) -> String {
    let waiting = match circuit.waiting(service.timed > 0) {
        None => String::new(),
        Some(nanos) => {
            let at_least = if circuit.saved_timed < circuit.saved {
                "at least "
            } else {
                ""
            };
            format!(" ({at_least}{} of waiting saved)", span(nanos))
        }
    };
    let slow = if circuit.slow.is_some() {
        " or were slow"
    } else {
        ""
    };
    format!(
        "{} rejected, of which {} had failed{slow}{waiting} and {} had succeeded",
        counted(circuit.rejected, "call"),
        share(circuit.saved, circuit.rejected),
        count(circuit.harm),
    )
}

impl CircuitPart {
    /// How long the saved calls had taken, in nanoseconds; `None` where the log says it of none of them.
    pub(crate) fn waiting(&self, is_timed: bool) -> Option<u64> {
        let is_known = is_timed && (self.saved == 0 || self.saved_timed > 0);
        is_known.then_some(self.saved_for.0)
    }

    /// Outages that began while it was closed, and without a trip.
    pub(crate) fn missed(&self) -> u64 {
        let answers = self.answers.iter();
        answers
            .filter(|answer| answer.to_trip.is_none() && !answer.was_open)
            .count() as u64
    }
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
