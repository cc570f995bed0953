//! What a caller gets for a rejected call.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use breaker_core::Outcome;

use crate::{
    classify::AnyPermit,
    error::{BoxError, Error, Rejected},
};

/// Passes the inner service's errors on.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not pass on errors of `{InnerError}`",
    label = "cannot pass on these errors",
    note = "`.boxed_errors()` needs an inner error that goes into a `BoxError`"
)]
pub trait PassError<InnerError> {
    /// The error of the whole.
    type Error;

    /// Makes an error of the whole from one of the inner service.
    fn pass(error: InnerError) -> Self::Error;

    /// Whether the error of the whole is a rejection of a circuit further in, or has one among its sources. One whose type says
    /// nothing of that is not looked into.
    fn is_rejection(error: &Self::Error) -> bool {
        let _ = error;
        false
    }
}

/// Passes an error on, and records what it means. That a circuit further in refused is nobody's failure.
pub(crate) fn record<A: PassError<E>, E>(
    permit: impl AnyPermit,
    outcome: Outcome,
    error: E,
) -> A::Error {
    let error = A::pass(error);
    let outcome = match outcome {
        Outcome::Failure | Outcome::Overload { .. } if A::is_rejection(&error) => Outcome::Ignored,
        outcome => outcome,
    };
    permit.record(outcome);
    error
}

/// Answers rejected calls.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not answer a rejected request of `{Request}` with `{Response}` or `{InnerError}`",
    label = "cannot answer these rejected calls",
    note = "what `.respond_with(...)` and `.fallback(...)` answer is of the inner service's own types; with `http::EndOfStream` a body says `into()`",
    note = "`.boxed_errors()` needs an inner error that goes into a `BoxError`"
)]
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

    fn is_rejection(error: &BoxError) -> bool {
        Rejected::of(&**error).is_some()
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
