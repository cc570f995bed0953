//! Gives rejected calls to another service.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    error::Rejected,
    stack::shape::{PassError, Shape},
};

/// Gives rejected calls to another service. Made by [`BreakerLayer::fallback`](crate::BreakerLayer::fallback).
#[derive(Clone, Copy, Debug)]
pub struct Fallback<S>(pub(crate) S);

impl<S, InnerError> PassError<InnerError> for Fallback<S> {
    type Error = InnerError;

    fn pass(error: InnerError) -> Self::Error {
        error
    }
}

impl<S, Request, Response, InnerError> Shape<Request, Response, InnerError> for Fallback<S>
where
    S: Service<Request, Response = Response, Error = InnerError> + Clone,
{
    type Future = FallbackFuture<S, Request>;

    fn reject(&mut self, _: Rejected, request: Request) -> Self::Future {
        // A call may be refused after the breaker was ready, so the fallback's readiness is awaited by the answer, on a
        // clone that nobody else calls.
        FallbackFuture {
            state: State::Unready {
                service: self.0.clone(),
                request: Some(request),
            },
        }
    }
}

pin_project! {
    /// The answer of a fallback: it waits until the fallback is ready, and calls it.
    #[must_use = "futures do nothing unless polled"]
    pub struct FallbackFuture<S, Request>
    where
        S: Service<Request>,
    {
        #[pin]
        state: State<S, Request, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, Request, F> {
        Unready { service: S, request: Option<Request> },
        Called { #[pin] answer: F },
    }
}

impl<S: Service<Request>, Request> Future for FallbackFuture<S, Request> {
    type Output = Result<S::Response, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let answer = match self.as_mut().project().state.project() {
                StateProjection::Called { answer } => return answer.poll(cx),
                StateProjection::Unready { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    match request.take() {
                        Some(request) => service.call(request),
                        // Polled again after it failed to become ready, it has nothing more to say.
                        None => return Poll::Pending,
                    }
                }
            };
            self.as_mut().project().state.set(State::Called { answer });
        }
    }
}
