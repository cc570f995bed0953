//! One HTML file that needs nothing else: no font, no request, and one script of its own, which its policy names by its hash.
//! Without the script it says the same. What is to be pointed at is a link or takes keys, so that a keyboard does all that a
//! mouse does.

use super::{
    doubts::{doubts, read_as},
    figures::{HEADS, MEANINGS, row},
    model::{CircuitPart, Report, ServicePart},
    overview::overview,
    svg::{STYLE, escaped, picture, read_out},
    table::LEGEND,
    verdict::{outage, summary},
    words::{count, counted, span},
};
use crate::{input::show, keys, outputs::MARK};

/// So many trips of a circuit have a row.
pub(crate) const ROWS: usize = 200;

/// Sorting, searching, reading out.
const SCRIPT: &str = include_str!("script.js");
/// The policy lets this script alone run.
const HASH: &str = "sha256-bYeVvCsADzOjheo1B/DEx6MzgRaIny06MPKfuKoxLh0=";

const PAGE: &str = "\
:root{color-scheme:light dark;--ink:#1c2430;--soft:#667085;--line:#d8dde5;--paper:#fff;--shade:#f4f6f9;--link:#1f5fbf}
@media (prefers-color-scheme:dark){:root{--ink:#e8ecf2;--soft:#98a3b3;--line:#39424f;--paper:#14181e;--shade:#1c222b;--link:#7fb0ff}}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--paper:#fff;--shade:#fff;--link:#1f5fbf}}
*{box-sizing:border-box}body{margin:0 auto;max-width:1040px;padding:24px 32px 48px;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:26px;margin:0 0 4px}h2{font-size:20px;margin:36px 0 2px}p{margin:6px 0}a{color:var(--link)}.soft{color:var(--soft)}
svg.replay{display:block;width:100%;height:auto;margin:10px 0}
table{border-collapse:collapse;width:100%;margin:8px 0;font-variant-numeric:tabular-nums}
th{font-weight:500;color:var(--soft);text-align:right;border-bottom:1px solid var(--line);padding:4px 8px}
td{text-align:right;padding:4px 8px;border-bottom:1px solid var(--line);white-space:nowrap}td.why{white-space:normal;min-width:14em}.wide{overflow-x:auto}.wide>svg{min-width:640px}th button{all:unset;cursor:pointer;color:inherit}th button:focus-visible{outline:2px solid var(--link)}th[aria-sort=descending] button::after{content:' ↓'}th[aria-sort=ascending] button::after{content:' ↑'}
.tools{display:none}.js .tools{display:block}.tools input{font:inherit;padding:3px 8px;border:1px solid var(--line);border-radius:4px;background:var(--paper);color:inherit}
svg.replay.bars{width:120px;height:18px;display:inline-block;margin:0;vertical-align:middle}.said,.range{min-height:1.5em;font-variant-numeric:tabular-nums}.said:empty,.range:empty{display:none}.js .said:empty{display:block}.js .said:empty::before{content:'Point at the picture, or use the arrow keys, to read a moment out; drag to look closer.'}
.figure.zoomed .axis,.figure.zoomed .trip{display:none}.js .figure svg.replay{touch-action:pan-y;cursor:crosshair}[hidden]{display:none!important}
.overview td:nth-child(6),.overview th:nth-child(6){text-align:left}th:first-child,td:first-child,.trips th,.trips td{text-align:left}
td:first-child,.overview td:nth-child(6){white-space:normal;overflow-wrap:anywhere;min-width:9em;max-width:20em}.trips td:first-child{white-space:nowrap}h2,li{overflow-wrap:anywhere}
tr:target td{background:#ffe9a8;color:#000}:focus-visible{outline:2px solid var(--link);outline-offset:2px}
ul.verdicts{padding-left:18px;margin:6px 0}summary{cursor:pointer;color:var(--link)}
.key span{display:inline-block;width:14px;height:10px;margin:0 5px 0 14px;vertical-align:baseline}
pre{background:var(--shade);padding:12px;overflow-x:auto;font-size:13px;white-space:pre-wrap}
footer{margin-top:36px;border-top:1px solid var(--line);padding-top:10px}
@page{margin:14mm}
@media print{body{max-width:none;padding:0;font-size:9.5pt}h1{font-size:17pt}h2{font-size:13pt;margin-top:20pt}nav,.tools,.js .tools,.said,.range{display:none!important}td,th{padding:2px 6px}
.whole,svg,tr,footer{break-inside:avoid}h2,summary,thead{break-after:avoid}.wide{overflow:visible}.wide>svg{min-width:0}}";

/// The report as a page, with so many services.
pub(crate) fn html(report: &Report, top: usize) -> String {
    let mut text = head(report);
    text += KEY;
    text += &format!("<p class=\"soft\">{LEGEND}</p>\n");
    let shown = || report.services.iter().take(top).enumerate();
    if report.services.len() > 1 {
        text += &overview(report, top);
    }
    for (number, service) in shown() {
        text += &section(report, service, number);
    }
    let hidden = report.services.len().saturating_sub(top) as u64;
    if hidden > 0 {
        text += &format!(
            "<p>{} with fewer failures not shown.</p>\n",
            counted(hidden, "service")
        );
    }
    if let Some(suggestion) = &report.suggestion {
        text += &format!(
            "<h2>Suggestion</h2>\n<pre>{}</pre>\n",
            escaped(&suggestion.text())
        );
    }
    if !report.scopes.is_empty() {
        text += &format!(
            "<h2>Other circuits</h2>\n<pre>{}</pre>\n",
            escaped(&keys::text(&report.scopes))
        );
    }
    let caveats = report.caveats.iter();
    let caveats: String = caveats.map(|caveat| format!("<li>{caveat}</li>")).collect();
    text + &format!(
        "<footer><p>What a replay cannot know:</p><ul class=\"soft\">{caveats}</ul></footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// What stands before the services: which log it is, and what makes one doubt.
fn head(report: &Report) -> String {
    let log = &report.log;
    let mut text = format!(
        "<!doctype html>\n<!-- {MARK} -->\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src '{HASH}'\">\n\
         <title>What would the breaker have done?</title>\n<style>{PAGE}\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>What would the breaker have done?</h1>\n<p class=\"soft\">{} from {} to {}</p>\n",
        counted(log.calls, "call"),
        show(log.from.0),
        show(log.to.0)
    );
    for line in read_as(log) {
        text += &format!("<p class=\"soft\">{}</p>\n", escaped(&line));
    }
    for doubt in doubts(log) {
        text += &format!("<p>{}</p>\n", escaped(&doubt));
    }
    text
}

const KEY: &str = "<p class=\"key soft replay\"><span style=\"background:var(--calls)\"></span>calls\
    <span style=\"background:var(--failed)\"></span>failed<span style=\"background:var(--failed);opacity:.2\"></span>outage\
    <span style=\"background:var(--closed)\"></span>closed<span style=\"background:var(--open)\"></span>open\
    <span style=\"background:var(--half)\"></span>half-open, probing &nbsp; ▾ trip</p>\n";

fn section(report: &Report, service: &ServicePart, number: usize) -> String {
    let mut text = format!(
        "<section id=\"service-{number}\" data-service=\"{0}\">\n<div class=\"whole\"><h2>{0}</h2>\n<p class=\"soft\">{1}</p>\n<ul class=\"verdicts\">",
        escaped(&service.name),
        summary(service),
    );
    for circuit in &service.circuits {
        let (name, verdict) = (escaped(&circuit.configuration), escaped(&circuit.verdict));
        text += &format!("<li><b>{name}</b>: {verdict}</li>");
    }
    text += &format!(
        "</ul>\n<div class=\"figure\" tabindex=\"0\" role=\"group\" aria-label=\"Timeline of {}: arrow keys read a moment out, plus and minus look closer\" \
         data-told=\"{}\"><div class=\"wide\">{}</div><p class=\"said soft\" aria-live=\"polite\"></p><p class=\"range soft\"></p></div>\n",
        escaped(&service.name),
        escaped(&read_out(report, service)),
        picture(report, service, number)
    );
    text += &outages(service);
    let heads: String = HEADS
        .iter()
        .zip(MEANINGS)
        .map(|(head, meaning)| format!("<th scope=\"col\" title=\"{meaning}\">{head}</th>"))
        .collect();
    text += &format!("<div class=\"wide\"><table><thead><tr>{heads}</tr></thead><tbody>");
    for circuit in &service.circuits {
        let cells = row(circuit, service).map(|cell| format!("<td>{}</td>", escaped(&cell)));
        text += &format!("<tr>{}</tr>", cells.concat());
    }
    text += "</tbody></table></div></div>\n";
    for (lane, circuit) in service.circuits.iter().enumerate() {
        text += &trips(circuit, &format!("trip-{number}-{lane}"));
    }
    text + "</section>\n"
}

/// When each outage was.
fn outages(service: &ServicePart) -> String {
    if service.outages.is_empty() {
        return String::new();
    }
    let shown = service.outages.iter().take(ROWS);
    let items: String = shown
        .map(|part| format!("<li>{}</li>", escaped(&outage(part))))
        .collect();
    let more = service.outages.len().saturating_sub(ROWS) as u64;
    let more = if more > 0 {
        format!("<p>And {} more.</p>", count(more))
    } else {
        String::new()
    };
    let open = if service.outages.len() <= 8 {
        " open"
    } else {
        ""
    };
    format!(
        "<details{open}><summary>{}</summary><ul class=\"soft\">{items}</ul>{more}</details>\n",
        counted(service.outages.len() as u64, "outage")
    )
}

fn trips(circuit: &CircuitPart, prefix: &str) -> String {
    if circuit.episodes.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "<details{}><summary>{} of {}</summary><div class=\"wide\"><table class=\"trips\"><thead><tr><th scope=\"col\">tripped</th>\
         <th scope=\"col\">open for</th><th scope=\"col\">why</th><th scope=\"col\">opened again</th>\
         <th scope=\"col\">in an outage</th></tr></thead><tbody>",
        if circuit.episodes.len() <= 8 {
            " open"
        } else {
            ""
        },
        counted(circuit.trips, "trip"),
        escaped(&circuit.configuration)
    );
    for (number, episode) in circuit.episodes.iter().take(ROWS).enumerate() {
        let lasted = episode
            .lasted
            .map_or("to the end".to_owned(), |lasted| span(lasted.0));
        text += &format!(
            "<tr id=\"{prefix}-{number}\"><td>{}</td><td>{lasted}</td><td class=\"why\">{}</td><td>{}</td><td>{}</td></tr>",
            show(episode.tripped.0),
            escaped(&episode.reason),
            count(episode.reopened.into()),
            if episode.in_outage { "yes" } else { "no" }
        );
    }
    let more = circuit.trips - circuit.episodes.len().min(ROWS) as u64;
    text += "</tbody></table></div>";
    if more > 0 {
        text += &format!("<p>And {} more.</p>", count(more));
    }
    text + "</details>\n"
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_names_the_script_by_its_hash() {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bytes = Sha256::digest(SCRIPT.as_bytes());
        let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
        let digit = |place: usize| {
            let six = format!("{:0<6}", &bits[place..bits.len().min(place + 6)]);
            char::from(DIGITS[usize::from_str_radix(&six, 2).unwrap()])
        };
        let text: String = (0..bits.len()).step_by(6).map(digit).collect();
        assert_eq!(HASH, format!("sha256-{text}="));
    }
}
