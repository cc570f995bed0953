//! What an HTTP status means.

use ::http::{HeaderMap, Response, StatusCode};
use breaker_core::Outcome;

use super::{
    AtHeaders, ClassifyStream, WithErrors,
    headers::{is_rejection, retry_after},
    kind_of_response,
    sets::{Meaning, Sets},
};
use crate::classify::Classify;

/// Server errors are failures; so is every error of the inner service.
///
/// | status | outcome |
/// | --- | --- |
/// | 5xx | failure |
/// | 503 with `Retry-After`, 429 with `Retry-After` | overload: a failure whose delay bounds the open time |
/// | 503 of another circuit, marked [`breaker-rejected`](super::REJECTED) | ignored |
/// | 429 without it | success: the caller's rate; `.overloads(&[StatusCode::TOO_MANY_REQUESTS])` counts it |
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
    sets: Sets<StatusCode>,
}

impl ServerErrors {
    /// Each status means what the table says.
    pub const fn new() -> Self {
        Self { sets: Sets::new() }
    }

    /// These are failures, whatever else they say.
    #[must_use]
    pub const fn failures(mut self, failures: &'static [StatusCode]) -> Self {
        self.sets.failures = failures;
        self
    }

    /// These are overload where they come with `Retry-After`, and failures where they do not.
    #[must_use]
    pub const fn overloads(mut self, overloads: &'static [StatusCode]) -> Self {
        self.sets.overloads = overloads;
        self
    }

    /// These are successes, whatever else they say.
    #[must_use]
    pub const fn successes(mut self, successes: &'static [StatusCode]) -> Self {
        self.sets.successes = successes;
        self
    }

    /// These say nothing about the downstream.
    #[must_use]
    pub const fn ignored(mut self, ignored: &'static [StatusCode]) -> Self {
        self.sets.ignored = ignored;
        self
    }

    /// Says what an error of the inner service means; unsaid, each is a failure. With the feature `hyper` there is
    /// `by_origin`, which tells whose fault it is.
    ///
    /// ```
    /// use breaker_layer::{BoxError, BreakerLayer, Circuit, Outcome, http::ServerErrors};
    ///
    /// let circuit = Circuit::builder("payments").build()?;
    /// let errors = ServerErrors::new().errors(|error: &BoxError| match error.is::<std::fmt::Error>() {
    ///     true => Outcome::Ignored,
    ///     false => Outcome::Failure,
    /// });
    /// let layer = BreakerLayer::new(circuit).classify_with(errors);
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub const fn errors<E, F>(self, meaning: F) -> WithErrors<Self, F>
    where
        F: Fn(&E) -> Outcome,
    {
        WithErrors::new(self, meaning)
    }
}

fn usual(status: StatusCode, headers: &HeaderMap) -> Meaning {
    match status {
        StatusCode::SERVICE_UNAVAILABLE if is_rejection(headers) => Meaning::Ignored,
        StatusCode::TOO_MANY_REQUESTS => Meaning::Limit,
        StatusCode::SERVICE_UNAVAILABLE => Meaning::Overload,
        StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => Meaning::Success,
        _ if status.as_u16() >= 500 => Meaning::Failure,
        _ => Meaning::Success,
    }
}

impl ClassifyStream for ServerErrors {
    fn headers(&self, status: StatusCode, headers: &HeaderMap) -> AtHeaders {
        let meaning = self.sets.meaning(&status);
        let decided = meaning
            .unwrap_or_else(|| usual(status, headers))
            .outcome(|| retry_after(headers));
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

    fn kind(&self, result: Result<&Response<B>, &E>) -> Option<&'static str> {
        kind_of_response(self, result)
    }
}
