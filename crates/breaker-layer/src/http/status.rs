//! What an HTTP status means.

use ::http::{HeaderMap, Response, StatusCode};
use breaker_core::Outcome;

use super::{AtHeaders, ClassifyStream, headers::retry_after};
use crate::classify::Classify;

/// Server errors are failures; so is every error of the inner service.
///
/// | status | outcome |
/// | --- | --- |
/// | 5xx | failure |
/// | 429 and 503 with `Retry-After` | overload: a failure whose delay bounds the open time |
/// | 501 and 505 | success: the downstream lacks something for good, and says so in good health |
/// | from 600, which HTTP does not know | failure |
/// | all others, 4xx included | success: the caller's mistakes are not the downstream's |
///
/// A `Retry-After` that is a date is read against the response's own `Date`, so that nobody's wall clock matters; without
/// one it says nothing.
///
/// The four sets change what a status means; a status in several of them is ignored rather than a success, a success
/// rather than overload, and overload rather than a failure. A set that is known only at run time can be leaked, once.
///
/// ```
/// use breaker_layer::Outcome;
/// use breaker_layer::http::{ClassifyStream, ServerErrors};
/// use http::{HeaderMap, StatusCode};
///
/// let errors = ServerErrors::new()
///     .failures(&[StatusCode::REQUEST_TIMEOUT, StatusCode::NOT_FOUND])
///     .ignored(&[StatusCode::BAD_GATEWAY]);
/// let meaning = |status| errors.at_headers(status, &HeaderMap::new());
/// assert_eq!(meaning(StatusCode::NOT_FOUND), Outcome::Failure);
/// assert_eq!(meaning(StatusCode::BAD_GATEWAY), Outcome::Ignored);
/// assert_eq!(meaning(StatusCode::FORBIDDEN), Outcome::Success);
/// assert_eq!(meaning(StatusCode::INTERNAL_SERVER_ERROR), Outcome::Failure);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerErrors {
    ignored: &'static [StatusCode],
    successes: &'static [StatusCode],
    overloads: &'static [StatusCode],
    failures: &'static [StatusCode],
}

impl ServerErrors {
    /// Each status means what the table says.
    pub const fn new() -> Self {
        Self {
            ignored: &[],
            successes: &[],
            overloads: &[],
            failures: &[],
        }
    }

    /// These are failures, whatever else they say.
    #[must_use]
    pub const fn failures(self, failures: &'static [StatusCode]) -> Self {
        Self { failures, ..self }
    }

    /// These are overload where they come with `Retry-After`, and failures where they do not.
    #[must_use]
    pub const fn overloads(self, overloads: &'static [StatusCode]) -> Self {
        Self { overloads, ..self }
    }

    /// These are successes, whatever else they say.
    #[must_use]
    pub const fn successes(self, successes: &'static [StatusCode]) -> Self {
        Self { successes, ..self }
    }

    /// These say nothing about the downstream.
    #[must_use]
    pub const fn ignored(self, ignored: &'static [StatusCode]) -> Self {
        Self { ignored, ..self }
    }

    fn meaning(&self, status: StatusCode) -> Meaning {
        let sets = [
            (self.ignored, Meaning::Ignored),
            (self.successes, Meaning::Success),
            (self.overloads, Meaning::Overload),
            (self.failures, Meaning::Failure),
        ];
        let changed = sets.into_iter().find(|(set, _)| set.contains(&status));
        changed.map_or_else(|| usual(status), |(_, meaning)| meaning)
    }
}

/// What a status means.
enum Meaning {
    Success,
    Ignored,
    Failure,
    /// A failure that may say for how long.
    Overload,
    /// A failure only if it says for how long.
    Limit,
}

fn usual(status: StatusCode) -> Meaning {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Meaning::Limit,
        StatusCode::SERVICE_UNAVAILABLE => Meaning::Overload,
        StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => Meaning::Success,
        _ if status.as_u16() >= 500 => Meaning::Failure,
        _ => Meaning::Success,
    }
}

impl ClassifyStream for ServerErrors {
    fn headers(&self, status: StatusCode, headers: &HeaderMap) -> AtHeaders {
        let overload = || retry_after(headers).map(|retry_after| Outcome::Overload { retry_after });
        let decided = match self.meaning(status) {
            Meaning::Success => None,
            Meaning::Ignored => Some(Outcome::Ignored),
            Meaning::Failure => Some(Outcome::Failure),
            Meaning::Overload => overload().or(Some(Outcome::Failure)),
            Meaning::Limit => overload(),
        };
        decided.map_or(
            AtHeaders::UnlessBroken(Outcome::Success),
            AtHeaders::Decided,
        )
    }
}

impl<B, E> Classify<Response<B>, E> for ServerErrors {
    fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
        match result {
            Ok(response) => self.at_headers(response.status(), response.headers()),
            Err(_) => Outcome::Failure,
        }
    }
}
