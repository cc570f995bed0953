//! C19: the verdict on a streamed response comes at the end of the stream.
#![cfg(feature = "http")]

mod support;

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use breaker_layer::{
    BreakerLayer, Circuit, Outcome, Rejected, State,
    http::{EndOfStream, GrpcErrors, ServerErrors, SettlingBody},
};
use futures::FutureExt;
use http::{HeaderMap, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use support::{Bench, Fault, OPEN_FOR, PROBE_TIMEOUT, SECOND, THRESHOLD};
use tower::{Layer, ServiceExt, service_fn};

type Step = Result<Frame<&'static [u8]>, Fault>;

/// A body that gives these frames, and knows that it has ended only if it says so.
#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    knows_its_end: bool,
}

impl Body for Script {
    type Data = &'static [u8];
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Step>> {
        Poll::Ready(self.steps.pop_front())
    }

    fn is_end_stream(&self) -> bool {
        self.knows_its_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(42)
    }
}

fn data() -> Step {
    Ok(Frame::data(b"frame"))
}

fn trailers(status: &'static str) -> Step {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.parse().expect("a value"));
    Ok(Frame::trailers(trailers))
}

fn script<const N: usize>(steps: [Step; N]) -> Script {
    Script {
        steps: steps.into(),
        knows_its_end: false,
    }
}

/// A response of this body, through a breaker that settles so.
fn answer<C>(
    circuit: &Circuit,
    settle: EndOfStream<C>,
    body: Script,
) -> Response<SettlingBody<Script, C>>
where
    EndOfStream<C>: breaker_layer::classify::Settle<
            Response<Script>,
            Fault,
            Response = Response<SettlingBody<Script, C>>,
        > + Clone,
{
    pass(circuit, settle, Response::new(body))
}

/// This response, through a breaker that settles so.
fn pass<C>(
    circuit: &Circuit,
    settle: EndOfStream<C>,
    response: Response<Script>,
) -> Response<SettlingBody<Script, C>>
where
    EndOfStream<C>: breaker_layer::classify::Settle<
            Response<Script>,
            Fault,
            Response = Response<SettlingBody<Script, C>>,
        > + Clone,
{
    let mut response = Some(response);
    let service = BreakerLayer::new(circuit.clone())
        .settle_with(settle)
        .layer(service_fn(move |()| {
            let response = response.take().expect("one call");
            async { Ok::<_, Fault>(response) }
        }));
    let answer = service.oneshot(()).now_or_never();
    answer.expect("it answers at once").expect("it is admitted")
}

fn grpc() -> EndOfStream<GrpcErrors> {
    EndOfStream::new(GrpcErrors::new())
}

fn statuses() -> EndOfStream<ServerErrors> {
    EndOfStream::new(ServerErrors::new())
}

fn read<B: Body>(body: B) -> Result<http_body_util::Collected<B::Data>, B::Error> {
    body.collect().now_or_never().expect("it is there")
}

/// What is counted: failures, cancelled, ignored.
fn counts(bench: &Bench) -> (u64, u64, u64) {
    let snapshot = bench.circuit.snapshot();
    (snapshot.failed, snapshot.cancelled, snapshot.ignored)
}

