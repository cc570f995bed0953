//! The page of all circuits.

use std::time::Duration;

use super::{Head, begin, end, figures, fleet};
use crate::{
    html::{Html, fnv},
    listing::{Ask, Listing, PER_PAGE, Row, Table},
    standing::Standing,
};

/// What of the page changes while it is looked at.
pub(crate) struct Live {
    pub(crate) title: String,
    pub(crate) worst: Standing,
    pub(crate) summary: String,
    /// The whole of it.
    pub(crate) whole: Html,
    /// Each part that has an id, as it stands in the whole.
    pub(crate) parts: Vec<(u64, Html)>,
}

impl Live {
    /// Equal as long as the same parts stand in the same order.
    pub(crate) fn order(&self) -> u64 {
        let ids = self.parts.iter().map(|(id, _)| id);
        ids.fold(0, |order, id| fnv(order, &id.to_le_bytes()))
    }

    /// The live part of the page, or these parts of it.
    pub(crate) fn fragment(&self, content: &Html) -> Html {
        let mut html = Html::new();
        html.raw("<div id=\"live\" data-title=\"")
            .text(&self.title)
            .raw("\" data-icon=\"")
            .link(&[("icon", self.worst.word())])
            .raw("\" data-summary=\"")
            .text(&self.summary)
            .raw("\">")
            .piece(content)
            .raw("</div>");
        html
    }
}

const HEAD: &str = "<thead><tr><th scope=\"col\">State</th><th scope=\"col\">Circuit</th><th scope=\"col\">Why</th><th scope=\"col\">Since</th><th scope=\"col\">Evidence</th><th scope=\"col\" class=\"n\">Failed</th><th scope=\"col\" class=\"n\">Rejected</th><th scope=\"col\">Last 5 minutes</th></tr></thead>";

/// The live part of a listing.
pub(crate) fn live(listing: &Listing, ask: &Ask) -> Live {
    let mut page = Page::default();
    if let Some(now) = &listing.fleet {
        page.part(fleet::ID, fleet::card(now));
    }
    if !listing.attention.is_empty() {
        page.whole.raw("<h2>Open, half-open and manual</h2>");
        page.rows("Open, half-open and manual", &listing.attention);
        page.more(listing.more_attention);
    }
    page.whole.raw("<h2>Closed</h2>");
    if listing.calm.is_empty() {
        page.whole.raw("<p class=\"dim\">No other circuit.</p>");
    } else {
        page.rows("Closed", &listing.calm);
        pages(&mut page.whole, listing, ask);
    }
    for table in &listing.tables {
        page.table(table);
    }
    if listing.more_tables > 0 {
        page.whole
            .raw("<p class=\"dim\">")
            .text(listing.more_tables)
            .raw(" more tables are not looked at.</p>");
    }
    let (summary, title) = summed_up(listing);
    Live {
        title,
        worst: listing.worst(),
        summary,
        whole: page.whole,
        parts: page.parts,
    }
}

/// How many circuits are in which state, in words.
fn summed_up(listing: &Listing) -> (String, String) {
    let mut summary = String::new();
    for standing in Standing::ALL {
        let count = listing.counts[standing as usize];
        if count > 0 {
            let comma = if summary.is_empty() { "" } else { ", " };
            summary.push_str(&format!("{comma}{count} {}", standing.word()));
        }
    }
    if summary.is_empty() {
        summary.push_str("no circuits");
    }
    let title = format!("{summary} – circuits");
    (summary, title)
}

#[derive(Default)]
struct Page {
    whole: Html,
    parts: Vec<(u64, Html)>,
}

impl Page {
    fn rows(&mut self, caption: &'static str, rows: &[Row]) {
        self.whole
            .raw("<table><caption>")
            .raw(caption)
            .raw("</caption>")
            .raw(HEAD)
            .raw("<tbody>");
        for row in rows {
            self.part(row.id.0, line(row));
        }
        self.whole.raw("</tbody></table>");
    }

    fn part(&mut self, id: u64, part: Html) {
        self.whole.piece(&part);
        self.parts.push((id, part));
    }

    fn more(&mut self, more: usize) {
        if more > 0 {
            self.whole
                .raw("<p class=\"dim\">")
                .text(more)
                .raw(" more are not shown: search for them.</p>");
        }
    }

