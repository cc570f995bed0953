//! Waiting for the right to make a call to a key.
#![cfg(feature = "keyed")]

mod support;

use std::{thread, time::Duration};

use breaker_layer::{
    Config, OpenTime, Outcome, Probes, Refusal, State, Trip,
    clock::{Clock, ManualClock},
    keyed::{KeyedBuilder, KeyedCircuits},
};
use support::{MILLI, OPEN_FOR, SECOND, THRESHOLD};

type Hosts = KeyedCircuits<String>;

fn hosts(change: impl FnOnce(KeyedBuilder<String>) -> KeyedBuilder<String>) -> Hosts {
    let config = Config::new()
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1));
    change(Hosts::builder("hosts").config(config))
        .build()
        .unwrap()
}

fn key() -> String {
    "a.example".to_owned()
}

#[test]
fn a_thread_gets_its_permit_at_once_where_the_key_s_calls_pass() {
    let hosts = hosts(|builder| builder.clock(ManualClock::new().clock()));
    let permit = hosts.acquire_blocking(key(), Duration::ZERO).unwrap();
    permit.record(Outcome::Success);
    assert!(hosts.is_empty());
    hosts.all().disable();
    let permit = hosts.acquire_blocking(key(), Duration::ZERO).unwrap();
    permit.record(Outcome::Failure);
    assert!(hosts.is_empty());
}

#[test]
fn a_thread_s_wait_ends_with_its_limit_and_is_a_rejection() {
    let hosts = hosts(|builder| builder.clock(Clock::std()));
    hosts.circuit(&key()).unwrap().isolate();
    for limit in [Duration::ZERO, MILLI, 20 * MILLI] {
        let rejected = hosts.acquire_blocking(key(), limit).unwrap_err();
        assert_eq!(rejected.refusal(), Refusal::Isolated { retry_after: None });
        assert_eq!(rejected.circuit().as_deref(), Some("a.example"));
    }
    assert_eq!(hosts.get(&key()).unwrap().snapshot().rejected, 3);
    let other = hosts.acquire_blocking("b.example".to_owned(), MILLI);
    assert!(other.is_ok());
}

#[test]
fn time_ends_a_thread_s_wait_and_its_outcome_counts_for_its_key() {
    let hosts = hosts(|builder| builder.clock(Clock::std()));
    hosts.circuit(&key()).unwrap().trip_for(20 * MILLI);
    let permit = hosts.acquire_blocking(key(), 60 * SECOND).unwrap();
    assert_eq!(hosts.state(&key()), State::HalfOpen);
    permit.record(Outcome::Success);
    assert_eq!(hosts.state(&key()), State::Closed);
}

#[test]
fn a_command_to_all_keys_makes_a_thread_wait_and_ends_its_wait() {
    let hosts = hosts(|builder| builder.clock(Clock::std()));
    hosts.all().isolate();
    let worker = thread::spawn({
        let hosts = hosts.clone();
        move || hosts.acquire_blocking(key(), 60 * SECOND).is_ok()
    });
    hosts.all().reset();
    assert!(worker.join().unwrap());
}

#[cfg(feature = "tokio")]
mod tokio_waits {
    use futures::FutureExt;
    use tokio::time::{Instant, advance};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_with_nothing_against_it_does_not_wait_and_a_dead_one_waits_its_time() {
        let hosts = hosts(|builder| builder);
        for _ in 0..THRESHOLD {
            let permit = hosts.acquire(key()).now_or_never().expect("it passes");
            permit.record(Outcome::Failure);
        }
        let since = Instant::now();
        assert!(
            hosts
                .acquire("b.example".to_owned())
                .now_or_never()
                .is_some()
        );
        let permit = hosts.acquire(key()).await;
        assert!(since.elapsed() >= OPEN_FOR);
        permit.record(Outcome::Failure);
        assert_eq!(hosts.state(&key()), State::Open);
        hosts.acquire(key()).await.record(Outcome::Success);
        let snapshot = hosts.get(&key()).unwrap().snapshot();
        assert_eq!((snapshot.state, snapshot.rejected), (State::Closed, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_wait_for_one_key_are_all_let_in_and_none_is_rejected() {
        let hosts = hosts(|builder| builder);
        hosts.circuit(&key()).unwrap().trip();
        let workers = (0..200).map(|_| {
            let hosts = hosts.clone();
            tokio::spawn(async move { hosts.acquire(key()).await.record(Outcome::Success) })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
        let snapshot = hosts.get(&key()).unwrap().snapshot();
        assert_eq!((snapshot.state, snapshot.rejected), (State::Closed, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_gives_up_waiting_leaves_its_key_to_be_forgotten() {
        let hosts = hosts(|builder| builder.keep_after_trip(Duration::ZERO).idle_time(SECOND));
        hosts.circuit(&key()).unwrap().trip();
        let mut waiting = Box::pin(hosts.acquire(key()));
        assert!((&mut waiting).now_or_never().is_none());
        advance(OPEN_FOR + SECOND).await;
        hosts.sweep();
        assert_eq!(hosts.len(), 1, "somebody waits for it");
        drop(waiting);
        hosts.sweep();
        assert!(hosts.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn while_all_are_isolated_only_an_operator_ends_the_wait() {
        let hosts = hosts(|builder| builder);
        hosts.all().isolate();
        let mut waiting = Box::pin(hosts.acquire(key()));
        assert!((&mut waiting).now_or_never().is_none());
        advance(Duration::from_secs(24 * 3600)).await;
        assert!((&mut waiting).now_or_never().is_none());
        hosts.all().reset();
        waiting.await.record(Outcome::Success);
        assert!(hosts.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_isolated_with_an_end_time_ends_every_wait() {
        let hosts = hosts(|builder| builder);
        hosts.all().isolate_for(OPEN_FOR);
        let since = Instant::now();
        let workers = (0..20).map(|number: u32| {
            let hosts = hosts.clone();
            tokio::spawn(async move {
                let permit = hosts.acquire(number.to_string()).await;
                permit.record(Outcome::Success);
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
        assert!(since.elapsed() >= OPEN_FOR && since.elapsed() < 2 * OPEN_FOR);
        assert!(hosts.is_empty());
    }
}
