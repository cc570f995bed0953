//! C24: calls that are all given up open the circuit, and calls that panic; what hedges lose and browsers close does not.
#![cfg(feature = "tokio")]

mod support;

use std::{future::pending, panic::AssertUnwindSafe, time::Duration};

use breaker_layer::{
    BoxError, BreakerLayer, Cancelled, Circuit, CircuitBuilder, Outcome, Percent, Probes, State,
    Trip, Window, clock::ManualClock, observe::Reason,
};
use futures::{FutureExt, future::join_all};
use support::{Answer, Bench, Downstream, MILLI, OPEN_FOR, SECOND, panics, poll_ready};
use tokio::time::{sleep, timeout};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const PATIENCE: Duration = Duration::from_millis(100);

fn circuit() -> Circuit {
    circuit_with(|builder| builder)
}

fn circuit_with(change: impl FnOnce(CircuitBuilder) -> CircuitBuilder) -> Circuit {
    change(Circuit::builder("given up")).build().unwrap()
}

/// From clean so many calls in a row that are given up trip: fifteen are let off, and then fifteen failures trip, or fewer where
/// fewer calls come.
fn is_open_because_all_were_given_up(circuit: &Circuit, calls: u32) {
    let snapshot = circuit.snapshot();
    assert_eq!(snapshot.state, State::Open);
    let reason = snapshot.last_trip.unwrap().reason();
    assert_eq!(reason, Reason::GivenUp { calls });
    assert_eq!(
        reason.to_string(),
        format!("{calls} calls in a row were given up, none was answered")
    );
    assert_eq!(snapshot.failed, 0);
    assert!(snapshot.cancelled >= calls.into());
}

async fn hang() -> Result<(), BoxError> {
    pending().await
}

