//! What an error of an HTTP client is.

use std::{
    error::Error,
    io::{self, ErrorKind},
};

use breaker_core::Outcome;
use hyper_util::client::legacy;

use crate::text::begins;

/// What went wrong where there is no response, as far as the errors of hyper, hyper-util, reqwest and tonic tell (feature `hyper`).
///
/// | fault | counts as |
/// | --- | --- |
/// | `Rejected`, `Caller`, `Upload`, `NeverSent` | ignored: they say nothing about the downstream |
/// | `Connect`, `TimedOut`, `BrokenOff`, `BadAnswer`, `Other` | failure |
///
/// [`by_origin`](crate::http::by_origin) and [`boxed_by_origin`](crate::http::boxed_by_origin) classify so. To have one of them count otherwise:
///
/// ```
/// use breaker_layer::{BoxError, BreakerLayer, Circuit, Outcome, http::{Fault, ServerErrors}};
///
/// let circuit = Circuit::builder("uploads").build()?;
/// let layer = BreakerLayer::new(circuit).classify_with(ServerErrors::new().errors(
///     |error: &BoxError| match Fault::of(&**error) {
///         Fault::Upload => Outcome::Failure, // uploads are small here
///         fault => fault.outcome(),
///     },
/// ));
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A circuit of ours refused the call.
    Rejected,
    /// The caller's own doing: the body of the request broke off, or the request is none that can be sent.
    Caller,
    /// The server closed the connection while the body was being sent to it. Mostly the body was too large, and the server's
    /// 413 was lost in the close; a server that dies meanwhile looks the same.
    Upload,
    /// The server has not seen the request: a kept connection was closing, it went away in good order, or it refused the
    /// stream.
    NeverSent,
    /// No connection could be made; or one was made, and closed before it took the request.
    Connect,
    /// There was no answer in time.
    TimedOut,
    /// The connection, or the stream, ended before there was a whole answer.
    BrokenOff,
    /// The answer is no HTTP.
    BadAnswer,
    /// Anything else.
    Other,
}

impl Fault {
    /// What it counts as, unless you say otherwise.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Rejected | Self::Caller | Self::Upload | Self::NeverSent => Outcome::Ignored,
            Self::Connect | Self::TimedOut | Self::BrokenOff | Self::BadAnswer | Self::Other => {
                Outcome::Failure
            }
        }
    }

    /// As a kind of failure; `None` if nobody knows.
    pub(crate) const fn kind(self) -> Option<&'static str> {
        match self {
            Self::Rejected => Some("rejected"),
            Self::Caller => Some("the caller's own"),
            Self::Upload => Some("upload cut off"),
            Self::NeverSent => Some("never sent"),
            Self::Connect => Some("no connection"),
            Self::TimedOut => Some("timed out"),
            Self::BrokenOff => Some("broken off"),
            Self::BadAnswer => Some("no HTTP"),
            Self::Other => None,
        }
    }

    pub(crate) fn of_link(link: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(error) = link.downcast_ref::<legacy::Error>() {
            return Self::of_client(error);
        }
        if let Some(error) = link.downcast_ref::<hyper::Error>() {
            return Self::of_hyper(error);
        }
        match link.downcast_ref::<io::Error>() {
            Some(error) => Self::of_io(error.kind()),
            None => TEXTS
                .iter()
                .find(|(text, _)| begins(link, text))
                .map(|known| known.1),
        }
    }

    fn of_client(error: &legacy::Error) -> Option<Self> {
        // A request that a kept connection did not take has been sent by another one, so this one was new.
        if error.is_connect() || begins(error, "client error (Canceled)") {
            return Some(Self::Connect);
        }
        begins(error, "client error (User").then_some(Self::Caller)
    }

    fn of_hyper(error: &hyper::Error) -> Option<Self> {
        if error.is_user() {
            Some(Self::Caller)
        } else if error.is_canceled() || error.is_closed() {
            Some(Self::NeverSent)
        } else if error.is_parse() {
            Some(Self::BadAnswer)
        } else if error.is_timeout() {
            Some(Self::TimedOut)
        } else if error.is_incomplete_message() {
            Some(Self::BrokenOff)
        } else {
            begins(error, "error writing a body").then_some(Self::Upload)
        }
    }

    fn of_io(kind: ErrorKind) -> Option<Self> {
        match kind {
            ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable => Some(Self::Connect),
            ErrorKind::TimedOut => Some(Self::TimedOut),
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Some(Self::BrokenOff),
            _ => None,
        }
    }
}

/// How the errors begin whose types have no name here, or that of a package that not everyone needs.
const TEXTS: [(&str, Fault); 13] = [
    // reqwest
    ("builder error", Fault::Caller),
    ("operation timed out", Fault::TimedOut),
    // tower, tokio, tonic and this package
    ("request timed out", Fault::TimedOut),
    ("deadline has elapsed", Fault::TimedOut),
    ("Timeout expired", Fault::TimedOut),
    ("no answer within", Fault::TimedOut),
    // hyper-util and tonic
    ("tcp connect error", Fault::Connect),
    ("dns error", Fault::Connect),
    // h2
    ("stream error sent by user", Fault::Caller),
    ("stream error received: refused stream", Fault::NeverSent),
    (
        "connection error received: not a result of an error",
        Fault::NeverSent,
    ),
    ("stream error", Fault::BrokenOff),
    ("connection error", Fault::BrokenOff),
];
