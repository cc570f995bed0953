//! What a result means for the circuit.

use std::{error, fmt};

use breaker_core::Outcome;

use crate::{circuit::Permit, error::Rejected};
pub use crate::{
    exclude::{Exclude, Excluding, ForRequest},
    failure::Failure,
};

/// Classifies a result into an [`Outcome`].
///
/// Implemented for closures; a layer knows no types, so their argument is annotated:
///
/// ```
/// use breaker_layer::Outcome;
///
/// let by_length = |result: Result<&String, &std::io::Error>| match result {
///     Ok(answer) if answer.is_empty() => Outcome::Failure,
///     Ok(_) => Outcome::Success,
///     Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Outcome::Ignored,
///     Err(_) => Outcome::Failure,
/// };
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not classify a `Result<&{Response}, &{Error}>`",
    label = "judges no result of this service",
    note = "a closure says what a result means: `.classify(|result: Result<&Response, &Error>| …)`, its argument annotated with references in both places",
    note = "`ServerErrors` and `GrpcErrors` judge `http::Response`; for reqwest's and others say `ServerErrors::new().by_parts(…)`: see `guide::reqwest`"
)]
#[doc(alias("ShouldHandle", "recordExceptions", "ignoreExceptions", "IsSuccessful"))]
pub trait Classify<Response, Error> {
    /// What this result means.
    fn classify(&self, result: Result<&Response, &Error>) -> Outcome;

    /// What kind of failure this result is, in a word or two, for the log: `timed out`. It is asked of failures only, and the
    /// kinds of the last ones are told when they trip the circuit. A program has 64 kinds at the most; more are `other`.
    fn kind(&self, result: Result<&Response, &Error>) -> Option<&'static str> {
        let _ = result;
        None
    }
}

impl<F, Response, Error> Classify<Response, Error> for F
where
    F: Fn(Result<&Response, &Error>) -> Outcome,
{
    fn classify(&self, result: Result<&Response, &Error>) -> Outcome {
        self(result)
    }
}

/// Each response is a success, each error a failure.
///
/// That another circuit refused the call further in is nobody's failure, and is ignored, where the error can be looked into: with
/// [`boxed_errors`](crate::BreakerLayer::boxed_errors), [`run_boxed`](crate::Circuit::run_boxed) and the like, whatever the
/// classifier. Where errors are typed, say [`unless_rejected`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ErrorsAreFailures;

impl<Response, Error> Classify<Response, Error> for ErrorsAreFailures {
    fn classify(&self, result: Result<&Response, &Error>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        }
    }
}

/// A failure, unless the error is a rejection of a circuit further in, or has one among its sources: that is ignored.
///
/// For a circuit around circuits whose errors are typed, to [`errors`], and to `errors` of `http::ServerErrors` and
/// `http::GrpcErrors`. A layer with [`boxed_errors`](crate::BreakerLayer::boxed_errors) and
/// [`run_boxed`](crate::Circuit::run_boxed) need not be told.
///
/// ```
/// use breaker_layer::{Circuit, classify::{errors, unless_rejected}};
///
/// let (shop, prices) = (Circuit::builder("shop").build()?, Circuit::builder("prices").build()?);
/// prices.isolate();
/// let answer = shop.call_with(&errors(unless_rejected), || prices.call(|| std::fs::read("/dev/null")));
/// assert!(answer.is_err());
/// assert_eq!((shop.snapshot().failed, shop.snapshot().ignored), (0, 1));
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
pub fn unless_rejected<E: error::Error + 'static>(error: &E) -> Outcome {
    match Rejected::of(error) {
        Some(_) => Outcome::Ignored,
        None => Outcome::Failure,
    }
}

/// Says what an error means; each response is a success. Made by [`errors`].
#[derive(Clone, Copy)]
pub struct Errors<F>(F);

/// Says what an error means, where each response is a success.
///
/// For a dependency whose results say all there is to say by their errors:
///
/// ```
/// use breaker_layer::{Circuit, Outcome, classify::errors};
/// use std::io::{Error, ErrorKind};
///
/// let circuit = Circuit::builder("disk").build()?;
/// let by_kind = errors(|error: &Error| match error.kind() {
///     ErrorKind::NotFound => Outcome::Success, // the caller's mistake
///     ErrorKind::Interrupted => Outcome::Ignored,
///     _ => Outcome::Failure,
/// });
/// assert!(circuit.call_with(&by_kind, || std::fs::read("/no/such/file")).is_err());
/// assert_eq!(circuit.snapshot().failed, 0);
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
///
/// The same goes to [`Circuit::run_with`](crate::Circuit::run_with) and
/// [`BreakerLayer::classify_with`](crate::BreakerLayer::classify_with).
pub const fn errors<E, F>(meaning: F) -> Errors<F>
where
    F: Fn(&E) -> Outcome,
{
    Errors(meaning)
}

