//! The Tower layer.

use breaker_core::Outcome;
use tower_layer::Layer;

use crate::{
    circuit::Circuit,
    classify::{AtOnce, ErrorsAreFailures},
    error::Rejected,
    exclude::{Excluding, ForRequest},
    stack::{
        fallback::Fallback,
        respond::RespondWith,
        service::Breaker,
        shape::{Boxed, Typed},
    },
};

/// Puts a circuit before a service.
///
/// Every service that one layer makes shares its circuit, and so does every clone of them.
///
/// ```
/// use std::time::Duration;
/// use breaker_layer::{BreakerLayer, Circuit, Rejected};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # tokio_test::block_on(async {
/// let circuit = Circuit::builder("payments").build().unwrap();
/// # let circuit = Circuit::builder("payments").clock(breaker_layer::clock::ManualClock::new().clock()).build().unwrap();
/// let service = ServiceBuilder::new()
///     .layer(BreakerLayer::new(circuit.clone()).boxed_errors())
///     .timeout(Duration::from_millis(200)) // inside, so that a timeout is a failure
///     .service(service_fn(async |request: u32| Ok::<_, std::io::Error>(request + 1)));
/// assert_eq!(service.clone().oneshot(1).await.unwrap(), 2);
///
/// circuit.trip();
/// let error = service.oneshot(1).await.unwrap_err();
/// assert!(error.is::<Rejected>());
/// # });
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "CircuitBreakerLayer")]
pub struct BreakerLayer<J = AtOnce<ErrorsAreFailures>, A = Typed> {
    circuit: Circuit,
    settle: J,
    shape: A,
}

impl BreakerLayer {
    /// A layer whose errors are [`Error`](crate::Error), and to which each error of the inner service is a failure.
    pub const fn new(circuit: Circuit) -> Self {
        Self {
            circuit,
            settle: AtOnce(ErrorsAreFailures),
            shape: Typed,
        }
    }
}

/// What a result means can be said once.
impl<A> BreakerLayer<AtOnce<ErrorsAreFailures>, A> {
    /// Says what a result means. See [`Classify`](crate::Classify) for closures that are named elsewhere.
    pub fn classify<Response, Error, F>(self, classify: F) -> BreakerLayer<AtOnce<F>, A>
    where
        F: Fn(Result<&Response, &Error>) -> Outcome,
    {
        self.classify_with(classify)
    }

    /// Says what a result means, by a ready-made classifier.
    pub fn classify_with<C>(self, classify: C) -> BreakerLayer<AtOnce<C>, A> {
        self.settle_with(AtOnce(classify))
    }

    /// Says what a result means, and when it is known: see [`Settle`](crate::classify::Settle), and
    /// `EndOfStream` with the feature `http`.
    pub fn settle_with<J>(self, settle: J) -> BreakerLayer<J, A> {
        BreakerLayer {
            circuit: self.circuit,
            settle,
            shape: self.shape,
        }
    }
}

impl<J, A> BreakerLayer<J, A> {
    /// Ignores the results of the requests that this says `true` of, health checks for instance. They are admitted and
    /// rejected as all are; to have them pass an open circuit, route them around it.
    ///
    /// ```
    /// use breaker_layer::{BreakerLayer, Circuit};
    /// use http::Request;
    ///
    /// let circuit = Circuit::builder("payments").build()?;
    /// let layer = BreakerLayer::new(circuit)
    ///     .exclude(|request: &Request<String>| request.uri().path() == "/health");
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn exclude<Request, F>(self, excludes: F) -> BreakerLayer<Excluding<J, F>, A>
    where
        F: Fn(&Request) -> bool,
    {
        BreakerLayer {
            circuit: self.circuit,
            settle: Excluding {
                settle: self.settle,
                excludes,
            },
            shape: self.shape,
        }
    }

