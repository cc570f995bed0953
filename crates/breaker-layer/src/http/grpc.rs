//! What a gRPC status means.

use ::http::{HeaderMap, HeaderName, Response, StatusCode, header::CONTENT_TYPE};
use breaker_core::Outcome;

use super::{
    AtHeaders, ClassifyStream, Framing, ServerErrors, WithErrors,
    grpc_code::{GrpcCode, STATUS},
    headers::{is_rejection, pushback, retry_after},
    kind_of_response,
    sets::{Meaning, Sets},
};
use crate::classify::Classify;

/// gRPC's codes for a downstream that is not well are failures; so is every error of the inner service.
///
/// | status | outcome |
/// | --- | --- |
/// | `Cancelled`, `Unknown`, `DeadlineExceeded`, `Internal`, `Unavailable`, `DataLoss` | failure |
/// | `ResourceExhausted` with `grpc-retry-pushback-ms` | failure |
/// | any of these with a pushback that says a time | overload: a failure whose delay bounds the open time |
/// | `Unavailable` of another circuit, marked [`breaker-rejected`](super::REJECTED) | ignored |
/// | all others | success: the caller's mistakes are not the downstream's |
///
/// A caller that cancels gets no status, so a `Cancelled` that arrives is the other side's doing: a tonic server whose
/// `timeout` has passed answers it. A server that passes on that its own callers left answers it too; there it may be
/// ignored.
///
/// The four sets change what a code means; a code in several of them is ignored rather than a success, a success rather than
/// overload, and overload rather than a failure.
///
/// # Where the status is
///
/// The status is that of the headers in a trailers-only response, else that of the trailers, for which
/// [`EndOfStream`](super::EndOfStream) waits; at the headers a response with more to come is a success. A body that ends
/// without a status is a failure. A response that is not 200 and has no gRPC status comes from something in between, and
/// counts by the [code that gRPC gives it](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md);
/// a `Retry-After` of it is heard.
///
/// gRPC-web and Connect's streams are known by their `content-type`; their status is in the body, where
/// [`EndOfStream`](super::EndOfStream) finds it as in trailers. Where it cannot be read, because it is compressed or longer than
/// 16 KiB, a whole body is a success. One that is not 200, and Connect's other responses, count by their HTTP status as
/// [`ServerErrors`](super::ServerErrors) has it, and by whether the body is whole.
///
/// ```
/// use breaker_layer::Outcome;
/// use breaker_layer::http::{ClassifyStream, GrpcCode, GrpcErrors};
/// use http::HeaderMap;
///
/// let mut trailers = HeaderMap::new();
/// trailers.insert("grpc-status", "14".parse()?);
/// assert_eq!(GrpcErrors::new().end(Some(&trailers)), Outcome::Failure);
///
/// let errors = GrpcErrors::new()
///     .ignored(&[GrpcCode::Cancelled, GrpcCode::Unavailable])
///     .failures(&[GrpcCode::Aborted]);
/// assert_eq!(errors.end(Some(&trailers)), Outcome::Ignored);
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcErrors {
    sets: Sets<GrpcCode>,
}

impl GrpcErrors {
    /// Each code means what the table says.
    pub const fn new() -> Self {
        Self { sets: Sets::new() }
    }

    /// These are failures, whatever else they say.
    #[must_use]
    pub const fn failures(mut self, failures: &'static [GrpcCode]) -> Self {
        self.sets.failures = failures;
        self
    }

    /// These are overload where they come with a pushback that says a time, and failures where they do not.
    #[must_use]
    pub const fn overloads(mut self, overloads: &'static [GrpcCode]) -> Self {
        self.sets.overloads = overloads;
        self
    }

    /// These are successes, whatever else they say.
    #[must_use]
    pub const fn successes(mut self, successes: &'static [GrpcCode]) -> Self {
        self.sets.successes = successes;
        self
    }

    /// These say nothing about the downstream.
    #[must_use]
    pub const fn ignored(mut self, ignored: &'static [GrpcCode]) -> Self {
        self.sets.ignored = ignored;
        self
    }

    /// Says what an error of the inner service means; unsaid, each is a failure. With the feature `hyper` there is
    /// `by_origin`, which tells whose fault it is.
    ///
    /// ```
    /// use breaker_layer::{BoxError, BreakerLayer, Circuit, Outcome, http::GrpcErrors};
    ///
    /// let circuit = Circuit::builder("payments").build()?;
    /// let errors = GrpcErrors::new().errors(|error: &BoxError| match error.is::<std::fmt::Error>() {
    ///     true => Outcome::Ignored,
    ///     false => Outcome::Failure,
    /// });
    /// let layer = BreakerLayer::new(circuit).classify_with(errors);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub const fn errors<E, F>(self, meaning: F) -> WithErrors<Self, F>
    where
        F: Fn(&E) -> Outcome,
    {
        WithErrors::new(self, meaning)
    }

    fn meaning(&self, code: GrpcCode, headers: &HeaderMap) -> Meaning {
        let changed = self.sets.meaning(&code);
        changed.unwrap_or_else(|| usual(code, headers))
    }

