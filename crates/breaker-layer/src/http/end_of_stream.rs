//! The verdict at the end of a response's body.

use ::http::{HeaderMap, Response, header::CONTENT_LENGTH};
use breaker_core::Outcome;
use http_body::Body;

use super::{
    AtHeaders, ClassifyStream, SettlingBody,
    body::{Judge, Verdict},
    frames::Frames,
};
use crate::{
    classify::{AnyPermit, Classify, Settle, record},
    exclude::Exclude,
};

/// Settles a call when the body of its response has ended: for gRPC, whose status comes in the trailers, and for bodies
/// that may die half-way.
///
/// What the headers [decide](AtHeaders::Decided) is recorded at the headers: a server error, a trailers-only response. So is a
/// body that is empty.
/// Otherwise the body is passed on in a [`SettlingBody`], which records
///
/// - at its end what the classifier makes of the trailers; those of gRPC-web and of Connect's streams stand in the body, and up
///   to 16 KiB of them are kept until they are whole;
/// - at an error [`on_error`](EndOfStream::on_error), by default a failure;
/// - when it is dropped before its end what the headers said: with [`ServerErrors`](super::ServerErrors) a 200 that nobody
///   reads is a success, and so is an event stream that its reader leaves, or an answer to `HEAD`. Where they left it to the
///   trailers, as gRPC's do, the call is cancelled. [`on_early_drop`](EndOfStream::on_early_drop) says otherwise.
///
/// A body is at its end, too, when it has given as many bytes as its `Content-Length` says. One that hangs is in flight for as
/// long as its reader waits, and where the reader gives up first it is dropped early: it needs a timeout of its own inside the
/// breaker, whose error ends it.
///
/// Whether a call is slow counts by the time to its headers: how fast the body is read is its reader's affair.
///
/// A call is in flight until the verdict: a probe holds its slot. A stream that lasts longer than
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

    /// The classifier, for [`BreakerLayer::for_request`](crate::BreakerLayer::for_request).
    pub const fn classifier_mut(&mut self) -> &mut C {
        &mut self.classify
    }

    /// What a body means that ends with an error. Default: a failure.
    #[must_use]
    pub fn on_error(self, on_error: Outcome) -> Self {
        Self { on_error, ..self }
    }

    /// What a body means that is dropped before its end. Default: what the headers said, and where they left it to the
    /// trailers the call is cancelled.
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

impl<C: ClassifyStream + Clone> EndOfStream<C> {
    /// Records what is known of a response before its body is read, or says what is still to be.
    fn at_headers<B: Body, P: AnyPermit>(
        &self,
        mut permit: P,
        response: &Response<B>,
    ) -> Option<Verdict<C, P>> {
        let (so_far, judge) = match self.classify.headers(response.status(), response.headers()) {
            AtHeaders::Decided(outcome) => {
                record(permit, outcome, || {
                    let (status, headers) = (response.status(), response.headers());
                    self.classify.kind_at(Some(status), headers)
                });
                return None;
            }
            AtHeaders::UnlessBroken(outcome) => (Some(outcome), Judge::Headers(outcome)),
            AtHeaders::Trailers => (None, Judge::Trailers(self.classify.clone())),
            AtHeaders::Framed(framing) => {
                let frames = Frames::new(framing);
                (None, Judge::Framed(self.classify.clone(), frames))
            }
        };
        if response.body().is_end_stream() {
            record(permit, judge.end(None), || judge.kind(None));
            return None;
        }
        if self.probes_at_headers && permit.is_probe() {
            permit.record(so_far.unwrap_or(Outcome::Success));
            return None;
        }
        permit.answered();
        let on_drop = self.on_early_drop.or(so_far);
        let length = length(response.headers());
        Some(Verdict::new(permit, judge, self.on_error, on_drop, length))
    }
}

impl<C, B, E, P> Settle<Response<B>, E, P> for EndOfStream<C>
where
    C: ClassifyStream + Classify<Response<B>, E> + Clone,
    B: Body,
    P: AnyPermit,
{
    type Response = Response<SettlingBody<B, C, P>>;

    fn settle(&self, permit: P, response: Response<B>) -> Self::Response {
        let verdict = self.at_headers(permit, &response);
        response.map(|body| SettlingBody::new(body, verdict))
    }

    fn outcome_of(&self, error: &E) -> Outcome {
        self.classify.classify(Err(error))
    }

    fn kind_of(&self, error: &E) -> Option<&'static str> {
        self.classify.kind(Err(error))
    }
}

impl<C, Request> Exclude<Request> for EndOfStream<C> {}

/// How long the headers say that the body is.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
