//! C13 and C14: what `poll_ready` promises, and what becomes of it when the circuit or the inner service changes its mind.

mod support;

use std::task::Poll;

use breaker_layer::{
    Breaker, BreakerLayer, Circuit, Error, OpenTime, Outcome, Percent, Probes, Refusal, State,
    observe::Reason,
};
use futures::FutureExt;
use support::{
    Answer, Bench, Downstream, Fault, NANO, OPEN_FOR, Ready, SECOND, THRESHOLD, call, poll_ready,
};
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok};
use tower::{Layer, Service};
use tower_test::mock;

fn service(bench: &Bench, downstream: &Downstream) -> Breaker<Downstream> {
    BreakerLayer::new(bench.circuit.clone()).layer(downstream.clone())
}

/// What a call gives that is ready at once.
fn answer(service: &mut Breaker<Downstream>, request: u32) -> Result<u32, Error<Fault>> {
    service.call(request).now_or_never().expect("ready at once")
}

fn is_rejected(result: &Result<u32, Error<Fault>>) -> bool {
    matches!(result, Err(Error::Rejected(_)))
}

#[test]
fn an_open_circuit_is_ready_and_its_inner_service_is_neither_polled_nor_called() {
    let bench = Bench::new();
    for enter in [Circuit::trip, Circuit::isolate] {
        enter(&bench.circuit);
        let downstream = Downstream::new();
        downstream.ready([Ready::Fail]);
        let mut service = service(&bench, &downstream);
        for request in 0..3 {
            assert_ready_ok!(poll_ready(&mut service));
            assert!(is_rejected(&answer(&mut service, request)));
        }
        assert_eq!((downstream.polls(), downstream.calls()), (0, 0));
    }
}

#[test]
fn a_half_open_circuit_with_no_room_is_ready_too() {
    let bench = Bench::new();
    let _probe = bench.probe();
    let downstream = Downstream::new();
    let mut service = service(&bench, &downstream);
    assert_ready_ok!(poll_ready(&mut service));
    let Err(Error::Rejected(rejected)) = answer(&mut service, 1) else {
        panic!("it is rejected")
    };
    assert!(matches!(rejected.refusal(), Refusal::ProbesTaken { .. }));
    assert_eq!((downstream.polls(), downstream.calls()), (0, 0));
}

