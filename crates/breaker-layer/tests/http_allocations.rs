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

/// Of gRPC-web only the trailers are kept, and of those no more than 16 KiB.
#[test]
fn of_a_framed_body_little_is_kept() {
    const MIB: u32 = 1 << 20;
    let message = [&[0][..], &MIB.to_be_bytes(), &vec![0; MIB as usize]].concat();
    for length in [16_000, 16 * 1024, 16 * 1024 + 1, u32::MAX] {
        let trailers = [
            &[0x80][..],
            &length.to_be_bytes(),
            &vec![b'a'; MIB as usize],
        ]
        .concat();
        let pieces = message.chunks(1000).chain(trailers.chunks(1000));
        let pieces: Vec<_> = pieces
            .map(|data| Ok::<_, Infallible>(http_body::Frame::data(data)))
            .collect();
        let body = http_body_util::StreamBody::new(futures::stream::iter(pieces));
        let response = Response::builder().header("content-type", "application/grpc-web");
        let mut response = Some(response.body(body).expect("a response"));
        let circuit = Circuit::builder("framed").build().expect("the defaults");
        let service = BreakerLayer::new(circuit)
            .settle_with(EndOfStream::new(GrpcErrors::new()))
            .layer(service_fn(|()| {
                std::future::ready(Ok::<_, Infallible>(response.take().expect("one call")))
            }));
        let answer = tower::ServiceExt::oneshot(service, ())
            .now_or_never()
            .expect("at once");
        let Ok(response) = answer else {
            panic!("it is rejected")
        };
        let kept = allocation_counter::measure(|| read(response.into_body())).bytes_max;
        assert!(kept <= 17 * 1024, "{length}: {kept}");
    }
}
