//! An HTTP/2 connection that its own client's timeouts poison: <https://github.com/hyperium/h2/issues/856>.

use std::convert::Infallible;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use breaker_layer::clock::ManualClock;
use breaker_layer::{BreakerLayer, Circuit, Error, OpenTime, Probes, State, Trip};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tower::timeout::TimeoutLayer;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

/// The streams that a client of h2 may reset, in the time for which it remembers them, before its connection gives up.
const RESETS: u32 = 1024;

#[derive(Default)]
struct Server {
    hangs: AtomicBool,
    connections: AtomicUsize,
}

async fn serve(server: Arc<Server>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            server.connections.fetch_add(1, SeqCst);
            let server = server.clone();
            let answer = move |_: Request<Incoming>| {
                let server = server.clone();
                async move {
                    if server.hangs.load(SeqCst) {
                        pending::<()>().await;
                    }
                    Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
                }
            };
            let connection = http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(connection);
        }
    });
    addr
}

#[tokio::test]
async fn a_circuit_before_a_connection_that_timeouts_have_poisoned_closes_again() {
    let server = Arc::new(Server::default());
    let addr = serve(server.clone()).await;
    let clock = ManualClock::new();
    let circuit = Circuit::builder("upstream")
        .trip(Trip::consecutive_failures(5))
        .open_time(OpenTime::fixed(Duration::from_secs(5)))
        .probes(Probes::new(1))
        .clock(clock.clock())
        .build()
        .expect("the settings are good");
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<Empty<Bytes>>();
    let mut service = ServiceBuilder::new()
        .layer(BreakerLayer::new(circuit.clone()))
        // Long enough for an answer, and over at once where there is none: time is stopped then.
        .layer(TimeoutLayer::new(Duration::from_secs(60)))
        .service(client);
    let ask = || {
        let request = Request::get(format!("http://{addr}/")).body(Empty::new());
        request.expect("a request")
    };

    service.ready().await.expect("ready");
    service.call(ask()).await.expect("it answers");
    server.hangs.store(true, SeqCst);
    tokio::time::pause();
    // Far more timeouts than poison a connection, of which the circuit lets few pass.
    let mut sent = 0;
    while sent < RESETS + 100 {
        service.ready().await.expect("ready");
        match service.call(ask()).await {
            Err(Error::Rejected(_)) => clock.advance(Duration::from_secs(5)),
            Err(Error::Inner(_)) => sent += 1,
            Ok(_) => panic!("it hangs"),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(circuit.state(), State::Open);
    let connections = server.connections.load(SeqCst);
    assert!(connections > 1, "no connection was poisoned");

    server.hangs.store(false, SeqCst);
    tokio::time::resume();
    clock.advance(Duration::from_secs(5));
    // The connection that is poisoned may fail one probe more, and then there is another one.
    let mut probes = 0;
    while circuit.state() != State::Closed {
        probes += 1;
        assert!(probes <= 3, "the circuit stays open");
        clock.advance(Duration::from_secs(5));
        service.ready().await.expect("ready");
        let _: Result<_, Error<BoxError>> = service.call(ask()).await;
    }
    service.ready().await.expect("ready");
    service.call(ask()).await.expect("it answers again");
}