    /// A table's own section.
    fn table(&mut self, table: &Table) {
        let mut head = Html::new();
        head.raw("<div class=\"table\" id=\"r")
            .text(format_args!("{:x}", table.id.0))
            .raw("\"><h2>");
        if table.name.len() <= 1500 {
            head.raw("<a id=\"a")
                .text(format_args!("{:x}", table.id.0))
                .raw("\" href=\"");
            head.link(&[("table", &table.name)])
                .raw("\">")
                .name(&table.name)
                .raw("</a>");
        } else {
            head.name(&table.name);
        }
        head.raw("</h2><p class=\"dim\">")
            .text(table.len)
            .raw(keys_have(table.len))
            .raw(" a circuit; all others are healthy.");
        if table.looked_at < table.len {
            head.raw(" Looked at ")
                .text(table.looked_at)
                .raw(" of them and at those that changed last.");
        }
        // Two may stand for no key: that of requests without one, and that of all others.
        if table.unnamed > 2 {
            head.raw(" They are not told apart here: its builder's <code>name_by</code> gives keys their names.");
        }
        head.raw("</p></div>");
        self.part(table.id.0, head);
        if !table.rows.is_empty() {
            self.rows("Closed keys with something against them", &table.rows);
            self.more(table.more);
        }
    }
}

/// What follows a number of keys.
pub(super) const fn keys_have(count: usize) -> &'static str {
    if count == 1 { " key has" } else { " keys have" }
}

/// A circuit as a row.
fn line(row: &Row) -> Html {
    let snapshot = &row.snapshot;
    let mut html = Html::new();
    html.raw("<tr id=\"r")
        .text(format_args!("{:x}", row.id.0))
        .raw("\" class=\"")
        .raw(row.standing.word())
        .raw("\"><td>");
    figures::standing(&mut html, row.standing);
    html.raw("</td><th scope=\"row\">");
    figures::link(&mut html, row);
    html.raw("</th><td class=\"why\">");
    figures::why(&mut html, snapshot);
    fleet::against(&mut html, row.said.as_ref());
    html.raw("</td><td class=\"when\">");
    figures::when(&mut html, snapshot);
    html.raw("</td><td class=\"evidence\">");
    figures::evidence(&mut html, snapshot);
    html.raw("<div class=\"window\">");
    figures::windows(&mut html, snapshot);
    html.raw("</div>");
    html.raw("</td><td class=\"n\" data-of=\"failed\">")
        .text(snapshot.failed);
    html.raw("</td><td class=\"n\" data-of=\"rejected\">")
        .text(snapshot.rejected);
    html.raw("</td><td class=\"last\">");
    figures::bars(&mut html, row);
    html.raw("</td></tr>");
    html
}

/// Links to the other pages.
fn pages(html: &mut Html, listing: &Listing, ask: &Ask) {
    let last = listing.all_calm.saturating_sub(1) / PER_PAGE;
    if last == 0 {
        return;
    }
    html.raw("<nav aria-label=\"Pages\"><p>Page ")
        .text(ask.page + 1)
        .raw(" of ")
        .text(last + 1);
    for (is_there, page, label) in [
        (ask.page > 0, ask.page.saturating_sub(1), "back"),
        (ask.page < last, ask.page.saturating_add(1), "on"),
    ] {
        if is_there {
            html.raw(" <a href=\"")
                .link(&[("q", &ask.search), ("page", &(page + 1).to_string())]);
            html.raw("\">").raw(label).raw("</a>");
        }
    }
    html.raw("</p></nav>");
}

/// The page of all circuits.
pub(crate) fn list(listing: &Listing, ask: &Ask, is_steered: bool) -> String {
    let live = live(listing, ask);
    let is_first = ask.page == 0 && ask.search.is_empty();
    let mut html = begin(&Head {
        title: &live.title,
        worst: live.worst,
        live: if is_first { "events" } else { "poll" },
        refresh: Some(Duration::from_secs(5)),
    });
    html.raw("<header><h1>Circuits</h1><p id=\"summary\" role=\"status\" aria-live=\"polite\">")
        .text(&live.summary)
        .raw("</p><form role=\"search\"><label>Search <input name=\"q\" type=\"search\" value=\"")
        .text(&ask.search)
        .raw("\"></label><button>Find</button></form></header><main>");
    html.piece(&live.fragment(&live.whole))
        .raw("</main><footer><p>A bar of the last 5 minutes has 5 seconds: ");
    figures::legend(&mut html);
    html.raw("</p><p>");
    if is_steered {
        html.raw("A circuit's own page has its commands. ");
    } else {
        html.raw("Nothing can be commanded here. ");
    }
    html.raw("This page has no login of its own: whoever reaches it sees it. <a href=\"?json\">JSON</a></p></footer>");
    end(html)
}
