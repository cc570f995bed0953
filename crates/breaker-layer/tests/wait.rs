//! C18: waiting for the circuit instead of being rejected.
#![cfg(feature = "tokio")]

mod support;

use std::{
    sync::{Arc, Mutex},
    task::Poll,
};

use breaker_layer::{
    BreakerLayer, Cancelled, Circuit, CircuitBuilder, Config, Error, Observe, OpenTime, Percent,
    Probes, Ramp, State, TransitionEvent, clock::Clock, observe::EndedEvent, service::Wait,
};
use support::{
    Answer, Bench, Downstream, Fault, MILLI, OPEN_FOR, PROBE_TIMEOUT, Ready, SECOND, THRESHOLD,
    alone,
};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};

type Task<'a> = task::Spawn<futures::future::BoxFuture<'a, Result<(), Error<Fault>>>>;

fn bench() -> Bench {
    bench_with(|builder| builder)
}

fn bench_with(change: impl FnOnce(CircuitBuilder) -> CircuitBuilder) -> Bench {
    Bench::with(|builder| change(builder.clock(Clock::tokio())))
}

fn service(bench: &Bench, downstream: &Downstream) -> Wait<Downstream> {
    BreakerLayer::new(bench.circuit.clone())
        .wait()
        .layer(downstream.clone())
}

/// A task that waits until the service is ready.
fn ready(service: &mut Wait<Downstream>) -> Task<'_> {
    use futures::FutureExt;
    task::spawn(async { service.ready().await.map(|_| ()) }.boxed())
}

fn poll_once(service: &mut Wait<Downstream>) -> Poll<Result<(), Error<Fault>>> {
    task::spawn(()).enter(|cx, _| service.poll_ready(cx))
}

#[tokio::test(start_paused = true)]
async fn a_closed_circuit_is_ready_when_inner_is() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    downstream.ready([Ready::Pending]);
    assert_pending!(poll_once(&mut service));
    assert_ready_ok!(poll_once(&mut service));
    assert_eq!(service.call(1).await, Ok(1));
    assert_eq!(bench.circuit.snapshot().cancelled, 0);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_is_pending_and_its_inner_service_is_not_polled() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    bench.open();
    assert_pending!(poll_once(&mut service));
    assert_eq!((downstream.polls(), downstream.calls()), (0, 0));
    assert_eq!(bench.circuit.snapshot().rejected, 0);
}

#[tokio::test(start_paused = true)]
async fn time_wakes_it_when_the_open_time_is_over_and_not_before() {
    for refuse in [Circuit::trip, |circuit: &Circuit| {
        circuit.isolate_for(OPEN_FOR)
    }] {
        let bench = bench();
        refuse(&bench.circuit);
        time_wakes_it(&bench).await;
    }
}

async fn time_wakes_it(bench: &Bench) {
    let downstream = Downstream::new();
    let mut service = service(bench, &downstream);
    let mut waiting = ready(&mut service);
    assert_pending!(waiting.poll());
    advance(OPEN_FOR - MILLI).await;
    assert!(!waiting.is_woken());
    advance(MILLI).await;
    assert!(waiting.is_woken());
    assert_ready_ok!(waiting.poll());
    drop(waiting);
    assert_eq!(bench.state(), State::HalfOpen);
    assert_eq!(service.call(1).await, Ok(1));
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn it_does_not_poll_while_it_waits() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    bench.circuit.trip_for(3600 * SECOND);
    let mut waiting = ready(&mut service);
    assert_pending!(waiting.poll());
    for _ in 0..3599 {
        advance(SECOND).await;
        assert!(!waiting.is_woken());
    }
    advance(SECOND).await;
    assert!(waiting.is_woken());
}

