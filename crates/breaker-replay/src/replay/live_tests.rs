//! A replay is what a live circuit would have done: the same calls through the Tower layer, under paused time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use breaker_core::{
    Cancelled, Checked, Config, OpenTime, Percent, Probes, Ramp, Transition, Trip, Window, presets,
};
use breaker_layer::{BreakerLayer, Circuit, TransitionEvent};
use proptest::prelude::*;
use tokio::{sync::oneshot, task::JoinHandle, time};
use tower::{Layer, ServiceExt, service_fn};

use super::{
    flight::{Event, Flight, What},
    lane::{Lane, seed},
    order::Order,
};
use crate::input::{Call, Fate};

/// The first call's time.
const BEGIN: u64 = 1_793_606_400_000_000_000;
const MILLI: u64 = 1_000_000;

fn configs() -> Vec<Config> {
    let seconds = Duration::from_secs;
    let window = Window::time(seconds(10));
    vec![
        Config::new(),
        presets::resilience4j(),
        presets::polly(),
        presets::gobreaker(),
        presets::linkerd(),
        Config::new()
            .trip(Trip::any_of([
                Trip::consecutive_failures(4),
                Trip::slow_rate(Percent(60.0), Window::calls(20)).min_calls(10),
                Trip::failure_rate(Percent(40.0), window).min_calls(10),
            ]))
            .slow_after(Duration::from_millis(150))
            .open_time(
                OpenTime::exponential(Duration::from_millis(200), seconds(5)).jitter(Percent(30.0)),
            )
            .probes(
                Probes::new(2)
                    .successes(3)
                    .slow_rate(Percent(80.0))
                    .timeout(Duration::from_millis(700)),
            )
            .ramp(Ramp::new(5, 100))
            .cancelled(Cancelled::Failure),
        Config::new()
            .trip(Trip::consecutive_failures(2))
            .open_time(OpenTime::probe_share(
                Percent(10.0),
                Duration::from_millis(50),
                seconds(2),
            ))
            .probes(Probes::new(1).timeout(Duration::from_millis(300)))
            .cancelled(Cancelled::FailureAfter(2)),
    ]
}

/// What the log has of a call: the gap before it and how long it took in milliseconds, its service and what became of it.
type Line = (u64, u64, u32, Fate);

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let phase = (0..100_u32, 1..60_usize).prop_flat_map(|(failing, length)| {
        let fate = (0..100_u32).prop_map(move |luck| match luck {
            90.. => Fate::Cancelled,
            luck if luck < failing => Fate::Failure,
            _ => Fate::Success,
        });
        let gap = prop_oneof![8 => 0..40_u64, 1 => 0..3000_u64];
        let took = prop_oneof![4 => 0..100_u64, 1 => 0..1500_u64];
        prop::collection::vec((gap, took, 0..2_u32, fate), length)
    });
    prop::collection::vec(phase, 1..8).prop_map(|phases| phases.concat())
}

fn events(lines: &[Line]) -> Vec<Event> {
    let mut at = BEGIN;
    let mut calls: Vec<_> = lines
        .iter()
        .map(|(gap, took, service, fate)| {
            at += gap * MILLI;
            Call {
                start: at,
                end: at + took * MILLI,
                service: *service,
                client: 0,
                fate: *fate,
                is_timed: true,
            }
        })
        .collect();
    // As a log is written: when the calls are over.
    calls.sort_by_key(|call| call.end);
    let (mut order, mut flight, mut events) = (Order::new(1 << 12), Flight::default(), vec![]);
    for call in calls {
        order.push(call, |call| flight.start(call, |event| events.push(event)));
    }
    order.finish(|call| flight.start(call, |event| events.push(event)));
    flight.finish(|event| events.push(event));
    events
}

