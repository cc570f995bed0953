//! What HTTP and gRPC responses mean at their headers.
#![cfg(feature = "http")]

mod support;

use std::time::Duration;

use breaker_layer::{
    BreakerLayer, Classify, Outcome, Refusal, State,
    http::{AtHeaders, ClassifyStream, Framing, GrpcCode, GrpcErrors, ServerErrors, unavailable},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header::RETRY_AFTER,
};
use support::{Bench, Fault, MILLI, OPEN_FOR, SECOND, call};
use tower::{Layer, Service, ServiceExt, service_fn};

const FOR_A_MINUTE: Outcome = Outcome::Overload {
    retry_after: Duration::from_secs(60),
};

fn headers<const N: usize>(fields: [(&'static str, &'static str); N]) -> HeaderMap {
    let field = |(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    fields.into_iter().map(field).collect()
}

fn by(errors: ServerErrors, status: u16, retry_after: Option<&'static str>) -> Outcome {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    if let Some(value) = retry_after {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    errors.classify(Ok::<_, &Fault>(&response))
}

/// As reqwest's: it has the parts, and is not `http`'s.
struct Foreign(StatusCode, HeaderMap);

#[test]
fn a_response_of_another_type_is_judged_by_its_parts() {
    fn parts(response: &Foreign) -> (StatusCode, &HeaderMap) {
        (response.0, &response.1)
    }
    let plain = ServerErrors::new().by_parts(parts);
    let judged = |status, headers| plain.classify(Ok::<_, &Fault>(&Foreign(status, headers)));
    assert_eq!(judged(StatusCode::OK, headers([])), Outcome::Success);
    assert_eq!(
        judged(StatusCode::BAD_GATEWAY, headers([])),
        Outcome::Failure
    );
    let minute = || headers([("retry-after", "60")]);
    assert_eq!(
        judged(StatusCode::TOO_MANY_REQUESTS, minute()),
        FOR_A_MINUTE
    );
    assert_eq!(
        plain.classify(Err::<&Foreign, _>(&Fault(1))),
        Outcome::Failure
    );

    let errors = ServerErrors::new().errors(|fault: &Fault| match fault.0 {
        0 => Outcome::Ignored,
        _ => Outcome::Failure,
    });
    let own = errors.by_parts(parts);
    assert_eq!(
        own.classify(Err::<&Foreign, _>(&Fault(0))),
        Outcome::Ignored
    );
    assert_eq!(
        own.classify(Err::<&Foreign, _>(&Fault(1))),
        Outcome::Failure
    );
    let gone = Foreign(StatusCode::SERVICE_UNAVAILABLE, minute());
    assert_eq!(own.classify(Ok::<_, &Fault>(&gone)), FOR_A_MINUTE);
}

#[test]
fn server_errors_are_failures_and_the_caller_s_are_successes() {
    let meaning = |status| by(ServerErrors::new(), status, None);
    for status in (100..500).chain([501, 505]) {
        assert_eq!(meaning(status), Outcome::Success, "{status}");
    }
    let failures = (500..=999).filter(|status| ![501, 505].contains(status));
    for status in failures {
        assert_eq!(meaning(status), Outcome::Failure, "{status}");
    }
    let error: Result<&Response<()>, _> = Err(&Fault(1));
    assert_eq!(ServerErrors::new().classify(error), Outcome::Failure);
}

#[test]
fn retry_after_makes_overload_of_429_and_503_only() {
    let meaning = |status| by(ServerErrors::new(), status, Some("60"));
    assert_eq!(meaning(429), FOR_A_MINUTE);
    assert_eq!(meaning(503), FOR_A_MINUTE);
    assert_eq!(meaning(500), Outcome::Failure);
    assert_eq!(meaning(301), Outcome::Success);
    assert_eq!(by(ServerErrors::new(), 503, Some("soon")), Outcome::Failure);
    assert_eq!(by(ServerErrors::new(), 429, Some("soon")), Outcome::Success);
}

#[test]
fn the_sets_change_what_a_status_means() {
    const OVERLOADED: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
    let errors = ServerErrors::new()
        .failures(&[StatusCode::FOUND, StatusCode::TOO_MANY_REQUESTS])
        .overloads(&[OVERLOADED])
        .successes(&[StatusCode::SERVICE_UNAVAILABLE])
        .ignored(&[StatusCode::GATEWAY_TIMEOUT, StatusCode::FOUND]);
    let minute = Some("60");
    assert_eq!(by(errors, 302, None), Outcome::Ignored);
    assert_eq!(by(errors, 429, minute), Outcome::Failure);
    assert_eq!(by(errors, 500, minute), FOR_A_MINUTE);
    assert_eq!(by(errors, 500, None), Outcome::Failure);
    assert_eq!(by(errors, 503, minute), Outcome::Success);
    assert_eq!(by(errors, 504, minute), Outcome::Ignored);
    assert_eq!(by(errors, 502, None), Outcome::Failure);
}

#[test]
fn overload_keeps_the_circuit_open_for_as_long_as_the_downstream_asks() {
    let bench = Bench::new();
    let reply = async |_: u32| {
        let response = Response::builder()
            .status(503)
            .header(RETRY_AFTER, "60")
            .body(());
        Ok::<_, Fault>(response.expect("a response"))
    };
    let mut service = BreakerLayer::new(bench.circuit.clone())
        .classify_with(ServerErrors::new())
        .layer(service_fn(reply));
    while bench.state() == State::Closed {
        assert!(call(&mut service, 1).is_ok());
    }
    bench.clock.advance(60 * SECOND - MILLI);
    assert_eq!(bench.state(), State::Open);
    bench.clock.advance(MILLI);
    assert_eq!(bench.state(), State::HalfOpen);
}

#[test]
fn grpc_codes_of_a_downstream_that_is_not_well_are_failures() {
    let meaning = |code: i32| {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from(code));
        GrpcErrors::new().at_headers(StatusCode::OK, &headers)
    };
    // Cancelled, Unknown, DeadlineExceeded, Internal, Unavailable, DataLoss; and codes that nobody knows, which are Unknown.
    let failures = [1, 2, 4, 13, 14, 15, 17, -1, 300];
    for code in (-1..=17).chain([300]) {
        let expected = if failures.contains(&code) {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        assert_eq!(meaning(code), expected, "{code}");
    }
}

/// `00` is no `0`, and one that says it twice has said nothing.
#[test]
fn a_grpc_status_that_is_written_otherwise_is_unknown() {
    let of = |text| GrpcErrors::new().end(Some(&headers([("grpc-status", text)])));
    assert_eq!(of("0"), Outcome::Success);
    for odd in [
        "00", "+0", "+14", "-0", " 0", "0 ", "", "ok", "05", "16.", "017", "1e1",
    ] {
        // Unknown, which is a failure unless the user says otherwise.
        assert_eq!(of(odd), Outcome::Failure, "{odd:?}");
        let errors = GrpcErrors::new().ignored(&[GrpcCode::Unknown]);
        let odd = headers([("grpc-status", odd)]);
        assert_eq!(errors.end(Some(&odd)), Outcome::Ignored, "{odd:?}");
    }
}

#[test]
fn the_sets_change_what_a_grpc_code_means() {
    const ALL: [GrpcCode; 4] = [
        GrpcCode::Cancelled,
        GrpcCode::NotFound,
        GrpcCode::ResourceExhausted,
        GrpcCode::Unavailable,
    ];
    let errors = GrpcErrors::new()
        .failures(&ALL)
        .overloads(&[
            GrpcCode::NotFound,
            GrpcCode::ResourceExhausted,
            GrpcCode::Unavailable,
        ])
        .successes(&[GrpcCode::ResourceExhausted, GrpcCode::Unavailable])
        .ignored(&[GrpcCode::Unavailable]);
    let of = |code| {
        let (plain, asking) = (
            headers([("grpc-status", code)]),
            headers([("grpc-status", code), ("grpc-retry-pushback-ms", "60000")]),
        );
        (errors.end(Some(&plain)), errors.end(Some(&asking)))
    };
    assert_eq!(of("1"), (Outcome::Failure, Outcome::Failure));
    assert_eq!(of("5"), (Outcome::Failure, FOR_A_MINUTE));
    assert_eq!(of("8"), (Outcome::Success, Outcome::Success));
    assert_eq!(of("14"), (Outcome::Ignored, Outcome::Ignored));
    // Those of something in between, too: this is Unimplemented, and that Unavailable.
    let missing = |errors: GrpcErrors| errors.at_headers(StatusCode::NOT_FOUND, &HeaderMap::new());
    assert_eq!(missing(errors), Outcome::Success);
    let strict = GrpcErrors::new().failures(&[GrpcCode::Unimplemented]);
    assert_eq!(missing(strict), Outcome::Failure);
    let gone = errors.at_headers(StatusCode::BAD_GATEWAY, &HeaderMap::new());
    assert_eq!(gone, Outcome::Ignored);
}

/// Their status is in the body, or HTTP's.
#[test]
fn grpc_web_and_connect_are_known_by_their_content_type() {
    const SO_FAR_SO_GOOD: AtHeaders = AtHeaders::UnlessBroken(Outcome::Success);
    const WEB: AtHeaders = AtHeaders::Framed(Framing::GrpcWeb);
    const TEXT: AtHeaders = AtHeaders::Framed(Framing::GrpcWebText);
    const CONNECT: AtHeaders = AtHeaders::Framed(Framing::Connect);
    let of = |status: u16, content_type| {
        let status = StatusCode::from_u16(status).expect("a status");
        GrpcErrors::new().headers(status, &headers([("content-type", content_type)]))
    };
    for (theirs, expected) in [
        ("application/grpc-web", WEB),
        ("application/grpc-web+proto", WEB),
        ("application/grpc-web-text+proto", TEXT),
        ("Application/Grpc-Web; charset=utf-8", WEB),
        ("application/connect+json", CONNECT),
        ("application/connect+proto", CONNECT),
        ("application/proto", SO_FAR_SO_GOOD),
        ("application/json", SO_FAR_SO_GOOD),
        ("application/json ; charset=utf-8", SO_FAR_SO_GOOD),
    ] {
        assert_eq!(of(200, theirs), expected, "{theirs}");
        assert_eq!(of(400, theirs), SO_FAR_SO_GOOD, "{theirs}");
        assert_eq!(of(501, theirs), SO_FAR_SO_GOOD, "{theirs}");
        let failed = AtHeaders::Decided(Outcome::Failure);
        assert_eq!(of(503, theirs), failed, "{theirs}");
    }
    for grpc in [
        "application/grpc",
        "application/grpc+proto",
        "application/grpc;x",
        "text/html",
    ] {
        assert_eq!(of(200, grpc), AtHeaders::Trailers, "{grpc}");
    }
    // Trailers only.
    let failed = headers([
        ("content-type", "application/grpc-web"),
        ("grpc-status", "14"),
    ]);
    let failed = GrpcErrors::new().headers(StatusCode::OK, &failed);
    assert_eq!(failed, AtHeaders::Decided(Outcome::Failure));
}

#[test]
fn a_pushback_makes_overload_of_a_failure_and_a_failure_of_exhaustion() {
    let of = |code, pushback| {
        let headers = headers([("grpc-status", code), ("grpc-retry-pushback-ms", pushback)]);
        GrpcErrors::new().at_headers(StatusCode::OK, &headers)
    };
    assert_eq!(of("14", "60000"), FOR_A_MINUTE);
    assert_eq!(of("8", "60000"), FOR_A_MINUTE);
    assert_eq!(of("8", "-1"), Outcome::Failure);
    assert_eq!(of("5", "60000"), Outcome::Success);
}

#[test]
fn a_response_that_goes_on_is_decided_by_its_trailers() {
    let grpc = GrpcErrors::new();
    let goes_on = grpc.headers(StatusCode::OK, &HeaderMap::new());
    assert_eq!(goes_on, AtHeaders::Trailers);
    let end = |code| grpc.end(Some(&headers([("grpc-status", code)])));
    assert_eq!(end("0"), Outcome::Success);
    assert_eq!(end("13"), Outcome::Failure);
    assert_eq!(end("5"), Outcome::Success);
    assert_eq!(grpc.end(Some(&HeaderMap::new())), Outcome::Failure);
    assert_eq!(grpc.end(None), Outcome::Failure);
    let asked = headers([("grpc-status", "14"), ("grpc-retry-pushback-ms", "60000")]);
    assert_eq!(grpc.end(Some(&asked)), FOR_A_MINUTE);
}

#[test]
fn a_response_without_a_grpc_status_counts_by_its_http_status() {
    let of = |status: u16| {
        let status = StatusCode::from_u16(status).expect("a status");
        GrpcErrors::new().at_headers(status, &HeaderMap::new())
    };
    for status in [400, 429, 500, 502, 503, 504, 302] {
        assert_eq!(of(status), Outcome::Failure, "{status}");
    }
    for status in [200, 401, 403, 404] {
        assert_eq!(of(status), Outcome::Success, "{status}");
    }
    let asked = headers([("retry-after", "60")]);
    let busy = GrpcErrors::new().at_headers(StatusCode::SERVICE_UNAVAILABLE, &asked);
    assert_eq!(busy, FOR_A_MINUTE);
}

/// A rejection by [`unavailable`], with what it says of when to try again.
fn rejected_by(bench: &Bench) -> (StatusCode, Option<u64>) {
    let service = BreakerLayer::new(bench.circuit.clone())
        .respond_with(unavailable)
        .layer(service_fn(async |_: Request<()>| {
            Ok::<_, Fault>(Response::new(String::from("well")))
        }));
    let response = tokio_test::block_on(service.oneshot(Request::new(()))).expect("a response");
    let seconds = response.headers().get(RETRY_AFTER);
    let seconds = seconds.map(|value| value.to_str().expect("text").parse().expect("a number"));
    (response.status(), seconds)
}

#[test]
fn a_rejection_is_a_503_that_says_when_to_come_back() {
    let bench = Bench::new();
    assert_eq!(rejected_by(&bench), (StatusCode::OK, None));
    bench.open();
    let later = |seconds| (StatusCode::SERVICE_UNAVAILABLE, Some(seconds));
    assert_eq!(rejected_by(&bench), later(OPEN_FOR.as_secs()));
    bench.clock.advance(MILLI);
    assert_eq!(rejected_by(&bench), later(OPEN_FOR.as_secs()));
    bench.clock.advance(4 * SECOND);
    assert_eq!(rejected_by(&bench), later(1));
    bench.circuit.half_open();
    let probe = bench.admit();
    let refusal = bench.circuit.try_acquire().expect_err("no room").refusal();
    assert!(matches!(refusal, Refusal::ProbesTaken { .. }));
    assert_eq!(rejected_by(&bench), later(1));
    drop(probe);
    bench.circuit.isolate();
    assert_eq!(rejected_by(&bench), (StatusCode::SERVICE_UNAVAILABLE, None));
}

/// `Service` is what the closures above are called through.
#[expect(dead_code, reason = "it only has to compile")]
fn a_ready_made_classifier_needs_no_annotation<S>(bench: &Bench, inner: S)
where
    S: Service<Request<()>, Response = Response<()>>,
{
    fn is_service<T: Service<Request<()>>>(_: &T) {}
    let circuit = bench.circuit.clone();
    is_service(
        &BreakerLayer::new(circuit)
            .classify_with(ServerErrors::new())
            .layer(inner),
    );
}
