//! C11: time is injected, moves when it is told to, and never goes wrong.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use breaker_layer::{
    BreakerLayer, Circuit, OpenTime, Outcome, Percent, Probes, State, Trip, Window,
    clock::{Clock, ManualClock, Timestamp},
};
use support::{Answer, Bench, Downstream, OPEN_FOR, SECOND, THRESHOLD, call};
use tower::Layer;

#[test]
fn a_manual_clock_stands_still_until_it_is_moved_and_stops_at_the_end() {
    let clock = ManualClock::new();
    let given = clock.clock();
    assert_eq!(
        (clock.now(), given.now()),
        (Timestamp::ZERO, Timestamp::ZERO)
    );
    clock.clone().advance(SECOND);
    assert_eq!(given.now(), Timestamp::from_nanos(1_000_000_000));
    clock.advance(Duration::MAX);
    assert_eq!((clock.now(), given.now()), (Timestamp::MAX, Timestamp::MAX));
}

#[test]
fn two_circuits_can_share_one_manual_clock() {
    let one = Bench::new();
    let two = Bench::at(one.clock.clone(), |builder| builder);
    one.open();
    one.clock.advance(SECOND);
    two.open();
    two.clock.advance(OPEN_FOR - SECOND);
    assert_eq!((one.state(), two.state()), (State::HalfOpen, State::Open));
}

/// A clock that counts how often it is read.
fn counted() -> (Arc<AtomicU64>, Clock) {
    let reads = Arc::new(AtomicU64::new(0));
    let clock = Clock::new({
        let reads = reads.clone();
        move || Timestamp::from_nanos(reads.fetch_add(1, SeqCst))
    });
    (reads, clock)
}

#[test]
fn a_closed_circuit_reads_no_clock_until_it_trips_where_each_failure_counts() {
    let (reads, clock) = counted();
    let circuit = Circuit::builder("counted")
        .trip(Trip::consecutive_failures(THRESHOLD))
        .one_event(Duration::ZERO)
        .clock(clock)
        .build()
        .unwrap();
    let downstream = Downstream::new();
    let mut service = BreakerLayer::new(circuit.clone()).layer(downstream.clone());
    let built = reads.load(SeqCst);

    downstream.answer([Answer::Echo, Answer::Fail, Answer::Fail, Answer::Echo]);
    for request in 0..4 {
        let _ = call(&mut service, request);
    }
    drop(circuit.try_acquire());
    assert_eq!(reads.load(SeqCst), built);

    downstream.answer([Answer::Fail; THRESHOLD as usize]);
    for request in 0..THRESHOLD {
        let _ = call(&mut service, request).unwrap_err();
    }
    assert!(reads.load(SeqCst) > built, "the trip read it");
}

#[test]
fn a_success_reads_no_clock_and_the_first_failure_reads_it_once() {
    let (reads, clock) = counted();
    let circuit = Circuit::builder("counted").clock(clock).build().unwrap();
    let mut seen = reads.load(SeqCst);
    let mut read_by = |outcome| {
        circuit.try_acquire().unwrap().record(outcome);
        let before = std::mem::replace(&mut seen, reads.load(SeqCst));
        seen - before
    };
    assert_eq!(read_by(Outcome::Success), 0);
    assert_eq!(read_by(Outcome::Failure), 1);
    assert_eq!(read_by(Outcome::Failure), 0);
    assert_eq!(read_by(Outcome::Success), 0);
}

#[test]
fn a_clock_that_goes_back_breaks_nothing() {
    let now = Arc::new(AtomicU64::new(1 << 40));
    let clock = {
        let now = now.clone();
        Clock::new(move || Timestamp::from_nanos(now.load(SeqCst)))
    };
    let circuit = Circuit::builder("back")
        .trip(Trip::consecutive_failures(1))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1))
        .clock(clock)
        .build()
        .unwrap();
    for back in [1 << 39, 1, 0] {
        circuit.try_acquire().unwrap().record(Outcome::Failure);
        now.store(back, SeqCst);
        assert_eq!(circuit.state(), State::Open);
        let left = circuit.snapshot().retry_after.unwrap();
        assert!((OPEN_FOR..=OPEN_FOR + SECOND).contains(&left), "{left:?}");
        now.store(1 << 41, SeqCst);
        circuit.try_acquire().unwrap().record(Outcome::Success);
        assert_eq!(circuit.state(), State::Closed);
        now.store(1 << 40, SeqCst);
    }
}

#[test]
fn a_clock_that_starts_at_its_end_opens_and_obeys_the_operator() {
    for start in [u64::MAX, u64::MAX - 1, 1 << 63] {
        let circuit = Circuit::builder("end")
            .trip(Trip::consecutive_failures(1))
            .clock(Clock::new(move || Timestamp::from_nanos(start)))
            .build()
            .unwrap();
        circuit.try_acquire().unwrap().record(Outcome::Failure);
        assert_eq!(circuit.state(), State::Open);
        assert!(circuit.try_acquire().is_err());
        circuit.half_open();
        circuit.try_acquire().unwrap().record(Outcome::Success);
        circuit.close();
        assert!(circuit.try_acquire().is_ok());
    }
}

