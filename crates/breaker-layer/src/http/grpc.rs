//! What a gRPC status means.

use ::http::{HeaderMap, HeaderName, Response, StatusCode};
use breaker_core::Outcome;

use super::{
    AtHeaders, ClassifyStream,
    headers::{pushback, retry_after},
};
use crate::classify::Classify;

/// gRPC's codes for a downstream that is not well are failures; so is every error of the inner service.
///
/// | status | outcome |
/// | --- | --- |
/// | `Unknown`, `DeadlineExceeded`, `Internal`, `Unavailable`, `DataLoss` | failure |
/// | `ResourceExhausted` with `grpc-retry-pushback-ms` | failure |
/// | any of these with a pushback that says a time | overload: a failure whose delay bounds the open time |
/// | all others | success: the caller's mistakes are not the downstream's |
///
/// The status is that of the headers in a trailers-only response, else that of the trailers, for which
/// [`EndOfStream`](super::EndOfStream) waits; at the headers a response with more to come is a success. A body that ends
/// without a status is a failure. A response that is not 200 and has no gRPC status comes from something in between, and
/// counts by the [code that gRPC gives it](https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md);
/// a `Retry-After` of it is heard.
///
/// ```
/// use breaker_layer::Outcome;
/// use breaker_layer::http::{ClassifyStream, GrpcErrors};
/// use http::HeaderMap;
///
/// let mut trailers = HeaderMap::new();
/// trailers.insert("grpc-status", "14".parse()?);
/// assert_eq!(GrpcErrors::new().end(Some(&trailers)), Outcome::Failure);
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcErrors(());

impl GrpcErrors {
    /// Each code means what the table says.
    pub const fn new() -> Self {
        Self(())
    }
}

const UNKNOWN: u8 = 2;
const DEADLINE_EXCEEDED: u8 = 4;
const RESOURCE_EXHAUSTED: u8 = 8;
const INTERNAL: u8 = 13;
const UNAVAILABLE: u8 = 14;
const DATA_LOSS: u8 = 15;
const LAST: u8 = 16;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

impl ClassifyStream for GrpcErrors {
    fn headers(&self, status: StatusCode, headers: &HeaderMap) -> AtHeaders {
        let decided = code(headers).map(|code| meaning(code, headers));
        decided
            .or_else(|| between(status, headers))
            .map_or(AtHeaders::Trailers, AtHeaders::Decided)
    }

    fn end(&self, trailers: Option<&HeaderMap>) -> Outcome {
        let status = trailers.and_then(|trailers| Some(meaning(code(trailers)?, trailers)));
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
}

/// The gRPC status, if there is one; one that nobody knows is `Unknown`.
fn code(headers: &HeaderMap) -> Option<u8> {
    let value = headers.get(STATUS)?;
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    Some(number.filter(|code| *code <= LAST).unwrap_or(UNKNOWN))
}

fn meaning(code: u8, headers: &HeaderMap) -> Outcome {
    let is_failure = match code {
        UNKNOWN | DEADLINE_EXCEEDED | INTERNAL | UNAVAILABLE | DATA_LOSS => true,
        RESOURCE_EXHAUSTED => headers.contains_key(PUSHBACK),
        _ => false,
    };
    match pushback(headers) {
        _ if !is_failure => Outcome::Success,
        Some(retry_after) => Outcome::Overload { retry_after },
        None => Outcome::Failure,
    }
}

/// What a response without a gRPC status means: it is no gRPC server's, unless it is a 200, which goes on.
fn between(status: StatusCode, headers: &HeaderMap) -> Option<Outcome> {
    match status {
        StatusCode::OK => None,
        // Unauthenticated, PermissionDenied, Unimplemented.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
            Some(Outcome::Success)
        }
        // Internal, Unavailable, Unknown.
        _ => Some(match retry_after(headers) {
            Some(retry_after) => Outcome::Overload { retry_after },
            None => Outcome::Failure,
        }),
    }
}
