//! C17 for gRPC: a rejection is a status that callers understand.
#![cfg(feature = "tonic")]

mod support;

use std::time::Duration;

use breaker_layer::{
    BreakerLayer, Classify, Outcome, Rejected,
    http::{EndOfStream, GrpcCode, GrpcErrors, grpc_unavailable},
};
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
    let (status, pushback) = status(
        layer(&bench)
            .respond_with(grpc_unavailable)
            .layer(service_fn(answer)),
    );
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("bench"), "{status}");
    assert_eq!(pushback, i64::try_from(OPEN_FOR.as_millis()).ok());
}

#[test]
fn a_rejection_while_isolated_forbids_to_retry() {
    let bench = Bench::new();
    bench.circuit.isolate();
    let (_, pushback) = status(
        layer(&bench)
            .respond_with(grpc_unavailable)
            .layer(service_fn(answer)),
    );
    assert_eq!(pushback, Some(-1));
}

#[test]
fn a_rejection_while_probes_are_out_says_when_to_come_back_too() {
    let bench = Bench::new();
    let _probe = bench.probe();
    let (status, pushback) = status(
        layer(&bench)
            .respond_with(grpc_unavailable)
            .layer(service_fn(answer)),
    );
    assert_eq!((status.code(), pushback), (Code::Unavailable, Some(50)));
}

#[test]
fn it_goes_with_a_verdict_at_the_end_of_the_stream() {
    let bench = Bench::new();
    bench.circuit.isolate();
    let service = layer(&bench)
        .settle_with(EndOfStream::new(GrpcErrors::new()))
        .respond_with(grpc_unavailable)
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

#[test]
fn a_client_s_rejection_is_a_status_among_whose_sources_it_is() {
    let bench = Bench::new();
    bench.open();
    let service = layer(&bench).grpc().layer(service_fn(answer));
    let answer = tokio_test::block_on(service.oneshot(Request::new(())));
    let status = *answer.unwrap_err().downcast::<Status>().expect("a status");
    assert_eq!(status.code(), Code::Unavailable);
    let rejected = Rejected::of(&status).expect("it is found");
    assert_eq!(rejected.circuit().as_deref(), Some("bench"));
    assert_eq!(Rejected::of(&Status::unavailable("the server's own")), None);
}

#[test]
fn an_error_below_a_client_s_breaker_is_boxed_as_it_is() {
    let bench = Bench::new();
    let fails = async |_: Request<()>| Err::<Response<Body>, _>(Fault(7));
    let service = layer(&bench).grpc().layer(service_fn(fails));
    let error = tokio_test::block_on(service.oneshot(Request::new(()))).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Fault(7)));
}

/// What the headers mean, a status means.
#[test]
fn a_status_is_judged_as_the_response_that_it_was() {
    let sets = GrpcErrors::new()
        .ignored(&[GrpcCode::Cancelled])
        .failures(&[GrpcCode::Aborted]);
    for errors in [GrpcErrors::new(), sets] {
        for number in 0..17 {
            for pushback in [None, Some("-1"), Some("60000")] {
                let mut status = Status::new(Code::from(number), "");
                if let Some(pushback) = pushback {
                    let value = pushback.parse().expect("text");
                    status
                        .metadata_mut()
                        .insert("grpc-retry-pushback-ms", value);
                }
                let response = status.clone().into_http::<Body>();
                let judged = errors.classify(Err::<&tonic::Response<()>, _>(&status));
                let expected = errors.classify(Ok::<_, &Fault>(&response));
                assert_eq!(judged, expected, "{number}, pushback {pushback:?}");
            }
        }
    }
    let unavailable = &Status::unavailable("");
    let judged = GrpcErrors::new().classify(Err::<&tonic::Response<()>, _>(unavailable));
    assert_eq!(judged, Outcome::Failure);
    let greeted = GrpcErrors::new().classify(Ok::<_, &Status>(&tonic::Response::new(())));
    assert_eq!(greeted, Outcome::Success);
    let mut busy = Status::resource_exhausted("");
    let minute = "60000".parse().expect("text");
    busy.metadata_mut().insert("grpc-retry-pushback-ms", minute);
    let judged = GrpcErrors::new().classify(Err::<&tonic::Response<()>, _>(&busy));
    let retry_after = Duration::from_secs(60);
    assert_eq!(judged, Outcome::Overload { retry_after });
}
