//! Small pictures and figures that several pages have.

use std::{fmt::Write as _, time::Duration};

use breaker_layer::{Snapshot, State, observe::Totals, policy::Value};

use crate::{
    html::{Clip, Html},
    listing::Row,
    standing::Standing,
    watch::{BARS, Counts},
};

/// The state by shape, colour and word.
pub(super) fn standing(html: &mut Html, standing: Standing) {
    html.raw("<span class=\"state\">")
        .raw(standing.shape())
        .raw(standing.word())
        .raw("</span>");
}

/// Where a circuit is found.
pub(super) fn link(html: &mut Html, row: &Row) {
    // A name as long as this fits in no address.
    const LONGEST: usize = 1500;
    let length = row.name.len() + row.key.as_ref().map_or(0, |key| key.len());
    let is_linked = length <= LONGEST && (!row.of_table || row.key.is_some());
    if is_linked {
        html.raw("<a id=\"a")
            .text(format_args!("{:x}", row.id.0))
            .raw("\" href=\"");
        match &row.key {
            Some(key) => html.link(&[("circuit", &row.name), ("key", key)]),
            None => html.link(&[("circuit", &row.name)]),
        };
        html.raw("\">");
    }
    name(html, row);
    if is_linked {
        html.raw("</a>");
    }
}

pub(super) fn name(html: &mut Html, row: &Row) {
    if row.of_table {
        html.raw("<span class=\"of\">")
            .name(&row.name)
            .raw(" ›</span> ");
    }
    match &row.key {
        Some(key) => html.name(key),
        None if row.of_table => html.raw("<em>no key, or all others</em>"),
        None => html.name(&row.name),
    };
}

/// Why the circuit is as it is, with the figures.
pub(super) fn why(html: &mut Html, snapshot: &Snapshot) {
    match snapshot.state {
        State::Open => {
            if let Some(trip) = &snapshot.last_trip {
                html.text(trip.reason());
            }
            if let Some(failures) = &snapshot.last_failures {
                html.raw(" <span class=\"dim\">(")
                    .text(Clip(&failures.to_string(), 160))
                    .raw(")</span>");
            }
        }
        State::HalfOpen => {
            if let Some(probes) = &snapshot.probes {
                html.raw("probes: ")
                    .text(probes.good)
                    .raw(" good, ")
                    .text(probes.failed)
                    .raw(" failed, ");
                html.text(probes.live).raw(" under way");
            }
        }
        State::Isolated | State::Disabled => {
            html.raw("by the operator");
        }
        _ if snapshot.failures > 0 => {
            html.text(snapshot.failures).raw(" failed");
        }
        _ => {}
    }
    if let Some(note) = &snapshot.note {
        html.raw(" <q>").name(note).raw("</q>");
    }
}

/// Since when, and until when.
pub(super) fn when(html: &mut Html, snapshot: &Snapshot) {
    if let Some(age) = snapshot.age {
        html.raw("for ").age(age);
    }
    let until = match (snapshot.state, snapshot.retry_after) {
        // Calls are drawn as probes: there is no time to wait for.
        (State::Open, Some(Duration::ZERO)) => {
            html.raw(", some calls may be probes now");
            return;
        }
        (State::Open, Some(left)) => (", <span class=\"until\">probe in ", left),
        (State::Isolated, Some(left)) => (", <span class=\"until\">ends in ", left),
        _ => return,
    };
    html.raw(until.0).left(until.1).raw("</span>");
}

/// How much speaks against the downstream of a closed circuit, in hundredths of what trips. `None` where a window decides, which
/// stands in figures of its own.
fn share_of_trip(snapshot: &Snapshot) -> Option<u32> {
    let (mut has_evidence, mut row) = (false, None);
    snapshot
        .config
        .each_setting(|setting| match (setting.name(), setting.value()) {
            ("evidence.tolerated", _) => has_evidence = true,
            ("consecutive_failures", Value::Count(most)) => row = Some(most),
            _ => {}
        });
    let has_windows = snapshot.last_calls.is_some() || snapshot.last_time.is_some();
    let share = match row {
        _ if has_evidence => snapshot.evidence,
        Some(most) if !has_windows => f64::from(snapshot.failures) / most as f64,
        _ => return None,
    };
    let is_closed = snapshot.state == State::Closed;
    is_closed.then(|| (share * 100.0).clamp(0.0, 100.0).floor() as u32)
}

