//! What a circuit, a response future and a call take in memory.

use std::{
    future::{Future, Ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use allocation_counter::measure;
use breaker_layer::{BreakerLayer, Circuit, Config, clock::Clock};
use tower::Layer;
use tower_service::Service;

use crate::{
    bar::Bar,
    harness::leaf::Down,
    subjects::{Mode, clone, ours},
};

/// Everything that must hold of memory.
pub fn bars() -> Vec<Bar> {
    let mut bars = vec![circuit()];
    bars.extend([100, 10_000, 1_000_000].map(window));
    bars.extend([future::<1>(), future::<8>(), future::<128>()]);
    bars.extend(calls());
    bars
}

/// The bytes of heap of one circuit with these settings, beside its name.
fn bytes(settings: Config) -> f64 {
    const CIRCUITS: usize = 100;
    let name: Arc<str> = "weighed".into();
    let mut circuits = Vec::with_capacity(CIRCUITS);
    let mut build = || {
        let circuit = Circuit::builder(name.clone()).config(settings).build();
        circuits.push(circuit.expect("settings in their ranges"));
    };
    // The first one brings along what all share.
    build();
    let allocated = measure(|| (1..CIRCUITS).for_each(|_| build()));
    // The next ones must not move into the rooms of these.
    std::mem::forget(circuits);
    allocated.bytes_total as f64 / (CIRCUITS - 1) as f64
}

fn circuit() -> Bar {
    Bar::at_most(
        "bytes of a default circuit with its settings",
        bytes(Config::default()),
        1024.0,
    )
}

fn window(calls: u32) -> Bar {
    let beyond = bytes(ours::count_window(calls)) - bytes(Config::default());
    let most = f64::from(calls) * 2.0 / 8.0 + 128.0;
    Bar::at_most(
        format!("bytes of a window of {calls} calls, beyond a default circuit"),
        beyond,
        most,
    )
}

/// An inner future of so many words and one.
struct Inner<const WORDS: usize>([u64; WORDS], Ready<()>);

impl<const WORDS: usize> Future for Inner<WORDS> {
    type Output = Result<u64, Down>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let words = self.0[0];
        Pin::new(&mut self.1).poll(cx).map(|()| Ok(words))
    }
}

struct Makes<const WORDS: usize>;

impl<const WORDS: usize> Service<u64> for Makes<WORDS> {
    type Response = u64;
    type Error = Down;
    type Future = Inner<WORDS>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Down>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        Inner([request; WORDS], std::future::ready(()))
    }
}

fn future<const WORDS: usize>() -> Bar {
    let circuit = ours::circuit(Mode::Success, Config::default(), Clock::default());
    let mut service = BreakerLayer::new(circuit).layer(Makes::<WORDS>);
    let (inner, outer) = (size_of::<Inner<WORDS>>(), size_of_val(&service.call(0)));
    Bar::at_most(
        format!("bytes of the response future beyond an inner one of {inner}"),
        outer as f64 - inner as f64,
        48.0,
    )
}

/// No call allocates, but a boxed rejection is one allocation.
fn calls() -> Vec<Bar> {
    const CALLS: u64 = 1_000;
    let modes = [Mode::Success, Mode::Alternate, Mode::Rejected];
    let ours = modes
        .into_iter()
        .flat_map(|mode| ours::subjects(mode).into_iter().map(move |one| (mode, one)));
    let cloned = clone::subjects()
        .into_iter()
        .filter(|one| one.name == ours::DEFAULT);
    ours.chain(cloned.map(|one| (Mode::Success, one)))
        .map(|(mode, subject)| {
            let boxed = if subject.name.contains("boxed") {
                1.0
            } else {
                0.0
            };
            let allocations = subject.allocations(CALLS) as f64 / CALLS as f64;
            Bar::at_most(
                format!("allocations a call, {}, {mode:?}", subject.name),
                allocations,
                boxed,
            )
        })
        .collect()
}
