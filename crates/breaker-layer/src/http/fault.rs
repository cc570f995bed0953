//! Whose fault an error is.

use std::error::Error;

use breaker_core::Outcome;

use crate::{
    error::{BoxError, Rejected},
    fault::{Fault, chain},
};

impl Fault {
    /// The fault that this error is, or that is among its sources.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        if Rejected::of(error).is_some() {
            return Self::Rejected;
        }
        chain(error).find_map(Self::of_link).unwrap_or(Self::Other)
    }
}

/// What an error of hyper, hyper-util, reqwest or tonic means by whose [`Fault`] it is (feature `hyper`).
///
/// For [`ServerErrors::errors`](super::ServerErrors::errors) and [`GrpcErrors::errors`](super::GrpcErrors::errors), as a proxy
/// needs it whose own callers break off, and for [`classify::errors`](crate::classify::errors):
///
/// ```
/// use breaker_layer::{BreakerLayer, Circuit, http::{ServerErrors, by_origin}};
/// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
/// use tower::Layer;
///
/// let circuit = Circuit::builder("uploads").build()?;
/// let uploads = BreakerLayer::new(circuit)
///     .classify_with(ServerErrors::new().errors(by_origin))
///     .layer(Client::builder(TokioExecutor::new()).build_http::<hyper::body::Incoming>());
/// # tower::util::BoxService::new(uploads);
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
pub fn by_origin<E: Error + 'static>(error: &E) -> Outcome {
    Fault::of(error).outcome()
}

/// As [`by_origin`], where errors are boxed: below a timeout for instance (feature `hyper`).
pub fn boxed_by_origin(error: &BoxError) -> Outcome {
    Fault::of(&**error).outcome()
}
