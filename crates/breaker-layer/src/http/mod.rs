//! HTTP and gRPC: what their responses mean, at the headers or at the end of the stream (feature `http`).
//!
//! - [`ServerErrors`] judges by the HTTP status, [`GrpcErrors`] by the gRPC status. Give one to
//!   [`BreakerLayer::classify_with`](crate::BreakerLayer::classify_with) for a verdict at the headers.
//! - [`EndOfStream`], given to [`BreakerLayer::settle_with`](crate::BreakerLayer::settle_with), has the verdict wait for the
//!   end of the body: for gRPC, whose status comes in the trailers, and for bodies that may die half-way.
//! - [`unavailable`] is a rejection as an HTTP response: 503 with `Retry-After`; of one that was caught `Response::from` makes
//!   the same.
//! - [`ClassifyStream::by_parts`] judges responses that are not `http`'s, reqwest's for instance.
//! - With the feature `hyper`, `Fault`, `by_origin` and `boxed_by_origin` say whose fault an error is. With the feature `tonic`,
//!   `grpc_unavailable` is a rejection as a gRPC response.
//!
//! ```
//! use breaker_layer::{BreakerLayer, Circuit, http::{EndOfStream, GrpcErrors, ServerErrors}};
//!
//! let circuit = Circuit::builder("payments").build()?;
//! let at_headers = BreakerLayer::new(circuit.clone()).classify_with(ServerErrors::new());
//! let at_the_end = BreakerLayer::new(circuit).settle_with(EndOfStream::new(GrpcErrors::new()));
//! # Ok::<(), breaker_layer::ConfigError>(())
//! ```

mod body;
mod connect;
mod end_of_stream;
mod errors;
#[cfg(feature = "hyper")]
mod fault;
mod frames;
mod grpc;
mod grpc_code;
mod headers;
mod parts;
mod sets;
mod status;
mod unavailable;

use ::http::{HeaderMap, Response, StatusCode};
use breaker_core::Outcome;

pub use body::SettlingBody;
pub use end_of_stream::EndOfStream;
pub use errors::WithErrors;
#[cfg(feature = "hyper")]
pub use fault::{boxed_by_origin, by_origin};
pub use frames::Framing;
pub use grpc::GrpcErrors;
pub use grpc_code::GrpcCode;
pub use headers::REJECTED;
pub use parts::ByParts;
pub use status::ServerErrors;
pub use unavailable::unavailable;

#[cfg(feature = "hyper")]
pub use crate::fault::Fault;
#[cfg(feature = "tonic")]
pub use crate::stack::tonic::grpc_unavailable;

/// What kind of failure a response is, by its status and headers; nothing of an error.
fn kind_of_response<B, E>(
    classify: &impl ClassifyStream,
    result: Result<&Response<B>, &E>,
) -> Option<&'static str> {
    let response = result.ok()?;
    classify.kind_at(Some(response.status()), response.headers())
}

/// Says what a response means by its headers, and by how its body ends.
///
/// One of your own that [`EndOfStream`] is to ask is `Clone`, and implements [`Classify`](crate::Classify) for what has no
/// body to wait for, an error above all:
///
/// ```
/// use breaker_layer::http::{AtHeaders, ClassifyStream, EndOfStream};
/// use breaker_layer::{BreakerLayer, Circuit, Classify, Outcome};
/// use http::{HeaderMap, Response, StatusCode};
///
/// /// An export is good once its last line has been written, which its trailers say.
/// #[derive(Clone)]
/// struct Exports;
///
/// impl ClassifyStream for Exports {
///     fn headers(&self, status: StatusCode, _: &HeaderMap) -> AtHeaders {
///         match status.is_server_error() {
///             true => AtHeaders::Decided(Outcome::Failure),
///             false => AtHeaders::Trailers,
///         }
///     }
///
///     fn end(&self, trailers: Option<&HeaderMap>) -> Outcome {
///         match trailers.is_some_and(|trailers| trailers.contains_key("x-complete")) {
///             true => Outcome::Success,
///             false => Outcome::Failure,
///         }
///     }
/// }
///
/// impl<B, E> Classify<Response<B>, E> for Exports {
///     fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
///         match result {
///             Ok(response) => self.at_headers(response.status(), response.headers()),
///             Err(_) => Outcome::Failure,
///         }
///     }
/// }
///
/// let circuit = Circuit::builder("exports").build()?;
/// let layer = BreakerLayer::new(circuit.clone()).settle_with(EndOfStream::new(Exports));
/// # use tower::{Layer, ServiceExt};
/// # tokio_test::block_on(async {
/// # let body = |_: ()| async { Ok::<_, std::io::Error>(Response::new(http_body_util::Full::new(bytes::Bytes::from("a line")))) };
/// # let response = layer.layer(tower::service_fn(body)).oneshot(()).await.unwrap();
/// # http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
/// # assert_eq!(circuit.snapshot().failed, 1);
/// # });
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
pub trait ClassifyStream {
    /// What the headers say.
    fn headers(&self, status: StatusCode, headers: &HeaderMap) -> AtHeaders;

