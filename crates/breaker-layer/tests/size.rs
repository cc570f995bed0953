//! What circuits, windows and response futures weigh, as allocated and not as reckoned.

mod support;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use allocation_counter::measure;
use breaker_layer::{
    BoxError, Breaker, BreakerLayer, Circuit, CircuitBuilder, Percent, Trip, Window,
};
use support::Fault;
use tower::{Layer, Service};

/// The heap that each of many such circuits takes, beside its name; `then` is done to each.
fn heap(change: fn(CircuitBuilder, u32) -> CircuitBuilder, size: u32, then: fn(&Circuit)) -> u64 {
    const CIRCUITS: usize = 16;
    let name: Arc<str> = Arc::from("size");
    let build = || {
        let circuit = change(Circuit::builder(name.clone()), size)
            .build()
            .unwrap();
        then(&circuit);
        circuit
    };
    // The first one pays for what is common to all; it stays, so that nobody moves into its slot. The most of a few rounds
    // counts: in one of them a circuit may have moved into a slot that another test has left.
    let mut circuits = vec![build()];
    let rounds = (0..8).map(|_| {
        circuits.reserve(CIRCUITS);
        let taken = measure(|| circuits.extend((0..CIRCUITS).map(|_| build())));
        u64::try_from(taken.bytes_current).unwrap() / CIRCUITS as u64
    });
    let most = rounds.max().unwrap();
    std::mem::forget(circuits);
    most
}

fn plain(builder: CircuitBuilder, _: u32) -> CircuitBuilder {
    builder
}

fn windowed(builder: CircuitBuilder, calls: u32) -> CircuitBuilder {
    builder.trip(Trip::failure_rate(Percent(50.0), Window::calls(calls)))
}

#[test]
fn a_circuit_takes_a_kibibyte_with_its_settings() {
    let plain = heap(plain, 0, |_| {});
    assert!(plain <= 1024, "{plain} bytes");
}

#[test]
fn a_circuit_that_has_tripped_keeps_why_in_at_most_128_bytes_more() {
    let tripped = heap(plain, 0, Circuit::trip) - heap(plain, 0, |_| {});
    assert!(tripped <= 128, "{tripped} bytes");
}

#[test]
fn a_window_of_calls_takes_two_bits_a_call_and_128_bytes() {
    let without = heap(plain, 0, |_| {});
    for calls in [1, 20, 31, 32, 33, 64, 100, 1000, 10_000, 100_000, 1_000_000] {
        let window = heap(windowed, calls, |_| {}) - without;
        let most = f64::from(calls) * 2.0 / 8.0 + 128.0;
        assert!(window as f64 <= most, "{calls} calls: {window} bytes");
        assert!(
            window as f64 >= f64::from(calls) / 4.0,
            "{calls} calls: {window} bytes"
        );
    }
}

/// A service whose response future is of this size.
#[derive(Clone)]
struct Sized<const BYTES: usize>;

struct Reply<const BYTES: usize>([u8; BYTES]);

impl<const BYTES: usize> Service<u32> for Sized<BYTES> {
    type Response = u8;
    type Error = Fault;
    type Future = Reply<BYTES>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u32) -> Self::Future {
        Reply([0; BYTES])
    }
}

impl<const BYTES: usize> Future for Reply<BYTES> {
    type Output = Result<u8, Fault>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(self.0.first().copied().unwrap_or_default()))
    }
}

/// By how much the breaker's response future is larger than the inner one.
fn beyond<const BYTES: usize, S: Service<u32>>(wrap: fn(Breaker<Sized<BYTES>>) -> S) -> usize {
    let breaker = BreakerLayer::new(Circuit::builder("size").build().unwrap()).layer(Sized);
    let mut service = wrap(breaker);
    let _ = service.poll_ready(&mut Context::from_waker(std::task::Waker::noop()));
    let size = size_of_val(&service.call(0));
    size - size_of::<Reply<BYTES>>()
}

#[test]
fn the_response_future_is_at_most_48_bytes_larger_than_the_inner_one() {
    fn bare<T>(service: T) -> T {
        service
    }
    let sizes = [
        beyond::<0, _>(bare),
        beyond::<1, _>(bare),
        beyond::<8, _>(bare),
        beyond::<40, _>(bare),
        beyond::<64, _>(bare),
        beyond::<1000, _>(bare),
    ];
    assert!(sizes.iter().all(|size| *size <= 48), "{sizes:?}");
}

#[test]
fn the_response_future_with_boxed_errors_is_no_larger() {
    fn size<const BYTES: usize>() -> usize {
        let layer = BreakerLayer::new(Circuit::builder("size").build().unwrap()).boxed_errors();
        let mut service = layer.layer(Sized::<BYTES>);
        let response: &dyn Future<Output = Result<u8, BoxError>> = &service.call(0);
        size_of_val(response) - size_of::<Reply<BYTES>>()
    }
    let sizes = [size::<0>(), size::<8>(), size::<64>(), size::<1000>()];
    assert!(sizes.iter().all(|size| *size <= 48), "{sizes:?}");
}
