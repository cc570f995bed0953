//! The pictures, drawn by hand: a plain SVG reads better than what a plotting crate makes of open periods.

use std::fmt::Write;

use super::{
    axis::{LEFT, RIGHT, Scale, TOP},
    model::{CircuitPart, EpisodePart, Moment, OutagePart, Report, ServicePart},
    verdict::outage,
    words::{rate, span},
};
use crate::{input::show, outputs::MARK};

const WIDTH: f64 = 960.0;
/// The traffic.
const TRAFFIC: f64 = 96.0;
/// The failure ratio.
const RATIO: f64 = 34.0;
const WHOLE: f64 = 24.0;
/// A configuration.
const LANE: f64 = 30.0;
const BAR: f64 = 14.0;
const AXIS: f64 = 24.0;

/// The colours, in light and dark.
pub(crate) const STYLE: &str = "\
.replay{--paper:#fff;--ink:#1c2430;--soft:#667085;--line:#d8dde5;--calls:#b9c6d8;--failed:#c62f2f;--open:#e0552f;--half:#f2b53c;--closed:#e4efe7;font:12px system-ui,sans-serif}
@media (prefers-color-scheme:dark){.replay{--paper:#14181e;--ink:#e8ecf2;--soft:#98a3b3;--line:#39424f;--calls:#4a5a70;--failed:#ff6b62;--open:#e8643c;--half:#d9a130;--closed:#22382b}}
@media print{.replay{--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--calls:#b9c6d8;--failed:#b00;--open:#d4441c;--half:#eeb030;--closed:#edf5ef;print-color-adjust:exact;-webkit-print-color-adjust:exact}}
.replay .paper{fill:var(--paper)}.replay text{fill:var(--ink)}.replay .soft{fill:var(--soft)}.replay .right{text-anchor:end}.replay .middle{text-anchor:middle}
.replay .line{stroke:var(--line);fill:none}.replay .calls{fill:var(--calls)}.replay .failed{fill:var(--failed)}
.replay .ground{fill:var(--line);opacity:.35}.replay .open{fill:var(--open)}.replay .half{fill:var(--half)}.replay .closed{fill:var(--closed)}
.replay .outage{fill:var(--failed);opacity:.1}.replay .outage:hover{opacity:.2}.replay .cursor{stroke:var(--ink);fill:none;vector-effect:non-scaling-stroke;pointer-events:none}.replay .band{fill:var(--ink);opacity:.15;pointer-events:none}.replay .trip{fill:var(--ink);stroke:none}
.replay a:focus .trip,.replay a:hover .trip{fill:var(--open);stroke:var(--ink);stroke-width:2}.replay a:focus{outline:none}";

/// All pictures in one file, of so many services.
pub(crate) fn svg(report: &Report, top: usize) -> String {
    let gap = 34.0;
    let (mut y, mut body) = (0.0, String::new());
    for service in report.services.iter().take(top) {
        let height = height(service);
        let (name, inner) = (escaped(&service.name), content(report, service, None));
        body += &format!(
            "<g transform=\"translate(0 {y})\"><text x=\"6\" y=\"20\" font-weight=\"600\">{name}</text>\
             <g transform=\"translate(0 {gap})\">{inner}</g></g>\n"
        );
        y += height + gap;
    }
    body += &key(y + 6.0);
    y += 28.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"replay\" viewBox=\"0 0 {WIDTH} {y}\" width=\"{WIDTH}\" height=\"{y}\">\
         <!-- {MARK} --><style>{STYLE}</style>\n<rect class=\"paper\" width=\"{WIDTH}\" height=\"{y}\"/>\n{body}</svg>\n"
    )
}

/// What the colours mean, where no page says so.
fn key(y: f64) -> String {
    let colours = [
        ("calls", "calls"),
        ("failed", "failed"),
        ("outage", "outage"),
        ("closed", "closed"),
        ("open", "open"),
        ("half", "half-open, probing"),
    ];
    let marks = (0..).zip(colours).map(|(place, (class, name))| {
        let x = LEFT + f64::from(place) * 90.0;
        format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"14\" height=\"10\"/>\
             <text class=\"soft\" x=\"{}\" y=\"{}\">{name}</text>",
            x + 20.0,
            y + 9.0
        )
    });
    marks.collect()
}

/// One service, for the report, where each trip leads to its row; `number` tells the services apart.
pub(crate) fn picture(report: &Report, service: &ServicePart, number: usize) -> String {
    let height = height(service);
    format!(
        "<svg class=\"replay\" viewBox=\"0 0 {WIDTH} {height}\" role=\"group\" aria-label=\"Timeline of {}\">{}</svg>",
        escaped(&service.name),
        content(report, service, Some(number))
    )
}

fn height(service: &ServicePart) -> f64 {
    bottom(service) + AXIS + 6.0
}

/// Where the lanes end, and the axis lies.
fn bottom(service: &ServicePart) -> f64 {
    TOP + TRAFFIC + RATIO + service.circuits.len() as f64 * LANE
}

/// What is drawn: the labels, and apart from them the plot, which alone is stretched when somebody looks closer.
fn content(report: &Report, service: &ServicePart, number: Option<usize>) -> String {
    let scale = Scale {
        from: report.log.from.0,
        to: report.log.to.0,
    };
    let bottom = bottom(service);
    let mut plot = String::new();
    for part in &service.outages {
        plot += &outage_bar(part, &scale, bottom - TOP);
    }
    let (labels, columns) = traffic(service, &scale);
    let (ratio_labels, ratio) = ratio(service, &scale);
    let mut labels = labels + &ratio_labels;
    plot += &columns;
    plot += &ratio;
    let mut y = TOP + TRAFFIC + RATIO;
    for (lane, circuit) in service.circuits.iter().enumerate() {
        let prefix = number.map(|number| format!("trip-{number}-{lane}"));
        let (label, drawn) = lane_of(circuit, &scale, y, prefix.as_deref());
        labels += &label;
        plot += &drawn;
        y += LANE;
    }
    let axis = scale.axis(bottom);
    // Nothing of what is looked at closer lies over the labels.
    let clip = |number| {
        let (x, width) = (LEFT - 5.0, RIGHT - LEFT + 10.0);
        format!(
            "<clipPath id=\"clip-{number}\"><rect x=\"{x}\" y=\"0\" width=\"{width}\" height=\"{}\"/></clipPath>",
            bottom + 2.0
        )
    };
    let (path, clipped) = number.map_or(<_>::default(), |number| {
        (clip(number), format!(" clip-path=\"url(#clip-{number})\""))
    });
    format!(
        "{path}{labels}<g{clipped}><g class=\"plot\">{plot}</g></g><g class=\"axis\">{axis}</g>"
    )
}

fn outage_bar(part: &OutagePart, scale: &Scale, height: f64) -> String {
    let (x, width) = scale.bar(part.began, part.ended);
    format!(
        "<rect class=\"outage\" x=\"{x:.2}\" y=\"{TOP}\" width=\"{width:.2}\" height=\"{height}\"><title>{}</title></rect>",
        escaped(&outage(part))
    )
}

/// What the script reads out, as JSON; times in milliseconds since 1970.
pub(crate) fn read_out(report: &Report, service: &ServicePart) -> String {
    let milli = |moment: Moment| moment.0 as f64 / 1e6;
    let lanes: Vec<_> = service
        .circuits
        .iter()
        .map(|circuit| {
            let episodes = || circuit.episodes.iter();
            let open: Vec<_> = episodes()
                .map(|episode| (milli(episode.tripped), episode.closed.map(milli)))
                .collect();
            let half: Vec<_> = episodes()
                .flat_map(|episode| &episode.half_open)
                .map(|(from, to)| (milli(*from), milli(*to)))
                .collect();
            serde_json::json!({ "name": circuit.configuration, "open": open, "half": half })
        })
        .collect();
    let outages: Vec<_> = service
        .outages
        .iter()
        .map(|outage| (milli(outage.began), outage.ended.map(milli)))
        .collect();
    serde_json::json!({
        "from": milli(report.log.from),
        "to": milli(report.log.to),
        "first": milli(service.traffic.from),
        "step": service.traffic.width.0 as f64 / 1e6,
        "calls": service.traffic.calls,
        "failures": service.traffic.failures,
        "outages": outages,
        "lanes": lanes,
    })
    .to_string()
}

/// Calls as columns, and the failed ones among them.
fn traffic(service: &ServicePart, scale: &Scale) -> (String, String) {
    let most = service.traffic.calls.iter().max();
    let most = most.copied().unwrap_or(1).max(1);
    let width = service.traffic.width.0;
    let floor = TOP + TRAFFIC - 8.0;
    let tall = TRAFFIC - 12.0;
    let [mut calls, mut failed] = [String::new(), String::new()];
    for (from, all, failures) in service.traffic.columns() {
        let (start, wide) = scale.column(from, width);
        for (path, count) in [(&mut calls, all), (&mut failed, failures)] {
            if count > 0 {
                let high = tall * f64::from(count) / f64::from(most);
                // Writing to a string cannot fail.
                let _ = write!(path, "M{start:.2} {floor}v-{high:.2}h{wide:.2}v{high:.2}z");
            }
        }
    }
    let peak = rate(most.into(), width);
    let labels = format!(
        "<path class=\"line\" d=\"M{LEFT} {floor}H{RIGHT}\"/>\
         <text class=\"right\" x=\"{x}\" y=\"{high}\">{peak}</text>\
         <text class=\"right soft\" x=\"{x}\" y=\"{low}\">failed in red</text>",
        x = LEFT - 10.0,
        high = TOP + 12.0,
        low = floor,
    );
    let plot =
        format!("<path class=\"calls\" d=\"{calls}\"/><path class=\"failed\" d=\"{failed}\"/>");
    (labels, plot)
}

/// How many of the calls failed, however few they were.
fn ratio(service: &ServicePart, scale: &Scale) -> (String, String) {
    let floor = TOP + TRAFFIC + WHOLE;
    let mut failed = String::new();
    for (from, calls, failures) in service.traffic.columns() {
        if failures > 0 {
            let (start, wide) = scale.column(from, service.traffic.width.0);
            let high = WHOLE * f64::from(failures) / f64::from(calls);
            // Writing to a string cannot fail.
            let _ = write!(
                failed,
                "M{start:.2} {floor}v-{high:.2}h{wide:.2}v{high:.2}z"
            );
        }
    }
    let labels = format!(
        "<rect class=\"ground\" x=\"{LEFT}\" y=\"{}\" width=\"{}\" height=\"{WHOLE}\"/>\
         <text class=\"right soft\" x=\"{}\" y=\"{}\">failure ratio</text>",
        TOP + TRAFFIC,
        RIGHT - LEFT,
        LEFT - 10.0,
        floor - 8.0,
    );
    (
        labels,
        format!("<path class=\"failed ratio\" d=\"{failed}\"/>"),
    )
}

fn lane_of(circuit: &CircuitPart, scale: &Scale, y: f64, prefix: Option<&str>) -> (String, String) {
    let name = escaped(&shortened(&circuit.configuration));
    let top = y + 8.0;
    let label = format!(
        "<text class=\"right\" x=\"{}\" y=\"{}\">{name}</text>\
         <rect class=\"closed\" x=\"{LEFT}\" y=\"{top}\" width=\"{}\" height=\"{BAR}\"/>",
        LEFT - 10.0,
        top + 11.0,
        RIGHT - LEFT,
    );
    let mut text = String::new();
    let mut drawn = f64::MIN;
    for (number, episode) in circuit.episodes.iter().enumerate() {
        let (x, width) = scale.bar(episode.tripped, episode.closed);
        // What would lie on the same pixel is drawn once.
        if x + width < drawn + 0.4 {
            continue;
        }
        drawn = x + width;
        text += &format!(
            "<rect class=\"open\" x=\"{x:.2}\" y=\"{top}\" width=\"{width:.2}\" height=\"{BAR}\"/>"
        );
        text += &half_open(episode, scale, top);
        let mark = format!(
            "<path class=\"trip\" d=\"M{x:.2} {top}l-4 -7h8z\"><title>{}</title></path>",
            escaped(&told(episode))
        );
        text += &match prefix {
            Some(prefix) if number < super::html::ROWS => format!(
                "<a href=\"#{prefix}-{number}\" aria-label=\"{}\">{mark}</a>",
                escaped(&told(episode))
            ),
            _ => mark,
        };
    }
    (label, text)
}

fn half_open(episode: &EpisodePart, scale: &Scale, top: f64) -> String {
    let mut path = String::new();
    let mut drawn = f64::MIN;
    for (from, to) in &episode.half_open {
        let (x, width) = scale.bar(*from, Some(*to));
        if x + width >= drawn + 0.8 {
            drawn = x + width;
            // Writing to a string cannot fail.
            let _ = write!(
                path,
                "M{x:.2} {}h{width:.2}v5h-{width:.2}z",
                top + BAR - 5.0
            );
        }
    }
    format!("<path class=\"half\" d=\"{path}\"/>")
}

/// A trip in a sentence.
pub(crate) fn told(episode: &EpisodePart) -> String {
    let lasted = match episode.lasted {
        Some(lasted) => format!("open for {}", span(lasted.0)),
        None => "open to the end of the log".to_owned(),
    };
    format!("{}: {}, {lasted}", show(episode.tripped.0), episode.reason)
}

/// The end of a long name: that of a path tells more than its start.
fn shortened(name: &str) -> String {
    let more = name.chars().count().saturating_sub(17);
    if more == 0 {
        return name.to_owned();
    }
    ['…']
        .into_iter()
        .chain(name.chars().skip(more + 1))
        .collect()
}

/// As it may stand in text and in attributes of HTML and SVG.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // What XML forbids, even escaped.
            '\u{0}'..='\u{8}'
            | '\u{b}'
            | '\u{c}'
            | '\u{e}'..='\u{1f}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                safe.push('\u{fffd}');
            }
            letter => safe.push(letter),
        }
    }
    safe
}