async fn fail() -> Result<(), BoxError> {
    Err("connection refused".into())
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_an_early_return_drops() {
    async fn payment(circuit: &Circuit) -> Result<(), BoxError> {
        let permit = circuit.try_acquire()?;
        fail().await?;
        permit.record(Outcome::Success);
        Ok(())
    }
    let circuit = circuit();
    for _ in 0..40 {
        payment(&circuit).await.unwrap_err();
    }
    is_open_because_all_were_given_up(&circuit, 30);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_around_run() {
    let circuit = circuit();
    for _ in 0..40 {
        let _ = timeout(PATIENCE, circuit.run(hang())).await;
    }
    is_open_because_all_were_given_up(&circuit, 27);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_around_a_call_of_a_stack() {
    let circuit = circuit();
    let mut service = BreakerLayer::new(circuit.clone())
        .boxed_errors()
        .layer(service_fn(async |()| hang().await));
    for _ in 0..40 {
        let _ = timeout(PATIENCE, service.ready().await.unwrap().call(())).await;
    }
    is_open_because_all_were_given_up(&circuit, 27);
}

/// The timeout inside is longer than callers wait.
#[tokio::test(start_paused = true)]
async fn callers_that_leave_before_the_timeout_inside() {
    let circuit = circuit();
    let service = ServiceBuilder::new()
        .layer(BreakerLayer::new(circuit.clone()).boxed_errors())
        .timeout(SECOND)
        .service(service_fn(async |()| hang().await));
    let leaves = |_| timeout(PATIENCE, service.clone().oneshot(()));
    for round in 0..8 {
        join_all((0..5).map(|call| leaves(5 * round + call))).await;
    }
    is_open_because_all_were_given_up(&circuit, 29);
}

#[tokio::test(start_paused = true)]
async fn callers_that_leave_are_slow_calls() {
    let slow_rate = Trip::slow_rate(Percent(50.0), Window::calls(20)).min_calls(10);
    let circuit = circuit_with(|builder| {
        builder
            .trip(slow_rate)
            .slow_after(PATIENCE / 2)
            .cancelled(Cancelled::Ignored)
    });
    for _ in 0..9 {
        let _ = timeout(PATIENCE, circuit.run(hang())).await;
    }
    for _ in 0..5 {
        // Those that leave at once say nothing of how long it would have taken.
        let _ = timeout(PATIENCE / 4, circuit.run(hang())).await;
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.slow, snapshot.state), (Some(9), State::Closed));
    assert_eq!(snapshot.last_calls.unwrap().failures, 0);
    let _ = timeout(PATIENCE, circuit.run(hang())).await;
    let trip = circuit.snapshot().last_trip.unwrap();
    assert_eq!(trip.reason().kind(), "slow_rate");
    assert_eq!(
        trip.reason().to_string(),
        "10 of 10 calls were slow, threshold 50 %"
    );
}

#[test]
fn a_slow_call_that_is_given_up_takes_nothing_back() {
    let bench = Bench::with(|builder| builder.slow_after(MILLI));
    bench.fail(2);
    let given_up = bench.admit();
    bench.clock.advance(SECOND);
    drop(given_up);
    assert_eq!(bench.circuit.snapshot().failures, 2, "the row goes on");
    bench.fail(1);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn slow_probes_that_are_given_up_open_it_by_the_slow_rate() {
    let probes = Probes::new(1).out_of(4).slow_rate(Percent(50.0));
    let bench = Bench::with(|builder| builder.probes(probes).slow_after(MILLI));
    bench.circuit.half_open();
    for _ in 0..2 {
        let probe = bench.admit();
        bench.clock.advance(SECOND);
        drop(probe);
    }
    let reason = Reason::ProbesSlow { slow: 2, probes: 2 };
    assert_eq!(bench.log.last().reason(), reason);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn probes_that_are_all_given_up_are_a_verdict() {
    let bench = Bench::new();
    drop(bench.probe());
    for given_up in 2..=16 {
        assert_eq!(bench.state(), State::HalfOpen, "{given_up}");
        drop(bench.admit());
    }
    assert_eq!(bench.state(), State::Open);
    assert_eq!(bench.log.last().reason(), Reason::GivenUp { calls: 16 });
    assert_eq!(bench.log.last().open_for(), Some(OPEN_FOR));
}

#[test]
fn an_answer_of_any_kind_starts_the_count_afresh_and_a_transition_does() {
    for outcome in [Outcome::Success, Outcome::Failure, Outcome::Ignored] {
        let bench = Bench::with(|builder| builder.cancelled(Cancelled::FailureAfter(4)));
        for _ in 0..100 {
            (0..4).for_each(|_| drop(bench.admit()));
            bench.admit().record(outcome);
            // So that failures do not trip.
            bench.succeed(1);
        }
        assert_eq!(bench.log.states(), [], "{outcome:?}");
        (0..4).for_each(|_| drop(bench.admit()));
        bench.circuit.close();
        (0..4).for_each(|_| drop(bench.admit()));
        assert_eq!(bench.circuit.snapshot().failures, 0, "{outcome:?}");
        drop(bench.admit());
        assert_eq!(bench.circuit.snapshot().failures, 1, "{outcome:?}");
    }
}

/// On each way that a success takes.
#[test]
fn a_success_starts_the_count_afresh_whatever_else_is_counted() {
    let window = || Trip::failure_rate(Percent(90.0), Window::calls(10));
    type Change = fn(CircuitBuilder) -> CircuitBuilder;
    let kinds: [Change; 6] = [
        |builder| builder,
        |builder| builder.count_calls(true),
        |builder| builder.slow_after(SECOND),
        |builder| builder.trip(Trip::failure_rate(Percent(90.0), Window::time(60 * SECOND))),
        |builder| builder.observe(|_: &breaker_layer::TransitionEvent<'_>| {}),
        |builder| builder.trip(Trip::evidence(Percent(30.0), Percent(70.0), 1000)),
    ];
    let windowed: Vec<Box<dyn Fn(CircuitBuilder) -> CircuitBuilder>> = kinds
        .into_iter()
        .map(|change| Box::new(change) as Box<dyn Fn(CircuitBuilder) -> CircuitBuilder>)
        .chain([Box::new(move |builder: CircuitBuilder| builder.trip(window())) as Box<_>])
        .collect();
    for (kind, change) in windowed.iter().enumerate() {
        let bench = Bench::with(|builder| change(builder.cancelled(Cancelled::FailureAfter(2))));
        for _ in 0..50 {
            (0..2).for_each(|_| drop(bench.admit()));
            bench.succeed(1);
        }
        (0..2).for_each(|_| drop(bench.admit()));
        assert_eq!(bench.circuit.snapshot().failures, 0, "kind {kind}");
        drop(bench.admit());
        assert_eq!(bench.circuit.snapshot().failures, 1, "kind {kind}");
    }
}

#[test]
fn an_excluded_request_that_is_answered_ends_the_row_and_one_that_is_given_up_does_neither() {
    let bench = Bench::with(|builder| builder.cancelled(Cancelled::FailureAfter(2)));
    let mut service = BreakerLayer::new(bench.circuit.clone())
        .exclude(|request: &u32| *request == 0)
        .layer(Downstream::new());
    let give_up = |service: &mut dyn FnMut(u32)| service(1);
    let mut drops = |request| {
        assert!(poll_ready(&mut service).is_ready());
        drop(service.call(request));
    };
    give_up(&mut drops);
    give_up(&mut drops);
    drops(0);
    give_up(&mut drops);
    assert_eq!(bench.circuit.snapshot().failures, 1, "the row went on");
    assert!(support::call(&mut service, 0).is_ok());
    bench.succeed(1);
    (0..2).for_each(|_| drop(bench.admit()));
    assert!(support::call(&mut service, 0).is_ok());
    (0..2).for_each(|_| drop(bench.admit()));
    assert_eq!(bench.circuit.snapshot().failures, 0, "it had ended");
}

#[test]
fn stragglers_neither_count_nor_start_the_count_afresh() {
    let bench = Bench::with(|builder| builder.cancelled(Cancelled::FailureAfter(2)));
    let stragglers: Vec<_> = (0..9).map(|_| bench.admit()).collect();
    bench.circuit.close();
    (0..2).for_each(|_| drop(bench.admit()));
    for (number, straggler) in stragglers.into_iter().enumerate() {
        match number % 3 {
            0 => straggler.record(Outcome::Success),
            1 => straggler.record(Outcome::Ignored),
            _ => drop(straggler),
        }
    }
    assert_eq!(bench.circuit.snapshot().failures, 0);
    drop(bench.admit());
    assert_eq!(bench.circuit.snapshot().failures, 1);
}

#[tokio::test(start_paused = true)]
async fn the_losers_of_hedged_calls_do_not_open_a_healthy_circuit() {
    let circuit = circuit();
    let answer = async |after: Duration| {
        sleep(after).await;
        Ok::<_, BoxError>(())
    };
    let hedged = async |_: u32| {
        let (one, two) = (
            circuit.run(answer(10 * MILLI)),
            circuit.run(answer(20 * MILLI)),
        );
        tokio::select! {
            first = one => first.unwrap(),
            second = two => second.unwrap(),
        }
    };
    for round in 0..1000 {
        join_all((0..10).map(|call| hedged(round * 10 + call))).await;
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.cancelled, snapshot.generation), (10_000, 0));
}

#[tokio::test(start_paused = true)]
async fn browsers_that_close_on_every_third_call_do_not_open_a_healthy_circuit() {
    let circuit = circuit();
    let service = BreakerLayer::new(circuit.clone()).layer(service_fn(async |()| {
        sleep(PATIENCE).await;
        Ok::<_, BoxError>(())
    }));
    let browse = async |call: u32| {
        let left = call.is_multiple_of(3);
        let patience = if left { PATIENCE / 2 } else { PATIENCE * 2 };
        timeout(patience, service.clone().oneshot(())).await.is_ok()
    };
    for round in 0..300 {
        join_all((0..10).map(|call| browse(round * 10 + call))).await;
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.cancelled, snapshot.generation), (1000, 0));
    assert_eq!(snapshot.evidence, 0.0);
}

#[test]
fn a_panic_in_call_is_a_failure() {
    let circuit = circuit_with(|builder| builder.clock(ManualClock::new().clock()));
    for _ in 0..20 {
        panics(|| circuit.call(|| -> Result<(), BoxError> { panic!("told to panic") }));
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.failed), (State::Open, 15));
    assert_eq!(snapshot.last_trip.unwrap().reason().kind(), "evidence");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_run_is_a_failure_wherever_it_is_caught() {
    let circuit = circuit();
    for _ in 0..20 {
        let fetch = async || -> Result<(), BoxError> { panic!("told to panic") };
        let run = circuit.run(fetch());
        let _ = AssertUnwindSafe(run).catch_unwind().await;
    }
    assert_eq!(circuit.snapshot().failed, 15);
    assert_eq!(circuit.state(), State::Open);
}

#[test]
fn a_panic_in_a_service_is_a_failure_wherever_it_is_caught() {
    for answer in [Answer::PanicInCall, Answer::PanicInFuture] {
        for caught_outside in [false, true] {
            let bench = Bench::new();
            let layer = BreakerLayer::new(bench.circuit.clone());
            let mut service = layer.layer(Downstream::always(answer));
            for failed in 1..=3 {
                let panicked = panics(|| {
                    assert!(poll_ready(&mut service).is_ready());
                    let response = service.call(1);
                    if caught_outside {
                        // The future lives on when the panic is over.
                        let mut response = Box::pin(AssertUnwindSafe(response).catch_unwind());
                        let caught = (&mut response).now_or_never();
                        assert!(caught.unwrap().is_err());
                        assert_eq!(bench.circuit.snapshot().failed, failed);
                        std::panic::resume_unwind(Box::new("caught"));
                    }
                    response.now_or_never()
                });
                assert!(panicked);
                assert_eq!(bench.circuit.snapshot().failed, failed, "{answer:?}");
            }
            assert_eq!(bench.circuit.snapshot().cancelled, 0);
            assert_eq!(bench.state(), State::Open);
        }
    }
}

/// A panic of the caller's own drops all that he has under way: it says nothing about the downstream.
#[tokio::test]
async fn the_calls_that_a_caller_s_panic_ends_are_ignored() {
    let circuit = circuit();
    let mut service = BreakerLayer::new(circuit.clone()).layer(Downstream::always(Answer::Hang));
    for round in 1..=5 {
        let hang = || circuit.run(pending::<Result<(), BoxError>>());
        let mut runs: Vec<_> = (0..20).map(|_| Box::pin(hang())).collect();
        let mut call = || {
            assert!(poll_ready(&mut service).is_ready());
            Box::pin(service.call(1))
        };
        let mut calls: Vec<_> = (0..20).map(|_| call()).collect();
        assert!(runs.iter_mut().all(|run| run.now_or_never().is_none()));
        assert!(calls.iter_mut().all(|call| call.now_or_never().is_none()));
        assert!(panics(move || {
            let _under_way = (runs, calls);
            panic!("told to panic");
        }));
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.failed, snapshot.cancelled), (0, 0));
        assert_eq!((snapshot.ignored, snapshot.generation), (40 * round, 0));
    }
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn the_calls_with_a_limit_that_a_caller_s_panic_ends_are_ignored() {
    let circuit = circuit();
    let hang = || circuit.run_within(SECOND, pending::<Result<(), BoxError>>());
    let mut runs: Vec<_> = (0..40).map(|_| Box::pin(hang())).collect();
    assert!(runs.iter_mut().all(|run| run.now_or_never().is_none()));
    assert!(panics(move || {
        let _under_way = runs;
        panic!("told to panic");
    }));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.failed, snapshot.ignored), (0, 40));
}

