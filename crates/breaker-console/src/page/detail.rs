//! The page of one circuit, and that of a table.

use std::time::Duration;

use breaker_layer::{Config, Snapshot, keyed::AllKeys};

use super::{Head, begin, end, figures, fleet, list::keys_have, order};
use crate::{html::Html, listing::Row, standing::Standing, watch::Past};

/// The page of one circuit.
pub(crate) fn circuit(row: &Row, past: &[Past], is_steered: bool) -> String {
    let key = row
        .key
        .as_deref()
        .map(|key| format!(" › {key}"))
        .unwrap_or_default();
    let title = format!("{} – {}{key}", row.standing.word(), row.name);
    let mut html = begin(&Head {
        title: &title,
        worst: row.standing,
        live: "poll",
        // What is being typed would be lost.
        refresh: (!is_steered).then_some(Duration::from_secs(5)),
    });
    html.raw("<header><p><a href=\"?\">Circuits</a></p><h1>");
    figures::name(&mut html, row);
    html.raw("</h1><p id=\"summary\" role=\"status\" aria-live=\"polite\">")
        .raw(row.standing.word());
    html.raw("</p></header><main><div id=\"live\" data-title=\"")
        .text(&title)
        .raw("\" data-icon=\"");
    html.link(&[("icon", row.standing.word())])
        .raw("\" data-summary=\"")
        .raw(row.standing.word())
        .raw("\">");
    state(&mut html, row);
    time_line(&mut html, &row.snapshot, past);
    html.raw("</div>");
    if is_steered {
        order::form(&mut html, &row.name, row.key.as_deref(), false);
    }
    settings(&mut html, &row.snapshot.config);
    html.raw("</main>");
    end(html)
}

/// The state, since when, until when and why.
fn card(html: &mut Html, snapshot: &Snapshot) {
    let standing = Standing::of(snapshot);
    html.raw("<div class=\"card ")
        .raw(standing.word())
        .raw("\"><p class=\"now\">");
    figures::standing(html, standing);
    html.raw(" ");
    figures::when(html, snapshot);
    html.raw("</p><p class=\"why\">");
    figures::why(html, snapshot);
    html.raw("</p></div>");
}

fn state(html: &mut Html, row: &Row) {
    let snapshot = &row.snapshot;
    card(html, snapshot);
    html.raw("<dl>");
    html.raw("<div><dt>Evidence</dt><dd>");
    figures::evidence(html, snapshot);
    html.raw("</dd></div><div><dt>Windows hold</dt><dd>");
    match snapshot.last_calls.is_some() || snapshot.last_time.is_some() {
        true => figures::windows(html, snapshot),
        false => drop(html.raw("no window")),
    }
    html.raw("</dd></div>");
    if let Some(said) = &row.said {
        let credit = snapshot.credit.map(|credit| credit.failures());
        fleet::figures(html, said, credit.filter(|failures| *failures > 0.0));
    }
    for (name, count) in [
        ("Opened", Some(snapshot.opened.into())),
        ("Failed", Some(snapshot.failed)),
        ("Rejected", Some(snapshot.rejected)),
        ("Ignored", Some(snapshot.ignored)),
        ("Cancelled", Some(snapshot.cancelled)),
        ("Admitted", snapshot.admitted),
        ("Succeeded", snapshot.succeeded),
        ("Slow", snapshot.slow),
    ] {
        if let Some(count) = count {
            html.raw("<div><dt>")
                .raw(name)
                .raw("</dt><dd>")
                .text(count)
                .raw("</dd></div>");
        }
    }
    html.raw("<div class=\"wide\"><dt>Last 5 minutes</dt><dd>");
    figures::bars(html, row);
    html.raw("</dd></div></dl><p class=\"dim\">A bar has 5 seconds: ");
    figures::legend(html);
    if snapshot.admitted.is_none() {
        html.raw("<br>Good calls are not counted here, so a bar does not say how many of all calls failed. The setting <code>count_calls</code> has them counted.");
    }
    html.raw("</p>");
}

