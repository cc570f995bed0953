//! gRPC by tonic: a rejection as its callers expect it, and what a `Status` means.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use ::tonic::{Response, Status, metadata::MetadataValue};
use breaker_core::Outcome;

use crate::{
    classify::Classify,
    error::{BoxError, Rejected},
    http::{GrpcCode, GrpcErrors},
    stack::shape::{PassError, Shape},
};

/// Answers rejected calls by an error that is a [`Status`]. Made by [`BreakerLayer::grpc`](crate::BreakerLayer::grpc).
#[derive(Clone, Copy, Debug, Default)]
pub struct Grpc;

impl<InnerError: Into<BoxError>> PassError<InnerError> for Grpc {
    type Error = BoxError;

    fn pass(error: InnerError) -> Self::Error {
        error.into()
    }

    fn look_into(error: &BoxError) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&**error)
    }
}

// An error and no response: of a response tonic's client makes a new status, without its source.
impl<Request, Response, InnerError> Shape<Request, Response, InnerError> for Grpc
where
    InnerError: Into<BoxError>,
{
    type Future = Ready<Result<Response, BoxError>>;

    fn reject(&mut self, rejected: Rejected, _: Request) -> Self::Future {
        ready(Err(Status::from(rejected).into()))
    }
}

/// `Unavailable`. `grpc-retry-pushback-ms` says how long it is not worth trying again, 1 ms at least, and −1, which forbids to
/// retry, while isolated without an end. [`Rejected::of`] finds the rejection in it, and the mark [`breaker-rejected`](crate::http::REJECTED) tells circuits
/// further out that nobody has failed.
impl From<Rejected> for Status {
    fn from(rejected: Rejected) -> Self {
        let mut status = Self::unavailable(rejected.to_string());
        let pushback = rejected.retry_after().map_or(-1, |wait| {
            i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
        });
        let metadata = status.metadata_mut();
        metadata.insert("grpc-retry-pushback-ms", MetadataValue::from(pushback));
        metadata.insert("breaker-rejected", MetadataValue::from_static("1"));
        status.set_source(Arc::new(rejected));
        status
    }
}

/// Answers a rejected call with a trailers-only response, whose status is [`Status`]'s `From<Rejected>` (feature `tonic`).
///
/// For [`BreakerLayer::respond_with`](crate::BreakerLayer::respond_with) on servers. A client takes
/// [`BreakerLayer::grpc`](crate::BreakerLayer::grpc), so that its callers find the [`Rejected`] in the status.
///
/// ```
/// use breaker_layer::{BreakerLayer, Circuit, http::grpc_unavailable};
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # tokio_test::block_on(async {
/// let circuit = Circuit::builder("greeter").build().unwrap();
/// let service = ServiceBuilder::new()
///     .layer(BreakerLayer::new(circuit.clone()).respond_with(grpc_unavailable))
///     .service_fn(async |_: Request<String>| Ok::<_, std::convert::Infallible>(Response::new(String::new())));
/// circuit.isolate();
/// let response = service.oneshot(Request::default()).await.unwrap();
/// assert_eq!(response.headers()["grpc-status"], "14");
/// # });
/// ```
///
/// # Errors
///
/// None: the error is that of the service it stands in for.
pub fn grpc_unavailable<Request, B: Default, E>(
    rejected: Rejected,
    _: Request,
) -> Result<::http::Response<B>, E> {
    Ok(Status::from(rejected).into_http())
}

/// Judges what a generated client gives (feature `tonic`): a `Status` by its code and its pushback; each response is a success.
///
/// ```
/// use breaker_layer::{Circuit, http::GrpcErrors};
/// use tonic::{Response, Status};
///
/// async fn greet() -> Result<Response<String>, Status> {
///     Err(Status::not_found("nobody of this name"))
/// }
///
/// # tokio_test::block_on(async {
/// let circuit = Circuit::builder("greeter").build().unwrap();
/// assert!(circuit.run_with(&GrpcErrors::new(), greet()).await.is_err());
/// assert_eq!(circuit.snapshot().failed, 0); // the caller's mistake
/// # });
/// ```
impl<T> Classify<Response<T>, Status> for GrpcErrors {
    fn classify(&self, result: Result<&Response<T>, &Status>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(status) if Rejected::of(status).is_some() => Outcome::Ignored,
            Err(status) => {
                let code = GrpcCode::numbered(status.code() as usize);
                self.judge(code, status.metadata().as_ref())
            }
        }
    }

    fn kind(&self, result: Result<&Response<T>, &Status>) -> Option<&'static str> {
        let status = result.err()?;
        Some(GrpcCode::numbered(status.code() as usize).name())
    }
}
