//! C2 to C5: how many probes, what becomes of their places, and when the verdict falls.

mod support;

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use breaker_layer::{
    BreakerLayer, Cancelled, Circuit, CircuitBuilder, Config, OpenTime, Outcome, Percent, Probes,
    Refusal, State, observe::Reason, presets,
};
use futures::FutureExt;
use support::{
    Answer, Bench, Downstream, MILLI, NANO, OPEN_FOR, PROBE_TIMEOUT, SECOND, call, panics,
    poll_ready,
};
use tower::{Layer, Service, ServiceBuilder};

fn half_open(probes: Probes) -> Bench {
    half_open_with(probes, |builder| builder)
}

fn half_open_with(probes: Probes, change: impl FnOnce(CircuitBuilder) -> CircuitBuilder) -> Bench {
    let bench = Bench::with(|builder| change(builder.probes(probes.timeout(PROBE_TIMEOUT))));
    bench.circuit.half_open();
    bench
}

#[test]
fn no_more_probes_are_live_than_were_asked_for() {
    for most in [1, 2, 3, 254] {
        // The verdict could use more of them.
        let bench = half_open(Probes::new(most).successes(255));
        let live: Vec<_> = (0..most).map(|_| bench.admit()).collect();
        let rejected = bench.circuit.try_acquire().unwrap_err();
        let retry_after = 50 * MILLI;
        let taken = Refusal::ProbesTaken { retry_after };
        assert_eq!(rejected.refusal(), taken, "{most} probes");
        assert_eq!(rejected.retry_after(), Some(retry_after));
        drop(live);
    }
}

#[test]
fn threads_that_ask_at_once_get_exactly_the_places_there_are() {
    const THREADS: usize = 8;
    for _ in 0..50 {
        let bench = Bench::with(|builder| builder.probes(Probes::new(3)));
        bench.open();
        bench.clock.advance(OPEN_FOR);
        let start = Arc::new(Barrier::new(THREADS));
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (circuit, start) = (bench.circuit.clone(), start.clone());
                thread::spawn(move || {
                    start.wait();
                    circuit.try_acquire().ok()
                })
            })
            .collect();
        let permits: Vec<_> = threads
            .into_iter()
            .filter_map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(permits.len(), 3);
        assert_eq!(bench.log.states(), [State::Open, State::HalfOpen]);
    }
}

/// Threads that come and go all the time, so that they do meet in the middle of an admission.
#[test]
fn threads_that_cancel_and_ask_again_never_hold_more_places_than_there_are() {
    let ignored = |builder: CircuitBuilder| builder.cancelled(Cancelled::Ignored);
    let bench = half_open_with(Probes::new(3).successes(255), ignored);
    let (live, most) = (AtomicU32::new(0), AtomicU32::new(0));
    let collisions = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    let Ok(permit) = bench.circuit.try_acquire() else {
                        collisions.fetch_add(1, SeqCst);
                        continue;
                    };
                    most.fetch_max(live.fetch_add(1, SeqCst) + 1, SeqCst);
                    thread::yield_now();
                    live.fetch_sub(1, SeqCst);
                    drop(permit);
                }
            });
        }
    });
    assert!(most.into_inner() <= 3);
    assert!(collisions.into_inner() > 0, "nobody ever met another");
    let places: Vec<_> = (0..3).map(|_| bench.admit()).collect();
    assert!(bench.rejects(), "no place was lost or made up");
    drop(places);
}

#[test]
fn clones_of_a_circuit_share_its_places() {
    let bench = half_open(Probes::new(1));
    let clone: Circuit = bench.circuit.clone();
    let probe = clone.try_acquire().unwrap();
    assert!(bench.rejects());
    drop(probe);
    assert!(clone.try_acquire().is_ok());
}

#[test]
fn a_dropped_an_ignored_and_a_panicking_probe_give_their_place_back_and_may_count_for_nothing() {
    let bench = half_open_with(Probes::new(1), |builder| builder.panic_is_failure(false));
    for _ in 0..3 {
        drop(bench.admit());
        bench.admit().record(Outcome::Ignored);
        assert!(panics(|| {
            let _probe = bench.admit();
            panic!("the caller panics");
        }));
        assert_eq!(bench.state(), State::HalfOpen);
        assert_eq!(bench.circuit.snapshot().failures, 0);
    }
    bench.succeed(1);
    assert_eq!(bench.state(), State::Closed);
    let snapshot = bench.circuit.snapshot();
    assert_eq!((snapshot.cancelled, snapshot.ignored), (6, 3));
}

