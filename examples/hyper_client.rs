//! A hyper client as most programs should have it: a pool, and around it from the outside in retry, breaker, a timeout for the
//! headers and one for the body. A real server on loopback fails in every way there is: server errors, hangs, resets, bodies
//! that are cut off, refused connections. Each time the circuit opens, answers at once while it is open, opens again when a
//! probe fails, and closes when the server is back.

use std::io::{self, ErrorKind};
use std::time::Duration;

use breaker_examples::{Downstream, Mood, causes, wait_until_due};
use breaker_layer::http::{EndOfStream, ServerErrors};
use breaker_layer::{
    BreakerLayer, Circuit, OpenTime, Probes, Rejected, State, TransitionEvent, Trip,
};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::retry::Policy;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use tower_http::timeout::ResponseBodyTimeoutLayer;

const THRESHOLD: u32 = 3;
const OPEN_FOR: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_millis(500);

/// The client. Clones of it share the pool and the circuit.
fn client(
    circuit: &Circuit,
) -> impl Service<
    Request<Empty<Bytes>>,
    Response = Response<impl Body<Data = Bytes, Error = BoxError>>,
    Error = BoxError,
> + Clone {
    ServiceBuilder::new()
        // Outside, so that each attempt counts, and is rejected while the circuit is open.
        .retry(OnceMore { left: 1 })
        // Judges by the status, and where that is good by whether the body is whole.
        .layer(
            BreakerLayer::new(circuit.clone())
                .settle_with(EndOfStream::new(ServerErrors::new()))
                .boxed_errors(),
        )
        // Inside, so that a timeout is a failure: until the headers, and for each part of the body.
        .timeout(PATIENCE)
        .layer(ResponseBodyTimeoutLayer::new(PATIENCE))
        .service(Client::builder(TokioExecutor::new()).build_http())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let mut downstream = Downstream::start().await?;
    // Ready for tests; the defaults trip later and wait longer.
    let circuit = Circuit::builder("mock")
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1))
        .observe(|event: &TransitionEvent<'_>| println!("  {event}"))
        .build()?;
    let url = downstream.url("/");
    // A call and the whole of its answer; an answer that blames the server is an error.
    let mut reader = client(&circuit);
    let mut get_from = async |url: &str| {
        let request = Request::get(url).body(Empty::new())?;
        let response = reader.ready().await?.call(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        if status.is_server_error() {
            return Err(status.to_string().into());
        }
        Ok(())
    };

    println!("the server is well");
    told(get_from(&url).await)?;

    println!("it fails once: the call is tried again, and nobody notices");
    told(get_from(&downstream.url("/?fail_next=1")).await)?;
    told(get_from(&url).await)?;
    assert_eq!(
        (circuit.state(), circuit.snapshot().failed),
        (State::Closed, 1)
    );

    let mut get = async || told(get_from(&url).await);
    for (trouble, kind) in [
        (Mood::Failing, None),
        (Mood::Hanging, None),
        (Mood::Resetting, Some(ErrorKind::ConnectionReset)),
        (Mood::Cutting, Some(ErrorKind::UnexpectedEof)),
    ] {
        println!("it is {trouble:?}");
        downstream.set(trouble);
        assert_eq!(fail_until_open(&mut get, &circuit).await, kind);
        let reached = downstream.reached();
        fail_fast(&mut get).await;
        assert_eq!(downstream.reached(), reached);
        fail_as_probe(&mut get, &circuit).await;
        downstream.set(Mood::Healthy);
        recover(&mut get, &circuit).await?;
    }

    println!(
        "whoever wants the status only may drop the response: it was good, and that closes the circuit too"
    );
    circuit.trip();
    wait_until_due(&circuit).await;
    let request = Request::head(&url).body(Empty::new())?;
    let mut pinger = client(&circuit);
    let response = pinger.ready().await?.call(request).await?;
    println!("  {}", response.status());
    drop(response);
    let request = Request::post(&url).body(Empty::new())?;
    drop(pinger.ready().await?.call(request).await?);
    assert_eq!(circuit.state(), State::Closed);

    println!("it is gone: connections are refused");
    let addr = downstream.addr();
    drop(downstream);
    // The old clients' pools have connections that live on.
    let mut reader = client(&circuit);
    let mut get = async || {
        let request = Request::get(&url).body(Empty::new())?;
        let response = reader.ready().await?.call(request).await?;
        response.into_body().collect().await?;
        told(Ok(()))
    };
    let kind = fail_until_open(&mut get, &circuit).await;
    assert_eq!(kind, Some(ErrorKind::ConnectionRefused));
    fail_fast(&mut get).await;
    fail_as_probe(&mut get, &circuit).await;
    downstream = Downstream::start_on(addr).await?;
    recover(&mut get, &circuit).await?;
    assert!(downstream.reached() > 0);
    Ok(())
}

/// Tries a failed call once more, unless it was rejected: that is not worth it at once.
#[derive(Clone)]
struct OnceMore {
    left: u32,
}

impl<B> Policy<Request<Empty<Bytes>>, Response<B>, BoxError> for OnceMore {
    type Future = std::future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Empty<Bytes>>,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Self::Future> {
        let is_worth_it = match result {
            Ok(response) => response.status().is_server_error(),
            Err(error) => !error.is::<Rejected>(),
        };
        self.left = self.left.checked_sub(u32::from(is_worth_it))?;
        is_worth_it.then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<Empty<Bytes>>) -> Option<Request<Empty<Bytes>>> {
        Some(request.clone())
    }
}

type Answer = Result<(), BoxError>;

fn told(answer: Answer) -> Answer {
    match &answer {
        Ok(()) => println!("  answered"),
        Err(error) => match error.downcast_ref::<Rejected>() {
            Some(rejected) => println!("  not asked: {rejected}"),
            None => println!("  error: {}", causes(error).last().unwrap_or(&**error)),
        },
    }
    answer
}

/// Fails as often as it takes; what the operating system said of the last time.
async fn fail_until_open(
    mut get: impl AsyncFnMut() -> Answer,
    circuit: &Circuit,
) -> Option<ErrorKind> {
    let failed = circuit.snapshot().failed;
    let mut kind = None;
    while circuit.state() == State::Closed {
        let error = get().await.expect_err("the server fails");
        // A retry may have been rejected already.
        if !error.is::<Rejected>() {
            kind = causes(&error).find_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
        }
    }
    assert_eq!(circuit.state(), State::Open);
    assert_eq!(circuit.snapshot().failed - failed, u64::from(THRESHOLD));
    kind
}

async fn fail_fast(mut get: impl AsyncFnMut() -> Answer) {
    for _ in 0..3 {
        let error = get().await.expect_err("the circuit is open");
        assert!(error.is::<Rejected>());
    }
}

/// The one probe fails, and its retry is rejected.
async fn fail_as_probe(mut get: impl AsyncFnMut() -> Answer, circuit: &Circuit) {
    let failed = circuit.snapshot().failed;
    wait_until_due(circuit).await;
    assert!(get().await.is_err(), "a call was answered");
    assert_eq!(circuit.snapshot().failed, failed + 1);
    assert_eq!(circuit.state(), State::Open);
}

async fn recover(get: impl AsyncFnMut() -> Answer, circuit: &Circuit) -> Answer {
    get_through(get).await?;
    assert_eq!(circuit.state(), State::Closed);
    Ok(())
}

/// Tries until the circuit lets it through, no sooner than it is worth it.
async fn get_through(mut get: impl AsyncFnMut() -> Answer) -> Answer {
    loop {
        let Err(error) = get().await else {
            return Ok(());
        };
        // Isolated by an operator without an end it says no time: then there is nothing to wait for.
        let rejected = error.downcast_ref().and_then(Rejected::retry_after);
        let Some(wait) = rejected else {
            return Err(error);
        };
        tokio::time::sleep(wait).await;
    }
}
