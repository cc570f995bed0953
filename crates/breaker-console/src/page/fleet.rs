//! What a page says of the fleet.

use crate::{
    fleet::{FleetNow, OrderNow, Said},
    html::{Clip, Html},
};

/// So many orders are on a page.
const ORDERS: usize = 50;

/// Where the part of the page with the fleet is found.
pub(super) const ID: u64 = 0;

/// The process' place in the fleet, and the orders in force.
pub(super) fn card(now: &FleetNow) -> Html {
    let said = &now.snapshot;
    let mut html = Html::new();
    html.raw("<div id=\"r0\" class=\"card fleet ")
        .raw(if said.is_connected {
            "closed"
        } else {
            "half-open"
        })
        .raw("\"><h2>Fleet</h2><p>");
    if said.is_connected {
        html.raw("Connected: hears ").text(said.peers);
        html.raw(if said.peers == 1 {
            " other process, "
        } else {
            " other processes, "
        })
        .text(said.peers_in_zone)
        .raw(" of its zone ")
        .name(&said.zone)
        .raw(".");
    } else {
        html.raw("<strong>Degraded</strong>: the store ");
        match said.heard_ago {
            Some(ago) => html.raw("has not answered for ").age(ago),
            None => html.raw("has never answered"),
        };
        html.raw(". This process, of the zone ")
            .name(&said.zone)
            .raw(", decides alone.");
        if let Some(error) = &said.error {
            html.raw(" <span class=\"dim\">").name(error).raw("</span>");
        }
    }
    html.raw("</p>");
    if !now.orders.is_empty() {
        html.raw("<ul>");
        now.orders
            .iter()
            .take(ORDERS)
            .for_each(|one| order(&mut html, one));
        html.raw("</ul>");
        if let Some(more @ 1..) = now.orders.len().checked_sub(ORDERS) {
            html.raw("<p class=\"dim\">")
                .text(more)
                .raw(" more orders are not shown.</p>");
        }
    }
    html.raw("</div>");
    html
}

fn order(html: &mut Html, one: &OrderNow) {
    let order = &one.order;
    html.raw("<li><b>")
        .raw(order.act().name())
        .raw("</b> ")
        .name(order.circuit());
    if let Some(key) = order.of_key() {
        html.raw(" › ").name(key);
    }
    match order.of_zone() {
        Some(zone) => html.raw(" in zone ").name(zone),
        None => html.raw(" everywhere"),
    };
    if !order.operator().is_empty() {
        html.raw(" by ").name(order.operator());
    }
    if !order.reason().is_empty() {
        html.raw(" <q>").name(order.reason()).raw("</q>");
    }
    html.raw(" <span class=\"dim\">");
    if let Some(spread) = &one.spread {
        html.raw("done by ")
            .text(spread.done)
            .raw(" of ")
            .text(spread.of);
        if let Some(left) = spread.left {
            html.raw(", <span class=\"until\">ends in ")
                .left(left)
                .raw("</span>");
        }
    }
    if !one.is_done_here {
        html.raw(", not here");
    }
    html.raw("</span></li>");
}

/// How many peers are against a circuit, where some are.
pub(super) fn against(html: &mut Html, said: Option<&Said>) {
    let Some((against @ 1.., heard)) = said.map(|said| said.peers.all()) else {
        return;
    };
    html.raw("<div class=\"dim peers\">")
        .text(against)
        .raw(" of ")
        .text(heard)
        .raw(" peers against it</div>");
}

/// The figures of a circuit's own page.
pub(super) fn figures(html: &mut Html, said: &Said, credit: Option<f64>) {
    html.raw("<div><dt>Own vote</dt><dd>")
        .text(Clip(&said.votes().to_string(), 6))
        .raw(" of 4 failures</dd></div><div><dt>Peers against it</dt><dd>");
    let (against, heard) = said.peers.all();
    html.text(against).raw(" of ").text(heard);
    if heard > 0 {
        let (zone, others) = (said.peers.zone, said.peers.others);
        html.raw(" <span class=\"dim\">(own zone ")
            .text(zone.0)
            .raw(" of ")
            .text(zone.1);
        html.raw(", others ")
            .text(others.0)
            .raw(" of ")
            .text(others.1)
            .raw(")</span>");
    }
    html.raw("</dd></div><div><dt>Credit</dt><dd>");
    match credit {
        _ if !said.vote.takes_credit => html.raw("this policy takes none"),
        Some(failures) => html.text(failures).raw(" failures fewer"),
        None => html.raw("none"),
    };
    html.raw("</dd></div>");
}
