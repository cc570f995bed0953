//! Responses that are not `http`'s.

use std::fmt;

use ::http::{HeaderMap, Response, StatusCode};
use breaker_core::Outcome;

use super::ClassifyStream;
use crate::classify::Classify;

/// Judges responses of another type by their status and headers. Made by [`ClassifyStream::by_parts`].
#[derive(Clone, Copy)]
pub struct ByParts<C, F> {
    classifier: C,
    parts: F,
}

impl<C, F> ByParts<C, F> {
    pub(super) const fn new(classifier: C, parts: F) -> Self {
        Self { classifier, parts }
    }
}

/// An error means what it means to the classifier.
impl<C, F, R, E> Classify<R, E> for ByParts<C, F>
where
    C: ClassifyStream + Classify<Response<()>, E>,
    F: Fn(&R) -> (StatusCode, &HeaderMap),
{
    fn classify(&self, result: Result<&R, &E>) -> Outcome {
        match result {
            Ok(response) => {
                let (status, headers) = (self.parts)(response);
                self.classifier.at_headers(status, headers)
            }
            Err(error) => self.classifier.classify(Err(error)),
        }
    }

    fn kind(&self, result: Result<&R, &E>) -> Option<&'static str> {
        match result {
            Ok(response) => {
                let (status, headers) = (self.parts)(response);
                self.classifier.kind_at(Some(status), headers)
            }
            Err(error) => self.classifier.kind(Err(error)),
        }
    }
}

impl<C: fmt::Debug, F> fmt::Debug for ByParts<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByParts")
            .field("classifier", &self.classifier)
            .finish_non_exhaustive()
    }
}