#[tokio::test]
async fn of_many_calls_that_are_polled_together_only_the_one_that_panics_is_a_failure() {
    let circuit = circuit();
    let calls: Vec<_> = (0..40)
        .map(|number| {
            let circuit = circuit.clone();
            let fetch = async move {
                tokio::task::yield_now().await;
                assert_ne!(number, 20, "told to panic");
                pending::<Result<(), BoxError>>().await
            };
            async move { circuit.run(fetch).await }
        })
        .collect();
    let all = tokio::spawn(join_all(calls)).await;
    assert!(all.is_err_and(|error| error.is_panic()));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.failed, snapshot.ignored), (1, 39));
}

#[test]
fn a_panic_is_a_cancelled_call_where_the_user_said_so() {
    let bench = Bench::with(|builder| builder.panic_is_failure(false));
    let layer = BreakerLayer::new(bench.circuit.clone());
    for answer in [Answer::PanicInCall, Answer::PanicInFuture] {
        let mut service = layer.layer(Downstream::always(answer));
        assert!(panics(|| support::call(&mut service, 1)));
    }
    assert!(panics(|| {
        let _permit = bench.admit();
        panic!("told to panic");
    }));
    let snapshot = bench.circuit.snapshot();
    assert_eq!((snapshot.cancelled, snapshot.failed), (3, 0));
}

