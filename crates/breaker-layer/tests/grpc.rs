//! C17 for gRPC: a rejection is a status that callers understand.
#![cfg(feature = "tonic")]

mod support;

use breaker_layer::{BreakerLayer, http::EndOfStream, http::GrpcErrors};
use http::{Request, Response};
use http_body_util::Full;
use support::{Bench, Fault, MILLI, OPEN_FOR};
use tonic::{Code, Status};
use tower::{Layer, Service, ServiceExt, service_fn};

type Body = Full<&'static [u8]>;

fn layer(bench: &Bench) -> BreakerLayer {
    BreakerLayer::new(bench.circuit.clone())
}

async fn answer(_: Request<()>) -> Result<Response<Body>, Fault> {
    Ok(Response::new(Body::from(&b"well"[..])))
}

/// The status in the headers, and its pushback.
fn status<S, B>(service: S) -> (Status, Option<i64>)
where
    S: Service<Request<()>, Response = Response<B>, Error = Fault>,
    B: http_body::Body,
{
    let response = tokio_test::block_on(service.oneshot(Request::new(()))).expect("a response");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    assert_eq!(response.body().size_hint().exact(), Some(0));
    let status = Status::from_header_map(response.headers()).expect("trailers only");
    let pushback = status.metadata().get("grpc-retry-pushback-ms");
    let pushback = pushback.map(|value| value.to_str().expect("text").parse().expect("a number"));
    (status, pushback)
}

#[test]
fn a_rejection_is_unavailable_and_says_when_to_come_back() {
    let bench = Bench::new();
    bench.open();
    bench.clock.advance(MILLI / 2);
    let (status, pushback) = status(layer(&bench).grpc().layer(service_fn(answer)));
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("bench"), "{status}");
    assert_eq!(pushback, i64::try_from(OPEN_FOR.as_millis()).ok());
}

#[test]
fn a_rejection_while_isolated_forbids_to_retry() {
    let bench = Bench::new();
    bench.circuit.isolate();
    let (_, pushback) = status(layer(&bench).grpc().layer(service_fn(answer)));
    assert_eq!(pushback, Some(-1));
}

#[test]
fn a_rejection_while_probes_are_out_says_when_to_come_back_too() {
    let bench = Bench::new();
    let _probe = bench.probe();
    let (status, pushback) = status(layer(&bench).grpc().layer(service_fn(answer)));
    assert_eq!((status.code(), pushback), (Code::Unavailable, Some(50)));
}

#[test]
fn it_goes_with_a_verdict_at_the_end_of_the_stream() {
    let bench = Bench::new();
    bench.circuit.isolate();
    let service = layer(&bench)
        .settle_with(EndOfStream::new(GrpcErrors::new()))
        .grpc()
        .layer(service_fn(answer));
    assert_eq!(status(service).0.code(), Code::Unavailable);
    let snapshot = bench.circuit.snapshot();
    assert_eq!((snapshot.rejected, snapshot.failed), (1, 0));
}

#[test]
fn a_rejection_that_was_caught_can_be_made_a_status() {
    let bench = Bench::new();
    bench.open();
    let rejected = bench.circuit.try_acquire().expect_err("it is open");
    assert_eq!(Status::from(rejected).code(), Code::Unavailable);
}
