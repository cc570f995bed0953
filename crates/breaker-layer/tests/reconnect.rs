//! Tower's `Reconnect` makes its connection when it is asked whether it is ready, and tells the next call where it could not. A breaker
//! stands outside it, where it sees both; inside, an open circuit costs no connection.

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
};
use std::task::{Context, Poll};

use breaker_layer::{BoxError, BreakerLayer, Circuit, Error, State, Trip};
use support::{Bench, Fault, OPEN_FOR, THRESHOLD};
use tower::{Layer, Service, ServiceExt, reconnect::Reconnect, service_fn, util::BoxCloneService};

type Connection = BoxCloneService<u32, u32, BoxError>;

/// A downstream that may be away, and whose connections may fail all calls.
#[derive(Clone, Default)]
struct Peer {
    is_away: Arc<AtomicBool>,
    fails: Arc<AtomicBool>,
    connections: Arc<AtomicU32>,
}

impl Peer {
    fn connect(&self) -> Result<Connection, BoxError> {
        if self.is_away.load(SeqCst) {
            return Err(Fault(0).into());
        }
        self.connections.fetch_add(1, SeqCst);
        let fails = self.fails.clone();
        Ok(BoxCloneService::new(service_fn(move |request: u32| {
            let fails = fails.load(SeqCst);
            async move {
                match fails {
                    true => Err(Fault(request).into()),
                    false => Ok(request),
                }
            }
        })))
    }
}

#[tokio::test]
async fn a_breaker_around_reconnect_counts_connections_that_fail_and_closes_when_there_is_one() {
    let (bench, peer) = (Bench::new(), Peer::default());
    let connect = {
        let peer = peer.clone();
        service_fn(move |(): ()| std::future::ready(peer.connect()))
    };
    let reconnect = Reconnect::new(connect, ());
    let mut service = BreakerLayer::new(bench.circuit.clone()).layer(reconnect);
    peer.is_away.store(true, SeqCst);
    for call in 0..THRESHOLD {
        let result = service.ready().await.unwrap().call(call).await;
        assert!(matches!(result, Err(Error::Inner(_))));
    }
    let result = service.ready().await.unwrap().call(7).await;
    assert!(matches!(result, Err(Error::Rejected(_))));
    assert_eq!(peer.connections.load(SeqCst), 0);

    peer.is_away.store(false, SeqCst);
    bench.clock.advance(OPEN_FOR);
    assert_eq!(service.ready().await.unwrap().call(8).await.unwrap(), 8);
    assert_eq!(
        (bench.state(), peer.connections.load(SeqCst)),
        (State::Closed, 1)
    );
}

#[tokio::test]
async fn a_breaker_inside_reconnect_keeps_its_connection_while_it_rejects() {
    let (bench, peer) = (Bench::new(), Peer::default());
    let connect = {
        let (peer, layer) = (peer.clone(), BreakerLayer::new(bench.circuit.clone()));
        let layer = layer.boxed_errors();
        service_fn(move |(): ()| {
            std::future::ready(peer.connect().map(|connection| layer.layer(connection)))
        })
    };
    let mut service = Reconnect::new(connect, ());
    peer.fails.store(true, SeqCst);
    for call in 0..THRESHOLD + 3 {
        service.ready().await.unwrap().call(call).await.unwrap_err();
    }
    assert_eq!(bench.state(), State::Open);
    assert_eq!(bench.circuit.snapshot().rejected, 3);

    peer.fails.store(false, SeqCst);
    bench.clock.advance(OPEN_FOR);
    assert_eq!(service.ready().await.unwrap().call(8).await.unwrap(), 8);
    assert_eq!(
        (bench.state(), peer.connections.load(SeqCst)),
        (State::Closed, 1)
    );
}

/// A connection that is over as soon as its own circuit opens, as the guide has it.
struct OneOfMany<S> {
    service: S,
    circuit: Circuit,
}

impl<S: Service<u32, Error = BoxError>> Service<u32> for OneOfMany<S> {
    type Response = S::Response;
    type Error = BoxError;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.circuit.state() {
            State::Closed => self.service.poll_ready(cx),
            _ => Poll::Ready(Err("the connection is given up".into())),
        }
    }

    fn call(&mut self, request: u32) -> S::Future {
        self.service.call(request)
    }
}

/// The host is well: only the first of its connections fails all calls.
#[tokio::test]
async fn a_circuit_of_each_connection_gives_up_one_that_is_ill_and_not_its_host() {
    let (bench, peer) = (Bench::new(), Peer::default());
    peer.fails.store(true, SeqCst);
    let connect = || {
        let connection = peer.connect()?;
        if peer.connections.load(SeqCst) > 1 {
            peer.fails.store(false, SeqCst);
        }
        let circuit = Circuit::builder("connection")
            .trip(Trip::consecutive_failures(THRESHOLD - 1))
            .clock(bench.clock.clock())
            .build()?;
        let layer = BreakerLayer::new(circuit.clone()).boxed_errors();
        let service = layer.layer(connection);
        Ok::<_, BoxError>(OneOfMany { service, circuit })
    };
    let connect = service_fn(|(): ()| std::future::ready(connect()));
    let host = BreakerLayer::new(bench.circuit.clone()).boxed_errors();
    let mut service = host.layer(Reconnect::new(connect, ()));
    let mut good = 0;
    for call in 0..100 {
        let answer = service.ready().await.unwrap().call(call).await;
        good += u32::from(answer.is_ok());
    }
    assert_eq!(
        (good, bench.state()),
        (100 - (THRESHOLD - 1), State::Closed)
    );
    assert_eq!(peer.connections.load(SeqCst), 2);
    assert_eq!(bench.circuit.snapshot().rejected, 0);
}
