//! Two real servers behind Tower's balancer, each with a breaker that waits: while one of them fails it gets no calls but a few probes,
//! and when it is well again it gets its share.

use std::time::Duration;

use breaker_examples::{Downstream, Mood};
use breaker_layer::http::ServerErrors;
use breaker_layer::{BoxError, BreakerLayer, Circuit, OpenTime, Probes, State, TransitionEvent};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::Instant;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, PendingRequests};
use tower::{Service, ServiceBuilder, ServiceExt};

const CALLS: u32 = 10_000;
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let downstreams = [Downstream::start().await?, Downstream::start().await?];
    let mut circuits = Vec::new();
    for name in ["first", "second"] {
        let waits = OpenTime::exponential(Duration::from_millis(100), Duration::from_secs(1));
        let circuit = Circuit::builder(name)
            .open_time(waits)
            .probes(Probes::new(1))
            .observe(|event: &TransitionEvent<'_>| println!("  {event}"));
        circuits.push(circuit.build()?);
    }
    let endpoints = downstreams
        .iter()
        .zip(&circuits)
        .map(|(downstream, circuit)| {
            let url = downstream.url("/");
            let client = Client::builder(TokioExecutor::new()).build_http();
            let endpoint = ServiceBuilder::new()
                .layer(
                    BreakerLayer::new(circuit.clone())
                        .classify_with(ServerErrors::new())
                        .boxed_errors()
                        .wait(),
                )
                .timeout(Duration::from_secs(1))
                .map_request(move |request| aim(request, &url))
                .service(client);
            PendingRequests::new(endpoint, CompleteOnResponse::default())
        });
    let mut balance = Balance::new(ServiceList::new::<Request<Empty<Bytes>>>(
        endpoints.collect::<Vec<_>>(),
    ));
    let [first, second] = &downstreams;

    println!("both are well");
    assert_eq!(successes(&mut balance, 200).await?, 200);
    println!("  calls: {} and {}", first.reached(), second.reached());
    assert!(first.reached() > 50 && second.reached() > 50);

    println!("the second one fails");
    second.set(Mood::Failing);
    while circuits[1].state() == State::Closed {
        successes(&mut balance, 1).await?;
    }
    let reached = second.reached();
    let good = successes(&mut balance, CALLS).await?;
    println!(
        "  {good} of {CALLS} calls succeed; {} went to it",
        second.reached() - reached
    );
    assert!(good >= CALLS * 99 / 100);
    assert_ne!(circuits[1].state(), State::Closed);

    println!("it is well again");
    second.set(Mood::Healthy);
    let since = Instant::now();
    while circuits[1].state() != State::Closed {
        assert!(since.elapsed() < PATIENCE, "it does not come back");
        assert_eq!(successes(&mut balance, 10).await?, 10);
    }
    let reached = second.reached();
    assert_eq!(successes(&mut balance, 200).await?, 200);
    println!("  {} of 200 calls went to it", second.reached() - reached);
    assert!(second.reached() > reached + 50);
    Ok(())
}

/// A request to whoever it is, sent to this server.
fn aim(mut request: Request<Empty<Bytes>>, url: &str) -> Request<Empty<Bytes>> {
    if let Ok(uri) = url.parse() {
        *request.uri_mut() = uri;
    }
    request
}

/// How many of so many calls are answered with 200.
async fn successes<S>(balance: &mut S, calls: u32) -> Result<u32, BoxError>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<Incoming>, Error = BoxError>,
{
    let mut good = 0;
    for _ in 0..calls {
        let answer = balance.ready().await?.call(Request::default()).await;
        if let Ok(response) = answer {
            good += u32::from(response.status().is_success());
            response.into_body().collect().await?;
        }
    }
    Ok(good)
}
