//! The response future.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::{
    circuit::Permit,
    classify::{AnyPermit, Settle},
    held::Kept,
    stack::shape::{self, PassError},
};

pin_project! {
    /// The response of a [`Breaker`](crate::Breaker).
    ///
    /// Dropped before it is ready, it gives its permit back as cancelled. A panic of the inner future goes on, and is a
    /// failure; a panic of the caller's own, which drops the future, is ignored.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, J, R, A, P: AnyPermit = Permit> {
        #[pin]
        state: State<F, J, R, P>,
        _shape: PhantomData<fn() -> A>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, J, R, P: AnyPermit> {
        // The inner future is dropped before the permit: a probe's slot is free once its call is really over.
        Called { #[pin] inner: F, permit: Kept<P>, settle: J },
        Answered { #[pin] answer: R },
    }
}

impl<F, J, R, A, P: AnyPermit> ResponseFuture<F, J, R, A, P> {
    #[inline]
    pub(crate) const fn called(inner: F, permit: P, settle: J) -> Self {
        Self {
            state: State::Called {
                inner,
                permit: Kept::new(permit),
                settle,
            },
            _shape: PhantomData,
        }
    }

    pub(crate) const fn answered(answer: R) -> Self {
        Self {
            state: State::Answered { answer },
            _shape: PhantomData,
        }
    }
}

impl<F, J, R, A, P, Response, Error> Future for ResponseFuture<F, J, R, A, P>
where
    F: Future<Output = Result<Response, Error>>,
    J: Settle<Response, Error, P>,
    P: AnyPermit,
    R: Future<Output = Result<J::Response, A::Error>>,
    A: PassError<Error>,
{
    type Output = Result<J::Response, A::Error>;

    // Always: what unwinding takes makes it too long for the compiler's taste, and apart it took 37 instructions more.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Answered { answer } => answer.poll(cx),
            StateProjection::Called {
                inner,
                permit,
                settle,
            } => {
                if !permit.is_there() {
                    // Polled again after it was ready, it has nothing more to say.
                    return Poll::Pending;
                }
                let result = ready!(permit.during(|| inner.poll(cx)));
                let Some(permit) = permit.take() else {
                    return Poll::Pending;
                };
                Poll::Ready(match result {
                    Ok(response) => Ok(settle.settle(permit, response)),
                    Err(error) => Err(shape::settle_error::<A, _, _, _, _>(permit, settle, error)),
                })
            }
        }
    }
}