/// The meter of what speaks against the downstream.
pub(super) fn evidence(html: &mut Html, snapshot: &Snapshot) {
    let Some(share) = share_of_trip(snapshot) else {
        html.raw("<span class=\"dim\">–</span>");
        return;
    };
    html.raw("<svg class=\"meter\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path class=\"rail\" d=\"M0 0h100v8H0z\"/><path d=\"M0 0h")
        .text(share)
        .raw("v8H0z\"/></svg> ")
        .text(share)
        .raw(" %");
}

/// What the windows hold.
pub(super) fn windows(html: &mut Html, snapshot: &Snapshot) {
    for (totals, of) in [
        (snapshot.last_calls, "last calls"),
        (snapshot.last_time, "calls in the window of time"),
    ] {
        let Some(Totals {
            calls,
            failures,
            slow,
            ..
        }) = totals
        else {
            continue;
        };
        html.text(failures)
            .raw(" of ")
            .text(calls)
            .raw(" ")
            .raw(of)
            .raw(" failed");
        if slow > 0 {
            html.raw(", ").text(slow).raw(" slow");
        }
        html.raw("<br>");
    }
}

/// The last minutes: failures upwards, rejections above them, calls behind where they are counted. Where they are not it says so: a
/// picture of failures alone looks as if every call failed.
pub(super) fn bars(html: &mut Html, row: &Row) {
    let bars = &row.bars;
    if bars.is_empty() {
        // It is not watched.
        return;
    }
    let counts_calls = row.snapshot.admitted.is_some();
    let most = bars
        .iter()
        .map(|bar| bar.calls.max(bar.failed) + bar.rejected)
        .max()
        .unwrap_or(0);
    let sum = |count: fn(&Counts) -> u64| bars.iter().map(count).sum::<u64>();
    if most == 0 {
        html.raw("<span class=\"dim\">").raw(match counts_calls {
            true => "no calls",
            false => "no failures",
        });
        html.raw("</span>");
        return;
    }
    html.raw("<svg class=\"bars\" viewBox=\"0 0 60 20\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"");
    if counts_calls {
        html.text(sum(|bar| bar.calls)).raw(" calls, ");
    }
    html.text(sum(|bar| bar.failed))
        .raw(" failed, ")
        .text(sum(|bar| bar.rejected))
        .raw(" rejected in the last minutes\">");
    let height = |count: u64| 20.0 * count as f64 / most as f64;
    let first = BARS - bars.len().min(BARS);
    let mut paths = [String::new(), String::new(), String::new()];
    for (place, bar) in (first..).zip(bars) {
        let mut draw = |path: usize, from: u64, count: u64| {
            if count > 0 {
                let _ = write!(
                    paths[path],
                    "M{place} {:.1}h.8v-{:.1}h-.8z",
                    20.0 - height(from),
                    height(count)
                );
            }
        };
        draw(0, 0, bar.calls);
        draw(1, 0, bar.failed);
        draw(2, bar.calls.max(bar.failed), bar.rejected);
    }
    for (class, path) in ["calls", "failed", "rejected"].into_iter().zip(paths) {
        if !path.is_empty() {
            html.raw("<path class=\"")
                .raw(class)
                .raw("\" d=\"")
                .text(path)
                .raw("\"/>");
        }
    }
    html.raw("</svg>");
    if !counts_calls {
        html.raw("<small class=\"dim\">good calls not counted</small>");
    }
}

/// What the colours of the pictures mean.
pub(super) fn legend(html: &mut Html) {
    for (class, meaning) in [
        ("failed", "failed"),
        ("rejected", "rejected"),
        ("calls", "all other calls, where they are counted"),
    ] {
        html.raw("<span class=\"legend\"><svg class=\"bars\" viewBox=\"0 0 1 1\" aria-hidden=\"true\"><path class=\"")
            .raw(class)
            .raw("\" d=\"M0 0h1v1H0z\"/></svg>")
            .raw(meaning)
            .raw("</span> ");
    }
}
