//! A tonic client behind a breaker, against a real gRPC server on loopback: calls that fail, hang, and streams that fail in their
//! trailers or die half-way, a server that is gone. A rejection reaches the caller as `Unavailable`, with a pushback that says when to try again.

use std::net::Ipv4Addr;
use std::time::Duration;

use breaker_examples::greeter::greeter_client::GreeterClient;
use breaker_examples::greeter::{Mood, Name, Server};
use breaker_layer::http::{EndOfStream, GrpcErrors};
use breaker_layer::{
    BoxError, BreakerLayer, Circuit, OpenTime, Probes, State, TransitionEvent, Trip,
};
use tokio_stream::StreamExt;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tower::ServiceBuilder;

const THRESHOLD: u32 = 3;
const OPEN_FOR: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_millis(500);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let server = Server::start((Ipv4Addr::LOCALHOST, 0).into()).await?;
    let circuit = Circuit::builder("greeter")
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .probes(Probes::new(1))
        .observe(|event: &TransitionEvent<'_>| println!("  {event}"))
        .build()?;
    // The channel's own timeout is inside the breaker, where it belongs.
    let channel = Endpoint::from_shared(format!("http://{}", server.addr()))?
        .timeout(PATIENCE)
        .connect_lazy();
    let service = ServiceBuilder::new()
        .layer(
            BreakerLayer::new(circuit.clone())
                .settle_with(EndOfStream::new(GrpcErrors::new()))
                .grpc(),
        )
        .service(channel);
    let client = GreeterClient::new(service);

    let unary = async || {
        let name = Name { name: "you".into() };
        client.clone().greet(name).await.map(|_| ())
    };
    let streaming = async || {
        let name = Name { name: "you".into() };
        let mut greetings = client.clone().greet_often(name).await?.into_inner();
        while greetings.try_next().await?.is_some() {}
        Ok(())
    };

    println!("calls");
    told(unary().await)?;
    println!("the caller's own mistakes are no failures");
    server.set(Mood::Choosy);
    for _ in 0..2 * THRESHOLD {
        assert_eq!(code(told(unary().await)), Code::NotFound);
    }
    assert_eq!(circuit.state(), State::Closed);
    let unavailable = (Mood::Unavailable, Code::Unavailable);
    let hanging = (Mood::Hanging, Code::Cancelled);
    for (trouble, expected) in [unavailable, hanging] {
        ride_out(trouble, expected, &server, &circuit, &unary).await?;
    }

    println!("streams");
    told(streaming().await)?;
    let breaks_off = (Mood::FailingInTrailers, Code::Internal);
    let dies = (Mood::DyingHalfWay, Code::Unknown);
    for (trouble, expected) in [breaks_off, dies] {
        ride_out(trouble, expected, &server, &circuit, &streaming).await?;
    }

    println!("the server is gone: connections are refused");
    let addr = server.addr();
    drop(server);
    tokio::task::yield_now().await;
    let wait = go_down(Code::Unavailable, &circuit, &unary).await?;
    let server = Server::start(addr).await?;
    come_back(wait, &circuit, &unary).await?;
    assert_eq!(server.reached(), 1);
    // Every call was judged: the generated client reads each stream to its end.
    assert_eq!(circuit.snapshot().cancelled, 0);
    Ok(())
}

/// The server fails for a while, and is well again.
async fn ride_out(
    trouble: Mood,
    expected: Code,
    server: &Server,
    circuit: &Circuit,
    call: impl AsyncFn() -> Result<(), Status>,
) -> Result<(), BoxError> {
    println!("the server is {trouble:?}");
    server.set(trouble);
    let reached = server.reached();
    let wait = go_down(expected, circuit, &call).await?;
    assert_eq!(server.reached() - reached, u64::from(THRESHOLD));
    server.set(Mood::Healthy);
    come_back(wait, circuit, &call).await
}

/// The calls fail, the circuit opens and answers at once; how long it says that it is not worth trying again.
async fn go_down(
    expected: Code,
    circuit: &Circuit,
    call: impl AsyncFn() -> Result<(), Status>,
) -> Result<Duration, BoxError> {
    let mut seen = Code::Ok;
    for _ in 0..THRESHOLD {
        assert_eq!(circuit.state(), State::Closed);
        seen = code(told(call().await));
        assert_ne!(seen, Code::Ok);
    }
    // The first call may still meet the connection that breaks off.
    assert_eq!((seen, circuit.state()), (expected, State::Open));

    let rejection = told(call().await).err().ok_or("a call was let through")?;
    assert_eq!(rejection.code(), Code::Unavailable);
    let pushback = rejection.metadata().get("grpc-retry-pushback-ms");
    let millis = pushback.ok_or("no pushback")?.to_str()?.parse()?;
    let wait = Duration::from_millis(millis);
    assert!(wait <= OPEN_FOR + Duration::from_millis(1));
    Ok(wait)
}

/// After the wait the circuit probes, and closes.
async fn come_back(
    wait: Duration,
    circuit: &Circuit,
    call: impl AsyncFn() -> Result<(), Status>,
) -> Result<(), BoxError> {
    tokio::time::sleep(wait).await;
    told(call().await)?;
    assert_eq!(circuit.state(), State::Closed);
    Ok(())
}

fn told(answer: Result<(), Status>) -> Result<(), Status> {
    match &answer {
        Ok(()) => println!("  answered"),
        Err(status) => println!("  {:?}: {}", status.code(), status.message()),
    }
    answer
}

fn code(answer: Result<(), Status>) -> Code {
    answer.err().map_or(Code::Ok, |status| status.code())
}