#[test]
fn after_a_ready_that_stood_for_a_rejection_call_rejects_though_the_circuit_is_due_since() {
    let bench = Bench::new();
    bench.open();
    let downstream = Downstream::new();
    let mut service = service(&bench, &downstream);
    bench.clock.advance(OPEN_FOR - NANO);
    assert_ready_ok!(poll_ready(&mut service));
    bench.clock.advance(NANO);
    assert_ready_ok!(poll_ready(&mut service));
    let Err(Error::Rejected(rejected)) = answer(&mut service, 1) else {
        panic!("inner was not polled, so it must not be called")
    };
    assert_eq!(rejected.retry_after(), Some(NANO), "as it was then");
    assert_eq!((downstream.polls(), downstream.calls()), (0, 0));
    assert_eq!(
        call(&mut service, 2).unwrap(),
        2,
        "the next call is the probe"
    );
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn after_a_ready_that_stood_for_a_rejection_call_rejects_though_the_circuit_closed_since() {
    let bench = Bench::new();
    bench.circuit.trip();
    let downstream = Downstream::new();
    let mut service = service(&bench, &downstream);
    assert_ready_ok!(poll_ready(&mut service));
    bench.circuit.close();
    assert!(is_rejected(&answer(&mut service, 1)));
    assert_eq!((downstream.polls(), downstream.calls()), (0, 0));
    assert_eq!(call(&mut service, 2).unwrap(), 2);
}

#[test]
fn after_inner_s_ready_a_call_is_refused_if_the_circuit_tripped_and_the_readiness_is_kept() {
    let bench = Bench::new();
    let downstream = Downstream::new();
    let mut service = service(&bench, &downstream);
    assert_ready_ok!(poll_ready(&mut service));
    bench.circuit.trip();
    assert_ready_ok!(poll_ready(&mut service));
    assert!(is_rejected(&answer(&mut service, 1)));
    assert_eq!((downstream.polls(), downstream.calls()), (1, 0));

    assert!(is_rejected(&call(&mut service, 2)), "it is still open");
    bench.clock.advance(OPEN_FOR);
    downstream.ready([Ready::Fail]);
    assert_eq!(call(&mut service, 3).unwrap(), 3);
    assert_eq!((downstream.polls(), downstream.calls()), (1, 1));

    downstream.ready([Ready::Yes]);
    assert!(
        call(&mut service, 4).is_err(),
        "it was kept for one call only"
    );
    assert_eq!(downstream.polls(), 2);
}

#[test]
fn the_path_that_inner_s_ready_chose_is_kept_whatever_is_polled_since() {
    let bench = Bench::new();
    let downstream = Downstream::new();
    let mut service = service(&bench, &downstream);
    assert_ready_ok!(poll_ready(&mut service));
    bench.circuit.trip();
    assert_ready_ok!(poll_ready(&mut service));
    bench.circuit.close();
    assert_eq!(answer(&mut service, 1).unwrap(), 1);
    assert_eq!((downstream.polls(), downstream.calls()), (1, 1));
}

#[test]
fn a_service_polled_ready_and_never_called_takes_and_counts_nothing() {
    let bench = Bench::new();
    bench.circuit.half_open();
    let downstream = Downstream::new();
    let mut idle = service(&bench, &downstream);
    for _ in 0..3 {
        assert_ready_ok!(poll_ready(&mut idle));
    }
    assert_eq!(downstream.polls(), 1, "once ready it stays ready");
    assert_eq!(call(&mut service(&bench, &downstream), 1).unwrap(), 1);
    assert_eq!(bench.state(), State::Closed, "the one place was free");

    bench.circuit.trip();
    assert_ready_ok!(poll_ready(&mut service(&bench, &downstream)));
    drop(idle);
    let snapshot = bench.circuit.snapshot();
    assert_eq!((snapshot.rejected, snapshot.cancelled), (0, 0));
}

#[test]
fn of_two_services_that_are_ready_for_the_one_probe_one_is_refused() {
    let bench = Bench::new();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    let downstream = Downstream::always(Answer::Hang);
    let (mut one, mut two) = (service(&bench, &downstream), service(&bench, &downstream));
    assert_ready_ok!(poll_ready(&mut one));
    assert_ready_ok!(poll_ready(&mut two));
    let _probe = one.call(1);
    assert!(is_rejected(&answer(&mut two, 2)));
    assert_eq!(downstream.calls(), 1);
}

#[test]
fn a_clone_starts_unready() {
    let bench = Bench::new();
    let downstream = Downstream::new();
    let mut original = service(&bench, &downstream);
    assert_ready_ok!(poll_ready(&mut original));
    let mut clone = original.clone();
    downstream.ready([Ready::Pending]);
    assert_pending!(poll_ready(&mut clone));
    assert_eq!(answer(&mut original, 1).unwrap(), 1);
    assert_ready_ok!(poll_ready(&mut clone));
    assert_eq!(answer(&mut clone, 2).unwrap(), 2);

    bench.circuit.trip();
    assert_ready_ok!(poll_ready(&mut original));
    bench.circuit.close();
    assert_eq!(call(&mut original.clone(), 3).unwrap(), 3);
    assert!(
        is_rejected(&answer(&mut original, 4)),
        "its own path stands"
    );
}

#[test]
fn a_clone_does_not_take_the_readiness_that_was_kept() {
    let bench = Bench::new();
    let downstream = Downstream::new();
    let mut original = service(&bench, &downstream);
    assert_ready_ok!(poll_ready(&mut original));
    bench.circuit.trip();
    assert!(is_rejected(&answer(&mut original, 1)));
    bench.circuit.close();
    // The downstream panics if the clone calls it without having polled it.
    assert_eq!(call(&mut original.clone(), 2).unwrap(), 2);
    assert_eq!(downstream.polls(), 2);
}

#[test]
fn a_trip_does_not_wake_a_task_that_waits_for_inner_but_its_next_poll_sees_it() {
    let bench = Bench::new();
    let layer = BreakerLayer::new(bench.circuit.clone());
    let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(layer);
    handle.allow(0);
    assert_pending!(service.poll_ready());
    bench.circuit.trip();
    assert!(!service.is_woken());
    assert_ready_ok!(service.poll_ready());
    let Some(Err(Error::Rejected(_))) = service.call(1).now_or_never() else {
        panic!("it is rejected")
    };
    bench.circuit.close();
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert!(service.is_woken(), "inner wakes it as ever");
    assert_ready_ok!(service.poll_ready());
}

#[test]
fn an_inner_service_that_is_pending_holds_no_probe_s_place() {
    let bench = Bench::new();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    let layer = BreakerLayer::new(bench.circuit.clone());
    let (mut waiting, mut handle) = mock::spawn_layer::<u32, u32, _>(layer);
    handle.allow(0);
    assert_pending!(waiting.poll_ready());
    assert_eq!(bench.log.states(), [State::Open], "nothing was admitted");

    let probe = bench.admit();
    assert_ready_ok!(waiting.poll_ready());
    let Some(Err(Error::Rejected(_))) = waiting.call(1).now_or_never() else {
        panic!("the place is taken")
    };
    drop(probe);
    assert_pending!(waiting.poll_ready());
    bench.succeed(1);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn an_inner_readiness_error_is_passed_on_and_counts_as_a_failure() {
    let bench = Bench::new();
    let downstream = Downstream::new();
    downstream.ready([Ready::Fail; THRESHOLD as usize]);
    let mut service = service(&bench, &downstream);
    for failures in 1..=THRESHOLD {
        let Error::Inner(fault) = assert_ready_err!(poll_ready(&mut service)) else {
            panic!("it is inner's own error")
        };
        assert_eq!(fault, Fault(503));
        assert_eq!(bench.circuit.snapshot().failed, failures.into());
    }
    assert_eq!(bench.state(), State::Open);
    assert_eq!(bench.circuit.snapshot().rejected, 0);
    assert_ready_ok!(poll_ready(&mut service));
}

#[test]
fn an_inner_readiness_error_is_classified_like_any_other() {
    let bench = Bench::new();
    let downstream = Downstream::new();
    downstream.ready([Ready::Fail; 10]);
    let ignore = |result: Result<&u32, &Fault>| match result {
        Ok(_) => Outcome::Success,
        Err(Fault(503)) => Outcome::Ignored,
        Err(_) => Outcome::Failure,
    };
    let mut service = BreakerLayer::new(bench.circuit.clone())
        .classify(ignore)
        .layer(downstream);
    for _ in 0..10 {
        assert_ready_err!(poll_ready(&mut service));
    }
    let snapshot = bench.circuit.snapshot();
    assert_eq!((snapshot.ignored, snapshot.failures), (10, 0));
}

#[test]
fn an_inner_readiness_error_is_a_probe_s_failure_while_half_open() {
    let bench = Bench::new();
    bench.open();
    bench.clock.advance(OPEN_FOR);
    let downstream = Downstream::new();
    downstream.ready([Ready::Fail]);
    let mut service = service(&bench, &downstream);
    assert_ready_err!(poll_ready(&mut service));
    assert_eq!(bench.state(), State::Open);
    let reason = Reason::ProbesFailed {
        failures: 1,
        probes: 1,
    };
    assert_eq!(bench.log.last().reason(), reason);
    assert_eq!(downstream.calls(), 0);
}

/// Inner's failing is what trips the circuit; nobody was rejected by that.
#[test]
fn an_inner_readiness_error_that_comes_with_a_trip_is_no_rejection() {
    struct Tripping(Circuit);
    impl Service<u32> for Tripping {
        type Response = u32;
        type Error = Fault;
        type Future = std::future::Ready<Result<u32, Fault>>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Fault>> {
            self.0.trip();
            Poll::Ready(Err(Fault(1)))
        }

        fn call(&mut self, request: u32) -> Self::Future {
            std::future::ready(Ok(request))
        }
    }
    let bench = Bench::new();
    let mut service =
        BreakerLayer::new(bench.circuit.clone()).layer(Tripping(bench.circuit.clone()));
    assert_ready_err!(poll_ready(&mut service));
    assert_eq!(bench.circuit.snapshot().rejected, 0);
}

#[test]
fn a_response_is_classified_by_what_the_user_said() {
    let bench = Bench::new();
    let odd_is_bad = |result: Result<&u32, &Fault>| match result {
        Ok(answer) if answer % 2 == 1 => Outcome::Failure,
        Ok(_) => Outcome::Success,
        Err(_) => Outcome::Ignored,
    };
    let downstream = Downstream::new();
    let mut service = BreakerLayer::new(bench.circuit.clone())
        .classify(odd_is_bad)
        .layer(downstream.clone());
    assert_eq!(call(&mut service, 1).unwrap(), 1);
    assert_eq!(call(&mut service, 3).unwrap(), 3);
    assert_eq!(bench.circuit.snapshot().failures, 2);
    downstream.answer([Answer::Fail]);
    assert!(call(&mut service, 5).is_err());
    assert_eq!(bench.circuit.snapshot().failures, 2);
    assert_eq!(call(&mut service, 2).unwrap(), 2);
    assert_eq!(bench.circuit.snapshot().failures, 0);
}

#[test]
fn errors_are_failures_by_default() {
    let bench = Bench::new();
    let downstream = Downstream::always(Answer::Fail);
    let mut service = service(&bench, &downstream);
    for request in 0..THRESHOLD {
        assert_eq!(
            call(&mut service, request).unwrap_err(),
            Error::Inner(Fault(request))
        );
    }
    assert!(is_rejected(&call(&mut service, 9)));
    assert_eq!(downstream.calls(), THRESHOLD as usize);
}

/// A request that drew again at each poll would be drawn sooner or later.
#[test]
fn a_request_draws_once_however_often_it_is_polled() {
    let share = OpenTime::probe_share(Percent(2.0), SECOND, 3600 * SECOND);
    let bench = Bench::with(|builder| builder.open_time(share));
    let mut drawn = 0;
    for _ in 0..500 {
        bench.circuit.trip();
        bench.clock.advance(SECOND + SECOND / 10);
        let downstream = Downstream::new();
        downstream.ready([Ready::Pending; 20]);
        let mut service = service(&bench, &downstream);
        for _ in 0..20 {
            if poll_ready(&mut service).is_ready() {
                break;
            }
            bench.clock.advance(NANO);
        }
        drawn += u32::from(downstream.polls() > 0);
        if downstream.polls() > 0 {
            assert_eq!(downstream.polls(), 20, "drawn once it stays drawn");
        }
    }
    assert!((1..=30).contains(&drawn), "{drawn} of 500 were drawn");
}

#[test]
fn a_request_that_was_refused_and_the_next_one_draw_each_for_itself() {
    let share = OpenTime::probe_share(Percent(20.0), SECOND, 3600 * SECOND);
    let bench = Bench::with(|builder| builder.open_time(share).probes(Probes::new(1)));
    bench.circuit.trip();
    bench.clock.advance(2 * SECOND);
    let downstream = Downstream::always(Answer::Hang);
    let mut service = service(&bench, &downstream);
    // The time stands still, so that only the draws tell the requests apart.
    let refused = (0..1000)
        .take_while(|_| {
            assert_ready_ok!(poll_ready(&mut service));
            service.call(1).now_or_never().is_some()
        })
        .count();
    assert!(refused < 1000, "no request was ever drawn");
    assert_eq!(bench.state(), State::HalfOpen);
}

#[test]
fn a_service_shows_its_circuit_and_its_inner_service() {
    let bench = Bench::new();
    let downstream = Downstream::new();
    let mut service = service(&bench, &downstream);
    service.circuit().trip();
    assert_eq!(bench.state(), State::Open);
    assert!(poll_ready(service.get_mut()).is_ready());
    assert_eq!(service.get_ref().polls(), 1);
    assert_eq!(service.into_inner().polls(), 1);
}
