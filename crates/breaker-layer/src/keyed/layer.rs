//! The Tower layer.

use breaker_core::Outcome;
use tower_layer::Layer;

use super::{circuits::KeyedCircuits, entry::Key, service::KeyedBreaker};
use crate::{
    classify::{AtOnce, ErrorsAreFailures},
    error::Rejected,
    exclude::{Excluding, ForRequest},
    stack::{
        fallback::Fallback,
        respond::RespondWith,
        shape::{Boxed, Typed},
    },
};

/// Puts one circuit for each key before a service. The [module](super) has an example.
///
/// Every service that one layer makes shares its circuits, and so does every clone of them. What can be said of results and
/// rejections is what [`BreakerLayer`](crate::BreakerLayer) knows, apart from `wait`.
#[derive(Clone, Debug)]
pub struct KeyedBreakerLayer<K: Key, X, J = AtOnce<ErrorsAreFailures>, A = Typed> {
    circuits: KeyedCircuits<K>,
    extract: X,
    settle: J,
    shape: A,
}

impl<K: Key, X> KeyedBreakerLayer<K, X> {
    /// A layer whose errors are [`Error`](crate::Error), and to which each error of the inner service is a failure.
    ///
    /// `extract` gives a request's key: a closure whose argument is annotated, or another
    /// [`ExtractKey`](super::ExtractKey).
    pub const fn new(circuits: KeyedCircuits<K>, extract: X) -> Self {
        Self {
            circuits,
            extract,
            settle: AtOnce(ErrorsAreFailures),
            shape: Typed,
        }
    }
}

/// What a result means can be said once.
impl<K: Key, X, A> KeyedBreakerLayer<K, X, AtOnce<ErrorsAreFailures>, A> {
    /// Says what a result means. See [`Classify`](crate::Classify) for closures that are named elsewhere.
    pub fn classify<Response, Error, F>(self, classify: F) -> KeyedBreakerLayer<K, X, AtOnce<F>, A>
    where
        F: Fn(Result<&Response, &Error>) -> Outcome,
    {
        self.classify_with(classify)
    }

    /// Says what a result means, by a ready-made classifier.
    pub fn classify_with<C>(self, classify: C) -> KeyedBreakerLayer<K, X, AtOnce<C>, A> {
        self.settle_with(AtOnce(classify))
    }

    /// Says what a result means, and when it is known.
    pub fn settle_with<J>(self, settle: J) -> KeyedBreakerLayer<K, X, J, A> {
        KeyedBreakerLayer {
            circuits: self.circuits,
            extract: self.extract,
            settle,
            shape: self.shape,
        }
    }
}

impl<K: Key, X, J, A> KeyedBreakerLayer<K, X, J, A> {
    /// Ignores the results of the requests that this says `true` of.
    pub fn exclude<Request, F>(self, excludes: F) -> KeyedBreakerLayer<K, X, Excluding<J, F>, A>
    where
        F: Fn(&Request) -> bool,
    {
        KeyedBreakerLayer {
            circuits: self.circuits,
            extract: self.extract,
            settle: Excluding {
                settle: self.settle,
                excludes,
            },
            shape: self.shape,
        }
    }

    /// Shows each request to what settles its call, as [`BreakerLayer::for_request`](crate::BreakerLayer::for_request) does.
    pub fn for_request<Request, F>(self, look: F) -> KeyedBreakerLayer<K, X, ForRequest<J, F>, A>
    where
        F: Fn(&mut J, &Request),
    {
        KeyedBreakerLayer {
            circuits: self.circuits,
            extract: self.extract,
            settle: ForRequest {
                settle: self.settle,
                look,
            },
            shape: self.shape,
        }
    }

    fn shaped<B>(self, shape: B) -> KeyedBreakerLayer<K, X, J, B> {
        KeyedBreakerLayer {
            circuits: self.circuits,
            extract: self.extract,
            settle: self.settle,
            shape,
        }
    }
}

/// How a rejection is answered can be said once; unsaid, it is a typed [`Error`](crate::Error).
impl<K: Key, X, J> KeyedBreakerLayer<K, X, J> {
    /// Makes every error a [`BoxError`](crate::BoxError).
    pub fn boxed_errors(self) -> KeyedBreakerLayer<K, X, J, Boxed> {
        self.shaped(Boxed)
    }

    /// Answers a rejected call with a response, or an error, of the inner service's own type.
    pub fn respond_with<F, Request, Response, Error>(
        self,
        respond: F,
    ) -> KeyedBreakerLayer<K, X, J, RespondWith<F>>
    where
        F: Fn(Rejected, Request) -> Result<Response, Error>,
    {
        self.shaped(RespondWith(respond))
    }

    /// Gives a rejected call to another service, which is then waited for until it is ready.
    pub fn fallback<S>(self, fallback: S) -> KeyedBreakerLayer<K, X, J, Fallback<S>> {
        self.shaped(Fallback(fallback))
    }

    /// As [`BreakerLayer::grpc`](crate::BreakerLayer::grpc): for tonic's clients (feature `tonic`).
    #[cfg(feature = "tonic")]
    pub fn grpc(self) -> KeyedBreakerLayer<K, X, J, crate::stack::tonic::Grpc> {
        self.shaped(crate::stack::tonic::Grpc)
    }
}

impl<S, K: Key, X: Clone, J: Clone, A: Clone> Layer<S> for KeyedBreakerLayer<K, X, J, A> {
    type Service = KeyedBreaker<S, K, X, J, A>;

    fn layer(&self, inner: S) -> Self::Service {
        KeyedBreaker::of(
            inner,
            self.circuits.clone(),
            self.extract.clone(),
            self.settle.clone(),
            self.shape.clone(),
        )
    }
}
