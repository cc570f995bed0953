//! All services at a glance, the worst first: a row for each service and configuration, which a script sorts and searches.

use std::fmt::Write;

use super::{
    model::{Report, ServicePart},
    svg::escaped,
    words::{count, share},
};

/// A picture of a row has so many columns.
const BARS: usize = 60;

const HEADS: [&str; 11] = [
    "service",
    "failures over time",
    "calls",
    "failed",
    "outages",
    "configuration",
    "trips",
    "rejected",
    "harm",
    "saved",
    "waste",
];

/// The overview of all services, of which so many have a section of their own.
pub(super) fn overview(report: &Report, top: usize) -> String {
    let heads: String = HEADS
        .iter()
        .map(|head| format!("<th scope=\"col\"><button type=\"button\">{head}</button></th>"))
        .collect();
    let mut rows = String::new();
    for (number, service) in report.services.iter().enumerate() {
        let link = (number < top).then_some(number);
        rows += &of_service(report, service, link);
    }
    format!(
        "<section><h2>Overview</h2>\n<p class=\"tools\"><label>Search <input class=\"search\" type=\"search\"></label></p>\n\
         <div class=\"wide\"><table class=\"overview\"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>\n"
    )
}

fn of_service(report: &Report, service: &ServicePart, link: Option<usize>) -> String {
    let name = escaped(&service.name);
    let linked = match link {
        Some(number) => format!("<a href=\"#service-{number}\">{name}</a>"),
        None => name.clone(),
    };
    let cell = |figure: u64| format!("<td data-v=\"{figure}\">{}</td>", count(figure));
    let mut text = String::new();
    for circuit in &service.circuits {
        let share = share(service.failures, service.calls);
        text += &format!(
            "<tr data-service=\"{name}\"><td>{linked}</td><td data-v=\"{}\">{}</td>{}<td data-v=\"{}\">{share}</td>{}<td>{}</td>{}{}{}{}{}</tr>\n",
            service.failures,
            bars(report, service),
            cell(service.calls),
            service.failures as f64 / service.calls.max(1) as f64,
            cell(service.outages.len() as u64),
            escaped(&circuit.configuration),
            cell(circuit.trips),
            cell(circuit.rejected),
            cell(circuit.harm),
            cell(circuit.saved),
            cell(circuit.waste),
        );
    }
    text
}

/// How many of the calls failed, over the time of the log.
fn bars(report: &Report, service: &ServicePart) -> String {
    let whole = (report.log.to.0 - report.log.from.0).max(1) as f64;
    let mut sums = [[0_u64; 2]; BARS];
    for (from, calls, failures) in service.traffic.columns() {
        let part = from.0.saturating_sub(report.log.from.0) as f64 / whole;
        let bar = ((part * BARS as f64) as usize).min(BARS - 1);
        sums[bar][0] += u64::from(calls);
        sums[bar][1] += u64::from(failures);
    }
    let mut path = String::new();
    for (place, [calls, failures]) in sums.into_iter().enumerate().filter(|(_, sum)| sum[1] > 0) {
        let high = 16.0 * failures as f64 / calls as f64;
        // Writing to a string cannot fail.
        let _ = write!(path, "M{} 17v-{high:.1}h2v{high:.1}z", place * 2);
    }
    format!(
        "<svg class=\"replay bars\" viewBox=\"0 0 120 18\" aria-hidden=\"true\"><path class=\"line\" d=\"M0 17.5H120\"/><path class=\"failed\" d=\"{path}\"/></svg>"
    )
}
