//! Bodies pass through the end-of-stream wrapper unchanged, over HTTP/1.1 and HTTP/2, on the server and on the client:
//! compared byte for byte against no wrapper.

mod support;

use std::convert::Infallible;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use breaker_examples::Downstream;
use breaker_layer::clock::ManualClock;
use breaker_layer::http::{EndOfStream, ServerErrors, SettlingBody};
use breaker_layer::{BreakerLayer, Circuit, State};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::client::conn;
use hyper::{HeaderMap, Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use support::{Recorder, Source};
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::timeout::ResponseBodyTimeoutLayer;

const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

/// What a reader learns at each step.
#[derive(Debug, PartialEq)]
enum Seen {
    Hints(u64, Option<u64>, bool),
    Data(Bytes),
    Trailers(HeaderMap),
}

type Layered = BreakerLayer<EndOfStream<ServerErrors>>;

/// A layer that settles at the end, and the circuit that it tells, which counts all there is.
fn layer() -> (Layered, Circuit) {
    let circuit = Circuit::builder("bodies").count_calls(true).build();
    let circuit = circuit.expect("the settings are good");
    let settle = EndOfStream::new(ServerErrors::new());
    (
        BreakerLayer::new(circuit.clone()).settle_with(settle),
        circuit,
    )
}

/// A response of so many frames, with trailers.
fn response(frames: usize, bytes: usize, made: &Arc<AtomicUsize>) -> Response<Source> {
    let source = Source {
        frames,
        bytes,
        has_trailers: true,
        made: made.clone(),
    };
    let response = Response::builder().header("trailer", "x-checksum");
    // It would change from one second to the next.
    let response = response.header("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    response.body(source).expect("a response")
}

/// Serves one request and gives the response, whose connection goes on in the background; and what the server writes.
async fn request<S, B>(version: Version, service: S) -> (Response<Incoming>, support::Written)
where
    S: Serve<B>,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let (client, server) = tokio::io::duplex(64 * 1024);
    let (server, written) = Recorder::new(server);
    tokio::spawn(serve(server, service));
    (connect(version, client).await, written)
}

/// The same, and nobody listens.
async fn stream<S, B>(version: Version, service: S) -> Response<Incoming>
where
    S: Serve<B>,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let (client, server) = tokio::io::duplex(64 * 1024);
    tokio::spawn(serve(server, service));
    connect(version, client).await
}

/// Serves every connection, over TCP.
async fn serve_on_loopback<S, B>(service: S) -> SocketAddr
where
    S: Serve<B>,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, service.clone()));
        }
    });
    addr
}

/// It ends with the client.
async fn serve<I, S, B>(io: I, service: S)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    S: Serve<B>,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let builder = auto::Builder::new(TokioExecutor::new());
    let service = TowerToHyperService::new(service);
    let _ = builder.serve_connection(TokioIo::new(io), service).await;
}
/// What hyper serves.
trait Serve<B>:
    Service<
        Request<Incoming>,
        Response = Response<B>,
        Error: Into<Box<dyn Error + Send + Sync>> + Send,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
}

impl<S, B> Serve<B> for S where
    S: Service<
            Request<Incoming>,
            Response = Response<B>,
            Error: Into<Box<dyn Error + Send + Sync>> + Send,
            Future: Send,
        > + Clone
        + Send
        + 'static
{
}

/// The same response through a breaker.
async fn guarded<B: Body>(
    layer: &Layered,
    response: Response<B>,
) -> Response<breaker_layer::http::SettlingBody<B, ServerErrors>> {
    let mut response = Some(response);
    let service = layer.layer(service_fn(move |()| {
        let response = response.take().expect("one call");
        async { Ok::<_, Infallible>(response) }
    }));
    match service.oneshot(()).await {
        Ok(response) => response,
        Err(rejected) => panic!("{rejected}"),
    }
}

async fn read<B: Body<Data = Bytes>>(body: B) -> Vec<Seen> {
    let (mut body, mut seen) = (Box::pin(body), Vec::new());
    loop {
        let hint = body.size_hint();
        seen.push(Seen::Hints(
            hint.lower(),
            hint.upper(),
            body.is_end_stream(),
        ));
        let Some(frame) = body.frame().await else {
            return seen;
        };
        let Ok(frame) = frame else {
            panic!("the body is whole")
        };
        seen.push(match frame.into_data() {
            Ok(data) => Seen::Data(data),
            Err(frame) => Seen::Trailers(frame.into_trailers().expect("trailers")),
        });
    }
}

