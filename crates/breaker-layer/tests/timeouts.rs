//! A timeout inside the breaker is a failure; one outside cancels the call.

mod support;

use std::{future::pending, time::Duration};

use breaker_layer::{
    BoxError, BreakerLayer, Cancelled, Circuit, CircuitBuilder, Rejected, State,
    clock::{Clock, Timestamp},
    observe::Reason,
};
use support::MILLI;
use tokio::time::Instant;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn, timeout::error::Elapsed};

const PATIENCE: Duration = Duration::from_millis(100);

/// A circuit with the default settings, but for this, whose time is Tokio's with every feature.
fn circuit(change: impl FnOnce(CircuitBuilder) -> CircuitBuilder) -> Circuit {
    let begin = Instant::now();
    let clock = Clock::new(move || Timestamp::from_nanos(begin.elapsed().as_nanos() as u64));
    change(Circuit::builder("slow").clock(clock))
        .build()
        .expect("the settings are good")
}

async fn hang(_: u32) -> Result<u32, BoxError> {
    pending().await
}

/// Makes so many calls; how many timed out, and how many were rejected.
async fn make<S>(service: &mut S, calls: u32) -> (u32, u32)
where
    S: Service<u32, Response = u32, Error = BoxError>,
{
    let (mut timed_out, mut rejected) = (0, 0);
    for request in 0..calls {
        let answer = service.ready().await.expect("it lives").call(request).await;
        let error = answer.expect_err("it hangs");
        timed_out += u32::from(error.is::<Elapsed>());
        rejected += u32::from(error.is::<Rejected>());
    }
    (timed_out, rejected)
}

#[tokio::test(start_paused = true)]
async fn fifty_calls_that_time_out_inside_open_it() {
    let circuit = circuit(|builder| builder);
    let mut service = ServiceBuilder::new()
        .layer(BreakerLayer::new(circuit.clone()).boxed_errors())
        .timeout(PATIENCE)
        .service(service_fn(hang));
    let (timed_out, rejected) = make(&mut service, 50).await;
    assert_eq!(circuit.snapshot().opened, 1);
    // Ten calls come a second: the default settings trip at the 12th failure in a row.
    assert_eq!(timed_out, 12);
    assert_eq!(rejected, 38);
}

#[tokio::test(start_paused = true)]
async fn calls_that_time_out_outside_count_for_nothing_where_cancelled_calls_are_ignored() {
    let circuit = circuit(|builder| builder.cancelled(Cancelled::Ignored));
    let mut service = ServiceBuilder::new()
        .timeout(PATIENCE)
        .layer(BreakerLayer::new(circuit.clone()).boxed_errors())
        .service(service_fn(hang));
    assert_eq!(make(&mut service, 50).await, (50, 0));
    assert_eq!(circuit.state(), State::Closed);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.cancelled, snapshot.failed), (50, 0));
}

#[tokio::test(start_paused = true)]
async fn fifty_calls_that_all_time_out_outside_open_it() {
    let circuit = circuit(|builder| builder);
    let mut service = ServiceBuilder::new()
        .timeout(PATIENCE)
        .layer(BreakerLayer::new(circuit.clone()).boxed_errors())
        .service(service_fn(hang));
    // From the 16th on they are failures.
    assert_eq!(make(&mut service, 50).await, (27, 23));
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.cancelled, snapshot.failed), (27, 0));
    let reason = snapshot.last_trip.unwrap().reason();
    assert_eq!(reason, Reason::GivenUp { calls: 27 });
}

#[tokio::test(start_paused = true)]
async fn calls_that_time_out_outside_count_where_cancelled_calls_do() {
    let circuit = circuit(|builder| builder.cancelled(Cancelled::Failure));
    let mut service = ServiceBuilder::new()
        .timeout(PATIENCE)
        .layer(BreakerLayer::new(circuit.clone()).boxed_errors())
        .service(service_fn(hang));
    assert_eq!(make(&mut service, 50).await, (12, 38));
    assert_eq!(circuit.snapshot().opened, 1);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_outside_that_is_the_longer_one_changes_nothing() {
    let circuit = circuit(|builder| builder);
    let mut service = ServiceBuilder::new()
        .timeout(PATIENCE + MILLI)
        .layer(BreakerLayer::new(circuit.clone()).boxed_errors())
        .timeout(PATIENCE)
        .service(service_fn(hang));
    assert_eq!(make(&mut service, 50).await, (12, 38));
    assert_eq!(circuit.snapshot().cancelled, 0);
}