#[cfg(not(feature = "tokio"))]
#[test]
fn the_default_clock_is_std_s() {
    assert_eq!(format!("{:?}", Clock::default()), "Clock::std");
}

#[cfg(feature = "tokio")]
mod tokio_s {
    use tower::ServiceExt;

    use super::*;

    fn circuit(clock: Option<Clock>) -> Circuit {
        let builder = Circuit::builder("tokio")
            .trip(Trip::consecutive_failures(THRESHOLD))
            .open_time(OpenTime::fixed(OPEN_FOR))
            .probes(Probes::new(1));
        let builder = match clock {
            Some(clock) => builder.clock(clock),
            None => builder,
        };
        builder.build().expect("the settings are good")
    }

    #[tokio::test(start_paused = true)]
    async fn pausing_tokio_s_time_moves_the_default_clock() {
        for clock in [None, Some(Clock::tokio())] {
            let circuit = circuit(clock);
            circuit.trip();
            assert_eq!(circuit.snapshot().retry_after, Some(OPEN_FOR));
            tokio::time::advance(OPEN_FOR - SECOND).await;
            assert_eq!(circuit.snapshot().retry_after, Some(SECOND));
            assert!(circuit.try_acquire().is_err());
            tokio::time::advance(SECOND).await;
            assert_eq!(circuit.state(), State::HalfOpen);
            circuit.try_acquire().unwrap().record(Outcome::Success);
            assert_eq!(circuit.state(), State::Closed);
        }
    }

    /// The time stands still from then on, and each call is made by a clone of its own, as axum has it.
    #[tokio::test(start_paused = true)]
    async fn with_default_settings_a_probe_comes_once_it_is_moved_and_always_the_same_for_a_seed() {
        async fn rejected_until_closed(seed: u16) -> Option<usize> {
            let circuit = Circuit::builder("default").seed(seed).build().unwrap();
            let layer = BreakerLayer::new(circuit.clone());
            circuit.trip();
            tokio::time::advance(5 * SECOND).await;
            for rejected in 0..5000 {
                let answer = layer.layer(Downstream::new()).oneshot(1).await;
                if answer.is_ok() {
                    return Some(rejected);
                }
            }
            None
        }
        for seed in 0..20 {
            let rejected = rejected_until_closed(seed).await;
            assert!(rejected.is_some_and(|calls| calls < 1500), "{rejected:?}");
            assert_eq!(rejected_until_closed(seed).await, rejected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_moves_it_too() {
        let circuit = circuit(None);
        circuit.trip();
        tokio::time::sleep(OPEN_FOR).await;
        assert_eq!(circuit.state(), State::HalfOpen);
    }

    #[tokio::test(start_paused = true)]
    async fn std_s_clock_is_not_moved_by_it() {
        let circuit = circuit(Some(Clock::std()));
        circuit.trip_for(Duration::MAX);
        tokio::time::advance(Duration::from_secs(200 * 24 * 3600)).await;
        assert_eq!(circuit.state(), State::Open);
    }

    #[test]
    fn outside_a_runtime_it_is_a_clock_like_any_other() {
        let circuit = circuit(None);
        circuit.trip_for(Duration::MAX);
        assert_eq!(circuit.state(), State::Open);
    }
}

#[test]
fn a_call_is_timed_right_however_old_its_circuit_is() {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    let clock = ManualClock::new();
    let circuit = Circuit::builder("old")
        .trip(Trip::slow_rate(Percent(50.0), Window::calls(4)))
        .slow_after(SECOND)
        .count_calls(true)
        .clock(clock.clock())
        .build()
        .unwrap();
    for years in [17, 1, 1, 20] {
        clock.advance(years * YEAR);
        for _ in 0..4 {
            circuit.try_acquire().unwrap().record(Outcome::Success);
        }
        let slow = circuit.try_acquire().unwrap();
        clock.advance(2 * SECOND);
        slow.record(Outcome::Success);
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.state, snapshot.slow), (State::Closed, Some(4)));
}

#[test]
fn a_call_that_took_longer_than_can_be_counted_is_slow() {
    for seconds in [2, 1 << 55, u64::MAX] {
        let circuit = Circuit::builder("long")
            .trip(Trip::slow_rate(Percent(50.0), Window::calls(4)))
            .slow_after(SECOND)
            .build()
            .unwrap();
        let record = |seconds| {
            let permit = circuit.try_acquire().unwrap();
            permit.record_after(Outcome::Success, Duration::from_secs(seconds));
        };
        (0..4).for_each(|_| record(0));
        (0..2).for_each(|_| record(seconds));
        assert_eq!(circuit.state(), State::Open, "{seconds} s");
    }
}