#[cfg(feature = "keyed")]
mod keyed {
    use breaker_layer::{Config, keyed::KeyedCircuits};

    use super::*;

    fn hosts(config: Config) -> KeyedCircuits<u32> {
        KeyedCircuits::builder("hosts")
            .config(config)
            .clock(ManualClock::new().clock())
            .build()
            .unwrap()
    }

    #[test]
    fn a_key_whose_calls_are_all_given_up_opens_its_circuit() {
        let hosts = hosts(Config::new());
        for call in 1..=30 {
            assert_eq!(hosts.state(&1), State::Closed, "{call}");
            drop(hosts.try_acquire(1).unwrap());
        }
        is_open_because_all_were_given_up(&hosts.get(&1).unwrap(), 30);
        assert_eq!(hosts.state(&2), State::Closed);
    }

    #[test]
    fn a_key_that_answers_keeps_no_circuit_for_what_was_given_up() {
        let hosts = hosts(Config::new());
        for _ in 0..100 {
            (0..10).for_each(|_| drop(hosts.try_acquire(1).unwrap()));
            assert_eq!(hosts.len(), 1);
            hosts.try_acquire(1).unwrap().record(Outcome::Success);
            assert_eq!(hosts.len(), 0);
        }
    }

    #[test]
    fn calls_that_were_under_way_without_a_circuit_count_in_the_one_that_is_made() {
        // They end at the same time, and are no single event here.
        let hosts = hosts(Config::new().one_event(Duration::ZERO));
        let calls: Vec<_> = (0..30).map(|_| hosts.try_acquire(1).unwrap()).collect();
        assert!(hosts.is_empty());
        drop(calls);
        is_open_because_all_were_given_up(&hosts.get(&1).unwrap(), 30);
    }

