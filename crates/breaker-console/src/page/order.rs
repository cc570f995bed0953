//! The forms of the commands.

use super::{Head, begin, end, message};
use crate::{
    command::{Act, Order, Target},
    html::{Html, Short},
    standing::Standing,
};

/// How long a circuit may be told to reject calls, in seconds.
const SPANS: [(u64, &str); 6] = [
    (60, "1 minute"),
    (600, "10 minutes"),
    (3600, "1 hour"),
    (14_400, "4 hours"),
    (28_800, "8 hours"),
    (86_400, "1 day"),
];

/// All commands, each with what it does.
pub(super) fn form(html: &mut Html, name: &str, key: Option<&str>, is_table: bool) {
    html.raw("<form class=\"orders\" method=\"post\" action=\"");
    target(html, name, key, is_table);
    html.raw("\"><h2>Commands</h2><p><label>Reason <input name=\"reason\" required maxlength=\"300\" autocomplete=\"off\"></label></p><ul>");
    for act in Act::ALL {
        if is_table && !act.is_for_tables() {
            continue;
        }
        html.raw("<li><button name=\"command\" value=\"")
            .raw(act.name())
            .raw("\" aria-describedby=\"do-")
            .raw(act.name())
            .raw("\">");
        html.raw(act.label())
            .raw("</button> <span id=\"do-")
            .raw(act.name())
            .raw("\">")
            .raw(act.does())
            .raw("</span>");
        if let Some(name) = act.span_name() {
            html.raw(" <label>How long <select name=\"").raw(name);
            html.raw("\"><option value=\"\">")
                .raw(match act {
                    Act::Trip => "its usual time",
                    _ => "until another command",
                })
                .raw("</option>");
            for (seconds, name) in SPANS {
                html.raw("<option value=\"").text(seconds).raw("\">");
                html.raw(name).raw("</option>");
            }
            html.raw("</select></label>");
        }
        html.raw("</li>");
    }
    html.raw("</ul></form>");
}

fn target(html: &mut Html, name: &str, key: Option<&str>, is_table: bool) {
    match key {
        _ if is_table => html.link(&[("table", name)]),
        Some(key) => html.link(&[("circuit", name), ("key", key)]),
        None => html.link(&[("circuit", name)]),
    };
}

/// Asks once more.
pub(crate) fn asked_again(order: &Order, target_of: &Target) -> String {
    let title = format!("{} {}?", order.act.label(), target_of.name());
    let mut html = begin(&Head {
        title: &title,
        worst: Standing::Closed,
        live: "",
        refresh: None,
    });
    let (name, key, is_table) = target_of.parts();
    html.raw("<main class=\"plain\"><h1>")
        .raw(order.act.label())
        .raw(" ")
        .name(name);
    if let Some(key) = key {
        html.raw(" › ").name(key);
    }
    if is_table {
        html.raw(", every key");
    }
    html.raw("?</h1><p>");
    match (order.act, order.span) {
        (Act::Isolate, Some(span)) => html
            .raw("Rejects every call for ")
            .text(Short(span))
            .raw(", unless another command comes first. Then the next calls are probes, and they decide."),
        (Act::Isolate, None) => html.raw("Rejects every call until another command says otherwise."),
        (act, _) => html.raw(act.does()),
    };
    html.raw("</p><p>Reason: <q>")
        .name(&order.reason)
        .raw("</q></p><form method=\"post\" action=\"");
    target(&mut html, name, key, is_table);
    html.raw("\"><input type=\"hidden\" name=\"reason\" value=\"")
        .text(&order.reason);
    if let Some(span) = order.span {
        html.raw("\"><input type=\"hidden\" name=\"for\" value=\"")
            .text(span.as_secs());
    }
    html.raw("\"><input type=\"hidden\" name=\"confirmed\" value=\"yes\"><p><button name=\"command\" value=\"").raw(order.act.name());
    html.raw("\" autofocus>")
        .raw(order.act.label())
        .raw("</button> <a href=\"");
    target(&mut html, name, key, is_table);
    html.raw("\">Do nothing</a></p></form></main>");
    end(html)
}

/// Says why nothing was done.
pub(crate) fn done_instead(why: &str) -> String {
    message("Nothing was done", why)
}
