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

use breaker_layer::{BreakerLayer, Circuit, State, clock::Clock, service::Wait};
use futures::{
    StreamExt,
    channel::mpsc::{self, UnboundedSender},
    future::join_all,
    stream,
};
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

/// What tells a balancer which of a pair's endpoints there are.
struct Discovery {
    pair: Pair,
    changes: UnboundedSender<Change<usize, Guarded>>,
}

type Guarded = Wait<PendingRequests<Endpoint>>;

impl Discovery {
    fn new() -> (
        Self,
        impl Service<u32, Response = u32, Error = BoxError, Future: Send>,
    ) {
        let (changes, told) = mpsc::unbounded();
        let pair = Pair::new();
        let balance = Balance::new(told.map(Ok::<_, Infallible>));
        (Self { pair, changes }, balance)
    }

    fn insert(&self, index: usize) {
        let endpoint = self.pair.endpoints[index].clone();
        let measured = PendingRequests::new(endpoint, CompleteOnResponse::default());
        let layer = BreakerLayer::new(self.pair.circuits[index].clone()).wait();
        self.tell(Change::Insert(index, layer.layer(measured)));
    }

    fn remove(&self, index: usize) {
        self.tell(Change::Remove(index));
    }

    fn tell(&self, change: Change<usize, Guarded>) {
        let told = self.changes.unbounded_send(change);
        told.expect("the balancer lives");
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_goes_while_its_circuit_is_open_and_closes_it_when_it_is_back() {
    let (discovery, mut balance) = Discovery::new();
    let Pair {
        endpoints: [first, second],
        circuits: [_, circuit],
    } = &discovery.pair;
    discovery.insert(0);
    discovery.insert(1);
    assert_eq!(successes(&mut balance, 100).await, 100);
    second.is_down.store(true, SeqCst);
    while circuit.state() != State::Open {
        successes(&mut balance, 1).await;
    }

    discovery.remove(1);
    let (before, failed) = (second.calls(), first.calls());
    assert_eq!(successes(&mut balance, 1_000).await, 1_000);
    assert_eq!((second.calls(), first.calls()), (before, failed + 1_000));
    assert_ne!(circuit.state(), State::Closed, "nobody has probed");

    second.is_down.store(false, SeqCst);
    discovery.insert(1);
    advance(30 * SECOND).await;
    assert_eq!(successes(&mut balance, 1_000).await, 1_000);
    assert_eq!(circuit.state(), State::Closed);
    assert!(second.calls() > before + 200);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_goes_while_it_is_ready_to_probe_gives_the_place_back() {
    let (discovery, mut balance) = Discovery::new();
    let circuit = &discovery.pair.circuits[1];
    circuit.half_open();
    discovery.insert(1);
    balance.ready().await.expect("it lives");
    assert!(circuit.try_acquire().is_err(), "its one place is taken");

    discovery.insert(0);
    discovery.remove(1);
    assert_eq!(successes(&mut balance, 10).await, 10);
    assert_eq!(discovery.pair.endpoints[1].calls(), 0);
    assert!(circuit.try_acquire().is_ok(), "its place is free");

    discovery.insert(1);
    discovery.remove(0);
    assert_eq!(successes(&mut balance, 10).await, 10);
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_balancer_that_waits_for_an_open_endpoint_takes_the_new_one_that_comes() {
    let (discovery, mut balance) = Discovery::new();
    discovery.pair.circuits[1].trip_for(1000 * SECOND);
    discovery.insert(1);
    let since = tokio::time::Instant::now();
    let calls = async {
        let good = successes(&mut balance, 10).await;
        (good, since.elapsed())
    };
    let comes = async {
        sleep(SECOND).await;
        discovery.remove(1);
        sleep(SECOND).await;
        discovery.insert(0);
    };
    let ((good, took), ()) = tokio::join!(calls, comes);
    assert_eq!(good, 10);
    assert!(took < 3 * SECOND, "{took:?}");
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
