//! What a request says about its own result.

use std::fmt;

use breaker_core::Outcome;

use crate::classify::{AtOnce, Settle};

/// Looks at a request before its call.
///
/// Part of what a [`Settle`] of your own implements; by default nothing is excluded, and all requests are alike.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not look at requests of `{Request}`",
    label = "cannot look at these requests",
    note = "what goes to `.settle_with(...)` implements `Exclude` beside `Settle`; an empty `impl<R> Exclude<R> for ...` excludes nothing",
    note = "the argument of `.exclude(...)` is annotated with the stack's own request type: `|request: &Request|`"
)]
pub trait Exclude<Request> {
    /// Whether this request's result is ignored, whatever it is.
    fn excludes(&self, request: &Request) -> bool {
        let _ = request;
        false
    }

    /// Looks at the request: each call has a copy of its own.
    fn look_at(&mut self, request: &Request) {
        let _ = request;
    }
}

impl<C, Request> Exclude<Request> for AtOnce<C> {}

/// Ignores the results of some requests. Made by [`BreakerLayer::exclude`](crate::BreakerLayer::exclude).
#[derive(Clone, Copy)]
pub struct Excluding<J, F> {
    pub(crate) settle: J,
    pub(crate) excludes: F,
}

impl<J, F, Request> Exclude<Request> for Excluding<J, F>
where
    J: Exclude<Request>,
    F: Fn(&Request) -> bool,
{
    fn excludes(&self, request: &Request) -> bool {
        (self.excludes)(request) || self.settle.excludes(request)
    }

    fn look_at(&mut self, request: &Request) {
        self.settle.look_at(request);
    }
}

impl<J, F, Response, Error, P> Settle<Response, Error, P> for Excluding<J, F>
where
    J: Settle<Response, Error, P>,
{
    type Response = J::Response;

    fn settle(&self, permit: P, response: Response) -> Self::Response {
        self.settle.settle(permit, response)
    }

    fn outcome_of(&self, error: &Error) -> Outcome {
        self.settle.outcome_of(error)
    }

    fn kind_of(&self, error: &Error) -> Option<&'static str> {
        self.settle.kind_of(error)
    }
}

impl<J: fmt::Debug, F> fmt::Debug for Excluding<J, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Excluding")
            .field("settle", &self.settle)
            .finish_non_exhaustive()
    }
}

/// Shows each request to what settles its call. Made by [`BreakerLayer::for_request`](crate::BreakerLayer::for_request).
#[derive(Clone, Copy)]
pub struct ForRequest<J, F> {
    pub(crate) settle: J,
    pub(crate) look: F,
}

impl<J, F, Request> Exclude<Request> for ForRequest<J, F>
where
    J: Exclude<Request>,
    F: Fn(&mut J, &Request),
{
    fn excludes(&self, request: &Request) -> bool {
        self.settle.excludes(request)
    }

    fn look_at(&mut self, request: &Request) {
        self.settle.look_at(request);
        (self.look)(&mut self.settle, request);
    }
}

impl<J, F, Response, Error, P> Settle<Response, Error, P> for ForRequest<J, F>
where
    J: Settle<Response, Error, P>,
{
    type Response = J::Response;

    fn settle(&self, permit: P, response: Response) -> Self::Response {
        self.settle.settle(permit, response)
    }

    fn outcome_of(&self, error: &Error) -> Outcome {
        self.settle.outcome_of(error)
    }

    fn kind_of(&self, error: &Error) -> Option<&'static str> {
        self.settle.kind_of(error)
    }
}

impl<J: fmt::Debug, F> fmt::Debug for ForRequest<J, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForRequest")
            .field("settle", &self.settle)
            .finish_non_exhaustive()
    }
}
