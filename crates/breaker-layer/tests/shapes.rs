//! C17: how a rejected call is answered, beside typed and boxed errors; and requests that are excluded.

mod support;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    task::Poll,
};

use breaker_layer::{BoxError, BreakerLayer, Cancelled, Error, Outcome, Rejected, State};
use futures::FutureExt;
use support::{Answer, Bench, Downstream, Fault, OPEN_FOR, Ready, THRESHOLD, call};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

fn layer(bench: &Bench) -> BreakerLayer {
    BreakerLayer::new(bench.circuit.clone())
}

#[test]
fn a_rejection_can_become_a_response_made_from_it_and_the_request() {
    let bench = Bench::new();
    let downstream = Downstream::new();
    let said = Arc::new(Mutex::new(Vec::new()));
    let say = said.clone();
    let respond = move |rejected: Rejected, request: u32| {
        say.lock().expect("no panic").push(rejected.retry_after());
        Ok(request + 100)
    };
    let mut service = layer(&bench)
        .respond_with(respond)
        .layer(downstream.clone());
    assert_eq!(call(&mut service, 1), Ok(1));
    bench.open();
    assert_eq!(call(&mut service, 2), Ok(102));
    assert_eq!(downstream.calls(), 1);
    assert_eq!(*said.lock().expect("no panic"), [Some(OPEN_FOR)]);
    assert_eq!(bench.circuit.snapshot().rejected, 1);
}

#[test]
fn a_rejection_can_become_an_error_of_the_inner_service_s_own() {
    let bench = Bench::new();
    bench.circuit.isolate();
    let mut service = layer(&bench)
        .respond_with(|_: Rejected, request: u32| Err::<u32, _>(Fault(request)))
        .layer(Downstream::new());
    assert_eq!(call(&mut service, 7), Err(Fault(7)));
}

#[test]
fn a_service_that_cannot_fail_stays_one() {
    let bench = Bench::new();
    bench.circuit.isolate();
    let mut service = ServiceBuilder::new()
        .layer(layer(&bench).respond_with(|_: Rejected, _| Ok("later")))
        .service(service_fn(async |_: u32| Ok::<_, Infallible>("now")));
    let Ok(answer) = call(&mut service, 1);
    assert_eq!(answer, "later");
}

#[test]
fn the_inner_service_s_errors_are_passed_on_and_counted() {
    let bench = Bench::new();
    let mut service = layer(&bench)
        .respond_with(|_: Rejected, _: u32| Ok(0))
        .layer(Downstream::always(Answer::Fail));
    for request in 0..THRESHOLD {
        assert_eq!(call(&mut service, request), Err(Fault(request)));
    }
    assert_eq!(bench.state(), State::Open);
    assert_eq!(call(&mut service, 9), Ok(0));
}

#[test]
fn a_fallback_gets_the_rejected_request_and_only_that() {
    let bench = Bench::new();
    let (downstream, fallback) = (Downstream::new(), Downstream::new());
    let mut service = layer(&bench)
        .fallback(fallback.clone())
        .layer(downstream.clone());
    assert_eq!(call(&mut service, 1), Ok(1));
    bench.open();
    assert_eq!(call(&mut service, 2), Ok(2));
    assert_eq!((downstream.calls(), fallback.calls()), (1, 1));
}

/// [`Downstream`] panics when it is called without having been ready.
#[test]
fn a_fallback_is_called_once_it_is_ready() {
    let bench = Bench::new();
    bench.circuit.isolate();
    let fallback = Downstream::new();
    fallback.ready([Ready::Pending, Ready::Pending]);
    let mut service = layer(&bench)
        .fallback(fallback.clone())
        .layer(Downstream::new());
    assert!(service.ready().now_or_never().is_some());
    let mut answer = task::spawn(service.call(3));
    assert_pending!(answer.poll());
    assert_pending!(answer.poll());
    assert_eq!(fallback.calls(), 0);
    assert_eq!(assert_ready!(answer.poll()), Ok(3));
    assert_eq!(fallback.polls(), 3);
}

