//! A hedge sends a call a second time when the answer takes long, and gives up the one that is answered later. Where it stands beside a
//! breaker decides whether a probe gets through.
#![cfg(feature = "tokio")]

use std::time::Duration;

use breaker_layer::{BoxError, BreakerLayer, Circuit, OpenTime, Probes, Rejected, State};
use tokio::time::{Instant, advance, sleep};
use tower::hedge::{Hedge, Policy};
use tower::{Layer, Service, ServiceExt, service_fn};

/// The downstream is healthy, and slower than the hedge has seen it.
const SLOW: Duration = Duration::from_millis(100);
/// The hedge sends the second call after this.
const DELAY_MS: u64 = 10;
/// For so long it remembers how fast the downstream was: this period and the one before.
const PERIOD: Duration = Duration::from_secs(30);
const OPEN_FOR: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Always;

impl Policy<u32> for Always {
    fn clone_request(&self, request: &u32) -> Option<u32> {
        Some(*request)
    }

    fn can_retry(&self, _: &u32) -> bool {
        true
    }
}

/// Sends a call again once it takes longer than nine of ten did.
fn hedged<S>(service: S) -> Hedge<S, Always>
where
    S: Service<u32, Error: Into<BoxError>> + Clone,
{
    Hedge::new_with_mock_latencies(service, Always, 10, 0.9, PERIOD, &[DELAY_MS; 20])
}

/// A circuit that has just been open for its time.
async fn due(probes: Probes) -> Circuit {
    let circuit = Circuit::builder("slow")
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(probes)
        .build()
        .expect("good settings");
    circuit.trip();
    advance(OPEN_FOR).await;
    assert_eq!(circuit.state(), State::HalfOpen);
    circuit
}

async fn downstream(request: u32) -> Result<u32, BoxError> {
    sleep(SLOW).await;
    Ok(request)
}

#[tokio::test(start_paused = true)]
async fn a_breaker_inside_a_hedge_refuses_the_second_call_and_so_ends_the_probe() {
    let circuit = due(Probes::new(1)).await;
    let layer = BreakerLayer::new(circuit.clone()).boxed_errors();
    let mut service = hedged(layer.layer(service_fn(downstream)));
    let began = Instant::now();
    let mut calls = 0;
    while began.elapsed() < PERIOD / 2 {
        let answer = service.ready().await.unwrap().call(1).await;
        assert!(answer.is_err_and(|error| error.is::<Rejected>()));
        calls += 1;
        // As a caller does that is told when to come again.
        sleep(SLOW).await;
    }
    assert!(calls >= 100, "{calls} calls");
    assert_ne!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn it_lasts_until_the_hedge_has_forgotten_how_fast_the_downstream_was() {
    let circuit = due(Probes::new(1)).await;
    let layer = BreakerLayer::new(circuit.clone()).boxed_errors();
    let mut service = hedged(layer.layer(service_fn(downstream)));
    let began = Instant::now();
    while service.ready().await.unwrap().call(1).await.is_err() {
        sleep(SLOW).await;
        assert!(began.elapsed() < 3 * PERIOD, "it never comes back");
    }
    assert!(began.elapsed() >= PERIOD - OPEN_FOR);
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_outside_a_hedge_closes_with_the_first_probe() {
    let circuit = due(Probes::new(1)).await;
    let layer = BreakerLayer::new(circuit.clone()).boxed_errors();
    let mut service = layer.layer(hedged(service_fn(downstream)));
    assert_eq!(service.ready().await.unwrap().call(1).await.unwrap(), 1);
    assert_eq!(circuit.state(), State::Closed);
}
