//! Wraps a service in a breaker and watches it open, fail fast, probe and close. It needs no network and no
//! waiting: the downstream is a closure, and the circuit's clock is moved by hand.

use std::cell::Cell;
use std::io;
use std::time::Duration;

use breaker_layer::{
    BoxError, BreakerLayer, Circuit, OpenTime, Probes, State, Trip, clock::ManualClock,
};
use tower::{Service, ServiceBuilder, ServiceExt};

const OPEN_FOR: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let clock = ManualClock::new();
    let circuit = Circuit::builder("payments")
        .trip(Trip::consecutive_failures(3))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1))
        .clock(clock.clock())
        .build()?;

    let is_up = Cell::new(false);
    let mut payments = ServiceBuilder::new()
        .layer(BreakerLayer::new(circuit.clone()))
        .service_fn(async |amount: u32| match is_up.get() {
            true => Ok(format!("paid {amount}")),
            false => Err(io::Error::other("payments are down")),
        });

    let steps = [State::Closed, State::Closed, State::Open, State::Open];
    for (amount, expected) in (1..).zip(steps) {
        let answer = payments.ready().await?.call(amount).await;
        let said = match answer {
            Ok(receipt) => receipt,
            Err(error) => error.to_string(), // the inner error's own text, or the rejection's
        };
        println!("call {amount}: {said}; the circuit is {}", circuit.state());
        assert_eq!(circuit.state(), expected);
    }

    is_up.set(true);
    clock.advance(OPEN_FOR);
    println!("{OPEN_FOR:?} later the circuit is {}", circuit.state());
    let paid = payments.ready().await?.call(5).await?;
    println!("the probe: {paid}; the circuit is {}", circuit.state());
    assert_eq!(circuit.state(), State::Closed);
    Ok(())
}