fn replayed(config: Checked, events: &[Event]) -> (Vec<(u32, Transition)>, [u64; 2]) {
    let mut lane = Lane::detailed(config, 1);
    let mut all = vec![];
    for event in events {
        lane.watched(*event, |service, transition| {
            all.push((service, transition))
        });
    }
    (all, [0, 1].map(|service| lane.take(service).rejected))
}

/// A call under way; its answer is sent when it is over.
type Answer = oneshot::Sender<Result<(), ()>>;

async fn lived(config: Config, events: &[Event]) -> (Vec<(u32, Transition)>, [u64; 2]) {
    let told: Arc<Mutex<Vec<(u32, Transition)>>> = Arc::default();
    let mut layers = HashMap::new();
    let mut under_way: HashMap<u32, (JoinHandle<()>, Answer)> = HashMap::new();
    let (mut now, mut rejected) = (BEGIN, [0; 2]);
    for event in events {
        if event.at > now {
            time::advance(Duration::from_nanos(event.at - now)).await;
            now = event.at;
        }
        match event.what {
            What::Start => {
                let layer = layers.entry(event.service).or_insert_with(|| {
                    let (told, service) = (told.clone(), event.service);
                    let circuit = Circuit::builder("live")
                        .config(config)
                        .seed(seed(service))
                        .observe(move |event: &TransitionEvent<'_>| {
                            told.lock().unwrap().push((service, event.transition()));
                        })
                        .build()
                        .unwrap();
                    BreakerLayer::new(circuit)
                });
                let (answer, answered) = oneshot::channel();
                let mut answered = Some(answered);
                let inner = service_fn(move |()| {
                    let answered = answered.take();
                    async move { answered.expect("one call").await.expect("an answer") }
                });
                let mut call = Box::pin(layer.layer(inner).oneshot(()));
                // Polled once, so that it is admitted or rejected now.
                match futures_poll_once(&mut call).await {
                    Some(Err(_)) => rejected[event.service as usize] += 1,
                    Some(Ok(())) => unreachable!("nobody has answered"),
                    None => {
                        let task = tokio::spawn(async move {
                            let _ = call.await;
                        });
                        under_way.insert(event.place, (task, answer));
                    }
                }
            }
            What::End { fate, .. } => {
                let Some((task, answer)) = under_way.remove(&event.place) else {
                    continue;
                };
                match fate {
                    Fate::Success => answer.send(Ok(())).unwrap(),
                    Fate::Failure => answer.send(Err(())).unwrap(),
                    Fate::Cancelled | Fate::Ignored => task.abort(),
                }
                let _ = task.await;
            }
        }
    }
    let told = told.lock().unwrap().clone();
    (told, rejected)
}

/// The future's value, if it has one already.
async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

fn live(config: Config, events: &[Event]) -> (Vec<(u32, Transition)>, [u64; 2]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(lived(config, events))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_replay_makes_the_transitions_of_the_live_layer_generation_by_generation(lines in lines()) {
        let events = events(&lines);
        for config in configs() {
            let replay = replayed(config.build().unwrap(), &events);
            prop_assert_eq!(replay, live(config, &events));
        }
    }
}

#[test]
fn the_sequences_that_are_compared_take_every_configuration_through_all_states() {
    let phase = |count: usize, fate: Fate| (0..count).map(move |at| (100, 5, at as u32 % 2, fate));
    let lines: Vec<_> = phase(300, Fate::Success)
        .chain(phase(400, Fate::Failure))
        .chain(phase(3000, Fate::Success))
        .collect();
    let events = events(&lines);
    for config in configs() {
        let (transitions, rejected) = live(config, &events);
        let states: Vec<_> = transitions
            .iter()
            .map(|(_, transition)| transition.to())
            .collect();
        for state in [
            breaker_core::State::Open,
            breaker_core::State::HalfOpen,
            breaker_core::State::Closed,
        ] {
            assert!(states.contains(&state), "{config:?} is never {state}");
        }
        assert!(rejected.iter().all(|rejected| *rejected > 0), "{config:?}");
    }
}