fn bytes(seen: &[Seen]) -> Vec<u8> {
    let data = seen.iter().filter_map(|seen| match seen {
        Seen::Data(data) => Some(&data[..]),
        Seen::Hints(..) | Seen::Trailers(_) => None,
    });
    data.flatten().copied().collect()
}

#[tokio::test]
async fn a_server_writes_the_same_bytes_and_a_client_reads_the_same() {
    for version in VERSIONS {
        let plain = service_fn(async |_: Request<Incoming>| {
            Ok::<_, Infallible>(response(40, 10_000, &Arc::default()))
        });
        let (answer, plain_wire) = request(version, plain).await;
        assert_eq!(answer.version(), version);
        let plain_seen = read(answer.into_body()).await;
        assert!(matches!(
            &plain_seen[..],
            [.., Seen::Trailers(_), Seen::Hints(..)]
        ));
        assert!(bytes(&plain_seen).len() > 390_000);

        let (server_layer, server_circuit) = layer();
        let (answer, wire) = request(version, server_layer.layer(plain)).await;
        let (client_layer, client_circuit) = layer();
        let seen = read(guarded(&client_layer, answer).await.into_body()).await;
        assert_eq!(wire.bytes(), plain_wire.bytes(), "{version:?}");
        assert_eq!(seen, plain_seen, "{version:?}");
        for circuit in [server_circuit, client_circuit] {
            let snapshot = circuit.snapshot();
            assert_eq!((snapshot.succeeded, snapshot.cancelled), (Some(1), 0));
        }
    }
}

#[tokio::test]
async fn a_length_is_passed_on() {
    for version in VERSIONS {
        let (server_layer, _) = layer();
        let service = server_layer.layer(service_fn(async |_: Request<Incoming>| {
            let text = http_body_util::Full::new(Bytes::from_static(b"hello"));
            Ok::<_, Infallible>(Response::new(text))
        }));
        let (answer, _) = request(version, service).await;
        assert_eq!(answer.headers()["content-length"], "5");
        let (client_layer, circuit) = layer();
        let answer = guarded(&client_layer, answer).await;
        assert_eq!(answer.body().size_hint().exact(), Some(5));
        assert_eq!(bytes(&read(answer.into_body()).await), b"hello");
        assert_eq!(circuit.snapshot().succeeded, Some(1));
    }
}

/// hyper drops a body that has given what the headers promised, and does not ask for its end.
#[tokio::test]
async fn a_streamed_body_of_known_length_succeeds() {
    for version in VERSIONS {
        let (layer, circuit) = layer();
        let service = layer.layer(service_fn(async |_: Request<Incoming>| {
            let frames =
                ["hel", "lo"].map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
            let response = Response::builder().header("content-length", 5);
            response.body(StreamBody::new(tokio_stream::iter(frames)))
        }));
        let answer = stream(version, service).await;
        assert_eq!(bytes(&read(answer.into_body()).await), b"hello");
        let snapshot = circuit.snapshot();
        assert_eq!(
            (snapshot.succeeded, snapshot.cancelled),
            (Some(1), 0),
            "{version:?}"
        );
    }
}

/// A timeout layer ends at the headers; what the guide says helps does.
#[tokio::test]
async fn a_body_that_hangs_is_a_failure_with_a_timeout_of_its_own() {
    let (layer, circuit) = layer();
    let service = ServiceBuilder::new()
        .layer(layer)
        .layer(ResponseBodyTimeoutLayer::new(Duration::from_millis(10)))
        .service_fn(async |_: Request<()>| {
            let frame = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"hel")));
            let frames = tokio_stream::iter([frame]).chain(tokio_stream::pending());
            Ok::<_, Infallible>(Response::new(StreamBody::new(frames)))
        });
    let Ok(answer) = service.oneshot(Request::default()).await else {
        panic!("it is admitted")
    };
    assert!(answer.into_body().collect().await.is_err());
    assert_eq!(circuit.snapshot().failed, 1);
}

