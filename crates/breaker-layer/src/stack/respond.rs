//! Answers rejected calls with a response, or an error, of the inner service's own type.

use std::{
    fmt,
    future::{Ready, ready},
};

use crate::{
    error::Rejected,
    stack::shape::{PassError, Shape},
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
    type Future = Ready<Result<Response, InnerError>>;

    fn reject(&mut self, rejected: Rejected, request: Request) -> Self::Future {
        ready((self.0)(rejected, request))
    }
}

impl<F> fmt::Debug for RespondWith<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RespondWith")
    }
}
