//! C13 in stacks: Tower's own middleware around the breaker and inside it.

mod support;

use std::{convert::Infallible, future::Future, task::Poll, time::Duration};

use breaker_layer::{BreakerLayer, Cancelled, Error, Outcome, Rejected, State};
use futures::FutureExt;
use support::{Answer, Bench, Downstream, Fault, OPEN_FOR, SECOND, THRESHOLD, call, poll_ready};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{
    BoxError, Layer, Service, ServiceBuilder, ServiceExt,
    buffer::Buffer,
    limit::ConcurrencyLimitLayer,
    load_shed::error::Overloaded,
    retry::Policy,
    service_fn,
    timeout::{TimeoutLayer, error::Elapsed},
};

fn layer(bench: &Bench) -> BreakerLayer {
    BreakerLayer::new(bench.circuit.clone())
}

#[tokio::test(start_paused = true)]
async fn a_buffer_around_an_open_breaker_lives_on() {
    let bench = Bench::new();
    let downstream = Downstream::new();
    let mut buffer = Buffer::new(layer(&bench).layer(downstream.clone()), 4);
    for round in 0..3 {
        bench.circuit.trip();
        for _ in 0..5 {
            let error = buffer.ready().await.unwrap().call(1).await.unwrap_err();
            let error = error.downcast::<Error<Fault>>().unwrap();
            assert!(matches!(*error, Error::Rejected(_)), "round {round}");
        }
        bench.circuit.close();
        assert_eq!(
            buffer.ready().await.unwrap().call(round).await.unwrap(),
            round
        );
    }
    assert_eq!(downstream.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_found_through_a_buffer_where_errors_are_boxed() {
    let bench = Bench::new();
    bench.circuit.trip();
    let boxed = layer(&bench).boxed_errors().layer(Downstream::new());
    let error = Buffer::new(boxed, 4).oneshot(1).await.unwrap_err();
    assert!(error.is::<Rejected>(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_buffer_inside_counts_its_closing_as_a_failure() {
    let bench = Bench::new();
    let (buffer, worker) = Buffer::pair(Downstream::new(), 1);
    drop(worker);
    let mut service = layer(&bench).boxed_errors().layer(buffer);
    for _ in 0..THRESHOLD {
        assert!(!service.ready().await.unwrap_err().is::<Rejected>());
    }
    assert_eq!(bench.state(), State::Open);
}

/// Retries so many times, but never what the circuit refused.
#[derive(Clone)]
struct Retries(u32);

impl Policy<u32, u32, Error<Fault>> for Retries {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut u32,
        result: &mut Result<u32, Error<Fault>>,
    ) -> Option<Self::Future> {
        let again = matches!(result, Err(Error::Inner(_))) && self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        again.then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &u32) -> Option<u32> {
        Some(*request)
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_around_has_each_attempt_counted_and_stops_at_a_rejection() {
    let bench = Bench::new();
    let downstream = Downstream::always(Answer::Fail);
    let mut service = ServiceBuilder::new()
        .retry(Retries(100))
        .layer(layer(&bench))
        .service(downstream.clone());
    let error = service.ready().await.unwrap().call(1).await.unwrap_err();
    assert!(matches!(error, Error::Rejected(_)));
    assert_eq!(downstream.calls(), THRESHOLD as usize);
    assert_eq!(bench.circuit.snapshot().rejected, 1);
}

/// Retries what failed, and knows no rejection.
#[derive(Clone)]
struct RetriesAll(u32);

impl<E> Policy<u32, u32, E> for RetriesAll {
    type Future = std::future::Ready<()>;

    fn retry(&mut self, _: &mut u32, result: &mut Result<u32, E>) -> Option<Self::Future> {
        self.0 = self.0.checked_sub(u32::from(result.is_err()))?;
        result.is_err().then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &u32) -> Option<u32> {
        Some(*request)
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_inside_has_the_call_counted_once() {
    let bench = Bench::new();
    let downstream = Downstream::answering([Answer::Fail, Answer::Fail]);
    let mut service = ServiceBuilder::new()
        .layer(layer(&bench))
        .retry(RetriesAll(2))
        .service(downstream.clone());
    assert_eq!(service.ready().await.unwrap().call(7).await.unwrap(), 7);
    assert_eq!(downstream.calls(), 3);
    assert_eq!(bench.circuit.snapshot().failed, 0);

    downstream.answer([Answer::Fail; 3]);
    assert!(service.ready().await.unwrap().call(7).await.is_err());
    assert_eq!(bench.circuit.snapshot().failed, 1);
}

#[tokio::test(start_paused = true)]
async fn load_shed_around_sheds_nothing_that_is_rejected() {
    let bench = Bench::new();
    bench.circuit.trip();
    let downstream = Downstream::new();
    downstream.ready([support::Ready::Pending; 9]);
    let mut service = ServiceBuilder::new()
        .load_shed()
        .layer(layer(&bench).boxed_errors())
        .service(downstream);
    let error = service.ready().await.unwrap().call(1).await.unwrap_err();
    assert!(error.is::<Rejected>(), "not overloaded: {error:?}");
    bench.circuit.close();
    let error = service.ready().await.unwrap().call(1).await.unwrap_err();
    assert!(error.is::<Overloaded>(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn load_shed_inside_has_what_it_sheds_classified() {
    let bench = Bench::new();
    let downstream = Downstream::new();
    downstream.ready([support::Ready::Pending; 9]);
    let shed_is_ignored = |result: Result<&u32, &BoxError>| match result {
        Ok(_) => Outcome::Success,
        Err(error) if error.is::<Overloaded>() => Outcome::Ignored,
        Err(_) => Outcome::Failure,
    };
    let mut service = ServiceBuilder::new()
        .layer(layer(&bench).classify(shed_is_ignored).boxed_errors())
        .load_shed()
        .service(downstream);
    for _ in 0..5 {
        let error = service.ready().await.unwrap().call(1).await.unwrap_err();
        assert!(error.is::<Overloaded>());
    }
    let snapshot = bench.circuit.snapshot();
    assert_eq!((snapshot.ignored, snapshot.failed), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_is_a_failure() {
    let bench = Bench::new();
    let mut service = ServiceBuilder::new()
        .layer(layer(&bench).boxed_errors())
        .timeout(SECOND)
        .service(Downstream::always(Answer::Hang));
    for _ in 0..THRESHOLD {
        let error = service.ready().await.unwrap().call(1).await.unwrap_err();
        assert!(error.is::<Elapsed>());
    }
    assert_eq!(bench.state(), State::Open);
    let error = service.ready().await.unwrap().call(1).await.unwrap_err();
    assert!(error.is::<Rejected>());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_outside_cancels_and_that_is_a_failure_only_where_the_user_said_so() {
    for (cancelled, state) in [
        (Cancelled::default(), State::Closed),
        (Cancelled::Ignored, State::Closed),
        (Cancelled::Failure, State::Open),
    ] {
        let bench = Bench::with(|builder| builder.cancelled(cancelled));
        let mut service = ServiceBuilder::new()
            .layer(TimeoutLayer::new(SECOND))
            .layer(layer(&bench))
            .service(Downstream::always(Answer::Hang));
        for _ in 0..THRESHOLD {
            let error = service.ready().await.unwrap().call(1).await.unwrap_err();
            assert!(error.is::<Elapsed>());
        }
        assert_eq!(bench.state(), state);
        assert_eq!(bench.circuit.snapshot().cancelled, THRESHOLD.into());
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_in_time_is_not_touched_by_a_timeout_on_either_side() {
    let bench = Bench::new();
    let slow = service_fn(async |request: u32| {
        tokio::time::sleep(Duration::from_millis(900)).await;
        Ok::<_, Infallible>(request)
    });
    let mut service = ServiceBuilder::new()
        .layer(TimeoutLayer::new(SECOND))
        .layer(layer(&bench).boxed_errors())
        .timeout(SECOND)
        .service(slow);
    assert_eq!(service.ready().await.unwrap().call(5).await.unwrap(), 5);
    assert_eq!(bench.circuit.snapshot().failures, 0);
}

/// Why the guide says that a concurrency limit belongs outside: inside, a refused call keeps the limit's permit.
#[test]
fn a_concurrency_limit_inside_is_held_by_a_service_whose_call_was_refused() {
    let bench = Bench::new();
    let limit = ConcurrencyLimitLayer::new(1);
    let limited = limit.layer(Downstream::new());
    let mut refused = layer(&bench).layer(limited.clone());
    let mut other = layer(&bench).layer(limited);

    assert_ready_ok!(poll_ready(&mut refused));
    bench.circuit.trip();
    assert!(refused.call(1).now_or_never().unwrap().is_err());
    bench.circuit.close();

    let mut waiting = task::spawn(other.ready());
    assert_pending!(waiting.poll());
    assert_eq!(call(&mut refused, 2).unwrap(), 2, "it serves the next call");
    assert!(waiting.is_woken());
    drop(waiting);
    assert_eq!(call(&mut other, 3).unwrap(), 3);
}

#[test]
fn a_concurrency_limit_outside_is_given_back_by_a_call_that_is_refused() {
    let bench = Bench::new();
    let limited = ConcurrencyLimitLayer::new(1).layer(layer(&bench).layer(Downstream::new()));
    let (mut refused, mut other) = (limited.clone(), limited);

    assert_ready_ok!(poll_ready(&mut refused));
    assert_pending!(poll_ready(&mut other));
    bench.circuit.trip();
    assert!(refused.call(1).now_or_never().unwrap().is_err());
    bench.circuit.close();
    assert_eq!(call(&mut other, 2).unwrap(), 2);
}

#[test]
fn a_concurrency_limit_inside_that_is_full_holds_no_probe_s_place() {
    let bench = Bench::new();
    let limited = ConcurrencyLimitLayer::new(1).layer(Downstream::always(Answer::Hang));
    let mut busy = limited.clone();
    assert_ready_ok!(poll_ready(&mut busy));
    let hung = busy.call(1);

    bench.open();
    bench.clock.advance(OPEN_FOR);
    let mut service = layer(&bench).layer(limited);
    let mut waiting = task::spawn(());
    let pending = waiting.enter(|cx, _| service.poll_ready(cx));
    assert!(pending.is_pending());
    let probe = bench.admit();
    drop(probe);
    drop(hung);
    assert!(waiting.is_woken());
    assert_ready_ok!(poll_ready(&mut service));
}

#[tokio::test(start_paused = true)]
async fn the_stack_of_the_readme_opens_rejects_probes_and_closes() {
    let bench = Bench::new();
    let downstream = Downstream::answering([Answer::Fail; THRESHOLD as usize + 1]);
    let mut service = ServiceBuilder::new()
        .buffer(8)
        .concurrency_limit(4)
        .load_shed()
        .layer(layer(&bench).boxed_errors())
        .timeout(SECOND)
        .service(downstream.clone());
    let mut go = async |request| service.ready().await.unwrap().call(request).await;
    for request in 0..THRESHOLD {
        let error = go(request).await.unwrap_err();
        assert!(error.is::<Fault>(), "{error:?}");
    }
    assert!(go(10).await.unwrap_err().is::<Rejected>());
    bench.clock.advance(OPEN_FOR);
    assert!(go(11).await.unwrap_err().is::<Fault>());
    assert!(go(12).await.unwrap_err().is::<Rejected>());
    bench.clock.advance(OPEN_FOR);
    assert_eq!(go(13).await.unwrap(), 13);
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(downstream.calls(), THRESHOLD as usize + 2);
}

#[test]
fn a_breaker_around_a_breaker_ignores_the_inner_rejection() {
    let (outer, inner) = (Bench::new(), Bench::new());
    inner.circuit.isolate();
    let mut service = layer(&outer)
        .boxed_errors()
        .layer(layer(&inner).boxed_errors().layer(Downstream::new()));
    for _ in 0..THRESHOLD {
        let error = call(&mut service, 1).unwrap_err();
        let rejected = error.downcast_ref::<Rejected>().unwrap();
        assert_eq!(rejected.retry_after(), None);
    }
    assert_eq!(outer.state(), State::Closed);
    let snapshot = outer.circuit.snapshot();
    assert_eq!((snapshot.failed, snapshot.ignored), (0, THRESHOLD.into()));
}

/// Readiness that was asked for by hand is that of Tower: a future that is dropped leaves the service as it was.
#[test]
fn dropping_the_future_that_waits_for_readiness_changes_nothing() {
    let bench = Bench::new();
    bench.circuit.half_open();
    let downstream = Downstream::new();
    downstream.ready([support::Ready::Pending]);
    let mut service = layer(&bench).layer(downstream);
    {
        let mut waiting = std::pin::pin!(service.ready());
        let cx = &mut std::task::Context::from_waker(std::task::Waker::noop());
        assert!(matches!(waiting.as_mut().poll(cx), Poll::Pending));
    }
    assert_eq!(call(&mut service, 1).unwrap(), 1);
    assert_eq!(bench.state(), State::Closed);
}
