//! The response that is to come.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http::{Response, StatusCode, request::Parts};
use pin_project_lite::pin_project;

use crate::{
    body::Body,
    console::{Console, refused},
};

/// A form is no longer than this.
const LONGEST: usize = 16 * 1024;

pin_project! {
    /// The future of a [`Console`]'s response.
    #[must_use = "it does nothing unless it is polled"]
    pub struct ResponseFuture<B> {
        ready: Option<Response<Body>>,
        #[pin]
        reading: Option<Reading<B>>,
    }
}

pin_project! {
    struct Reading<B> {
        console: Console,
        parts: Parts,
        who: String,
        form: Vec<u8>,
        #[pin]
        body: B,
    }
}

impl<B> ResponseFuture<B> {
    pub(crate) fn ready(answer: Response<Body>) -> Self {
        Self {
            ready: Some(answer),
            reading: None,
        }
    }

    pub(crate) fn reading(console: Console, parts: Parts, who: String, body: B) -> Self {
        let form = Vec::new();
        Self {
            ready: None,
            reading: Some(Reading {
                console,
                parts,
                who,
                form,
                body,
            }),
        }
    }
}

impl<B: http_body::Body> Future for ResponseFuture<B> {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(answer) = this.ready.take() {
            return Poll::Ready(Ok(answer));
        }
        let Some(reading) = this.reading.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let answer = ready!(reading.poll(cx));
        this.reading.set(None);
        Poll::Ready(Ok(answer))
    }
}

impl<B: http_body::Body> Reading<B> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Body>> {
        let mut this = self.project();
        while let Some(frame) = ready!(this.body.as_mut().poll_frame(cx)) {
            let Ok(frame) = frame else {
                let why = "The form broke off.";
                return Poll::Ready(refused(this.parts, StatusCode::BAD_REQUEST, why));
            };
            let Ok(mut data) = frame.into_data() else {
                continue;
            };
            if this.form.len().saturating_add(data.remaining()) > LONGEST {
                let why = "The form is too long.";
                return Poll::Ready(refused(this.parts, StatusCode::PAYLOAD_TOO_LARGE, why));
            }
            while data.has_remaining() {
                let chunk = data.chunk();
                this.form.extend_from_slice(chunk);
                let length = chunk.len();
                data.advance(length);
            }
        }
        Poll::Ready(this.console.order(this.parts, this.who, this.form))
    }
}

impl<B> fmt::Debug for ResponseFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
