//! A body that settles its call when it ends.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::http::HeaderMap;
use breaker_core::Outcome;
use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{ClassifyStream, frames::Frames};
use crate::{
    circuit::Permit,
    classify::{AnyPermit, record},
    held::Kept,
};

pin_project! {
    /// The body of a response whose call is settled by [`EndOfStream`](super::EndOfStream).
    ///
    /// It passes every frame on as it is, asks for none ahead, and keeps the size hint. One made of another body, as a
    /// response to a rejected call needs it, settles nothing.
    pub struct SettlingBody<B, C, P: AnyPermit = Permit> {
        // The inner body is dropped before the permit: a probe's slot is free once its call is really over.
        #[pin]
        inner: B,
        verdict: Option<Verdict<C, P>>,
    }
}

impl<B, C, P: AnyPermit> SettlingBody<B, C, P> {
    pub(super) const fn new(inner: B, verdict: Option<Verdict<C, P>>) -> Self {
        Self { inner, verdict }
    }

    /// The inner body.
    pub const fn get_ref(&self) -> &B {
        &self.inner
    }
}

impl<B, C, P: AnyPermit> From<B> for SettlingBody<B, C, P> {
    fn from(inner: B) -> Self {
        Self::new(inner, None)
    }
}

impl<B: Default, C, P: AnyPermit> Default for SettlingBody<B, C, P> {
    fn default() -> Self {
        Self::from(B::default())
    }
}

impl<B: Body, C: ClassifyStream, P: AnyPermit> Body for SettlingBody<B, C, P> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let mut poll = || this.inner.as_mut().poll_frame(cx);
        let frame = ready!(match this.verdict {
            Some(verdict) => verdict.permit.during(poll),
            None => poll(),
        });
        if let Some(verdict) = this.verdict {
            match &frame {
                None => verdict.end(None),
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        verdict.pass(data);
                    }
                    if let Some(trailers) = frame.trailers_ref() {
                        verdict.end(Some(trailers));
                    } else if this.inner.is_end_stream() {
                        // Whoever knows from this that it has ended need not ask again.
                        verdict.end(None);
                    }
                }
                Some(Err(_)) => verdict.fail(),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: fmt::Debug, C, P: AnyPermit> fmt::Debug for SettlingBody<B, C, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettlingBody")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// What is still to be recorded, once.
pub(super) struct Verdict<C, P: AnyPermit> {
    permit: Kept<P>,
    judge: Judge<C>,
    on_error: Outcome,
    on_drop: Option<Outcome>,
    /// So many bytes are still to come, where the headers said how many.
    length: Option<u64>,
}

impl<C: ClassifyStream, P: AnyPermit> Verdict<C, P> {
    pub(super) fn new(
        permit: P,
        judge: Judge<C>,
        on_error: Outcome,
        on_drop: Option<Outcome>,
        length: Option<u64>,
    ) -> Self {
        let mut verdict = Self {
            permit: Kept::new(permit),
            judge,
            on_error,
            on_drop,
            length,
        };
        verdict.count(0);
        verdict
    }

    fn pass(&mut self, data: &impl Buf) {
        if let Judge::Framed(_, frames) = &mut self.judge
            && let Some(trailers) = frames.read(data)
        {
            self.end(Some(&trailers));
        }
        self.count(data.remaining() as u64);
    }

    /// So many bytes have passed. A server that has sent as many as it promised drops the body without asking for its end.
    fn count(&mut self, bytes: u64) {
        self.length = self.length.map(|length| length.saturating_sub(bytes));
        if self.length == Some(0) {
            self.on_drop = Some(self.judge.end(None));
        }
    }

    fn end(&mut self, trailers: Option<&HeaderMap>) {
        if let Some(permit) = self.permit.take() {
            let kind = || self.judge.kind(trailers);
            record(permit, self.judge.end(trailers), kind);
        }
    }

    fn fail(&mut self) {
        if let Some(permit) = self.permit.take() {
            record(permit, self.on_error, || Some("body broken off"));
        }
    }
}

/// Who says what a body means that came to its end.
pub(super) enum Judge<C> {
    /// The headers have said it.
    Headers(Outcome),
    Trailers(C),
    /// The trailers, which stand in the body.
    Framed(C, Frames),
}

impl<C: ClassifyStream> Judge<C> {
    pub(super) fn end(&self, trailers: Option<&HeaderMap>) -> Outcome {
        match self {
            Self::Headers(outcome) => *outcome,
            Self::Framed(_, frames) if trailers.is_none() && frames.is_over() => Outcome::Success,
            Self::Trailers(classify) | Self::Framed(classify, _) => classify.end(trailers),
        }
    }

    pub(super) fn kind(&self, trailers: Option<&HeaderMap>) -> Option<&'static str> {
        match self {
            Self::Headers(_) => None,
            Self::Trailers(classify) | Self::Framed(classify, _) => match trailers {
                Some(trailers) => classify.kind_at(None, trailers),
                None => Some("no trailers"),
            },
        }
    }
}

impl<C, P: AnyPermit> Drop for Verdict<C, P> {
    fn drop(&mut self) {
        // Or else it is cancelled with the permit.
        if let Some(outcome) = self.on_drop
            && let Some(permit) = self.permit.take()
        {
            permit.record(outcome);
        }
    }
}