    /// What these headers or trailers say, if there is a status in them.
    fn status(&self, headers: &HeaderMap) -> Option<Outcome> {
        Some(self.judge(code(headers)?, headers))
    }

    /// What this code says, with the headers or trailers that it came in.
    pub(crate) fn judge(&self, code: GrpcCode, headers: &HeaderMap) -> Outcome {
        let meaning = match self.meaning(code, headers) {
            // One that forbids to retry counts, too.
            Meaning::Limit if headers.contains_key(PUSHBACK) => Meaning::Overload,
            meaning => meaning,
        };
        let outcome = meaning.outcome(|| pushback(headers));
        outcome.unwrap_or(Outcome::Success)
    }

    /// What a response without a gRPC status means: it is no gRPC server's, unless it is a 200, which goes on.
    fn between(&self, status: StatusCode, headers: &HeaderMap) -> Option<Outcome> {
        let code = match status.as_u16() {
            200 => return None,
            400 => GrpcCode::Internal,
            401 => GrpcCode::Unauthenticated,
            403 => GrpcCode::PermissionDenied,
            404 => GrpcCode::Unimplemented,
            429 | 502..=504 => GrpcCode::Unavailable,
            _ => GrpcCode::Unknown,
        };
        let outcome = self.meaning(code, headers).outcome(|| retry_after(headers));
        Some(outcome.unwrap_or(Outcome::Success))
    }
}

const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

impl ClassifyStream for GrpcErrors {
    fn headers(&self, status: StatusCode, headers: &HeaderMap) -> AtHeaders {
        if let Some(outcome) = self.status(headers) {
            return AtHeaders::Decided(outcome);
        }
        match kind(headers) {
            Kind::Framed(framing) if status == StatusCode::OK => return AtHeaders::Framed(framing),
            Kind::Framed(_) | Kind::Unary => return ServerErrors::new().headers(status, headers),
            Kind::Grpc => {}
        }
        self.between(status, headers)
            .map_or(AtHeaders::Trailers, AtHeaders::Decided)
    }

    fn kind_at(&self, status: Option<StatusCode>, headers: &HeaderMap) -> Option<&'static str> {
        match code(headers) {
            Some(code) => Some(code.name()),
            None => status?.canonical_reason(),
        }
    }

    fn end(&self, trailers: Option<&HeaderMap>) -> Outcome {
        let status = trailers.and_then(|trailers| self.status(trailers));
        status.unwrap_or(Outcome::Failure)
    }
}

impl<B, E> Classify<Response<B>, E> for GrpcErrors {
    fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
        match result {
            Ok(response) => self.at_headers(response.status(), response.headers()),
            Err(_) => Outcome::Failure,
        }
    }

    fn kind(&self, result: Result<&Response<B>, &E>) -> Option<&'static str> {
        kind_of_response(self, result)
    }
}

fn usual(code: GrpcCode, headers: &HeaderMap) -> Meaning {
    match code {
        GrpcCode::Unavailable if is_rejection(headers) => Meaning::Ignored,
        GrpcCode::Cancelled
        | GrpcCode::Unknown
        | GrpcCode::DeadlineExceeded
        | GrpcCode::Internal
        | GrpcCode::Unavailable
        | GrpcCode::DataLoss => Meaning::Overload,
        GrpcCode::ResourceExhausted => Meaning::Limit,
        GrpcCode::Ok
        | GrpcCode::InvalidArgument
        | GrpcCode::NotFound
        | GrpcCode::AlreadyExists
        | GrpcCode::PermissionDenied
        | GrpcCode::FailedPrecondition
        | GrpcCode::Aborted
        | GrpcCode::OutOfRange
        | GrpcCode::Unimplemented
        | GrpcCode::Unauthenticated => Meaning::Success,
    }
}

/// The gRPC status, if there is one.
fn code(headers: &HeaderMap) -> Option<GrpcCode> {
    let value = headers.get(STATUS)?;
    Some(GrpcCode::parse(value.as_bytes()))
}

/// Where the status of a response is.
enum Kind {
    /// In its trailers.
    Grpc,
    /// In its body.
    Framed(Framing),
    /// It is HTTP's, as Connect has it where there is no stream.
    Unary,
}

fn kind(headers: &HeaderMap) -> Kind {
    let value = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    let essence = value.unwrap_or_default().split(|&byte| byte == b';').next();
    let essence = essence.unwrap_or_default().trim_ascii();
    let begins = |with: &[u8]| {
        let start = essence.get(..with.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    let is = |whole: &[u8]| essence.eq_ignore_ascii_case(whole);
    if begins(b"application/grpc-web-text") {
        Kind::Framed(Framing::GrpcWebText)
    } else if begins(b"application/grpc-web") {
        Kind::Framed(Framing::GrpcWeb)
    } else if begins(b"application/connect+") {
        Kind::Framed(Framing::Connect)
    } else if is(b"application/proto") || is(b"application/json") {
        Kind::Unary
    } else {
        Kind::Grpc
    }
}
