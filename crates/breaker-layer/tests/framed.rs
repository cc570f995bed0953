//! gRPC-web and Connect streams, whose status is in the body: it is found there, and little of the body is kept.
#![cfg(feature = "http")]

mod support;

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use breaker_layer::{
    BreakerLayer, Circuit, State,
    http::{EndOfStream, GrpcCode, GrpcErrors},
};
use bytes::{Buf, Bytes, BytesMut};
use futures::FutureExt;
use http::Response;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use support::Fault;
use tower::{Layer, ServiceExt, service_fn};

const WEB: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text";
const CONNECT: &str = "application/connect+json";

/// These pieces of data, and an error at the end where it breaks off.
struct Pieces<D> {
    pieces: VecDeque<D>,
    breaks_off: bool,
}

impl<D: Buf + Unpin> Body for Pieces<D> {
    type Data = D;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<D>, Fault>>> {
        let data = self.pieces.pop_front().map(|data| Ok(Frame::data(data)));
        Poll::Ready(data.or_else(|| std::mem::take(&mut self.breaks_off).then_some(Err(Fault(1)))))
    }
}

/// What has been counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Success,
    Failure,
    Ignored,
    Cancelled,
}

/// What a call is to the circuit whose response has this body; it is read to its end, or only as many frames of it.
fn counted_of<D: Buf + Unpin + 'static>(
    errors: GrpcErrors,
    content_type: &'static str,
    body: Pieces<D>,
    frames: usize,
) -> Counted {
    let circuit = Circuit::builder("framed").count_calls(true).build();
    let circuit = circuit.expect("the settings are good");
    let response = Response::builder().header("content-type", content_type);
    let mut response = Some(response.body(body).expect("a response"));
    let service = BreakerLayer::new(circuit.clone())
        .settle_with(EndOfStream::new(errors))
        .layer(service_fn(move |()| {
            std::future::ready(Ok::<_, Fault>(response.take().expect("one call")))
        }));
    let response = service.oneshot(()).now_or_never().expect("it is ready");
    let mut body = response.expect("a response").into_body();
    for _ in 0..frames {
        match body.frame().now_or_never().expect("it is ready") {
            Some(Ok(_)) => {}
            Some(Err(_)) | None => break,
        }
    }
    drop(body);
    let snapshot = circuit.snapshot();
    let counts = (
        snapshot.succeeded,
        snapshot.failed,
        snapshot.ignored,
        snapshot.cancelled,
    );
    match counts {
        (Some(1), 0, 0, 0) => Counted::Success,
        (Some(0), 1, 0, 0) => Counted::Failure,
        (Some(0), 0, 1, 0) => Counted::Ignored,
        (Some(0), 0, 0, 1) => Counted::Cancelled,
        counts => panic!("{counts:?}"),
    }
}

fn counted(content_type: &'static str, pieces: &[&[u8]]) -> Counted {
    let body = Pieces {
        pieces: pieces
            .iter()
            .map(|piece| Bytes::copy_from_slice(piece))
            .collect(),
        breaks_off: false,
    };
    counted_of(GrpcErrors::new(), content_type, body, usize::MAX)
}

fn frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short one");
    [&[flags][..], &length.to_be_bytes(), payload].concat()
}

fn web(trailers: &str) -> Vec<u8> {
    [frame(0, b"hi"), frame(0x80, trailers.as_bytes())].concat()
}

fn connect(end: &str) -> Vec<u8> {
    [
        frame(0, b"{}"),
        frame(1, b"zipped"),
        frame(2, end.as_bytes()),
    ]
    .concat()
}

/// In base64, with its padding.
fn text(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quads = bytes.chunks(3).map(|part| {
        let mut three = [0; 3];
        three[..part.len()].copy_from_slice(part);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        let digit = |at: usize| DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
        std::array::from_fn::<_, 4, _>(|at| if at <= part.len() { digit(at) } else { b'=' })
    });
    quads.flatten().collect()
}