#[test]
fn a_fallback_that_fails_says_so_itself_and_counts_for_nothing() {
    let bench = Bench::new();
    bench.circuit.isolate();
    let fallback = Downstream::always(Answer::Fail);
    fallback.ready([Ready::Fail]);
    let mut service = layer(&bench).fallback(fallback).layer(Downstream::new());
    assert_eq!(call(&mut service, 1), Err(Fault(503)));
    assert_eq!(call(&mut service, 2), Err(Fault(2)));
    assert_eq!(bench.circuit.snapshot().failed, 0);
}

#[test]
fn a_fallback_stands_in_for_a_call_that_is_refused_after_ready() {
    let bench = Bench::new();
    let (downstream, fallback) = (Downstream::new(), Downstream::new());
    let mut service = layer(&bench)
        .fallback(fallback.clone())
        .layer(downstream.clone());
    assert!(matches!(
        support::poll_ready(&mut service),
        Poll::Ready(Ok(()))
    ));
    bench.circuit.trip();
    let answer = service.call(5).now_or_never();
    assert_eq!(answer, Some(Ok(5)));
    assert_eq!((downstream.calls(), fallback.calls()), (0, 1));
}

#[test]
fn a_fallback_can_be_a_breaker_too() {
    let (first, second) = (Bench::new(), Bench::new());
    let spare = ServiceBuilder::new()
        .layer(layer(&second).boxed_errors())
        .service(Downstream::new());
    let mut service = layer(&first)
        .fallback(spare)
        .layer(Downstream::new().map_err(BoxError::from));
    first.circuit.isolate();
    assert_eq!(call(&mut service, 1).expect("the spare answers"), 1);
    second.circuit.isolate();
    let error = call(&mut service, 1).expect_err("neither answers");
    assert!(error.is::<Rejected>());
}

#[test]
fn an_excluded_request_s_result_is_ignored_whatever_it_is() {
    let bench = Bench::with(|builder| builder.cancelled(Cancelled::Failure));
    let mut service = layer(&bench)
        .exclude(|request: &u32| *request == 0)
        .layer(Downstream::always(Answer::Fail));
    for _ in 0..10 * THRESHOLD {
        assert_eq!(call(&mut service, 0), Err(Error::Inner(Fault(0))));
    }
    assert_eq!(bench.state(), State::Closed);
    for request in 1..=THRESHOLD {
        assert_eq!(
            call(&mut service, request),
            Err(Error::Inner(Fault(request)))
        );
    }
    assert_eq!(bench.state(), State::Open);
    let snapshot = bench.circuit.snapshot();
    assert_eq!((snapshot.ignored, snapshot.failed), (30, 3));
}

#[test]
fn an_excluded_request_that_succeeds_or_is_given_up_is_ignored_too() {
    let bench = Bench::with(|builder| builder.cancelled(Cancelled::Failure));
    let downstream = Downstream::new();
    let mut service = layer(&bench)
        .exclude(|_: &u32| true)
        .layer(downstream.clone());
    assert_eq!(call(&mut service, 1), Ok(1));
    downstream.answer([Answer::Hang]);
    assert!(service.ready().now_or_never().is_some());
    drop(service.call(1));
    let snapshot = bench.circuit.snapshot();
    assert_eq!(
        (snapshot.ignored, snapshot.cancelled, snapshot.failed),
        (2, 0, 0)
    );
}

#[test]
fn an_excluded_request_is_rejected_like_any_other_and_decides_nothing_as_a_probe() {
    let bench = Bench::new();
    let mut service = layer(&bench)
        .exclude(|request: &u32| *request == 0)
        .layer(Downstream::new());
    bench.open();
    assert!(matches!(call(&mut service, 0), Err(Error::Rejected(_))));
    bench.clock.advance(OPEN_FOR);
    assert_eq!(call(&mut service, 0), Ok(0));
    assert_eq!(bench.state(), State::HalfOpen);
    assert_eq!(call(&mut service, 1), Ok(1));
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn an_exclusion_keeps_the_classification() {
    let bench = Bench::new();
    let mut service = layer(&bench)
        .classify(|_: Result<&u32, &Fault>| Outcome::Failure)
        .exclude(|request: &u32| *request == 0)
        .layer(Downstream::new());
    for request in [0, 0, 0, 0, 1, 2] {
        assert_eq!(call(&mut service, request), Ok(request));
    }
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(call(&mut service, 3), Ok(3));
    assert_eq!(bench.state(), State::Open);
}
