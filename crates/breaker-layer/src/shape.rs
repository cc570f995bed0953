//! What a caller gets for a rejected call.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use crate::error::{BoxError, Error, Rejected};

/// Passes the inner service's errors on.
pub trait PassError<InnerError> {
    /// The error of the whole.
    type Error;

    /// Makes an error of the whole from one of the inner service.
    fn pass(error: InnerError) -> Self::Error;
}

/// Answers rejected calls.
pub trait Shape<Request, Response, InnerError>: PassError<InnerError> {
    /// The answer to a rejected call.
    type Future: Future<Output = Result<Response, Self::Error>>;

    /// Answers a rejected call.
    fn reject(&mut self, rejected: Rejected, request: Request) -> Self::Future;
}

/// Errors are [`Error`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Typed;

impl<InnerError> PassError<InnerError> for Typed {
    type Error = Error<InnerError>;

    fn pass(error: InnerError) -> Self::Error {
        Error::Inner(error)
    }
}

impl<Request, Response, InnerError> Shape<Request, Response, InnerError> for Typed {
    type Future = Refused<Response, Self::Error>;

    fn reject(&mut self, rejected: Rejected, _: Request) -> Self::Future {
        Refused::new(rejected)
    }
}

/// Errors are [`BoxError`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Boxed;

impl<InnerError: Into<BoxError>> PassError<InnerError> for Boxed {
    type Error = BoxError;

    fn pass(error: InnerError) -> Self::Error {
        error.into()
    }
}

impl<Request, Response, InnerError: Into<BoxError>> Shape<Request, Response, InnerError> for Boxed {
    type Future = Refused<Response, Self::Error>;

    fn reject(&mut self, rejected: Rejected, _: Request) -> Self::Future {
        Refused::new(rejected)
    }
}

/// Is ready with the rejection.
#[derive(Debug)]
pub struct Refused<Response, Error> {
    rejected: Option<Rejected>,
    _answer: PhantomData<fn() -> Result<Response, Error>>,
}

impl<Response, Error> Refused<Response, Error> {
    const fn new(rejected: Rejected) -> Self {
        Self {
            rejected: Some(rejected),
            _answer: PhantomData,
        }
    }
}

impl<Response, Error: From<Rejected>> Future for Refused<Response, Error> {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        // Polled again after it was ready, it has nothing more to say.
        self.rejected
            .take()
            .map_or(Poll::Pending, |rejected| Poll::Ready(Err(rejected.into())))
    }
}