#[test]
fn a_status_in_the_trailers_decides() {
    let bench = Bench::new();
    for _ in 0..THRESHOLD {
        assert_eq!(bench.state(), State::Closed);
        let response = answer(&bench.circuit, grpc(), script([data(), trailers("14")]));
        assert_eq!(counts(&bench).0, bench.circuit.snapshot().failures.into());
        assert!(read(response.into_body()).is_ok());
    }
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn nothing_is_counted_before_the_end() {
    let bench = Bench::with(|builder| builder.count_calls(true));
    let mut body = answer(&bench.circuit, grpc(), script([data(), trailers("0")])).into_body();
    assert!(body.frame().now_or_never().flatten().is_some());
    assert_eq!(bench.circuit.snapshot().succeeded, Some(0));
    assert!(body.frame().now_or_never().flatten().is_some());
    assert_eq!(bench.circuit.snapshot().succeeded, Some(1));
    assert!(body.frame().now_or_never().flatten().is_none());
    drop(body);
    assert_eq!(bench.circuit.snapshot().succeeded, Some(1));
    assert_eq!(counts(&bench), (0, 0, 0));
}

#[test]
fn a_stream_that_ends_without_a_status_is_a_failure() {
    let bench = Bench::new();
    let response = answer(&bench.circuit, grpc(), script([data()]));
    assert!(read(response.into_body()).is_ok());
    assert_eq!(counts(&bench), (1, 0, 0));
}

#[test]
fn a_stream_that_dies_half_way_is_a_failure_once() {
    let bench = Bench::new();
    let response = answer(&bench.circuit, grpc(), script([data(), Err(Fault(1))]));
    assert_eq!(read(response.into_body()).map(|_| ()), Err(Fault(1)));
    assert_eq!(counts(&bench), (1, 0, 0));
}

#[test]
fn a_stream_that_dies_means_what_the_user_says() {
    let bench = Bench::new();
    let settle = statuses().on_error(Outcome::Ignored);
    let response = answer(&bench.circuit, settle, script([data(), Err(Fault(1))]));
    assert!(read(response.into_body()).is_err());
    assert_eq!(counts(&bench), (0, 0, 1));
}

#[test]
fn a_body_that_is_dropped_early_is_what_the_headers_said() {
    let bench = Bench::with(|builder| builder.count_calls(true));
    let succeeded = || bench.circuit.snapshot().succeeded;
    drop(answer(&bench.circuit, statuses(), script([data(), data()])));
    assert_eq!((counts(&bench), succeeded()), ((0, 0, 0), Some(1)));
    // Trailers might have said anything.
    drop(answer(&bench.circuit, grpc(), script([data(), data()])));
    assert_eq!((counts(&bench), succeeded()), ((0, 1, 0), Some(1)));
}

#[test]
fn a_body_that_is_dropped_early_is_what_the_user_says() {
    let bench = Bench::with(|builder| builder.count_calls(true));
    let early = |outcome| {
        let (http, rpc) = (
            statuses().on_early_drop(outcome),
            grpc().on_early_drop(outcome),
        );
        drop(answer(&bench.circuit, http, script([data(), data()])));
        drop(answer(&bench.circuit, rpc, script([data(), data()])));
        (counts(&bench), bench.circuit.snapshot().succeeded)
    };
    assert_eq!(early(Outcome::Success), ((0, 0, 0), Some(2)));
    assert_eq!(early(Outcome::Ignored), ((0, 0, 2), Some(2)));
    assert_eq!(early(Outcome::Failure), ((2, 0, 2), Some(2)));
}

/// A server drops the body of its answer to `HEAD` unread, whatever length it has.
#[test]
fn a_probe_whose_body_nobody_reads_closes_the_circuit() {
    let bench = Bench::new();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    let response = Response::builder().header("content-length", 1000);
    let response = response.body(script([data()])).expect("a response");
    drop(pass(&bench.circuit, statuses(), response));
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn a_body_that_knows_its_end_is_settled_by_its_last_frame() {
    let bench = Bench::with(|builder| builder.count_calls(true));
    let known = Script {
        steps: [data(), data()].into(),
        knows_its_end: true,
    };
    let mut body = answer(&bench.circuit, statuses(), known).into_body();
    assert!(body.frame().now_or_never().flatten().is_some());
    assert_eq!(bench.circuit.snapshot().succeeded, Some(0));
    assert!(body.frame().now_or_never().flatten().is_some());
    assert_eq!(bench.circuit.snapshot().succeeded, Some(1));
    drop(body);
    assert_eq!(counts(&bench), (0, 0, 0));
}

#[test]
fn a_body_that_gave_as_much_as_was_promised_is_not_dropped_early() {
    let bench = Bench::with(|builder| builder.count_calls(true));
    let settle = statuses().on_early_drop(Outcome::Failure);
    let promise = |bytes: usize| {
        let response = Response::builder().header("content-length", bytes);
        let response = response.body(script([data(), data(), data()]));
        pass(&bench.circuit, settle, response.expect("a response")).into_body()
    };
    let frame = b"frame".len();
    let mut whole = promise(2 * frame);
    for _ in 0..2 {
        assert_eq!(bench.circuit.snapshot().succeeded, Some(0));
        assert!(whole.frame().now_or_never().flatten().is_some());
    }
    drop(whole);
    assert_eq!(bench.circuit.snapshot().succeeded, Some(1));
    assert_eq!(counts(&bench).0, 0);

    let mut half = promise(2 * frame);
    assert!(half.frame().now_or_never().flatten().is_some());
    drop(half);
    assert_eq!(counts(&bench).0, 1);

    drop(promise(0));
    assert_eq!(counts(&bench).0, 1);
    assert_eq!(bench.circuit.snapshot().succeeded, Some(2));
}

#[test]
fn trailers_decide_after_all_that_was_promised() {
    let bench = Bench::new();
    let response = Response::builder().header("content-length", b"frame".len());
    let response = response
        .body(script([data(), trailers("14")]))
        .expect("a response");
    let mut body = pass(
        &bench.circuit,
        grpc().on_early_drop(Outcome::Success),
        response,
    )
    .into_body();
    assert!(body.frame().now_or_never().flatten().is_some());
    assert_eq!(counts(&bench).0, 0);
    assert!(body.frame().now_or_never().flatten().is_some());
    assert_eq!(counts(&bench).0, 1);
}

#[test]
fn what_the_headers_decide_is_recorded_at_the_headers() {
    let bench = Bench::new();
    let reply = |status: u16, grpc_status: Option<&'static str>| {
        let mut response = Response::builder().status(status);
        if let Some(value) = grpc_status {
            response = response.header("grpc-status", value);
        }
        response.body(script([data()])).expect("a response")
    };
    let kept = pass(&bench.circuit, grpc(), reply(200, Some("13")));
    assert_eq!(counts(&bench), (1, 0, 0));
    drop(kept);
    let kept = pass(&bench.circuit, grpc(), reply(503, None));
    assert_eq!(counts(&bench), (2, 0, 0));
    drop(kept);
    // Trailers only, and the caller's own mistake.
    let settle = grpc().on_early_drop(Outcome::Failure);
    drop(pass(&bench.circuit, settle, reply(200, Some("5"))));
    assert_eq!(counts(&bench), (2, 0, 0));
}

#[test]
fn an_empty_body_is_settled_at_the_headers() {
    let bench = Bench::new();
    let empty = || Script {
        knows_its_end: true,
        ..Script::default()
    };
    let dropped = statuses().on_early_drop(Outcome::Failure);
    drop(answer(&bench.circuit, dropped, empty()));
    assert_eq!(counts(&bench), (0, 0, 0));
    drop(answer(&bench.circuit, grpc(), empty()));
    assert_eq!(counts(&bench), (1, 0, 0));
}

#[test]
fn the_frames_and_the_hints_are_the_inner_body_s() {
    let bench = Bench::new();
    let mut body = answer(
        &bench.circuit,
        grpc(),
        script([data(), data(), trailers("0")]),
    )
    .into_body();
    assert_eq!(body.size_hint().exact(), Some(42));
    assert!(!body.is_end_stream());
    let mut next = || body.frame().now_or_never().expect("it is there");
    for _ in 0..2 {
        let frame = next().expect("a frame").expect("no error");
        assert_eq!(frame.into_data().expect("data"), b"frame");
    }
    let last = next().expect("a frame").expect("no error");
    let last = last.into_trailers().expect("trailers");
    assert_eq!(
        (last.len(), &last["grpc-status"]),
        (1, &"0".parse().expect("a value"))
    );
    assert!(next().is_none());
}

#[test]
fn a_probe_holds_its_slot_until_its_stream_has_ended() {
    let bench = Bench::new();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    let response = answer(&bench.circuit, grpc(), script([data(), trailers("0")]));
    assert_eq!(bench.state(), State::HalfOpen);
    assert!(bench.rejects());
    assert!(read(response.into_body()).is_ok());
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn a_probe_whose_stream_is_dropped_gives_its_slot_back() {
    let bench = Bench::new();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    drop(answer(&bench.circuit, grpc(), script([data(), data()])));
    assert_eq!(bench.state(), State::HalfOpen);
    drop(bench.admit());
}

#[test]
fn readers_who_leave_streams_that_were_answered_never_open_the_circuit() {
    let bench = Bench::new();
    let streams: Vec<_> = (0..1000)
        .map(|_| answer(&bench.circuit, grpc(), script([data(), data()])))
        .collect();
    // A page that shows them all is closed.
    drop(streams);
    assert_eq!(bench.circuit.state(), State::Closed);
    assert_eq!(bench.circuit.snapshot().cancelled, 1000);
}

#[test]
fn half_open_ends_where_every_reader_leaves() {
    let bench = Bench::new();
    bench.circuit.half_open();
    for _ in 0..10 {
        drop(answer(&bench.circuit, grpc(), script([data(), data()])));
    }
    assert_eq!(bench.circuit.state(), State::Closed);
}

#[test]
fn a_stream_that_outlasts_half_open_is_a_straggler() {
    let bench = Bench::new();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    let response = answer(&bench.circuit, grpc(), script([data(), trailers("0")]));
    bench.clock.advance(PROBE_TIMEOUT);
    assert_eq!(bench.state(), State::Open);
    assert!(read(response.into_body()).is_ok());
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn a_probe_settles_at_its_headers_where_the_user_says_so() {
    let bench = Bench::new();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    let settle = grpc().probes_at_headers();
    let probe = answer(&bench.circuit, settle, script([data(), trailers("14")]));
    assert_eq!(bench.state(), State::Closed);
    let failed = counts(&bench).0;
    assert!(read(probe.into_body()).is_ok());
    assert_eq!(counts(&bench).0, failed);
    // While closed, a call is settled at its end all the same.
    let call = answer(&bench.circuit, settle, script([data(), trailers("14")]));
    assert!(read(call.into_body()).is_ok());
    assert_eq!(counts(&bench).0, failed + 1);
}

#[test]
fn a_response_to_a_rejected_call_is_made_of_a_body_that_settles_nothing() {
    let bench = Bench::new();
    bench.circuit.isolate();
    let service = BreakerLayer::new(bench.circuit.clone())
        .settle_with(grpc())
        .respond_with(|_: Rejected, ()| Ok(Response::new(Full::new(&b"later"[..]).into())))
        .layer(service_fn(async |()| {
            Ok::<_, Fault>(Response::new(Full::new(&b"now"[..])))
        }));
    let response = service.oneshot(()).now_or_never().expect("at once");
    let body = read(response.expect("a response").into_body());
    assert_eq!(body.expect("no error").to_bytes(), "later");
    assert_eq!(counts(&bench), (0, 0, 0));
}

/// Its answer came at once, and the rest is its reader's pace.
#[test]
fn a_body_that_is_read_slowly_is_no_slow_call() {
    let bench = Bench::with(|builder| builder.slow_after(SECOND).count_calls(true));
    let slow = || bench.circuit.snapshot().slow;
    let slowly = |settle: EndOfStream<ServerErrors>| {
        let mut body = answer(&bench.circuit, settle, script([data(), data()])).into_body();
        for _ in 0..2 {
            bench.clock.advance(2 * SECOND);
            assert!(body.frame().now_or_never().flatten().is_some());
        }
        bench.clock.advance(2 * SECOND);
        body
    };
    assert!(read(slowly(statuses())).is_ok());
    drop(slowly(statuses()));
    drop(slowly(statuses().on_early_drop(Outcome::Failure)));
    assert_eq!((slow(), counts(&bench)), (Some(0), (1, 0, 0)));
}

/// One that took its time to the headers.
#[test]
fn a_slow_answer_is_a_slow_call_however_fast_it_is_read() {
    let bench = Bench::with(|builder| builder.slow_after(SECOND).count_calls(true));
    let clock = bench.clock.clone();
    let service = BreakerLayer::new(bench.circuit.clone())
        .settle_with(statuses())
        .layer(service_fn(move |()| {
            clock.advance(2 * SECOND);
            async { Ok::<_, Fault>(Response::new(script([data()]))) }
        }));
    let response = service.oneshot(()).now_or_never().expect("at once");
    let response = response.expect("it is admitted");
    assert_eq!(bench.circuit.snapshot().slow, Some(0));
    assert!(read(response.into_body()).is_ok());
    assert_eq!(bench.circuit.snapshot().slow, Some(1));
}