    /// What a body says that came to its end, after headers that left it to the [trailers](AtHeaders::Trailers). A
    /// classifier whose headers never do that need not say it.
    fn end(&self, trailers: Option<&HeaderMap>) -> Outcome {
        let _ = trailers;
        // So that one that should have said it is found out.
        Outcome::Failure
    }

    /// What the headers say where nobody waits for the body: what does not fail by then succeeds.
    fn at_headers(&self, status: StatusCode, headers: &HeaderMap) -> Outcome {
        match self.headers(status, headers) {
            AtHeaders::Decided(outcome) | AtHeaders::UnlessBroken(outcome) => outcome,
            AtHeaders::Trailers | AtHeaders::Framed(_) => Outcome::Success,
        }
    }

    /// What kind of failure headers or trailers tell of, in a word or two: see [`Classify::kind`](crate::Classify::kind). Unless
    /// you say otherwise it is the reason phrase of the status, which trailers do not have.
    fn kind_at(&self, status: Option<StatusCode>, headers: &HeaderMap) -> Option<&'static str> {
        let _ = headers;
        status?.canonical_reason()
    }

    /// Judges responses of another type, reqwest's for instance, by their status and headers, which this function gives.
    ///
    /// ```
    /// use breaker_layer::http::{ClassifyStream, ServerErrors};
    /// use breaker_layer::Circuit;
    /// # mod reqwest {
    /// #     pub struct Response(pub http::HeaderMap);
    /// #     impl Response {
    /// #         pub fn status(&self) -> http::StatusCode { http::StatusCode::BAD_GATEWAY }
    /// #         pub fn headers(&self) -> &http::HeaderMap { &self.0 }
    /// #     }
    /// # }
    /// # async fn send() -> Result<reqwest::Response, std::io::Error> { Ok(reqwest::Response(Default::default())) }
    ///
    /// # tokio_test::block_on(async {
    /// let by_status = ServerErrors::new().by_parts(|response: &reqwest::Response| (response.status(), response.headers()));
    /// let circuit = Circuit::builder("payments").build().unwrap();
    /// assert!(circuit.run_with(&by_status, send()).await.is_ok()); // 502 Bad Gateway
    /// assert_eq!(circuit.snapshot().failed, 1);
    /// # });
    /// ```
    fn by_parts<R, F>(self, parts: F) -> ByParts<Self, F>
    where
        Self: Sized,
        F: Fn(&R) -> (StatusCode, &HeaderMap),
    {
        ByParts::new(self, parts)
    }
}

/// What the headers of a response say of its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtHeaders {
    /// The outcome, whatever becomes of the body.
    Decided(Outcome),
    /// The outcome, unless the body breaks off. One that nobody reads changes nothing.
    UnlessBroken(Outcome),
    /// Nothing yet: the trailers say it, and where the body is dropped before they came nobody knows.
    Trailers,
    /// As [`Trailers`](AtHeaders::Trailers), where they stand in the body.
    Framed(Framing),
}