#[tokio::test(start_paused = true)]
async fn an_operator_wakes_it() {
    for command in [
        breaker_layer::Circuit::close,
        breaker_layer::Circuit::half_open,
        breaker_layer::Circuit::reset,
        breaker_layer::Circuit::disable,
        breaker_layer::Circuit::observe_only,
    ] {
        let (bench, downstream) = (bench(), Downstream::new());
        let mut service = service(&bench, &downstream);
        bench.circuit.isolate();
        let mut waiting = ready(&mut service);
        assert_pending!(waiting.poll());
        advance(24 * 3600 * SECOND).await;
        assert!(!waiting.is_woken(), "isolated is for ever");
        command(&bench.circuit);
        assert!(waiting.is_woken());
        assert_ready_ok!(waiting.poll());
        drop(waiting);
        assert_eq!(service.call(1).await, Ok(1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_s_longer_trip_is_waited_for_too() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    bench.open();
    let mut waiting = ready(&mut service);
    assert_pending!(waiting.poll());
    bench.circuit.trip_for(60 * SECOND);
    assert!(waiting.is_woken());
    assert_pending!(waiting.poll());
    advance(60 * SECOND - MILLI).await;
    assert!(!waiting.is_woken());
    advance(MILLI).await;
    assert!(waiting.is_woken());
    assert_ready_ok!(waiting.poll());
}

#[tokio::test(start_paused = true)]
async fn ready_in_half_open_holds_a_permit() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    bench.circuit.half_open();
    assert_ready_ok!(poll_once(&mut service));
    assert!(bench.rejects());
    assert_ready_ok!(poll_once(&mut service));
    assert_eq!(service.call(1).await, Ok(1));
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_permit_is_taken_only_once_inner_is_ready() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    downstream.ready([Ready::Pending]);
    bench.circuit.half_open();
    assert_pending!(poll_once(&mut service));
    let elsewhere = bench.admit();
    assert_pending!(poll_once(&mut service));
    drop(elsewhere);
    assert_ready_ok!(poll_once(&mut service));
    // Its readiness was kept meanwhile.
    assert_eq!(downstream.polls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_was_not_used_is_given_back_on_drop_and_was_no_call() {
    let bench = bench_with(|builder| builder.cancelled(Cancelled::Failure).count_calls(true));
    let mut service = service(&bench, &Downstream::new());
    bench.circuit.half_open();
    assert_ready_ok!(poll_once(&mut service));
    drop(service);
    assert_eq!(bench.state(), State::HalfOpen);
    let snapshot = bench.circuit.snapshot();
    assert_eq!(
        (snapshot.cancelled, snapshot.ignored, snapshot.admitted),
        (0, 0, Some(0))
    );
    bench.succeed(1);
    assert_eq!(bench.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_freed_slot_wakes_whoever_waits_for_it() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    bench.circuit.half_open();
    let probe = bench.admit();
    let mut waiting = ready(&mut service);
    assert_pending!(waiting.poll());
    drop(probe);
    assert!(waiting.is_woken());
    assert_ready_ok!(waiting.poll());
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_another_service_gives_back_wakes_too() {
    let (bench, downstream) = (bench(), Downstream::new());
    let (mut first, mut second) = (service(&bench, &downstream), service(&bench, &downstream));
    bench.circuit.half_open();
    assert_ready_ok!(poll_once(&mut first));
    let mut waiting = ready(&mut second);
    assert_pending!(waiting.poll());
    drop(first);
    assert!(waiting.is_woken());
    assert_ready_ok!(waiting.poll());
}

#[tokio::test(start_paused = true)]
async fn other_settings_wake_whoever_they_make_room_for() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    bench.circuit.half_open();
    let _probe = bench.admit();
    let mut waiting = ready(&mut service);
    assert_pending!(waiting.poll());
    let config = Config::new().probes(Probes::new(2));
    bench.circuit.reconfigure(config).expect("they are good");
    assert!(waiting.is_woken());
    assert_ready_ok!(waiting.poll());
}

#[tokio::test(start_paused = true)]
async fn the_verdict_of_a_probe_wakes_every_waiter() {
    let (bench, downstream) = (bench(), Downstream::new());
    let (mut first, mut second) = (service(&bench, &downstream), service(&bench, &downstream));
    bench.circuit.half_open();
    let probe = bench.admit();
    let (mut one, mut other) = (ready(&mut first), ready(&mut second));
    assert_pending!(one.poll());
    assert_pending!(other.poll());
    probe.record(breaker_layer::Outcome::Success);
    assert!(one.is_woken() && other.is_woken());
    assert_ready_ok!(one.poll());
    assert_ready_ok!(other.poll());
}

#[tokio::test(start_paused = true)]
async fn a_readiness_lapses_with_half_open_s_deadline_and_call_decides_again() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    bench.circuit.half_open();
    assert_ready_ok!(poll_once(&mut service));
    advance(PROBE_TIMEOUT).await;
    assert!(matches!(service.call(1).await, Err(Error::Rejected(_))));
    assert_eq!(downstream.calls(), 0);

    // The same, and the circuit has closed by then.
    bench.circuit.half_open();
    assert_ready_ok!(poll_once(&mut service));
    advance(PROBE_TIMEOUT).await;
    bench.circuit.close();
    assert_eq!(service.call(2).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_readiness_that_has_lapsed_is_waited_for_again() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    bench.circuit.half_open();
    assert_ready_ok!(poll_once(&mut service));
    advance(PROBE_TIMEOUT).await;
    let mut waiting = ready(&mut service);
    assert_pending!(waiting.poll());
    assert_eq!(bench.state(), State::Open);
    advance(OPEN_FOR).await;
    assert!(waiting.is_woken());
    assert_ready_ok!(waiting.poll());
}

#[tokio::test(start_paused = true)]
async fn half_open_s_deadline_wakes_whoever_waits_for_a_slot() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    bench.circuit.half_open();
    let lost = bench.admit();
    let mut waiting = ready(&mut service);
    assert_pending!(waiting.poll());
    advance(PROBE_TIMEOUT - MILLI).await;
    assert!(!waiting.is_woken());
    advance(MILLI).await;
    assert!(waiting.is_woken());
    assert_pending!(waiting.poll());
    assert_eq!(bench.state(), State::Open);
    advance(OPEN_FOR).await;
    assert!(waiting.is_woken());
    assert_ready_ok!(waiting.poll());
    drop(lost);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_opens_after_ready_is_pending_at_the_next_poll_and_rejects_without_one() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    assert_ready_ok!(poll_once(&mut service));
    bench.open();
    assert_pending!(poll_once(&mut service));
    bench.circuit.close();
    assert_ready_ok!(poll_once(&mut service));
    bench.open();
    assert!(matches!(service.call(1).await, Err(Error::Rejected(_))));
    assert_eq!(downstream.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn inner_s_readiness_error_is_passed_on_and_counted() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    downstream.ready([Ready::Fail]);
    let error = assert_ready!(poll_once(&mut service));
    assert_eq!(error, Err(Error::Inner(Fault(503))));
    assert_eq!(bench.circuit.snapshot().failed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_clone_starts_unready_and_holds_nothing() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    bench.circuit.half_open();
    assert_ready_ok!(poll_once(&mut service));
    let mut clone = service.clone();
    assert_pending!(poll_once(&mut clone));
    assert_eq!(service.call(1).await, Ok(1));
    assert_ready_ok!(poll_once(&mut clone));
}

#[tokio::test(start_paused = true)]
async fn under_probe_share_it_is_due_after_the_shortest_wait_doubled_up_to_the_longest() {
    let (shortest, longest) = (SECOND, 5 * SECOND);
    let share = OpenTime::probe_share(Percent(1.0), shortest, longest).jitter(Percent(0.0));
    let bench = bench_with(|builder| builder.open_time(share));
    let mut service = service(&bench, &Downstream::always(Answer::Fail));
    bench.open();
    for expected in [1, 2, 4, 5, 5] {
        let since = Instant::now();
        service.ready().await.expect("inner is ready");
        assert_eq!(since.elapsed(), expected * SECOND);
        assert!(service.call(1).await.is_err());
        assert_eq!(bench.state(), State::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn under_probe_share_circuits_that_tripped_together_do_not_probe_together() {
    let share = OpenTime::probe_share(Percent(1.0), SECOND, 30 * SECOND).jitter(Percent(50.0));
    let mut waits = std::collections::BTreeSet::new();
    for seed in 0..8 {
        let bench = bench_with(|builder| builder.open_time(share).seed(seed));
        let mut service = service(&bench, &Downstream::new());
        bench.open();
        let since = Instant::now();
        service.ready().await.expect("inner is ready");
        let waited = since.elapsed();
        assert!(
            (SECOND..=SECOND.mul_f64(1.5)).contains(&waited),
            "{waited:?}"
        );
        waits.insert(waited);
    }
    assert!(waits.len() > 4, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn while_traffic_comes_back_gradually_it_waits_for_the_allowance() {
    let bench = bench_with(|builder| builder.probes(Probes::new(1)).ramp(Ramp::new(4, 64)));
    let downstream = Downstream::new();
    let mut service = service(&bench, &downstream);
    bench.open();
    let since = Instant::now();
    for request in 0..200 {
        assert_eq!(
            service.ready().await.expect("ready").call(request).await,
            Ok(request)
        );
    }
    assert!(since.elapsed() > OPEN_FOR);
    assert_eq!(bench.circuit.snapshot().rejected, 0);
}

#[tokio::test(start_paused = true)]
async fn in_the_shadow_nobody_waits() {
    let (bench, downstream) = (bench(), Downstream::always(Answer::Fail));
    bench.circuit.observe_only();
    let mut service = service(&bench, &downstream);
    for _ in 0..3 * THRESHOLD {
        assert_ready_ok!(poll_once(&mut service));
        assert!(matches!(service.call(1).await, Err(Error::Inner(_))));
    }
    assert_eq!(bench.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_gone_is_not_woken() {
    let (bench, downstream) = (bench(), Downstream::new());
    let (mut first, mut second) = (service(&bench, &downstream), service(&bench, &downstream));
    bench.circuit.isolate();
    let mut woken = task::spawn(());
    assert_pending!(woken.enter(|cx, _| first.poll_ready(cx)));
    let mut gone = task::spawn(());
    assert_pending!(gone.enter(|cx, _| second.poll_ready(cx)));
    drop(second);
    bench.circuit.close();
    assert!(woken.is_woken());
    assert!(!gone.is_woken());
}

#[tokio::test(start_paused = true)]
async fn only_the_last_task_that_polled_is_woken() {
    let (bench, downstream) = (bench(), Downstream::new());
    let mut service = service(&bench, &downstream);
    bench.circuit.isolate();
    let (mut first, mut second) = (task::spawn(()), task::spawn(()));
    assert_pending!(first.enter(|cx, _| service.poll_ready(cx)));
    assert_pending!(second.enter(|cx, _| service.poll_ready(cx)));
    bench.circuit.close();
    assert!(!first.is_woken());
    assert!(second.is_woken());
}

/// The circuit's clock is read between the look at the circuit and the registration, and closes the circuit then.
#[test]
fn a_command_between_the_look_and_the_registration_is_not_missed() {
    let mut in_between = 0;
    for reading in 0..8 {
        let hook = Arc::new(Mutex::new(None::<(usize, breaker_layer::Circuit)>));
        let hooked = hook.clone();
        let clock = Clock::new(move || {
            let mut hook = hooked.lock().expect("no panic");
            if let Some((left, circuit)) = hook.take() {
                match left.checked_sub(1) {
                    Some(left) => *hook = Some((left, circuit)),
                    None => {
                        // The command reads the clock too.
                        drop(hook);
                        circuit.close();
                    }
                }
            }
            breaker_layer::clock::Timestamp::ZERO
        });
        let bench = Bench::with(|builder| builder.clock(clock));
        let mut service = service(&bench, &Downstream::new());
        bench.circuit.isolate();
        *hook.lock().expect("no panic") = Some((reading, bench.circuit.clone()));
        let mut waiting = task::spawn(());
        let polled = waiting.enter(|cx, _| service.poll_ready(cx));
        if hook.lock().expect("no panic").take().is_none() {
            in_between += 1;
            assert!(polled.is_ready() || waiting.is_woken(), "{reading}");
        }
    }
    assert!(in_between > 1, "{in_between}");
}

/// The order of events is up to the threads; a lost wake-up would hang.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_between_threads() {
    for round in 0..200 {
        let (bench, downstream) = (bench(), Downstream::new());
        bench.circuit.isolate();
        let waiters: Vec<_> = (0..4)
            .map(|request| {
                let mut service = service(&bench, &downstream);
                tokio::spawn(async move { service.ready().await?.call(request).await })
            })
            .collect();
        let circuit = bench.circuit.clone();
        let operator = tokio::spawn(async move { circuit.half_open() });
        let answers = async {
            operator.await.expect("no panic");
            for waiter in waiters {
                assert!(waiter.await.expect("no panic").is_ok(), "round {round}");
            }
        };
        let in_time = tokio::time::timeout(20 * SECOND, answers).await;
        assert!(in_time.is_ok(), "round {round}: {:?}", bench.circuit);
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_caller_s_probes_close_the_circuit_and_wait_for_no_deadline() {
    let bench = bench_with(|builder| builder.probes(Probes::new(3).timeout(PROBE_TIMEOUT)));
    let mut service = service(&bench, &Downstream::new());
    bench.circuit.trip();
    for _ in 0..3 {
        advance(PROBE_TIMEOUT * 5).await;
        assert_ready_ok!(poll_once(&mut service));
        assert_eq!(service.call(1).await, Ok(1));
    }
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(
        bench.log.states(),
        [State::Open, State::HalfOpen, State::Closed]
    );
}

/// When its circuit ends, another one begins in the same place, with a task that waits for it.
#[derive(Clone, Default)]
struct Successor(Arc<Mutex<Option<Next>>>);

type Next = (Bench, task::Spawn<Wait<Downstream>>);

impl Observe for Successor {
    fn transition(&self, _: &TransitionEvent<'_>) {}

    fn ended(&self, _: &EndedEvent<'_>) {
        let next = bench();
        next.circuit.isolate();
        let mut waiting = task::spawn(service(&next, &Downstream::new()));
        assert_pending!(waiting.enter(|cx, mut service| service.poll_ready(cx)));
        *self.0.lock().unwrap() = Some((next, waiting));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_taken_apart_takes_no_waiter_of_another_circuit_with_it() {
    let _alone = alone();
    let successor = Successor::default();
    let Bench { circuit, .. } = bench_with(|builder| builder.observe(successor.clone()));
    circuit.isolate();
    let mut first = BreakerLayer::new(circuit).wait().layer(Downstream::new());
    assert_pending!(ready(&mut first).poll());
    drop(first.into_inner());
    let (next, waiting) = successor.0.lock().unwrap().take().unwrap();
    assert!(!waiting.is_woken());
    next.circuit.reset();
    assert!(waiting.is_woken());
}

#[tokio::test(start_paused = true)]
async fn readiness_where_every_call_passes_uncounted_is_no_call() {
    for enter in [Circuit::disable, Circuit::observe_only] {
        let bench = bench_with(|builder| builder.count_calls(true));
        enter(&bench.circuit);
        bench.circuit.trip();
        enter(&bench.circuit);
        let mut service = service(&bench, &Downstream::always(Answer::Echo));
        assert_ready_ok!(ready(&mut service).poll());
        let mut clone = service.clone();
        drop(service);
        let snapshot = bench.circuit.snapshot();
        assert_eq!((snapshot.cancelled, snapshot.admitted), (0, Some(0)));
        assert_eq!(clone.ready().await.unwrap().call(7).await, Ok(7));
        let snapshot = bench.circuit.snapshot();
        let counted = (snapshot.admitted, snapshot.succeeded);
        assert_eq!(counted, (Some(1), Some(1)));
    }
}
