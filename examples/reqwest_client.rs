//! Two breakers for reqwest, against a real server on loopback: one around whole requests, which sees statuses, timeouts and
//! bodies that are cut off; and one around the connects of a client, which sees only whether a connection can be made.

use std::time::Duration;

use breaker_examples::{Downstream, Mood, causes, wait_until_due};
use breaker_layer::http::{EndOfStream, ServerErrors};
use breaker_layer::{
    BoxError, BreakerLayer, Circuit, ConfigError, OpenTime, Probes, Rejected, State,
    TransitionEvent, Trip,
};
use hyper::http;
use reqwest::{Client, Request, Response};
use tower::{Service, ServiceBuilder, ServiceExt};

const THRESHOLD: u32 = 3;
const OPEN_FOR: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_millis(500);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    whole_requests().await?;
    connects().await
}

/// A client is a service of requests, so a layer goes around it as around any other. The end of a stream is that of an
/// `http::Response`; a response that is made over into one and back no longer knows its URL.
async fn whole_requests() -> Result<(), BoxError> {
    println!("a breaker around whole requests");
    let downstream = Downstream::start().await?;
    let circuit = circuit("requests")?;
    // reqwest's own timeout is inside the breaker, where it belongs, and counts the body in.
    let client = Client::builder().timeout(PATIENCE).build()?;
    let mut client = ServiceBuilder::new()
        .map_response(|response: http::Response<_>| {
            Response::from(response.map(reqwest::Body::wrap))
        })
        .layer(
            BreakerLayer::new(circuit.clone()).settle_with(EndOfStream::new(ServerErrors::new())),
        )
        .map_response(http::Response::<reqwest::Body>::from)
        .service(client);

    let mut get = async || {
        let request = Request::new(reqwest::Method::GET, downstream.url("/").parse()?);
        let response = client.ready().await?.call(request).await?;
        let status = response.status();
        response.text().await?;
        Ok::<_, BoxError>(status)
    };
    assert_eq!(told(get().await)?, 200);
    for trouble in [Mood::Failing, Mood::Hanging, Mood::Resetting, Mood::Cutting] {
        println!("the server is {trouble:?}");
        downstream.set(trouble);
        for _ in 0..THRESHOLD {
            assert_eq!(circuit.state(), State::Closed);
            let answer = told(get().await);
            assert!(!answer.is_ok_and(|status| status.is_success()));
        }
        let reached = downstream.reached();
        let error = told(get().await).err().ok_or("a call was let through")?;
        assert!(is_rejection(&error));
        assert_eq!(
            (circuit.state(), downstream.reached()),
            (State::Open, reached)
        );

        downstream.set(Mood::Healthy);
        wait_until_due(&circuit).await;
        assert_eq!(told(get().await)?, 200);
        assert_eq!(circuit.state(), State::Closed);
    }
    Ok(())
}

/// A layer around the connector guards the connects only. Its request type is opaque: nobody can tell the hosts apart, and so
/// it is for a client that talks to one.
async fn connects() -> Result<(), BoxError> {
    println!("a breaker around connects");
    let downstream = Downstream::start().await?;
    let circuit = circuit("connects")?;
    let client = Client::builder()
        // No connection is kept, so that each request needs one.
        .pool_max_idle_per_host(0)
        .connector_layer(BreakerLayer::new(circuit.clone()).boxed_errors())
        .build()?;
    let url = downstream.url("/");
    let get = async || Ok::<_, BoxError>(client.get(&url).send().await?.status());
    assert_eq!(told(get().await)?, 200);

    println!("the server fails: it can be connected to, and that is all that is asked here");
    downstream.set(Mood::Failing);
    for _ in 0..2 * THRESHOLD {
        assert_eq!(told(get().await)?, 503);
    }
    assert_eq!(circuit.state(), State::Closed);

    println!("it is gone: connections are refused");
    let addr = downstream.addr();
    drop(downstream);
    tokio::task::yield_now().await;
    for _ in 0..THRESHOLD {
        assert_eq!(circuit.state(), State::Closed);
        assert!(told(get().await).is_err());
    }
    let error = told(get().await).err().ok_or("a call was let through")?;
    assert!(is_rejection(&error));

    println!("it is back");
    let downstream = Downstream::start_on(addr).await?;
    wait_until_due(&circuit).await;
    assert_eq!(told(get().await)?, 200);
    assert_eq!(circuit.state(), State::Closed);
    assert_eq!(downstream.reached(), 1);
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

fn told(answer: Result<reqwest::StatusCode, BoxError>) -> Result<reqwest::StatusCode, BoxError> {
    match &answer {
        Ok(status) => println!("  answer: {status}"),
        Err(error) => match causes(error).skip(1).last() {
            Some(cause) => println!("  error: {error}: {cause}"),
            None => println!("  error: {error}"),
        },
    }
    answer
}

/// A rejection lies under the errors of whatever is around the breaker.
fn is_rejection(error: &BoxError) -> bool {
    Rejected::of(&**error).is_some()
}
