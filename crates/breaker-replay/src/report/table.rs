//! For the terminal, within 80 columns.

use super::{
    doubts::{doubts, read_as},
    figures::{HEADS, row, total},
    model::{CircuitPart, Report, ServicePart},
    verdict::{outage, summary},
    words::{count, counted, span, wrapped},
};
use crate::{
    input::{plain, show},
    keys,
};

/// What the figures under [`HEADS`] count.
pub(crate) const LEGEND: &str = "\
An outage is told from the log alone: from where failures outrun successes by ten to where successes do so again. Of the calls \
rejected, harm had succeeded and saved had failed; waste is failures let pass. To trip and to close are the middle times from \
an outage's first failure to the trip, and from its end until the circuit is closed.";
/// So many trips of a circuit are listed, and outages of a service.
const LISTED: usize = 5;
const WIDTH: usize = 80;

/// The report as text, with so many services.
pub(crate) fn table(report: &Report, top: usize) -> String {
    let log = &report.log;
    let mut text = format!(
        "{} from {} to {}\n",
        counted(log.calls, "call"),
        show(log.from.0),
        show(log.to.0)
    );
    for line in read_as(log).into_iter().chain(doubts(log)) {
        text += &wrapped(&line, WIDTH);
    }
    if report.services.len() > 1 {
        text += &whole(report);
    }
    for service in report.services.iter().take(top) {
        text += &section(service);
    }
    let hidden = report.services.len().saturating_sub(top) as u64;
    if hidden > 0 {
        let services = counted(hidden, "service");
        text += &format!("\n{services} with fewer failures not shown (--top).\n");
    }
    if let Some(suggestion) = &report.suggestion {
        text += "\n";
        for line in suggestion.text().lines() {
            text += &wrapped(line, WIDTH);
        }
    }
    if !report.scopes.is_empty() {
        text += "\n";
        for line in keys::text(&report.scopes).lines() {
            text += &wrapped(line, WIDTH);
        }
    }
    text += &format!("\n{}", wrapped(LEGEND, WIDTH));
    for caveat in &report.caveats {
        text += &wrapped(&format!("Note: {caveat}"), WIDTH);
    }
    text
}

/// All services together.
fn whole(report: &Report) -> String {
    let sum = |of: fn(&ServicePart) -> u64| report.services.iter().map(of).sum::<u64>();
    let failures = super::words::share(sum(|service| service.failures), report.log.calls);
    let rows = (0..report.configurations.len()).map(|lane| total(report, lane));
    format!(
        "\nAll {}: {}, {failures} failed\n{}",
        counted(report.services.len() as u64, "service"),
        counted(report.log.calls, "call"),
        columns(rows.collect())
    )
}

fn section(service: &ServicePart) -> String {
    let mut text = String::from("\n");
    text += &wrapped(
        &format!("{}: {}", plain(&service.name), summary(service)),
        WIDTH,
    );
    for part in service.outages.iter().take(LISTED) {
        text += &wrapped(&format!("  {}", outage(part)), WIDTH);
    }
    let more = service.outages.len().saturating_sub(LISTED) as u64;
    if more > 0 {
        text += &format!("  and {} (--format json)\n", counted(more, "more outage"));
    }
    text += &columns(
        service
            .circuits
            .iter()
            .map(|circuit| row(circuit, service))
            .collect(),
    );
    for circuit in &service.circuits {
        let verdict = format!("  {}: {}", plain(&circuit.configuration), circuit.verdict);
        text += &wrapped(&verdict, WIDTH);
        text += &trips(circuit);
    }
    text
}

/// Figures in columns, as far apart as there is room.
fn columns(rows: Vec<[String; 9]>) -> String {
    let mut rows = rows;
    rows.insert(0, HEADS.map(str::to_owned));
    let widths = |rows: &[[String; 9]]| -> [usize; 9] {
        std::array::from_fn(|at| {
            rows.iter()
                .map(|row| row[at].chars().count())
                .max()
                .unwrap_or(0)
        })
    };
    let figures: usize = widths(&rows)[1..].iter().sum();
    let gap = if widths(&rows)[0] + figures + 2 * 9 <= WIDTH {
        2
    } else {
        1
    };
    let room = WIDTH.saturating_sub(figures + 8 * gap + 2).max(10);
    for row in &mut rows {
        row[0] = shortened(&row[0], room);
    }
    let widths = widths(&rows);
    let mut text = String::new();
    for row in &rows {
        text += &format!("  {:<width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(widths).skip(1) {
            text += &format!("{:gap$}{cell:>width$}", "");
        }
        text += "\n";
    }
    text
}

/// The end of a long name: that of a path tells more than its start.
fn shortened(name: &str, room: usize) -> String {
    let name = plain(name);
    let more = name.chars().count().saturating_sub(room);
    if more == 0 {
        return name;
    }
    let end = name.chars().skip(more + 1);
    ['…'].into_iter().chain(end).collect()
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
        let line = format!(
            "    {} {lasted}: {}{outside}",
            show(episode.tripped.0),
            episode.reason
        );
        text += &wrapped(&line, WIDTH);
    }
    let more = circuit.trips - circuit.episodes.len().min(LISTED) as u64;
    if more > 0 {
        text += &format!("    and {} more (--format json)\n", count(more));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_into_80_whatever_the_figures_are() {
        let row = |name: &str, figure: &str| {
            let mut row = [figure; 9].map(str::to_owned);
            name.clone_into(&mut row[0]);
            row
        };
        for (name, figure) in [
            ("default", "12"),
            ("a-configuration-with-a-long-name-that-ends", "12,345"),
            ("a-configuration-with-a-long-name-that-ends", "1,234"),
        ] {
            let text = columns(vec![row(name, figure)]);
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
            assert!(text.contains(&name[name.len() - 5..]), "{text}");
        }
    }
}
