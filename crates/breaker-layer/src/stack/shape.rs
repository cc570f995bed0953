//! What a caller gets for a rejected call.

use std::{
    error::Error as StdError,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use breaker_core::Outcome;

use crate::{
    classify::{AnyPermit, Failure, Settle},
    error::{AnyError, BoxError, Error, Rejected},
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

    /// The error of the whole as one that has a text and sources; `None` where its type does not say that it is one.
    fn look_into(error: &Self::Error) -> Option<&(dyn StdError + 'static)> {
        let _ = error;
        None
    }
}

/// Passes an error on, and records what it means to this.
// Always: apart, each healthy call took an instruction more.
#[inline(always)]
pub(crate) fn settle_error<A, J, Response, E, P>(permit: P, settle: &J, error: E) -> A::Error
where
    A: PassError<E>,
    J: Settle<Response, E, P>,
    P: AnyPermit,
{
    let (outcome, kind) = (settle.outcome_of(&error), settle.kind_of(&error));
    record::<A, _>(permit, outcome, kind, error)
}

/// Passes an error on, and records it. That a circuit further in refused is nobody's failure.
fn record<A: PassError<E>, E>(
    permit: impl AnyPermit,
    outcome: Outcome,
    kind: Option<&'static str>,
    error: E,
) -> A::Error {
    let error = A::pass(error);
    let inside = A::look_into(&error);
    match outcome {
        Outcome::Success | Outcome::Ignored => permit.record(outcome),
        _ if inside.and_then(Rejected::of).is_some() => permit.record(Outcome::Ignored),
        _ => permit.record_failure(outcome, Failure::new(kind, inside)),
    }
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

    fn look_into(error: &BoxError) -> Option<&(dyn StdError + 'static)> {
        Some(&**error)
    }
}

impl<Request, Response, InnerError: Into<BoxError>> Shape<Request, Response, InnerError> for Boxed {
    type Future = Refused<Response, Self::Error>;

    fn reject(&mut self, rejected: Rejected, _: Request) -> Self::Future {
        Refused::new(rejected)
    }
}

/// Errors are [`AnyError`].
pub(crate) struct Any;

impl<InnerError: Into<BoxError>> PassError<InnerError> for Any {
    type Error = AnyError;

    fn pass(error: InnerError) -> AnyError {
        AnyError::new(error)
    }

    fn look_into(error: &AnyError) -> Option<&(dyn StdError + 'static)> {
        Some(error.get_ref())
    }
}

/// Records what a call without Tower gave, and boxes its error.
pub(crate) fn settle_boxed<T, E: Into<BoxError>>(
    permit: impl AnyPermit,
    result: Result<T, E>,
) -> Result<T, Error<AnyError>> {
    match result {
        Ok(answer) => {
            permit.record(Outcome::Success);
            Ok(answer)
        }
        Err(error) => {
            let error = record::<Any, _>(permit, Outcome::Failure, None, error);
            Err(Error::Inner(error))
        }
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
