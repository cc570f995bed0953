//! An axum server with two breakers: one on a dependency that a handler calls, and one as a layer of a route, which answers for a
//! handler that keeps failing. A client calls it over loopback while either fails and recovers.
//!
//! `-- --serve URL PORT` serves with the breaker on that dependency, and `-- --serve-bare URL PORT` without it, until
//! stopped: for load tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use axum::Router;
use axum::extract::State as Shared;
use axum::response::IntoResponse;
use axum::routing::get;
use breaker_examples::{Downstream, Mood};
use breaker_layer::http::{ServerErrors, unavailable};
use breaker_layer::{
    BoxError, BreakerLayer, Circuit, ConfigError, OpenTime, Probes, Rejected, State,
    TransitionEvent, Trip,
};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::RETRY_AFTER;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

const THRESHOLD: u32 = 3;
/// `Retry-After` knows whole seconds.
const OPEN_FOR: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_millis(500);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => demo().await,
        ["--serve", url, port] => serve(Dependency::guarded(url, &circuit("prices")?), port).await,
        ["--serve-bare", url, port] => serve(Dependency::bare(url), port).await,
        _ => Err("the arguments are none, or --serve URL PORT, or --serve-bare URL PORT".into()),
    }
}

/// A service that this one calls.
#[derive(Clone)]
struct Dependency {
    url: String,
    client: BoxCloneSyncService<Request<Empty<Bytes>>, Response<Incoming>, BoxError>,
}

impl Dependency {
    fn guarded(url: &str, circuit: &Circuit) -> Self {
        let client = ServiceBuilder::new()
            .layer(
                BreakerLayer::new(circuit.clone())
                    .classify_with(ServerErrors::new())
                    .boxed_errors(),
            )
            .timeout(PATIENCE)
            .service(Client::builder(TokioExecutor::new()).build_http());
        Self {
            url: url.to_owned(),
            client: BoxCloneSyncService::new(client),
        }
    }

    fn bare(url: &str) -> Self {
        let client = ServiceBuilder::new()
            .timeout(PATIENCE)
            .service(Client::builder(TokioExecutor::new()).build_http());
        Self {
            url: url.to_owned(),
            client: BoxCloneSyncService::new(client),
        }
    }
}

/// Asks the dependency. A rejection becomes a 503 that says when to come back.
async fn prices(Shared(dependency): Shared<Dependency>) -> axum::response::Response {
    let answer = async {
        let request = Request::get(&dependency.url).body(Empty::new())?;
        let response = dependency.client.oneshot(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok::<_, BoxError>(status)
    };
    match answer.await {
        Ok(status) if status.is_success() => "12\n".into_response(),
        Ok(_) => StatusCode::BAD_GATEWAY.into_response(),
        Err(error) => match error.downcast_ref::<Rejected>() {
            Some(rejected) => axum::response::Response::from(*rejected),
            None => StatusCode::BAD_GATEWAY.into_response(),
        },
    }
}

/// Fails as long as it is told to.
async fn work(Shared(is_broken): Shared<Arc<AtomicBool>>) -> StatusCode {
    match is_broken.load(SeqCst) {
        true => StatusCode::INTERNAL_SERVER_ERROR,
        false => StatusCode::OK,
    }
}

async fn serve(dependency: Dependency, port: &str) -> Result<(), BoxError> {
    let router = Router::new()
        .route("/prices", get(prices))
        .with_state(dependency);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    println!("http://{}/prices", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}

async fn demo() -> Result<(), BoxError> {
    let downstream = Downstream::start().await?;
    let (dependency, route) = (circuit("prices")?, circuit("work")?);
    let is_broken = Arc::new(AtomicBool::new(false));
    let guarded = Router::new()
        .route("/work", get(work))
        .with_state(is_broken.clone())
        // axum makes a service of it for each request; all of them share the circuit.
        .layer(
            BreakerLayer::new(route.clone())
                .classify_with(ServerErrors::new())
                .respond_with(unavailable),
        );
    let router = Router::new()
        .route("/prices", get(prices))
        .with_state(Dependency::guarded(&downstream.url("/"), &dependency))
        .merge(guarded);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });

    println!("a dependency of a handler");
    assert_eq!(ask(addr, "/prices").await?, (200, None));
    for trouble in [Mood::Failing, Mood::Hanging, Mood::Resetting] {
        println!("the dependency is {trouble:?}");
        downstream.set(trouble);
        for _ in 0..THRESHOLD {
            assert_eq!(ask(addr, "/prices").await?, (502, None));
        }
        assert_eq!(dependency.state(), State::Open);
        let reached = downstream.reached();
        assert_eq!(ask(addr, "/prices").await?, (503, Some(OPEN_FOR)));
        assert_eq!(downstream.reached(), reached);
        downstream.set(Mood::Healthy);
        tokio::time::sleep(OPEN_FOR).await;
        assert_eq!(ask(addr, "/prices").await?, (200, None));
        assert_eq!(dependency.state(), State::Closed);
    }

    println!("a route");
    assert_eq!(ask(addr, "/work").await?, (200, None));
    is_broken.store(true, SeqCst);
    for _ in 0..THRESHOLD {
        assert_eq!(ask(addr, "/work").await?, (500, None));
    }
    assert_eq!(route.state(), State::Open);
    assert_eq!(ask(addr, "/work").await?, (503, Some(OPEN_FOR)));
    assert_eq!(ask(addr, "/prices").await?, (200, None));
    is_broken.store(false, SeqCst);
    tokio::time::sleep(OPEN_FOR).await;
    assert_eq!(ask(addr, "/work").await?, (200, None));
    assert_eq!(route.state(), State::Closed);
    Ok(())
}

fn circuit(name: &str) -> Result<Circuit, ConfigError> {
    Circuit::builder(name)
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1))
        .observe(|event: &TransitionEvent<'_>| println!("  {event}"))
        .build()
}

/// The status of an answer, and its `Retry-After`.
async fn ask(addr: SocketAddr, path: &str) -> Result<(u16, Option<Duration>), BoxError> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("http://{addr}{path}")).body(Empty::<Bytes>::new())?;
    let response = client.request(request).await?;
    let retry_after = match response.headers().get(RETRY_AFTER) {
        Some(seconds) => Some(Duration::from_secs(seconds.to_str()?.parse()?)),
        None => None,
    };
    println!("  {path}: {}", response.status());
    Ok((response.status().as_u16(), retry_after))
}
