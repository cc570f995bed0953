//! Answers rejected calls with a response, or an error, of the inner service's own type.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{
    error::{Because, Rejected},
    nested,
    shape::{PassError, Shape},
};

/// Answers rejected calls as a function says. Made by [`BreakerLayer::respond_with`](crate::BreakerLayer::respond_with).
#[derive(Clone, Copy)]
pub struct RespondWith<F>(pub(crate) F);

impl<F, InnerError> PassError<InnerError> for RespondWith<F> {
    type Error = InnerError;

    fn pass(error: InnerError) -> Self::Error {
        error
    }
}

impl<F, Request, Response, InnerError> Shape<Request, Response, InnerError> for RespondWith<F>
where
    F: Fn(Rejected, Request) -> Result<Response, InnerError>,
{
    type Future = Responded<Response, InnerError>;

    fn reject(&mut self, rejected: Rejected, request: Request) -> Self::Future {
        let answer = (self.0)(rejected, request);
        // Where it is still there, the answer holds it.
        let because = answer.as_ref().err().and_then(|_| nested::last());
        Responded {
            answer: Some(answer),
            because,
        }
    }
}

/// Is ready with what a function answered.
pub struct Responded<Response, Error> {
    answer: Option<Result<Response, Error>>,
    because: Option<Because>,
}

impl<Response, Error> Unpin for Responded<Response, Error> {}

impl<Response, Error> Future for Responded<Response, Error> {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(because) = self.because.take() {
            nested::made(because);
        }
        // Polled again after it was ready, it has nothing more to say.
        self.answer.take().map_or(Poll::Pending, Poll::Ready)
    }
}

impl<Response, Error> fmt::Debug for Responded<Response, Error> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Responded")
    }
}

impl<F> fmt::Debug for RespondWith<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RespondWith")
    }
}
