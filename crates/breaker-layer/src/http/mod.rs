//! HTTP and gRPC: what their responses mean, at the headers or at the end of the stream.
//!
//! - [`ServerErrors`] judges by the HTTP status, [`GrpcErrors`] by the gRPC status. Give one to
//!   [`BreakerLayer::classify_with`](crate::BreakerLayer::classify_with) for a verdict at the headers.
//! - [`EndOfStream`], given to [`BreakerLayer::settle_with`](crate::BreakerLayer::settle_with), has the verdict wait for the
//!   end of the body: for gRPC, whose status comes in the trailers, and for bodies that may die half-way.
//! - [`unavailable`] is a rejection as an HTTP response: 503 with `Retry-After`; of one that was caught `Response::from` makes
//!   the same.
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
mod end_of_stream;
mod grpc;
mod headers;
mod status;
mod unavailable;

use ::http::{HeaderMap, StatusCode};
use breaker_core::Outcome;

pub use body::SettlingBody;
pub use end_of_stream::EndOfStream;
pub use grpc::GrpcErrors;
pub use status::ServerErrors;
pub use unavailable::unavailable;

/// Says what a response means by its headers, and by how its body ends.
pub trait ClassifyStream {
    /// What the headers say, if the body cannot change it.
    fn headers(&self, status: StatusCode, headers: &HeaderMap) -> Option<Outcome>;

    /// What a body says that came to its end, after headers that did not decide.
    fn end(&self, trailers: Option<&HeaderMap>) -> Outcome;

    /// What the headers say where nobody waits for the body: what does not fail by then succeeds.
    fn at_headers(&self, status: StatusCode, headers: &HeaderMap) -> Outcome {
        self.headers(status, headers).unwrap_or(Outcome::Success)
    }
}
