//! For the terminal.

use std::fmt::Write;

use super::{
    model::{CircuitPart, LogPart, Report, ServicePart},
    verdict::middles,
    words::{count, counted, share, span},
};
use crate::input::show;

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
    for doubt in doubts(log) {
        text += &format!("{doubt}\n");
    }
    text
}

/// What of the log did not make it into the replay.
pub(crate) fn doubts(log: &LogPart) -> Vec<String> {
    let mut doubts = vec![];
    if log.seen.bad > 0 {
        doubts.push(format!(
            "{} could not be read:",
            counted(log.seen.bad, "line")
        ));
        let shown = log.seen.first_bad.iter();
        doubts.extend(shown.map(|bad| format!("  {bad}")));
        let more = log.seen.bad - log.seen.first_bad.len() as u64;
        if more > 0 {
            doubts.push(format!("  and {} more", count(more)));
        }
    }
    if log.left_out > 0 {
        doubts.push(format!(
            "{} to services beyond the limit left out (--max-services)",
            counted(log.left_out, "call")
        ));
    }
    if log.disorder.late > 0 {
        doubts.push(format!(
            "{} left out, which came too late to be put in order (--window)",
            counted(log.disorder.late, "call")
        ));
    }
    if log.disorder.long > 0 {
        doubts.push(format!(
            "{} taken to begin later, because the log says so only after the window (--window)",
            counted(log.disorder.long, "long call")
        ));
    }
    if log.crowded > 0 {
        doubts.push(format!(
            "{} taken to end at once, because too many were under way",
            counted(log.crowded, "call")
        ));
    }
    doubts
}

fn section(service: &ServicePart) -> String {
    let mut text = format!(
        "\n{}: {}, {} failed, {}\n",
        service.name,
        counted(service.calls, "call"),
        share(service.failures, service.calls),
        counted(service.outages.len() as u64, "outage"),
    );
    let rows = service.circuits.iter().map(row);
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
pub(crate) fn row(circuit: &CircuitPart) -> [String; 9] {
    let (to_trip, to_closed) = middles(circuit);
    let or_dash = |nanos: Option<u64>| nanos.map_or("–".to_owned(), span);
    [
        circuit.configuration.clone(),
        count(circuit.trips),
        count(circuit.rejected),
        count(circuit.harm),
        count(circuit.saved),
        span(circuit.saved_for.0),
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
