//! Classifying allocates nothing, and neither does a verdict at the end of the stream.
#![cfg(feature = "http")]

use std::convert::Infallible;

use breaker_layer::{
    BreakerLayer, Circuit, Classify, Outcome,
    http::{ClassifyStream, EndOfStream, GrpcErrors, ServerErrors},
};
use futures::FutureExt;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, service_fn};

fn allocations(act: impl FnOnce()) -> u64 {
    allocation_counter::measure(act).count_total
}

#[test]
fn classifying_allocates_nothing() {
    let overloaded = Response::builder()
        .status(503)
        .header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .header("retry-after", "Sun, 06 Nov 1994 08:51:37 GMT")
        .body(())
        .expect("a response");
    let exhausted = Response::builder()
        .header("grpc-status", "8")
        .header("grpc-retry-pushback-ms", "1000")
        .body(())
        .expect("a response");
    let trailers: HeaderMap = exhausted.headers().clone();
    let errors = ServerErrors::new().failures(&[StatusCode::NOT_FOUND]);
    let count = allocations(|| {
        let outcome = errors.classify(Ok::<_, &()>(&overloaded));
        assert!(matches!(outcome, Outcome::Overload { .. }));
        let outcome = GrpcErrors::new().classify(Ok::<_, &()>(&exhausted));
        assert!(matches!(outcome, Outcome::Overload { .. }));
        let outcome = GrpcErrors::new().end(Some(&trailers));
        assert!(matches!(outcome, Outcome::Overload { .. }));
    });
    assert_eq!(count, 0);
}

fn reply() -> Response<Full<&'static [u8]>> {
    Response::new(Full::new(&b"well"[..]))
}

fn read<B: Body + Unpin>(mut body: B) {
    while body.frame().now_or_never().flatten().is_some() {}
}

#[test]
fn a_verdict_at_the_end_of_the_stream_allocates_nothing() {
    let circuit = Circuit::builder("streams").build();
    let circuit = circuit.expect("the defaults are good");
    let mut service = BreakerLayer::new(circuit.clone())
        .settle_with(EndOfStream::new(GrpcErrors::new()))
        .exclude(|request: &u32| *request == 0)
        .layer(service_fn(async |_: u32| Ok::<_, Infallible>(reply())));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let count = allocations(|| {
        for request in 0..3 {
            assert!(service.poll_ready(&mut context).is_ready());
            let answer = service.call(request).now_or_never().expect("at once");
            let Ok(response) = answer else {
                panic!("it is rejected")
            };
            read(response.into_body());
        }
    });
    assert_eq!(count, 0);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.failed, snapshot.ignored), (2, 1));
}
