//! Requests whose results say nothing about the downstream.

use std::fmt;

use crate::classify::{AtOnce, Settle};

/// Says of a request whether its result is to be ignored, whatever it is.
///
/// Part of what a [`Settle`] of your own implements; by default nothing is excluded.
pub trait Exclude<Request> {
    /// Whether this request's result is ignored.
    fn excludes(&self, request: &Request) -> bool {
        let _ = request;
        false
    }
}

impl<C, Request> Exclude<Request> for AtOnce<C> {}

/// Ignores the results of some requests. Made by [`BreakerLayer::exclude`](crate::BreakerLayer::exclude).
#[derive(Clone, Copy)]
pub struct Excluding<J, F> {
    pub(crate) settle: J,
    pub(crate) excludes: F,
}

impl<J, F: Fn(&Request) -> bool, Request> Exclude<Request> for Excluding<J, F> {
    fn excludes(&self, request: &Request) -> bool {
        (self.excludes)(request)
    }
}

impl<J, F, Response, Error, P> Settle<Response, Error, P> for Excluding<J, F>
where
    J: Settle<Response, Error, P>,
{
    type Response = J::Response;

    fn settle(&self, permit: P, result: Result<Response, Error>) -> Result<Self::Response, Error> {
        self.settle.settle(permit, result)
    }

    fn unready(&self, permit: P, error: &Error) {
        self.settle.unready(permit, error);
    }
}

impl<J: fmt::Debug, F> fmt::Debug for Excluding<J, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Excluding")
            .field("settle", &self.settle)
            .finish_non_exhaustive()
    }
}