    /// Shows each request, before its call, to what settles it: to judge a result by what was asked. Each call has a copy of
    /// its own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_layer::{BoxError, BreakerLayer, Circuit, Classify, Outcome, classify::AtOnce};
    ///
    /// struct Query {
    ///     patience: Duration,
    /// }
    ///
    /// /// A caller that would not wait is no evidence against the downstream.
    /// #[derive(Clone, Default)]
    /// struct ByPatience {
    ///     is_short: bool,
    /// }
    ///
    /// impl<Response> Classify<Response, BoxError> for ByPatience {
    ///     fn classify(&self, result: Result<&Response, &BoxError>) -> Outcome {
    ///         match result {
    ///             Ok(_) => Outcome::Success,
    ///             Err(_) if self.is_short => Outcome::Ignored,
    ///             Err(_) => Outcome::Failure,
    ///         }
    ///     }
    /// }
    ///
    /// let circuit = Circuit::builder("index").build()?;
    /// let layer = BreakerLayer::new(circuit.clone())
    ///     .classify_with(ByPatience::default())
    ///     .for_request(|settle: &mut AtOnce<ByPatience>, query: &Query| {
    ///         settle.classifier_mut().is_short = query.patience < Duration::from_millis(10);
    ///     });
    /// # use tower::{Layer, ServiceExt};
    /// # let hangs = tower::service_fn(async |_: Query| Err::<(), BoxError>("it took too long".into()));
    /// # for millis in [1, 1, 50] {
    /// #     let query = Query { patience: Duration::from_millis(millis) };
    /// #     assert!(tokio_test::block_on(layer.layer(hangs).oneshot(query)).is_err());
    /// # }
    /// # let snapshot = circuit.snapshot();
    /// # assert_eq!((snapshot.ignored, snapshot.failed), (2, 1));
    /// # Ok::<(), breaker_layer::ConfigError>(())
    /// ```
    pub fn for_request<Request, F>(self, look: F) -> BreakerLayer<ForRequest<J, F>, A>
    where
        F: Fn(&mut J, &Request),
    {
        BreakerLayer {
            circuit: self.circuit,
            settle: ForRequest {
                settle: self.settle,
                look,
            },
            shape: self.shape,
        }
    }

    fn shaped<B>(self, shape: B) -> BreakerLayer<J, B> {
        BreakerLayer {
            circuit: self.circuit,
            settle: self.settle,
            shape,
        }
    }
}

/// How a rejection is answered can be said once; unsaid, it is a typed [`Error`](crate::Error).
impl<J> BreakerLayer<J> {
    /// Makes every error a [`BoxError`](crate::BoxError): [`Rejected`](crate::Rejected) as itself, and the inner
    /// service's as it is.
    ///
    /// For stacks whose inner error is a `BoxError` already, as it is below a timeout.
    pub fn boxed_errors(self) -> BreakerLayer<J, Boxed> {
        self.shaped(Boxed)
    }

    /// Answers a rejected call with a response, or an error, of the inner service's own type.
    ///
    /// For services whose errors cannot say it, as axum's are [`Infallible`](std::convert::Infallible).
    ///
    /// ```
    /// use breaker_layer::{BreakerLayer, Circuit, Rejected};
    /// use tower::{ServiceBuilder, ServiceExt};
    ///
    /// # tokio_test::block_on(async {
    /// let circuit = Circuit::builder("prices").build().unwrap();
    /// let service = ServiceBuilder::new()
    ///     .layer(BreakerLayer::new(circuit.clone()).respond_with(|_: Rejected, article: u32| Ok(article * 10)))
    ///     .service_fn(async |article: u32| Ok::<_, std::io::Error>(article * 9));
    /// circuit.isolate();
    /// assert_eq!(service.oneshot(1).await.unwrap(), 10);
    /// # });
    /// ```
    pub fn respond_with<F, Request, Response, Error>(
        self,
        respond: F,
    ) -> BreakerLayer<J, RespondWith<F>>
    where
        F: Fn(Rejected, Request) -> Result<Response, Error>,
    {
        self.shaped(RespondWith(respond))
    }

    /// Gives a rejected call to another service, which is then waited for until it is ready.
    ///
    /// Its response and its error are of the inner service's own type; where the inner service's body is wrapped, as by
    /// `EndOfStream`, so is the fallback's: `fallback.map_response(|response| response.map(Into::into))`.
    #[doc(alias = "FallbackAction")]
    pub fn fallback<S>(self, fallback: S) -> BreakerLayer<J, Fallback<S>> {
        self.shaped(Fallback(fallback))
    }

    /// For tonic's clients (feature `tonic`): a rejected call's error is a `tonic::Status`, `Unavailable` with
    /// `grpc-retry-pushback-ms`, in a [`BoxError`](crate::BoxError), and so are the inner service's errors.
    ///
    /// A generated client passes the status on with its source, in which [`Rejected::of`] finds the rejection. A server takes
    /// `respond_with(http::grpc_unavailable)`.
    #[cfg(feature = "tonic")]
    pub fn grpc(self) -> BreakerLayer<J, crate::stack::tonic::Grpc> {
        self.shaped(crate::stack::tonic::Grpc)
    }
}

impl<S, J: Clone, A: Clone> Layer<S> for BreakerLayer<J, A> {
    type Service = Breaker<S, J, A>;

    fn layer(&self, inner: S) -> Self::Service {
        Breaker::of(
            inner,
            self.circuit.clone(),
            self.settle.clone(),
            self.shape.clone(),
        )
    }
}