/// A client as it comes, behind a circuit that has just been opened and may probe now.
fn guarded_client() -> (Circuit, impl Client) {
    let clock = ManualClock::new();
    let circuit = Circuit::builder("downstream").clock(clock.clock()).build();
    let circuit = circuit.expect("the defaults are good");
    circuit.trip();
    clock.advance(Duration::from_secs(72));
    let settle = EndOfStream::new(ServerErrors::new());
    let client = BreakerLayer::new(circuit.clone())
        .settle_with(settle)
        .layer(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http());
    (circuit, client)
}

trait Client:
    Service<
        Request<Empty<Bytes>>,
        Response = Response<SettlingBody<Incoming, ServerErrors>>,
        Error: std::fmt::Debug,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
}

impl<S> Client for S where
    S: Service<
            Request<Empty<Bytes>>,
            Response = Response<SettlingBody<Incoming, ServerErrors>>,
            Error: std::fmt::Debug,
            Future: Send,
        > + Clone
        + Send
        + 'static
{
}

fn ask(method: &str, url: String) -> Request<Empty<Bytes>> {
    let request = Request::builder().method(method).uri(url);
    request.body(Empty::new()).expect("a request")
}

#[tokio::test]
async fn callers_that_drop_the_body_unread_close_the_circuit_again() {
    let downstream = Downstream::start().await.expect("a free port");
    let (circuit, client) = guarded_client();
    assert_eq!(circuit.state(), State::HalfOpen);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (client, url) = (client.clone(), downstream.url("/"));
        callers.spawn(async move {
            for _ in 0..20 {
                // Not read: the status is all that a webhook's sender wants.
                drop(client.clone().oneshot(ask("POST", url.clone())).await);
            }
        });
    }
    callers.join_all().await;
    assert_eq!(circuit.state(), State::Closed);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.failed, snapshot.cancelled), (0, 0));
}

/// Each of them comes with headers alone, and some of those promise a body.
#[tokio::test]
async fn answers_without_a_body_close_the_circuit_again() {
    let addr = serve_on_loopback(service_fn(async |request: Request<Incoming>| {
        let response = match request.uri().path() {
            "/304" => Response::builder()
                .status(304)
                .header("content-length", 1000),
            "/204" => Response::builder().status(204),
            _ => Response::builder().header("content-length", 1000),
        };
        response.body(Empty::<Bytes>::new())
    }));
    let addr = addr.await;
    for (method, path) in [("HEAD", "/"), ("GET", "/204"), ("GET", "/304")] {
        for is_read in [true, false] {
            let (circuit, client) = guarded_client();
            for _ in 0..5 {
                let request = ask(method, format!("http://{addr}{path}"));
                let response = client.clone().oneshot(request).await.expect("an answer");
                if is_read {
                    let body = response.into_body().collect().await;
                    assert!(body.expect("a body").to_bytes().is_empty());
                }
            }
            assert_eq!(circuit.state(), State::Closed, "{method} {path}");
            let snapshot = circuit.snapshot();
            assert_eq!((snapshot.failed, snapshot.cancelled), (0, 0));
        }
    }
}

/// The answer to `HEAD` that a server makes has a body, which hyper drops unread.
#[tokio::test]
async fn a_server_that_answers_head_succeeds() {
    let (layer, circuit) = layer();
    let addr = serve_on_loopback(layer.layer(service_fn(async |_: Request<Incoming>| {
        let text = http_body_util::Full::new(Bytes::from_static(b"hello"));
        Ok::<_, Infallible>(Response::new(text))
    })));
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
    let request = ask("HEAD", format!("http://{}/", addr.await));
    let response = client.oneshot(request).await.expect("an answer");
    assert_eq!(response.headers()["content-length"], "5");
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.succeeded, snapshot.cancelled), (Some(1), 0));
}

/// Whether it has had an event or not: a stream may be quiet.
#[tokio::test]
async fn an_event_stream_that_its_readers_leave_does_not_open_the_circuit() {
    let addr = serve_on_loopback(service_fn(async |request: Request<Incoming>| {
        let event = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"data: 1\n\n")));
        let events = tokio_stream::iter((request.uri().path() == "/1").then_some(event));
        let response = Response::builder().header("content-type", "text/event-stream");
        response.body(StreamBody::new(events.chain(tokio_stream::pending())))
    }));
    let addr = addr.await;
    let (circuit, client) = guarded_client();
    for reader in 0..100 {
        let events = reader % 2;
        let request = ask("GET", format!("http://{addr}/{events}"));
        let response = client.clone().oneshot(request).await.expect("an answer");
        let mut body = response.into_body();
        if events == 1 {
            assert!(body.frame().await.expect("an event").is_ok());
        }
        // It waits for the next one when it leaves.
        let next = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx)));
        assert!(next.await.is_pending());
    }
    assert_eq!(circuit.state(), State::Closed);
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.failed, snapshot.cancelled), (0, 0));
}

