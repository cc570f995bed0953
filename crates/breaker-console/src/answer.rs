//! Responses: each with the policy that keeps a browser from doing anything that this crate has not written.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::body::Body;

/// What a page may do: nothing but have our style, script and icon, ask us, and send forms to us.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

pub(crate) type Answer = Response<Body>;

pub(crate) fn of(status: StatusCode, kind: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // With none at all a browser's form would have no origin to check.
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    answer
}

pub(crate) fn page(status: StatusCode, page: String) -> Answer {
    of(status, "text/html; charset=utf-8", Body::whole(page))
}

pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Answer {
    of(status, "application/json", Body::whole(value.to_string()))
}

/// A file of ours, which is kept for ever if it was asked for by the name that it has today.
pub(crate) fn asset(content: &'static str, kind: &'static str, is_current: bool) -> Answer {
    let mut answer = of(
        StatusCode::OK,
        kind,
        Body::whole(Bytes::from_static(content.as_bytes())),
    );
    if is_current {
        answer.headers_mut().insert(header::CACHE_CONTROL, FOR_EVER);
    }
    answer
}

pub(crate) fn see_other(location: &str) -> Answer {
    let mut answer = page(StatusCode::SEE_OTHER, String::new());
    if let Ok(location) = HeaderValue::from_str(location) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}