    #[test]
    fn a_cancelled_call_makes_no_circuit_where_it_is_ignored() {
        let hosts = hosts(Config::new().cancelled(Cancelled::Ignored));
        (0..100).for_each(|_| drop(hosts.try_acquire(1).unwrap()));
        assert!(hosts.is_empty());
    }

    #[test]
    fn the_calls_to_a_key_that_a_caller_s_panic_ends_are_ignored() {
        let hosts = hosts(Config::new());
        hosts.try_acquire(1).unwrap().record(Outcome::Failure);
        let hang = || hosts.run(1, pending::<Result<(), BoxError>>());
        let mut runs: Vec<_> = (0..40).map(|_| Box::pin(hang())).collect();
        assert!(runs.iter_mut().all(|run| run.now_or_never().is_none()));
        assert!(panics(move || {
            let _under_way = runs;
            panic!("told to panic");
        }));
        let snapshot = hosts.get(&1).unwrap().snapshot();
        assert_eq!((snapshot.failed, snapshot.ignored), (1, 40));
    }

    #[test]
    fn a_panic_is_a_failure_of_its_key_unless_the_user_said_otherwise() {
        for is_failure in [true, false] {
            let hosts = hosts(Config::new().panic_is_failure(is_failure));
            for _ in 0..2 {
                panics(|| {
                    let _permit = hosts.try_acquire(1).unwrap();
                    panic!("told to panic");
                });
            }
            let snapshot = hosts.get(&1).unwrap().snapshot();
            let counted = if is_failure { (2, 0) } else { (0, 2) };
            assert_eq!((snapshot.failed, snapshot.cancelled), counted);
        }
    }
}

#[cfg(feature = "http")]
mod bodies {
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use breaker_layer::http::{EndOfStream, GrpcErrors, ServerErrors};
    use bytes::Bytes;
    use http::{Request, Response};
    use http_body::{Body, Frame};

    use super::*;

    struct Panics;

    impl Body for Panics {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("told to panic")
        }
    }

    #[test]
    fn the_bodies_that_a_caller_s_panic_drops_are_ignored() {
        let bench = Bench::new();
        let service = BreakerLayer::new(bench.circuit.clone())
            .settle_with(EndOfStream::new(GrpcErrors::new()))
            .layer(service_fn(async |_: Request<()>| {
                Ok::<_, Infallible>(Response::new(Panics))
            }));
        let answer = || service.clone().oneshot(Request::new(())).now_or_never();
        let answers: Vec<_> = (0..40).map(|_| answer()).collect();
        assert!(panics(move || {
            let _unread = answers;
            panic!("told to panic");
        }));
        let snapshot = bench.circuit.snapshot();
        assert_eq!((snapshot.failed, snapshot.ignored), (0, 40));
    }

    #[test]
    fn a_panic_of_a_body_is_a_failure_wherever_it_is_caught() {
        let bench = Bench::new();
        let settle = EndOfStream::new(ServerErrors::new()).on_early_drop(Outcome::Success);
        let service = BreakerLayer::new(bench.circuit.clone())
            .settle_with(settle)
            .layer(service_fn(async |_: Request<()>| {
                Ok::<_, Infallible>(Response::new(Panics))
            }));
        for failed in 1..=3 {
            let answer = service.clone().oneshot(Request::new(())).now_or_never();
            let mut response = answer.unwrap().unwrap();
            let body = Pin::new(response.body_mut());
            assert!(panics(
                || body.poll_frame(&mut Context::from_waker(Waker::noop()))
            ));
            // The response lives on when the panic is over.
            assert_eq!(bench.circuit.snapshot().failed, failed);
        }
        assert_eq!(bench.state(), State::Open);
    }
}
