//! What an error means, beside what a response means.

use std::fmt;

use ::http::{HeaderMap, Response, StatusCode};
use breaker_core::Outcome;

use super::{AtHeaders, ClassifyStream, kind_of_response};
use crate::classify::Classify;

/// A classifier of responses, with a meaning of its own for errors. Made by
/// [`ServerErrors::errors`](super::ServerErrors::errors) and [`GrpcErrors::errors`](super::GrpcErrors::errors).
#[derive(Clone, Copy)]
pub struct WithErrors<C, F> {
    responses: C,
    errors: F,
}

impl<C, F> WithErrors<C, F> {
    pub(super) const fn new(responses: C, errors: F) -> Self {
        Self { responses, errors }
    }
}

impl<C: ClassifyStream, F> ClassifyStream for WithErrors<C, F> {
    fn headers(&self, status: StatusCode, headers: &HeaderMap) -> AtHeaders {
        self.responses.headers(status, headers)
    }

    fn end(&self, trailers: Option<&HeaderMap>) -> Outcome {
        self.responses.end(trailers)
    }

    fn kind_at(&self, status: Option<StatusCode>, headers: &HeaderMap) -> Option<&'static str> {
        self.responses.kind_at(status, headers)
    }
}

impl<C, F, B, E> Classify<Response<B>, E> for WithErrors<C, F>
where
    C: ClassifyStream,
    F: Fn(&E) -> Outcome,
{
    fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
        match result {
            Ok(response) => self.at_headers(response.status(), response.headers()),
            Err(error) => (self.errors)(error),
        }
    }

    fn kind(&self, result: Result<&Response<B>, &E>) -> Option<&'static str> {
        kind_of_response(self, result)
    }
}

impl<C: fmt::Debug, F> fmt::Debug for WithErrors<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithErrors")
            .field("responses", &self.responses)
            .finish_non_exhaustive()
    }
}
