//! C18 under `tower::balance::p2c`: an endpoint whose circuit is open takes no calls, and comes back.
#![cfg(all(feature = "tokio", feature = "load"))]

mod support;

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use breaker_layer::{BreakerLayer, Circuit, State, clock::Clock};
use futures::{future::join_all, stream};
use support::{Fault, MILLI, SECOND};
use tokio::time::{advance, sleep};
use tower::{
    BoxError, Layer, Service, ServiceExt,
    balance::p2c::Balance,
    buffer::Buffer,
    discover::Change,
    load::{CompleteOnResponse, Load, PendingRequests},
};

/// An endpoint that answers after a millisecond, and fails at once while it is down.
#[derive(Clone, Default)]
struct Endpoint {
    is_down: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
}

impl Endpoint {
    fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }
}

impl Service<u32> for Endpoint {
    type Response = u32;
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<u32, Fault>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        self.calls.fetch_add(1, SeqCst);
        let is_down = self.is_down.load(SeqCst);
        Box::pin(async move {
            if is_down {
                return Err(Fault(request));
            }
            sleep(MILLI).await;
            Ok(request)
        })
    }
}

fn circuit(name: &str) -> Circuit {
    let builder = Circuit::builder(name).clock(Clock::tokio());
    builder.seed(1).build().expect("the settings are good")
}

/// Two endpoints under a balancer, each with a circuit of its own that has the default settings.
struct Pair {
    endpoints: [Endpoint; 2],
    circuits: [Circuit; 2],
}

impl Pair {
    fn new() -> Self {
        Self {
            endpoints: Default::default(),
            circuits: [circuit("first"), circuit("second")],
        }
    }

    fn waiting(
        &self,
    ) -> impl Service<u32, Response = u32, Error = BoxError, Future: Send> + Send + use<> {
        self.balance(|circuit, endpoint| BreakerLayer::new(circuit).wait().layer(endpoint))
    }

    fn rejecting(&self) -> impl Service<u32, Response = u32, Error = BoxError> {
        self.balance(|circuit, endpoint| BreakerLayer::new(circuit).layer(endpoint))
    }

    fn balance<S>(
        &self,
        guard: fn(Circuit, PendingRequests<Endpoint>) -> S,
    ) -> impl Service<u32, Response = u32, Error = BoxError, Future: Send> + Send + use<S>
    where
        S: Service<u32, Response = u32, Future: Send> + Load + Send + 'static,
        S::Metric: std::fmt::Debug + Send,
        S::Error: Into<BoxError>,
    {
        let guarded = [0, 1].map(|index| {
            let endpoint = self.endpoints[index].clone();
            let measured = PendingRequests::new(endpoint, CompleteOnResponse::default());
            let service = guard(self.circuits[index].clone(), measured);
            Ok::<_, Infallible>(Change::Insert(index, service))
        });
        Balance::new(stream::iter(guarded))
    }
}

/// How many of so many calls, one after the other, succeed.
async fn successes<S: Service<u32>>(balance: &mut S, calls: u32) -> u32
where
    S::Error: std::fmt::Debug,
{
    let mut good = 0;
    for request in 0..calls {
        let answer = balance.ready().await.expect("it lives").call(request).await;
        good += u32::from(answer.is_ok());
    }
    good
}

#[tokio::test(start_paused = true)]
async fn calls_avoid_a_failing_endpoint_and_return_when_it_has_recovered() {
    let pair = Pair::new();
    let mut balance = pair.waiting();
    assert_eq!(successes(&mut balance, 100).await, 100);
    let [first, second] = &pair.endpoints;
    assert!(first.calls() > 0 && second.calls() > 0);

    second.is_down.store(true, SeqCst);
    while pair.circuits[1].state() != State::Open {
        successes(&mut balance, 1).await;
    }

    let good = successes(&mut balance, 10_000).await;
    println!("{good} of 10000 calls succeed after the trip");
    assert!(good >= 9_900, "{good}");
    assert_eq!(pair.circuits[1].snapshot().rejected, 0);
    assert_ne!(pair.circuits[1].state(), State::Closed);

    second.is_down.store(false, SeqCst);
    let before = second.calls();
    advance(30 * SECOND).await;
    assert_eq!(successes(&mut balance, 1_000).await, 1_000);
    assert_eq!(pair.circuits[1].state(), State::Closed);
    assert!(second.calls() > before + 200, "{}", second.calls() - before);
}

/// The calls share the balancer through a buffer, as they do where there are many at once.
#[tokio::test(start_paused = true)]
async fn calls_that_are_made_at_once_avoid_a_failing_endpoint_too() {
    const TASKS: u32 = 16;
    let pair = Pair::new();
    let buffer = Buffer::new(pair.waiting(), 2 * TASKS as usize);
    let made = async |calls: u32| {
        let tasks = (0..TASKS).map(|_| {
            let mut buffer = buffer.clone();
            tokio::spawn(async move { successes(&mut buffer, calls / TASKS).await })
        });
        let good = join_all(tasks.collect::<Vec<_>>()).await;
        good.into_iter()
            .map(|good| good.expect("no panic"))
            .sum::<u32>()
    };
    assert_eq!(made(160).await, 160);

    pair.endpoints[1].is_down.store(true, SeqCst);
    while pair.circuits[1].state() != State::Open {
        made(TASKS).await;
    }
    let good = made(10_000).await;
    assert!(good >= 9_900, "{good}");

    pair.endpoints[1].is_down.store(false, SeqCst);
    advance(30 * SECOND).await;
    let before = pair.endpoints[1].calls();
    assert_eq!(made(1_600).await, 1_600);
    assert_eq!(pair.circuits[1].state(), State::Closed);
    assert!(pair.endpoints[1].calls() > before + 320);
}

/// What `wait()` is there for: a breaker that answers at once is the fastest endpoint while it rejects.
#[tokio::test(start_paused = true)]
async fn without_waiting_an_open_endpoint_draws_the_calls() {
    let pair = Pair::new();
    let mut balance = pair.rejecting();
    pair.circuits[1].isolate();
    let good = successes(&mut balance, 1_000).await;
    assert!(good < 900, "{good}");
}

#[tokio::test(start_paused = true)]
async fn a_balancer_whose_endpoints_are_all_open_waits_and_goes_on() {
    let pair = Pair::new();
    let mut balance = pair.waiting();
    assert_eq!(successes(&mut balance, 10).await, 10);
    for circuit in &pair.circuits {
        circuit.trip_for(SECOND);
    }
    let since = tokio::time::Instant::now();
    assert_eq!(successes(&mut balance, 10).await, 10);
    assert!(since.elapsed() >= SECOND);
    let closed = pair
        .circuits
        .iter()
        .filter(|circuit| circuit.state() == State::Closed);
    assert!(closed.count() > 0);
}

#[tokio::test(start_paused = true)]
async fn the_load_is_inner_s() {
    struct Busy(u32);
    impl Load for Busy {
        type Metric = u32;
        fn load(&self) -> u32 {
            self.0
        }
    }
    let layer = BreakerLayer::new(circuit("busy"));
    assert_eq!(layer.layer(Busy(3)).load(), 3);
    assert_eq!(layer.wait().layer(Busy(4)).load(), 4);
}