impl<F, Response, Error> Classify<Response, Error> for Errors<F>
where
    F: Fn(&Error) -> Outcome,
{
    fn classify(&self, result: Result<&Response, &Error>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) => (self.0)(error),
        }
    }
}

impl<F> fmt::Debug for Errors<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Errors")
    }
}

/// The permit of a call: a [`Permit`], or that of a call to one of many keys.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a permit",
    note = "a permit is a `Permit`, or with keys a `keyed::KeyedPermit`"
)]
pub trait AnyPermit: Sized {
    /// Says how the call went.
    fn record(self, outcome: Outcome);

    /// Says how the call went, which is a failure, and what is known of it.
    fn record_failure(self, outcome: Outcome, failure: Failure<'_>);

    /// The permit of a call whose outcome is ignored, whatever it is.
    #[must_use]
    fn excluded(self) -> Self;

    /// The downstream has answered, whatever is still to come: whether the call is slow counts by the time until now.
    fn answered(&mut self);

    /// Whether the call is a probe, while half-open lasts.
    fn is_probe(&self) -> bool;
}

impl AnyPermit for Permit {
    #[inline]
    fn record(self, outcome: Outcome) {
        self.record(outcome);
    }

    fn record_failure(self, outcome: Outcome, failure: Failure<'_>) {
        self.record_failure(outcome, failure);
    }

    fn excluded(self) -> Self {
        self.excluded()
    }

    fn answered(&mut self) {
        self.answered();
    }

    fn is_probe(&self) -> bool {
        self.is_probe()
    }
}

/// Records what a result means.
#[inline]
pub(crate) fn record_result<R, E>(
    permit: impl AnyPermit,
    classify: &impl Classify<R, E>,
    result: Result<&R, &E>,
) {
    record(permit, classify.classify(result), || classify.kind(result));
}

/// Records an outcome, and where it is a failure its kind.
#[inline]
pub(crate) fn record(
    permit: impl AnyPermit,
    outcome: Outcome,
    kind: impl FnOnce() -> Option<&'static str>,
) {
    match outcome {
        Outcome::Success | Outcome::Ignored => permit.record(outcome),
        _ => permit.record_failure(outcome, Failure::new(kind(), None)),
    }
}

/// Uses up a call's permit when its result is there.
///
/// Implemented for every [`AnyPermit`] it serves the keyed layer too. One of your own goes to
/// [`BreakerLayer::settle_with`](crate::BreakerLayer::settle_with), and implements [`Exclude`] as well.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not settle calls that give `{Response}` or `{Error}`",
    label = "does not settle these calls",
    note = "a classifier goes to `.classify_with(...)`, and to `.settle_with(...)` only inside `http::EndOfStream::new(...)`",
    note = "`http::EndOfStream` settles calls that give an `http::Response` with a body"
)]
pub trait Settle<Response, Error, P = Permit> {
    /// What the response becomes.
    type Response;

    /// Records what the response means, now or once it has been consumed.
    fn settle(&self, permit: P, response: Response) -> Self::Response;

    /// What an error means, of a call or of the inner service that fails to become ready. The stack records it.
    fn outcome_of(&self, error: &Error) -> Outcome;

    /// What kind of failure an error is: see [`Classify::kind`].
    fn kind_of(&self, error: &Error) -> Option<&'static str> {
        let _ = error;
        None
    }
}

/// Settles a call at once, by its classified result.
#[derive(Clone, Copy, Debug, Default)]
pub struct AtOnce<C>(pub(crate) C);

impl<C> AtOnce<C> {
    /// The classifier, for [`BreakerLayer::for_request`](crate::BreakerLayer::for_request).
    pub const fn classifier_mut(&mut self) -> &mut C {
        &mut self.0
    }
}

impl<C, Response, Error, P> Settle<Response, Error, P> for AtOnce<C>
where
    C: Classify<Response, Error>,
    P: AnyPermit,
{
    type Response = Response;

    #[inline]
    fn settle(&self, permit: P, response: Response) -> Response {
        record_result(permit, &self.0, Ok(&response));
        response
    }

    fn outcome_of(&self, error: &Error) -> Outcome {
        self.0.classify(Err(error))
    }

    fn kind_of(&self, error: &Error) -> Option<&'static str> {
        self.0.kind(Err(error))
    }
}