#[test]
fn a_cancelled_probe_is_a_failure_where_the_user_said_so() {
    let bench = Bench::with(|builder| builder.cancelled(Cancelled::Failure));
    drop(bench.probe());
    assert_eq!(bench.state(), State::Open);
    assert_eq!(
        bench.log.last().reason(),
        Reason::ProbesFailed {
            failures: 1,
            probes: 1
        }
    );
}

#[test]
fn a_response_that_is_dropped_gives_the_probe_s_place_back() {
    let bench = half_open(Probes::new(1));
    let mut service =
        BreakerLayer::new(bench.circuit.clone()).layer(Downstream::answering([Answer::Hang]));
    assert!(poll_ready(&mut service).is_ready());
    let mut hung = Box::pin(service.call(1));
    assert!(hung.as_mut().now_or_never().is_none());
    assert!(bench.rejects(), "the probe is under way");
    drop(hung);
    assert_eq!(call(&mut service, 2).unwrap(), 2);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn a_response_that_is_never_polled_holds_its_place_until_it_is_dropped() {
    let bench = half_open(Probes::new(1));
    let mut service = BreakerLayer::new(bench.circuit.clone()).layer(Downstream::new());
    assert!(poll_ready(&mut service).is_ready());
    let unpolled = service.call(1);
    assert!(bench.rejects());
    drop(unpolled);
    assert!(!bench.rejects());
    assert_eq!(bench.circuit.snapshot().cancelled, 2);
}

#[test]
fn a_panic_anywhere_in_a_call_gives_the_probe_s_place_back() {
    let bench = half_open_with(Probes::new(1), |builder| builder.panic_is_failure(false));
    let layer = BreakerLayer::new(bench.circuit.clone());
    for answer in [Answer::PanicInCall, Answer::PanicInFuture] {
        let mut service = layer.layer(Downstream::answering([answer]));
        assert!(panics(|| call(&mut service, 1)), "{answer:?}");
        assert_eq!(bench.state(), State::HalfOpen);
        assert!(!bench.rejects(), "{answer:?} gave its place back");
    }
    let classifier = |_: Result<&u32, &support::Fault>| -> Outcome { panic!("the classifier") };
    let mut service = layer.classify(classifier).layer(Downstream::new());
    assert!(panics(|| call(&mut service, 1)));
    assert!(!bench.rejects(), "the classifier's gave its place back");
}

#[test]
fn a_hung_probe_opens_the_circuit_at_its_deadline_and_changes_nothing_afterwards() {
    for end in [
        |probe: breaker_layer::Permit| probe.record(Outcome::Success),
        |probe: breaker_layer::Permit| probe.record(Outcome::Failure),
        |probe: breaker_layer::Permit| drop(probe),
    ] {
        let bench = Bench::new();
        let hung = bench.probe();
        bench.clock.advance(PROBE_TIMEOUT - NANO);
        assert!(bench.rejects());
        assert_eq!(bench.state(), State::HalfOpen);
        bench.clock.advance(NANO);
        assert!(bench.rejects());
        assert_eq!(bench.state(), State::Open);
        assert_eq!(bench.log.last().reason(), Reason::NoVerdict);

        let before = bench.picture();
        end(hung);
        assert_eq!(bench.picture(), before);
    }
}

#[test]
fn a_probe_that_is_recorded_past_the_deadline_lapses_the_period_and_decides_nothing() {
    for outcome in [Outcome::Success, Outcome::Failure] {
        let bench = Bench::new();
        let late = bench.probe();
        bench.clock.advance(PROBE_TIMEOUT);
        late.record(outcome);
        assert_eq!(bench.log.last().reason(), Reason::NoVerdict);
        assert_eq!(bench.state(), State::Open);
    }
}

#[test]
fn a_response_that_hangs_is_refused_its_say_once_the_deadline_has_passed() {
    let bench = half_open(Probes::new(1));
    let downstream = Downstream::answering([Answer::Hang]);
    let mut service = BreakerLayer::new(bench.circuit.clone()).layer(downstream);
    assert!(poll_ready(&mut service).is_ready());
    let hung = service.call(1);
    bench.clock.advance(PROBE_TIMEOUT + OPEN_FOR);
    assert_eq!(call(&mut service, 2).unwrap(), 2);
    assert_eq!(
        bench.log.states(),
        [State::HalfOpen, State::Open, State::HalfOpen, State::Closed]
    );
    drop(hung);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn each_admission_moves_the_deadline_but_never_past_four_times_the_timeout() {
    let ignored = |builder: CircuitBuilder| builder.cancelled(Cancelled::Ignored);
    let bench = half_open_with(Probes::new(2), ignored);
    let _hung = bench.admit();
    let entered = bench.clock.now();
    bench.clock.advance(PROBE_TIMEOUT - MILLI);
    drop(bench.admit());
    bench.clock.advance(PROBE_TIMEOUT - MILLI);
    assert_eq!(bench.state(), State::HalfOpen, "the admission moved it");

    // A timeout outside the breaker cancels every other probe.
    while bench.state() == State::HalfOpen {
        let lasted = bench.clock.now().saturating_since(entered);
        assert!(lasted < 4 * PROBE_TIMEOUT, "{lasted:?}");
        drop(bench.admit());
        bench.clock.advance(SECOND);
    }
    assert!(bench.rejects());
    assert_eq!(bench.log.last().reason(), Reason::NoVerdict);
    assert_eq!(
        bench.log.last().at().saturating_since(entered),
        4 * PROBE_TIMEOUT
    );
}

#[test]
fn a_probe_that_times_out_makes_the_next_wait_longer() {
    let bench = Bench::with(|builder| {
        builder.open_time(OpenTime::exponential(SECOND, 60 * SECOND).jitter(Percent(0.0)))
    });
    bench.open();
    for wait in [1, 2, 4, 8] {
        assert_eq!(bench.log.last().open_for(), Some(wait * SECOND));
        bench.clock.advance(wait * SECOND);
        let _hung = bench.admit();
        bench.clock.advance(PROBE_TIMEOUT);
        assert!(bench.rejects());
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_outside_that_cancels_every_probe_does_not_keep_the_circuit_half_open() {
    let bench = half_open(Probes::new(1));
    let entered = bench.clock.now();
    let mut service = ServiceBuilder::new()
        .timeout(SECOND)
        .layer(BreakerLayer::new(bench.circuit.clone()).boxed_errors())
        .service(Downstream::always(Answer::Hang));
    while bench.state() == State::HalfOpen {
        assert!(bench.clock.now().saturating_since(entered) < 4 * PROBE_TIMEOUT);
        let error = tower::ServiceExt::ready(&mut service)
            .await
            .unwrap()
            .call(1)
            .await
            .unwrap_err();
        assert!(error.is::<tower::timeout::error::Elapsed>());
        bench.clock.advance(SECOND);
    }
    assert!(bench.rejects());
    assert_eq!(bench.log.last().reason(), Reason::GivenUp { calls: 16 });
}

#[test]
fn it_closes_at_the_required_successes_and_not_before() {
    let bench = half_open(Probes::new(1).successes(2).out_of(4));
    bench.succeed(1);
    bench.fail(2);
    assert_eq!(bench.state(), State::HalfOpen);
    bench.succeed(1);
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(
        bench.log.last().reason(),
        Reason::ProbesSucceeded { probes: 4 }
    );
}

#[test]
fn it_opens_as_soon_as_the_required_successes_are_out_of_reach() {
    let bench = half_open(Probes::new(1).successes(2).out_of(4));
    bench.fail(2);
    assert_eq!(bench.state(), State::HalfOpen);
    bench.fail(1);
    assert_eq!(bench.state(), State::Open);
    let reason = Reason::ProbesFailed {
        failures: 3,
        probes: 3,
    };
    assert_eq!(bench.log.last().reason(), reason);
}

#[test]
fn the_verdict_does_not_wait_for_the_probes_that_are_still_live() {
    let bench = half_open(Probes::new(3));
    let [one, _two, _three] = [bench.admit(), bench.admit(), bench.admit()];
    one.record(Outcome::Failure);
    assert_eq!(bench.state(), State::Open, "3 of 3 are out of reach");

    let bench = half_open(Probes::new(3).successes(2).out_of(3));
    let [one, two, _three] = [bench.admit(), bench.admit(), bench.admit()];
    one.record(Outcome::Success);
    two.record(Outcome::Success);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn no_more_probes_are_admitted_than_the_verdict_can_use() {
    let bench = half_open(Probes::new(3).successes(2).out_of(2));
    bench.succeed(1);
    let _second = bench.admit();
    assert!(bench.rejects(), "two of two are taken");
}

#[test]
fn a_failure_rate_decides_as_soon_as_it_is_reached_or_out_of_reach() {
    let probes = Probes::new(1).failure_rate(Percent(50.0)).out_of(4);
    let bench = half_open(probes);
    bench.succeed(2);
    bench.fail(1);
    assert_eq!(bench.state(), State::HalfOpen, "2 of 4 would open it");
    bench.fail(1);
    assert_eq!(bench.state(), State::Open);

    let bench = half_open(probes);
    bench.fail(1);
    bench.succeed(2);
    assert_eq!(bench.state(), State::HalfOpen);
    bench.succeed(1);
    assert_eq!(bench.state(), State::Closed);
}

#[test]
fn an_ignored_and_a_cancelled_call_count_for_nothing_while_closed() {
    let bench = Bench::new();
    bench.fail(2);
    drop(bench.admit());
    bench.admit().record(Outcome::Ignored);
    assert_eq!(bench.circuit.snapshot().failures, 2);
    assert_eq!(bench.state(), State::Closed);
    bench.fail(1);
    assert_eq!(bench.state(), State::Open, "they did not end the row");
}

#[test]
fn a_cancelled_call_is_a_failure_while_closed_where_the_user_said_so() {
    let bench = Bench::with(|builder| builder.cancelled(Cancelled::Failure));
    for _ in 0..3 {
        drop(bench.admit());
    }
    assert_eq!(bench.state(), State::Open);
    assert_eq!(bench.log.last().failures(), 3);
}

/// One call at a time, so far apart that half-open's deadline would have passed: it closes after as many good ones as are
/// asked for, and refuses none.
#[test]
fn a_quiet_client_s_probes_close_the_circuit_however_far_apart_they_are() {
    let presets = [
        (Config::new(), 3),
        (presets::resilience4j(), 6),
        (presets::polly(), 1),
        (presets::gobreaker(), 1),
        (presets::linkerd(), 1),
        (Config::new().probes(Probes::new(5)), 5),
    ];
    for (config, probes) in presets {
        for gap in [29, 31, 45, 60, 90, 121, 900, 3600, 20 * 24 * 3600].map(Duration::from_secs) {
            let bench = Bench::with(|builder| builder.config(config));
            bench.circuit.trip();
            let refused = (0..).take_while(|_| {
                bench.clock.advance(gap);
                bench.rejects()
            });
            assert!(refused.count() <= 3, "{gap:?}");
            bench.circuit.half_open();
            for probe in 1..=probes {
                bench.clock.advance(gap);
                let state = bench.state();
                assert_eq!(state, State::HalfOpen, "{gap:?}, probe {probe}");
                bench.admit().record(Outcome::Success);
            }
            assert_eq!(bench.state(), State::Closed, "{gap:?}");
        }
    }
}

#[test]
fn the_deadline_starts_afresh_with_a_probe_that_finds_no_other_under_way() {
    let bench = half_open(Probes::new(2));
    bench.clock.advance(10 * PROBE_TIMEOUT);
    let _hung = bench.admit();
    bench.clock.advance(PROBE_TIMEOUT - NANO);
    assert_eq!(bench.state(), State::HalfOpen);
    bench.clock.advance(NANO);
    assert_eq!(bench.state(), State::Open);
    assert!(bench.rejects());
    assert_eq!(bench.log.last().reason(), Reason::NoVerdict);
}

#[test]
fn ten_ignored_probes_close_the_circuit_if_none_failed() {
    let bench = half_open(Probes::new(1));
    for _ in 0..9 {
        bench.admit().record(Outcome::Ignored);
        // In between others may be given up.
        drop(bench.admit());
    }
    assert_eq!(bench.state(), State::HalfOpen);
    bench.admit().record(Outcome::Ignored);
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(
        bench.log.last().reason(),
        Reason::ProbesIgnored { probes: 10 }
    );
}

#[test]
fn ten_ignored_probes_open_the_circuit_again_if_one_failed() {
    let bench = half_open(Probes::new(1).successes(2).out_of(4));
    bench.fail(1);
    bench.succeed(1);
    for _ in 0..10 {
        assert_eq!(bench.state(), State::HalfOpen);
        bench.admit().record(Outcome::Ignored);
    }
    let reason = Reason::ProbesFailed {
        failures: 1,
        probes: 2,
    };
    assert_eq!(bench.log.last().reason(), reason);
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn ignored_calls_of_another_state_are_no_probes() {
    let bench = Bench::new();
    for _ in 0..50 {
        bench.admit().record(Outcome::Ignored);
    }
    bench.circuit.half_open();
    bench.admit().record(Outcome::Ignored);
    assert_eq!(bench.state(), State::HalfOpen);
    bench.circuit.half_open();
    for _ in 0..9 {
        bench.admit().record(Outcome::Ignored);
    }
    assert_eq!(bench.state(), State::HalfOpen);
}
