//! The pages.

mod detail;
mod figures;
mod fleet;
mod list;
mod order;

use std::time::Duration;

pub(crate) use detail::{circuit, table};
pub(crate) use list::{Live, list, live};
pub(crate) use order::{asked_again, done_instead};

use crate::{asset, html::Html, standing::Standing};

/// What the head of a page says.
pub(crate) struct Head<'a> {
    pub(crate) title: &'a str,
    pub(crate) worst: Standing,
    /// What the page is for the script: `events`, `poll`, or nothing.
    pub(crate) live: &'static str,
    /// After how long a browser without the script loads it again.
    pub(crate) refresh: Option<Duration>,
}

/// The page up to its `<main>`.
fn begin(head: &Head<'_>) -> Html {
    let mut html = Html::new();
    html.raw("<!DOCTYPE html>\n<html lang=\"en\" data-live=\"")
        .raw(head.live)
        .raw("\"><head><meta charset=\"utf-8\"><title>")
        .text(head.title)
        .raw("</title><meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"")
        .link(&[("icon", head.worst.word())])
        .raw("\"><link rel=\"stylesheet\" href=\"")
        .link(&[("style", asset::STYLE.name())])
        .raw("\"><script defer src=\"")
        .link(&[("script", asset::SCRIPT.name())])
        .raw("\"></script>");
    if let Some(refresh) = head.refresh {
        html.raw("<noscript><meta http-equiv=\"refresh\" content=\"")
            .text(refresh.as_secs())
            .raw("\"></noscript>");
    }
    html.raw("</head><body>");
    html
}

fn end(mut html: Html) -> String {
    html.raw("</body></html>\n");
    html.into_string()
}

/// A page that says one thing.
pub(crate) fn message(title: &str, text: &str) -> String {
    let mut html = begin(&Head {
        title,
        worst: Standing::Closed,
        live: "",
        refresh: None,
    });
    html.raw("<main class=\"plain\"><h1>")
        .text(title)
        .raw("</h1><p>")
        .text(text)
        .raw("</p><p><a href=\"?\">All circuits</a></p></main>");
    end(html)
}