/// What happened, drawn and in words, the last first.
fn time_line(html: &mut Html, snapshot: &Snapshot, past: &[Past]) {
    html.raw("<h2>Last transitions</h2>");
    let Some(first) = past.first() else {
        html.raw("<p class=\"dim\">None since the console began.</p>");
        return;
    };
    let (start, now) = (first.transition.at().as_nanos(), snapshot.at.as_nanos());
    let whole = now.saturating_sub(start).max(1) as f64;
    html.raw("<svg class=\"line\" viewBox=\"0 0 1000 16\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    for (number, one) in past.iter().enumerate() {
        let at = one.transition.at().as_nanos();
        let end = past
            .get(number + 1)
            .map_or(now, |next| next.transition.at().as_nanos());
        let place = |nanos: u64| 1000.0 * nanos.saturating_sub(start) as f64 / whole;
        html.raw("<rect class=\"")
            .raw(Standing::of_state(one.transition.to()).word())
            .raw("\" height=\"16\" x=\"");
        html.text(format_args!("{:.1}", place(at)))
            .raw("\" width=\"");
        html.text(format_args!("{:.1}", (place(end) - place(at)).max(1.0)))
            .raw("\"/>");
    }
    html.raw("</svg><ol class=\"past\" reversed>");
    for one in past.iter().rev() {
        let transition = &one.transition;
        let ago = Duration::from_nanos(now.saturating_sub(transition.at().as_nanos()));
        html.raw("<li><span class=\"ago\">")
            .age(ago)
            .raw(" ago</span> ");
        figures::standing(html, Standing::of_state(transition.to()));
        html.raw(" <span>").text(transition.reason());
        if let Some(open_for) = transition.open_for() {
            html.raw(", for ")
                .text(format_args!("{:?}", rounded(open_for)));
        }
        html.raw("</span>");
        if let Some(note) = &one.note {
            html.raw(" <q>").name(note).raw("</q>");
        }
        html.raw("</li>");
    }
    html.raw("</ol>");
}

fn rounded(span: Duration) -> Duration {
    Duration::from_millis(span.as_millis().try_into().unwrap_or(u64::MAX))
}

fn settings(html: &mut Html, config: &Config) {
    html.raw("<h2>Settings in force</h2><table class=\"settings\"><caption>Settings in force</caption><thead><tr><th scope=\"col\">Setting</th><th scope=\"col\">Value</th></tr></thead><tbody>");
    config.each_setting(|setting| {
        let setting = setting.to_string();
        let (name, value) = setting.split_once(" = ").unwrap_or((&setting, ""));
        html.raw("<tr><th scope=\"row\">")
            .text(name)
            .raw("</th><td>")
            .text(value)
            .raw("</td></tr>");
    });
    html.raw("</tbody></table>");
}

/// The page of a table: the command that all of its keys are under, commands and settings.
pub(crate) fn table(table: &AllKeys, is_steered: bool) -> String {
    let (command, len) = (table.commanded(), table.len());
    let command = command.map(|circuit| circuit.snapshot());
    let standing = command.as_ref().map_or(Standing::Closed, Standing::of);
    let mut title = format!("{} – circuits by key", table.name());
    let mut summary = format!("{len}{} a circuit", keys_have(len));
    if command.is_some() {
        title = format!("{} – {title}", standing.word());
        summary += &format!(", every key is under a command: {}", standing.word());
    }
    let mut html = begin(&Head {
        title: &title,
        worst: standing,
        live: "poll",
        // What is being typed would be lost.
        refresh: (!is_steered).then_some(Duration::from_secs(5)),
    });
    html.raw("<header><p><a href=\"?\">Circuits</a></p><h1>")
        .name(table.name())
        .raw("</h1><p id=\"summary\" role=\"status\" aria-live=\"polite\">");
    html.text(&summary)
        .raw("</p></header><main><div id=\"live\" data-title=\"");
    html.text(&title)
        .raw("\" data-icon=\"")
        .link(&[("icon", standing.word())]);
    html.raw("\" data-summary=\"").text(&summary).raw("\">");
    if let Some(snapshot) = &command {
        card(&mut html, snapshot);
    }
    html.raw("</div>");
    if is_steered {
        order::form(&mut html, table.name(), None, true);
    }
    settings(&mut html, &table.config());
    html.raw("</main>");
    end(html)
}
