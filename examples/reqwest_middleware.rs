//! reqwest as most programs use it, `client.get(url).send()`, with a breaker in between: once by an extension trait, once by a
//! middleware of reqwest-middleware. A server on loopback fails, hangs and is gone; each time the circuit opens, and closes afterwards.

use std::time::Duration;

use breaker_examples::{Downstream, Mood, wait_until_due};
use breaker_layer::http::{ClassifyStream, ServerErrors};
use breaker_layer::{
    BoxError, Circuit, Classify, ConfigError, Error, OpenTime, Outcome, Probes, Rejected, State,
    TransitionEvent, Trip,
};
use hyper::http::Extensions;
use reqwest::{Client, Request, RequestBuilder, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};

const THRESHOLD: u32 = 3;
const OPEN_FOR: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_millis(300);

/// What a response or an error of reqwest's means: its own timeout, a refused connection and a status of 500 or more are failures.
fn by_status() -> impl Classify<Response, reqwest::Error> {
    ServerErrors::new()
        .errors(|error: &reqwest::Error| match error.is_builder() {
            true => Outcome::Ignored, // it was never sent
            false => Outcome::Failure,
        })
        .by_parts(|response: &Response| (response.status(), response.headers()))
}

/// `client.get(url).send_by(&circuit)` in place of `client.get(url).send()`.
trait SendBy {
    async fn send_by(self, circuit: &Circuit) -> Result<Response, Error<reqwest::Error>>;
}

impl SendBy for RequestBuilder {
    async fn send_by(self, circuit: &Circuit) -> Result<Response, Error<reqwest::Error>> {
        circuit.run_with(&by_status(), self.send()).await
    }
}

/// The same for all requests of a client.
struct Breaker(Circuit);

#[async_trait::async_trait]
impl Middleware for Breaker {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let permit = self
            .0
            .try_acquire()
            .map_err(reqwest_middleware::Error::middleware)?;
        let result = next.run(request, extensions).await;
        permit.record(match &result {
            Ok(response) => by_status().classify(Ok(response)),
            Err(reqwest_middleware::Error::Reqwest(error)) => by_status().classify(Err(error)),
            // Another middleware's own doing.
            Err(reqwest_middleware::Error::Middleware(_)) => Outcome::Ignored,
        });
        result
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let client = || Client::builder().timeout(PATIENCE).build();

    println!("an extension trait");
    let (downstream, circuit, client_by_trait) =
        (Downstream::start().await?, circuit("by trait")?, client()?);
    let get = async || {
        let url = downstream.url("/");
        let answer = client_by_trait.get(url).send_by(&circuit).await;
        Ok::<_, BoxError>(answer?.status().as_u16())
    };
    ride_out(&downstream, &circuit, get).await?;

    println!("a middleware");
    let (downstream, circuit) = (Downstream::start().await?, self::circuit("by middleware")?);
    let client = ClientBuilder::new(client()?)
        .with(Breaker(circuit.clone()))
        .build();
    let get = async || {
        let answer = client.get(downstream.url("/")).send().await;
        Ok(answer?.status().as_u16())
    };
    ride_out(&downstream, &circuit, get).await
}

/// The server is well, fails in this and that way, and comes back each time.
async fn ride_out(
    downstream: &Downstream,
    circuit: &Circuit,
    get: impl AsyncFn() -> Result<u16, BoxError>,
) -> Result<(), BoxError> {
    assert_eq!(get().await?, 200);
    for trouble in [Mood::Failing, Mood::Hanging, Mood::Resetting] {
        println!("  the server is {trouble:?}");
        downstream.set(trouble);
        for _ in 0..THRESHOLD {
            assert_eq!(circuit.state(), State::Closed);
            assert!(!get().await.is_ok_and(|status| status < 500));
        }
        let reached = downstream.reached();
        let error = get().await.err().ok_or("a call was let through")?;
        println!("  {error}");
        assert!(Rejected::of(&*error).is_some());
        assert_eq!(downstream.reached(), reached);

        downstream.set(Mood::Healthy);
        wait_until_due(circuit).await;
        assert_eq!(get().await?, 200);
        assert_eq!(circuit.state(), State::Closed);
    }
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