/// Each is found wherever the body is cut.
fn is(expected: Counted, content_type: &'static str, body: &[u8]) {
    for at in 0..=body.len() {
        let (first, second) = body.split_at(at);
        let this = counted(content_type, &[first, second]);
        assert_eq!(
            this,
            expected,
            "{content_type} {at} {}",
            body.escape_ascii()
        );
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(counted(content_type, &bytes), expected, "byte by byte");
}

#[test]
fn the_status_of_grpc_web_is_that_of_its_trailers() {
    for (trailers, expected) in [
        ("grpc-status: 0\r\n", Counted::Success),
        ("grpc-status:0", Counted::Success),
        (
            "Grpc-Message: a: b\r\nGRPC-STATUS: 14\r\n",
            Counted::Failure,
        ),
        (
            "grpc-status: 5\r\ngrpc-message: nobody\r\n",
            Counted::Success,
        ),
        ("grpc-status: 00\r\n", Counted::Failure),
        (
            "grpc-status: 14\r\nbreaker-rejected: 1\r\n",
            Counted::Ignored,
        ),
        ("no line at all\r\n", Counted::Failure),
        ("", Counted::Failure),
    ] {
        is(expected, WEB, &web(trailers));
        is(expected, TEXT, &text(&web(trailers)));
        let pieces = [frame(0, b"hi"), frame(0x80, trailers.as_bytes())];
        let pieces: Vec<u8> = pieces.iter().flat_map(|piece| text(piece)).collect();
        is(expected, TEXT, &pieces);
    }
}

#[test]
fn the_status_of_a_connect_stream_is_that_of_its_last_message() {
    for (end, expected) in [
        ("{}", Counted::Success),
        (r#"{"metadata":{"a":["b"]}}"#, Counted::Success),
        (r#"{"error":{"code":"unavailable"}}"#, Counted::Failure),
        (
            r#"{"error":{"code":"canceled","message":"x"}}"#,
            Counted::Failure,
        ),
        (r#"{"error":{"code":"not_found"}}"#, Counted::Success),
        (r#"{"error":{"message":"no code"}}"#, Counted::Failure),
        ("no JSON", Counted::Failure),
    ] {
        is(expected, CONNECT, &connect(end));
    }
}

#[test]
fn a_body_that_ends_without_a_status_or_breaks_off_is_a_failure() {
    for content_type in [WEB, TEXT, CONNECT] {
        let as_sent = |body: &[u8]| match content_type {
            TEXT => text(body),
            _ => body.to_vec(),
        };
        is(
            Counted::Failure,
            content_type,
            &as_sent(&frame(0, b"a message")),
        );
        is(Counted::Failure, content_type, b"");
        let whole = if content_type == CONNECT {
            connect("{}")
        } else {
            web("grpc-status: 0")
        };
        is(Counted::Success, content_type, &as_sent(&whole));
        is(
            Counted::Failure,
            content_type,
            &as_sent(&whole[..whole.len() - 1]),
        );
        let broken = Pieces {
            pieces: [Bytes::from_static(b"\0\0")].into(),
            breaks_off: true,
        };
        let broken = counted_of(GrpcErrors::new(), content_type, broken, usize::MAX);
        assert_eq!(broken, Counted::Failure);
    }
}

/// Browsers' clients do not ask for the end.
#[test]
fn a_reader_that_leaves_after_the_status_has_ended_the_call_and_one_before_has_cancelled_it() {
    let body = || Pieces {
        pieces: [frame(0, b"hi"), frame(0x80, b"grpc-status: 13\r\n")]
            .map(Bytes::from)
            .into(),
        breaks_off: false,
    };
    for (frames, expected) in [(1, Counted::Cancelled), (2, Counted::Failure)] {
        let this = counted_of(GrpcErrors::new(), WEB, body(), frames);
        assert_eq!(this, expected, "{frames}");
    }
}

#[test]
fn what_cannot_be_read_counts_by_whether_it_is_whole() {
    let zipped = [frame(0, b"hi"), frame(0x81, b"zipped")].concat();
    is(Counted::Success, WEB, &zipped);
    is(Counted::Success, CONNECT, &frame(3, b"zipped"));
    let long = format!("a: {}\r\ngrpc-status: 14\r\n", "b".repeat(16 * 1024));
    assert_eq!(counted(WEB, &[&web(&long)]), Counted::Success);

    /// Does not show all that it is at once.
    struct Hidden(Bytes);

    impl Buf for Hidden {
        fn remaining(&self) -> usize {
            self.0.remaining()
        }

        fn chunk(&self) -> &[u8] {
            &self.0.chunk()[..self.0.len().min(1)]
        }

        fn advance(&mut self, count: usize) {
            self.0.advance(count);
        }
    }

    let hidden = Pieces {
        pieces: [Hidden(web("grpc-status: 14\r\n").into())].into(),
        breaks_off: false,
    };
    let hidden = counted_of(GrpcErrors::new(), WEB, hidden, usize::MAX);
    assert_eq!(hidden, Counted::Success);
}

#[test]
fn data_of_several_parts_are_read_and_the_sets_count_here_too() {
    let (first, second) = (
        Bytes::from(frame(0, b"hi")),
        frame(0x80, b"grpc-status: 14"),
    );
    let body = || Pieces {
        pieces: [first.clone().chain(BytesMut::from(&*second))].into(),
        breaks_off: false,
    };
    let this = |errors| counted_of(errors, WEB, body(), usize::MAX);
    assert_eq!(this(GrpcErrors::new()), Counted::Failure);
    let ignores = GrpcErrors::new().ignored(&[GrpcCode::Unavailable]);
    assert_eq!(this(ignores), Counted::Ignored);
}

/// As it was found in the field: healthy responses opened the circuit.
#[test]
fn healthy_grpc_web_responses_leave_the_circuit_closed() {
    let circuit = Circuit::builder("field").build().expect("the defaults");
    let service = BreakerLayer::new(circuit.clone())
        .settle_with(EndOfStream::new(GrpcErrors::new()))
        .layer(service_fn(async |()| {
            let body = b"\0\0\0\0\x02hi\x80\0\0\0\x0fgrpc-status: 0\r\n";
            let response = Response::builder().header("content-type", WEB);
            let body = http_body_util::Full::new(Bytes::from_static(body));
            Ok::<_, Fault>(response.body(body).expect("a response"))
        }));
    for _ in 0..60 {
        let response = tokio_test::block_on(service.clone().oneshot(()));
        let body = response.expect("a response").into_body();
        assert!(tokio_test::block_on(body.collect()).is_ok());
    }
    assert_eq!(
        (circuit.state(), circuit.snapshot().failed),
        (State::Closed, 0)
    );
}