/// How many frames a server has made, for a client that reads one more each time, after it has stopped for want of room.
async fn made<B: Body<Data = Bytes>>(body: B, made: &AtomicUsize) -> Vec<usize> {
    let (mut body, mut seen) = (Box::pin(body), Vec::new());
    for _ in 0..50 {
        let mut before = usize::MAX;
        while before != made.load(SeqCst) {
            before = made.load(SeqCst);
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
        }
        seen.push(before);
        let frame = body.frame().await.expect("there is more");
        assert!(frame.is_ok_and(|frame| frame.is_data()));
    }
    seen
}

#[tokio::test]
async fn a_client_that_reads_slowly_holds_the_server_up_as_much() {
    for version in VERSIONS {
        let service = |count: &Arc<AtomicUsize>| {
            let count = count.clone();
            service_fn(move |_: Request<Incoming>| {
                let response = response(10_000, 10_000, &count);
                async { Ok::<_, Infallible>(response) }
            })
        };
        let (plain_count, guarded_count) = (Arc::default(), Arc::default());
        let answer = stream(version, service(&plain_count)).await;
        let plain = made(answer.into_body(), &plain_count).await;

        let layer = layer().0;
        let answer = stream(version, layer.layer(service(&guarded_count))).await;
        let answer = guarded(&layer, answer).await;
        assert_eq!(
            made(answer.into_body(), &guarded_count).await,
            plain,
            "{version:?}"
        );
        let (first, last) = (plain[0], plain[plain.len() - 1]);
        assert!(first < last && last < 300, "{version:?}: {plain:?}");
    }
}

/// The allocations of this thread, at their highest, while so many frames of 100 kB are served and read.
fn peak(version: Version, frames: usize, is_guarded: bool) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let plain = service_fn(move |_: Request<Incoming>| {
        let response = response(frames, 100_003, &Arc::default());
        async { Ok::<_, Infallible>(response) }
    });
    let exchange = async {
        let (layer, circuit) = layer();
        let read = if is_guarded {
            let answer = stream(version, layer.layer(plain)).await;
            drain(guarded(&layer, answer).await).await
        } else {
            drain(stream(version, plain).await).await
        };
        assert!(read > frames * 99_990);
        let calls = 2 * u64::from(is_guarded);
        assert_eq!(circuit.snapshot().succeeded, Some(calls));
    };
    allocation_counter::measure(|| runtime.block_on(exchange)).bytes_max
}

async fn drain<B: Body<Data = Bytes>>(response: Response<B>) -> usize {
    let (mut body, mut length) = (Box::pin(response.into_body()), 0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            panic!("the body is whole")
        };
        length += frame.data_ref().map_or(0, Bytes::len);
    }
    length
}

async fn connect(version: Version, client: tokio::io::DuplexStream) -> Response<Incoming> {
    let request = Request::get("http://localhost/").header("te", "trailers");
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    let client = TokioIo::new(client);
    let response = if version == Version::HTTP_2 {
        let handshake = conn::http2::handshake(TokioExecutor::new(), client).await;
        let (mut sender, connection) = handshake.expect("a connection");
        tokio::spawn(connection);
        sender.send_request(request).await
    } else {
        let (mut sender, connection) = conn::http1::handshake(client).await.expect("a connection");
        tokio::spawn(connection);
        sender.send_request(request).await
    };
    response.expect("a response")
}

#[test]
fn a_body_of_100_mb_does_not_raise_memory() {
    for version in VERSIONS {
        let (one, plain, guarded) = (
            peak(version, 10, true),
            peak(version, 1_000, false),
            peak(version, 1_000, true),
        );
        println!("{version:?}: at most {guarded} bytes, {plain} without; {one} for 1 MB");
        assert!(guarded < plain + (16 << 10), "{version:?}: {guarded}");
        assert!(guarded < 4 << 20, "{version:?}: {guarded}");
    }
}
