//! A rejection as an HTTP response.

use ::http::{HeaderValue, Response, StatusCode, header::RETRY_AFTER};

use super::REJECTED;
use crate::error::Rejected;

/// 503 with an empty body, and `Retry-After` in whole seconds, one at least; without it while isolated without an end, as nobody knows. The mark
/// [`breaker-rejected`](REJECTED) tells circuits further out that nobody has failed.
///
/// For a rejection that was caught, in a handler for instance:
///
/// ```
/// use breaker_layer::Circuit;
/// use http::{Response, StatusCode};
///
/// let circuit = Circuit::builder("payments").build()?;
/// circuit.isolate();
/// if let Err(rejected) = circuit.try_acquire() {
///     let response = Response::<String>::from(rejected);
///     assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
/// }
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
impl<B: Default> From<Rejected> for Response<B> {
    fn from(rejected: Rejected) -> Self {
        let mut response = Self::new(B::default());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let headers = response.headers_mut();
        headers.insert(REJECTED, HeaderValue::from_static("1"));
        if let Some(wait) = rejected.retry_after() {
            let seconds = wait.as_nanos().div_ceil(1_000_000_000).max(1);
            let seconds = HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX));
            headers.insert(RETRY_AFTER, seconds);
        }
        response
    }
}

/// Answers a rejected call with 503 and `Retry-After`, as [`Response`]'s `From<Rejected>` makes it.
///
/// For [`BreakerLayer::respond_with`](crate::BreakerLayer::respond_with), on servers too:
///
/// ```
/// use breaker_layer::{BreakerLayer, Circuit, http::unavailable};
/// use http::{Request, Response, StatusCode};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # tokio_test::block_on(async {
/// let circuit = Circuit::builder("payments").build().unwrap();
/// let service = ServiceBuilder::new()
///     .layer(BreakerLayer::new(circuit.clone()).respond_with(unavailable))
///     .service_fn(async |_: Request<String>| Ok::<_, std::io::Error>(Response::new(String::new())));
/// circuit.isolate();
/// let response = service.oneshot(Request::default()).await.unwrap();
/// assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
/// # });
/// ```
///
/// # Errors
///
/// None: the error is that of the service it stands in for.
pub fn unavailable<Request, B: Default, E>(
    rejected: Rejected,
    _: Request,
) -> Result<Response<B>, E> {
    Ok(rejected.into())
}
