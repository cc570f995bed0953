//! For the terminal.

use std::fmt::Write;

use super::{
    doubts::{doubts, read_as},
    model::{CircuitPart, LogPart, Report, ServicePart},
    verdict::{middles, summary},
    words::{count, counted, span},
};
use crate::input::{plain, show};

/// What the figures under [`HEADS`] count.
pub(crate) const LEGEND: &str = "\
An outage is told from the log alone: from where failures outrun successes by ten to where successes do so again. Of the calls \
rejected, harm had succeeded and saved had failed; waste is failures let pass. To trip and to closed are the middle times from \
an outage's first failure to the trip, and from its end until the circuit is closed.";
/// So many trips of a circuit are listed.
const LISTED: usize = 5;

/// The report as text, with so many services.
pub(crate) fn table(report: &Report, top: usize) -> String {
    let mut text = head(&report.log);
    for service in report.services.iter().take(top) {
        text += &section(service);
    }
    if let Some(more) = report
        .services
        .len()
        .checked_sub(top)
        .filter(|more| *more > 0)
    {
        text += &format!(
            "\n{} with fewer failures not shown (--top).\n",
            counted(more as u64, "service")
        );
    }
    if let Some(suggestion) = &report.suggestion {
        text += &format!("\n{}", suggestion.text());
    }
    text += &format!("\n{LEGEND}\n");
    for caveat in report.caveats {
        text += &format!("Note: {caveat}\n");
    }
    text
}

fn head(log: &LogPart) -> String {
    let mut text = format!(
        "{} from {} to {}\n",
        counted(log.calls, "call"),
        show(log.from.0),
        show(log.to.0)
    );
    for line in read_as(log).into_iter().chain(doubts(log)) {
        text += &format!("{line}\n");
    }
    text
}

fn section(service: &ServicePart) -> String {
    let mut text = format!("\n{}: {}\n", plain(&service.name), summary(service));
    let rows = service.circuits.iter().map(|circuit| row(circuit, service));
    let rows: Vec<_> = [HEADS.map(str::to_owned)].into_iter().chain(rows).collect();
    let widths: [usize; 9] = std::array::from_fn(|at| {
        rows.iter()
            .map(|row| row[at].chars().count())
            .max()
            .unwrap_or(0)
    });
    for row in &rows {
        let mut line = format!("  {:<width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            // Writing to a string cannot fail.
            let _ = write!(line, "  {cell:>width$}");
        }
        text += &format!("{line}\n");
    }
    for circuit in &service.circuits {
        text += &format!("  {}: {}\n", circuit.configuration, circuit.verdict);
        text += &trips(circuit);
    }
    text
}

pub(crate) const HEADS: [&str; 9] = [
    "configuration",
    "trips",
    "rejected",
    "harm",
    "saved",
    "waiting saved",
    "waste",
    "to trip",
    "to closed",
];

/// The figures of a circuit, under [`HEADS`].
pub(crate) fn row(circuit: &CircuitPart, service: &ServicePart) -> [String; 9] {
    let (to_trip, to_closed) = middles(circuit);
    let or_dash = |nanos: Option<u64>| nanos.map_or("–".to_owned(), span);
    [
        circuit.configuration.clone(),
        count(circuit.trips),
        count(circuit.rejected),
        count(circuit.harm),
        count(circuit.saved),
        or_dash((service.timed > 0).then_some(circuit.saved_for.0)),
        count(circuit.waste),
        or_dash(to_trip),
        or_dash(to_closed),
    ]
}

fn trips(circuit: &CircuitPart) -> String {
    let mut text = String::new();
    for episode in circuit.episodes.iter().take(LISTED) {
        let lasted = match episode.lasted {
            Some(lasted) => format!("for {}", span(lasted.0)),
            None => "to the end".to_owned(),
        };
        let outside = if episode.in_outage {
            ""
        } else {
            ", outside of any outage"
        };
        text += &format!(
            "    {} {lasted}: {}{outside}\n",
            show(episode.tripped.0),
            episode.reason
        );
    }
    let more = circuit.trips - circuit.episodes.len().min(LISTED) as u64;
    if more > 0 {
        text += &format!("    and {} more (--format json)\n", count(more));
    }
    text
}
