//! One circuit for each host that a client calls: three servers on loopback, of which one dies. Calls to it fail fast from
//! then on, and calls to the other two never notice.

use std::error::Error;

use breaker_examples::{Downstream, Mood};
use breaker_layer::http::ServerErrors;
use breaker_layer::keyed::{ByAuthority, KeyedBreakerLayer, KeyedCircuits};
use breaker_layer::{Rejected, State};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::http::uri::Authority;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    run(200).await
}

/// Makes so many calls to the two hosts that stay well.
pub(crate) async fn run(calls: u32) -> Result<(), BoxError> {
    let hosts = [Downstream::start().await?, Downstream::start().await?];
    let dead = Downstream::start().await?;
    let dead_url = dead.url("/");

    let circuits = KeyedCircuits::<Authority>::builder("hosts").build()?;
    let layer = KeyedBreakerLayer::new(circuits.clone(), ByAuthority);
    let mut client = ServiceBuilder::new()
        .layer(layer.classify_with(ServerErrors::new()).boxed_errors())
        .service(Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>());

    for url in [&dead_url, &hosts[0].url("/"), &hosts[1].url("/")] {
        assert_eq!(get(&mut client, url).await?, 200);
    }
    println!("three hosts are well: {} circuits", circuits.len());

    dead.set(Mood::Resetting);
    let mut failed = 0;
    let rejected = loop {
        match get(&mut client, &dead_url).await {
            Ok(status) => return Err(format!("a dead host answered {status}").into()),
            Err(error) => match error.downcast::<Rejected>() {
                Ok(rejected) => break rejected,
                Err(_) => failed += 1,
            },
        }
    };
    println!("one died: after {failed} failures its circuit opened: {rejected}");
    assert_eq!(circuits.len(), 1);

    let (reached, mut fast, mut succeeded) = (dead.reached(), 0, 0);
    for call in 0..calls {
        // A few of these are let through as probes, and fail as the call itself does.
        let answer = get(&mut client, &dead_url).await;
        fast += u32::from(answer.is_err_and(|error| error.is::<Rejected>()));
        let url = hosts[call as usize % hosts.len()].url("/");
        succeeded += u32::from(get(&mut client, &url).await? == 200);
    }
    println!(
        "of {calls} calls each, the dead host's failed fast {fast} times, and the others' succeeded {succeeded} times"
    );
    assert_eq!(succeeded, calls);
    // A call that failed fast did not reach it.
    assert!(dead.reached() - reached <= u64::from(calls - fast));
    assert!(
        fast > calls * 9 / 10,
        "only {fast} of {calls} calls failed fast"
    );
    for (host, circuit) in circuits.iter() {
        println!(
            "{host} is {}, the other {} hosts cost nothing",
            circuit.state(),
            hosts.len()
        );
        assert_ne!(circuit.state(), State::Closed);
    }
    assert_eq!(circuits.len(), 1);
    Ok(())
}

async fn get<S>(client: &mut S, url: &str) -> Result<u16, BoxError>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<Incoming>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let request = Request::get(url).body(Empty::new())?;
    let client = client.ready().await.map_err(Into::into)?;
    let response = client.call(request).await.map_err(Into::into)?;
    let status = response.status().as_u16();
    // Read to its end, so that the connection can be used again.
    response.into_body().collect().await?;
    Ok(status)
}
