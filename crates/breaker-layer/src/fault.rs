//! What an error is, by its own types and by those of its sources.

#[cfg(feature = "hyper")]
mod client;

use std::{error::Error, io, iter};

#[cfg(feature = "hyper")]
pub use client::Fault;

use crate::text::begins;

/// An error and its sources, one after another.
pub(crate) fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&link| link.source())
}

/// What the error is by the operating system, by a layer that has a limit of time, or by an HTTP client. No text is made for it.
pub(crate) fn kind_of(error: &(dyn Error + 'static)) -> Option<&'static str> {
    chain(error).find_map(kind_of_link)
}

fn kind_of_link(link: &(dyn Error + 'static)) -> Option<&'static str> {
    #[cfg(feature = "hyper")]
    if link.is::<hyper::Error>() || link.is::<hyper_util::client::legacy::Error>() {
        let of_io = chain(link).find_map(kind_of_io);
        return of_io.or_else(|| chain(link).find_map(Fault::of_link)?.kind());
    }
    // Those of Tower, Tokio and tonic. An error without a value has but one text.
    const TIMEOUTS: [&str; 3] = [
        "request timed out",
        "deadline has elapsed",
        "Timeout expired",
    ];
    if size_of_val(link) == 0 && TIMEOUTS.iter().any(|text| begins(link, text)) {
        return Some("timed out");
    }
    kind_of_io(link)
}

fn kind_of_io(link: &(dyn Error + 'static)) -> Option<&'static str> {
    match link.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::ConnectionRefused => Some("connection refused"),
        io::ErrorKind::ConnectionReset => Some("connection reset"),
        io::ErrorKind::ConnectionAborted => Some("connection aborted"),
        io::ErrorKind::BrokenPipe => Some("broken pipe"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some("unreachable"),
        io::ErrorKind::TimedOut => Some("timed out"),
        io::ErrorKind::UnexpectedEof => Some("unexpected end"),
        _ => None,
    }
}
