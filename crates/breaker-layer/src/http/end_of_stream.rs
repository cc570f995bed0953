//! The verdict at the end of a response's body.

use ::http::{HeaderMap, Response, header::CONTENT_LENGTH};
use breaker_core::Outcome;
use http_body::Body;

use super::{ClassifyStream, SettlingBody, body::Verdict};
use crate::{
    classify::{AnyPermit, Classify, Settle},
    exclude::Exclude,
};

/// Settles a call when the body of its response has ended: for gRPC, whose status comes in the trailers, and for bodies
/// that may die half-way.
///
/// What the headers decide is recorded at the headers: a server error, a trailers-only response, a body that is empty.
/// Otherwise the body is passed on in a [`SettlingBody`], which records
///
/// - at its end what the classifier makes of the trailers;
/// - at an error [`on_error`](EndOfStream::on_error), by default a failure;
/// - when it is dropped before its end [`on_early_drop`](EndOfStream::on_early_drop), by default nothing: the call is
///   cancelled.
///
/// So a caller that looks at the status and drops the response unread gives no verdict, and neither does a server's answer to
/// `HEAD`, whose body nobody reads: where that is usual, say `on_early_drop(Outcome::Success)`. A body is at its end, too,
/// when it has given as many bytes as its `Content-Length` says.
///
/// A call is in flight until then: a probe holds its slot. A stream that lasts longer than
/// [half-open may](crate::Probes::timeout) would never show that the downstream has recovered;
/// [`probes_at_headers`](EndOfStream::probes_at_headers) is for those.
///
/// ```
/// use breaker_layer::{BreakerLayer, Circuit, Outcome, http::{EndOfStream, GrpcErrors}};
///
/// let circuit = Circuit::builder("greeter").build()?;
/// let layer = BreakerLayer::new(circuit).settle_with(
///     EndOfStream::new(GrpcErrors::new())
///         .probes_at_headers()
///         .on_early_drop(Outcome::Success),
/// );
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EndOfStream<C> {
    classify: C,
    on_error: Outcome,
    on_early_drop: Option<Outcome>,
    probes_at_headers: bool,
}

impl<C> EndOfStream<C> {
    /// Judges by this classifier.
    pub const fn new(classify: C) -> Self {
        Self {
            classify,
            on_error: Outcome::Failure,
            on_early_drop: None,
            probes_at_headers: false,
        }
    }

    /// What a body means that ends with an error. Default: a failure.
    #[must_use]
    pub fn on_error(self, on_error: Outcome) -> Self {
        Self { on_error, ..self }
    }

    /// What a body means that is dropped before its end. Default: the call is cancelled.
    #[must_use]
    pub fn on_early_drop(self, outcome: Outcome) -> Self {
        Self {
            on_early_drop: Some(outcome),
            ..self
        }
    }

    /// Settles a probe at its headers, for streams that may outlast half-open. Default: at its end, as every call.
    #[must_use]
    pub fn probes_at_headers(self) -> Self {
        Self {
            probes_at_headers: true,
            ..self
        }
    }
}

impl<C: ClassifyStream> EndOfStream<C> {
    /// What is known of a response before its body is read.
    fn known<B: Body>(&self, permit: &impl AnyPermit, response: &Response<B>) -> Option<Outcome> {
        let decided = self.classify.headers(response.status(), response.headers());
        if decided.is_some() {
            decided
        } else if response.body().is_end_stream() {
            Some(self.classify.end(None))
        } else {
            let is_let_off = self.probes_at_headers && permit.is_probe();
            is_let_off.then_some(Outcome::Success)
        }
    }
}

impl<C, B, E, P> Settle<Response<B>, E, P> for EndOfStream<C>
where
    C: ClassifyStream + Classify<Response<B>, E> + Clone,
    B: Body,
    P: AnyPermit,
{
    type Response = Response<SettlingBody<B, C, P>>;

    fn settle(&self, permit: P, result: Result<Response<B>, E>) -> Result<Self::Response, E> {
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                permit.record(self.classify.classify(Err(&error)));
                return Err(error);
            }
        };
        let verdict = match self.known(&permit, &response) {
            Some(outcome) => {
                permit.record(outcome);
                None
            }
            None => Some(Verdict::pending(
                permit,
                self.classify.clone(),
                self.on_error,
                self.on_early_drop,
                length(response.headers()),
            )),
        };
        Ok(response.map(|body| SettlingBody::new(body, verdict)))
    }

    fn unready(&self, permit: P, error: &E) {
        permit.record(self.classify.classify(Err(error)));
    }
}

impl<C, Request> Exclude<Request> for EndOfStream<C> {}

/// How long the headers say that the body is.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
