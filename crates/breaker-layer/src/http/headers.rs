//! How long a response asks to be left alone, and whether it stands for a rejection.

use std::time::Duration;

use ::http::{
    HeaderMap, HeaderName,
    header::{DATE, RETRY_AFTER},
};

/// `breaker-rejected`: the mark of a response, or of a gRPC status, that stands for a rejection.
///
/// [`unavailable`](super::unavailable), `Response::from`, and for gRPC `Status::from`, `BreakerLayer::grpc` and
/// `grpc_unavailable` set it, to `1`. It says that a circuit refused, and nothing of which. A circuit further out, in this process
/// or up a chain of services, ignores such a response: nobody has failed. [`ServerErrors`](super::ServerErrors) reads it in a 503,
/// [`GrpcErrors`](super::GrpcErrors) in an `Unavailable`.
///
/// Any server can send it, and is believed: all that it wins is that its own 503s do not open your circuit, as if it had answered
/// 200. Where you do not want that, name the status: what a set says goes for marked responses, too. Where answers go
/// to strangers, you may take the mark out; a response of your own that stands for a rejection may carry it.
///
/// ```
/// use breaker_layer::{BreakerLayer, Circuit, http::{REJECTED, ServerErrors, unavailable}};
/// use http::{Response, StatusCode};
/// use tower::ServiceBuilder;
///
/// let circuit = Circuit::builder("payments").build()?;
/// let believes_nobody = ServerErrors::new().overloads(&[StatusCode::SERVICE_UNAVAILABLE]);
/// let stack = ServiceBuilder::new()
///     .map_response(|mut response: Response<String>| {
///         response.headers_mut().remove(REJECTED);
///         response
///     })
///     .layer(
///         BreakerLayer::new(circuit)
///             .classify_with(believes_nobody)
///             .respond_with(unavailable),
///     );
/// # let service = stack.service_fn(async |()| Ok::<_, std::io::Error>(Response::new(String::new())));
/// # tower::util::BoxCloneService::new(service);
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
pub const REJECTED: HeaderName = HeaderName::from_static("breaker-rejected");

/// Whether these headers or trailers say that a circuit refused.
pub(super) fn is_rejection(headers: &HeaderMap) -> bool {
    headers.contains_key(REJECTED)
}

/// What `Retry-After` asks for: seconds, or a date.
///
/// A date is read against the response's own `Date`, so that nobody's wall clock matters; where there is none it says
/// nothing.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(seconds) = whole(value) {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    let sent = date(headers.get(DATE)?.to_str().ok()?)?;
    // One that has passed asks for nothing more.
    Some(date(value)?.duration_since(sent).unwrap_or_default())
}

/// What `grpc-retry-pushback-ms` asks for; a negative one forbids to retry, and says no time.
pub(super) fn pushback(headers: &HeaderMap) -> Option<Duration> {
    const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");
    let value = headers.get(PUSHBACK)?.to_str().ok()?;
    whole(value).map(Duration::from_millis)
}

/// A number without a sign; one that is too large is the largest.
fn whole(text: &str) -> Option<u64> {
    let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(retry_after_says: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after_says.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        retry_after(&headers)
    }

    #[test]
    fn seconds_are_read_and_saturate() {
        assert_eq!(asked("120", None), Some(Duration::from_secs(120)));
        assert_eq!(asked("0", None), Some(Duration::ZERO));
        let endless = asked("99999999999999999999", None);
        assert_eq!(endless, Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn what_is_no_number_says_nothing() {
        for nonsense in ["", "-1", "+1", "1.5", "soon", "0x10"] {
            assert_eq!(asked(nonsense, None), None, "{nonsense}");
        }
    }

    #[test]
    fn a_date_counts_from_the_date_of_the_response() {
        let sent = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let imf = asked("Sun, 06 Nov 1994 08:51:37 GMT", sent);
        assert_eq!(imf, Some(Duration::from_secs(120)));
        let rfc850 = asked("Sunday, 06-Nov-94 08:49:38 GMT", sent);
        assert_eq!(rfc850, Some(Duration::from_secs(1)));
        let asctime = asked("Sun Nov  6 09:49:37 1994", sent);
        assert_eq!(asctime, Some(Duration::from_secs(3600)));
    }

    #[test]
    fn a_date_in_the_past_asks_for_nothing_and_one_without_a_date_says_nothing() {
        let past = "Sun, 06 Nov 1994 08:49:36 GMT";
        let asked_then = asked(past, Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(asked_then, Some(Duration::ZERO));
        assert_eq!(asked(past, None), None);
    }
}
