//! A tonic client behind a breaker, against a real gRPC server on loopback: calls that fail, hang, and streams that fail in their
//! trailers or die half-way, a server that is gone. A rejection reaches the caller as `Unavailable`, with a pushback that says when to try again.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breaker_layer::http::{EndOfStream, GrpcErrors};
use breaker_layer::{
    BoxError, BreakerLayer, Circuit, OpenTime, Probes, State, TransitionEvent, Trip,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_stream::{Stream, StreamExt, iter, pending};
use tonic::transport::Endpoint;
use tonic::{Code, Request, Response, Status};
use tower::ServiceBuilder;

use greeter::greeter_client::GreeterClient;
use greeter::greeter_server::{Greeter, GreeterServer};
use greeter::{Greeting, Name};

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "made by build.rs"
)]
mod greeter {
    tonic::include_proto!("greeter");
}

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
        .observe(show)
        .build()?;
    // The channel's own timeout is inside the breaker, where it belongs.
    let channel = Endpoint::from_shared(format!("http://{}", server.addr))?
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
    let addr = server.addr;
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

fn show(event: &TransitionEvent<'_>) {
    let transition = event.transition();
    let (from, to, reason) = (transition.from(), transition.to(), transition.reason());
    println!("  circuit {}: {from} -> {to}, {reason}", event.circuit());
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

/// How the server treats its calls.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Healthy,
    /// Knows nobody.
    Choosy,
    /// Refuses in a response of trailers only.
    Unavailable,
    Hanging,
    /// Sends a greeting, and then the status of a failure.
    FailingInTrailers,
    /// Sends a greeting, and then closes the connection.
    DyingHalfWay,
}

/// A gRPC server on loopback, until it is dropped.
struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    mood: Mutex<Mood>,
    reached: AtomicU64,
    /// Each change closes every connection.
    hang_up: watch::Sender<()>,
}

impl Server {
    async fn start(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            mood: Mutex::new(Mood::Healthy),
            reached: AtomicU64::new(0),
            hang_up: watch::Sender::new(()),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self {
            addr,
            shared,
            accepting,
        })
    }

    fn set(&self, mood: Mood) {
        *self
            .shared
            .mood
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = mood;
    }

    fn reached(&self) -> u64 {
        self.shared.reached.load(SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.hang_up.send_replace(());
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut hang_up = shared.hang_up.subscribe();
        let service = TowerToHyperService::new(GreeterServer::from_arc(shared.clone()));
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            tokio::select! {
                // What it ends with is of no interest: a client that hung up is wanted.
                _ = server.serve_connection(TokioIo::new(stream), service) => {}
                _ = hang_up.changed() => {}
            }
        });
    }
}

impl Shared {
    /// How this call is treated.
    fn greet(&self) -> Mood {
        self.reached.fetch_add(1, SeqCst);
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Greetings = Pin<Box<dyn Stream<Item = Result<Greeting, Status>> + Send>>;

#[tonic::async_trait]
impl Greeter for Shared {
    type GreetOftenStream = Greetings;

    async fn greet(&self, request: Request<Name>) -> Result<Response<Greeting>, Status> {
        match self.greet() {
            Mood::Choosy => Err(Status::not_found("nobody is called so")),
            Mood::Unavailable => Err(Status::unavailable("come back later")),
            Mood::Hanging => std::future::pending().await,
            Mood::Healthy | Mood::FailingInTrailers | Mood::DyingHalfWay => {
                Ok(Response::new(greeting(&request)))
            }
        }
    }

    async fn greet_often(&self, request: Request<Name>) -> Result<Response<Greetings>, Status> {
        let first = iter([Ok(greeting(&request))]);
        let greetings: Greetings = match self.greet() {
            Mood::FailingInTrailers => {
                Box::pin(first.chain(iter([Err(Status::internal("lost for words"))])))
            }
            Mood::DyingHalfWay => {
                let hang_up = self.hang_up.clone();
                tokio::spawn(async move {
                    // By then the greeting has been sent.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    hang_up.send_replace(());
                });
                Box::pin(first.chain(pending()))
            }
            Mood::Healthy | Mood::Choosy | Mood::Unavailable | Mood::Hanging => {
                Box::pin(first.chain(iter([Ok(greeting(&request))])))
            }
        };
        Ok(Response::new(greetings))
    }
}

fn greeting(request: &Request<Name>) -> Greeting {
    Greeting {
        text: format!("hello {}", request.get_ref().name),
    }
}
