//! Whose fault an error is: those of hyper, hyper-util, reqwest and tonic, against real servers on loopback.

use std::error::Error;
use std::future::{Future, pending};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use breaker_layer::http::{EndOfStream, Fault, ServerErrors, boxed_by_origin, by_origin};
use breaker_layer::{BoxError, BreakerLayer, Circuit, State, classify};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::StreamExt;
use tonic::transport::Endpoint;
use tower::{Service, ServiceBuilder, ServiceExt};

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, io::Error>;

/// A server that does this with each connection.
async fn server<F, S>(serve: S) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
    S: Fn(TcpStream) -> F + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    addr
}

/// Nobody listens there.
async fn nowhere() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let addr = listener.and_then(|listener| listener.local_addr());
    addr.expect("a free port")
}

/// Reads the head of a request, or until the client leaves.
async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
}

/// Answers each connection's first request so, and closes it.
async fn answering(answer: &'static [u8]) -> SocketAddr {
    let serve = move |mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(answer).await;
    };
    server(serve).await
}

/// Takes requests, and never answers.
async fn hanging() -> SocketAddr {
    let serve = |mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        pending::<()>().await;
    };
    server(serve).await
}

/// Speaks HTTP/2, and says this to the first request.
async fn saying(kind: u8, stream: u8, payload: &'static [u8]) -> SocketAddr {
    let frame = move |kind, stream, payload: &[u8]| {
        let length = u8::try_from(payload.len()).expect("it is short");
        [&[0, 0, length, kind, 0, 0, 0, 0, stream], payload].concat()
    };
    let serve = move |mut tcp: TcpStream| async move {
        let _ = tcp.write_all(&frame(4, 0, &[])).await;
        // Until there have been the headers of a request.
        let mut seen = [0; 24];
        let _ = tcp.read_exact(&mut seen).await;
        loop {
            let mut head = [0; 9];
            if tcp.read_exact(&mut head).await.is_err() {
                return;
            }
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            let _ = tcp.read_exact(&mut payload).await;
            if head[3] == 1 {
                break;
            }
        }
        let _ = tcp.write_all(&frame(kind, stream, payload)).await;
        pending::<()>().await;
    };
    server(serve).await
}

fn client() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}

fn client_of_http2() -> Client<HttpConnector, Body> {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.http2_only(true).build_http()
}

fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body that is never whole.
fn broken() -> Body {
    let frames = [
        Ok(Frame::data(Bytes::from_static(b"half"))),
        Err(io::Error::other("gone")),
    ];
    StreamBody::new(tokio_stream::iter(frames)).boxed_unsync()
}

/// A body of 100 MB, made as it is sent.
fn large() -> Body {
    let frames = tokio_stream::iter(0..10_000);
    let frames = frames.then(async |_| {
        tokio::task::yield_now().await;
        Ok(Frame::data(Bytes::from(vec![0; 10_000])))
    });
    StreamBody::new(frames).boxed_unsync()
}

fn post(addr: SocketAddr, body: Body) -> Request<Body> {
    let request = Request::post(format!("http://{addr}/")).body(body);
    request.expect("a request")
}

/// Whose fault it is that there is no response.
async fn fault<S, R, E>(service: S, request: R) -> Fault
where
    S: Service<R, Error = E>,
    E: Into<BoxError>,
{
    match service.oneshot(request).await {
        Ok(_) => panic!("there is a response"),
        Err(error) => of(error),
    }
}

fn of(error: impl Into<BoxError>) -> Fault {
    let error = error.into();
    let fault = Fault::of(&*error);
    println!("{fault:?}: {error:?}");
    fault
}

#[tokio::test]
async fn the_caller_s_body_that_breaks_off_is_the_caller_s() {
    let addr = hanging().await;
    assert_eq!(fault(client(), post(addr, broken())).await, Fault::Caller);
    assert_eq!(
        fault(client_of_http2(), post(addr, broken())).await,
        Fault::Caller
    );
    let frames = [
        Ok(Bytes::from_static(b"half")),
        Err(io::Error::other("gone")),
    ];
    let body = reqwest::Body::wrap_stream(tokio_stream::iter(frames));
    let request = reqwest::Client::new()
        .post(format!("http://{addr}/"))
        .body(body);
    assert_eq!(
        of(request.send().await.expect_err("it is broken")),
        Fault::Caller
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_the_caller_s() {
    let request = Request::get("/no/host").body(empty()).expect("a request");
    assert_eq!(fault(client(), request).await, Fault::Caller);
    let error = reqwest::get("http://").await.expect_err("there is no host");
    assert_eq!(of(error), Fault::Caller);
}

/// A server that does not read what is too large, and closes: its 413 is lost where the close is seen first.
#[tokio::test]
async fn an_upload_that_the_server_closes_on_is_nobody_s() {
    let addr =
        answering(b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let addr = addr.await;
    let mut lost = 0;
    for _ in 0..20 {
        match client().oneshot(post(addr, large())).await {
            Ok(response) => assert_eq!(response.status(), 413),
            Err(error) => {
                assert_eq!(of(error), Fault::Upload);
                lost += 1;
            }
        }
    }
    println!("{lost} of 20 answers were lost");
}

#[tokio::test]
async fn what_a_connection_that_was_closing_did_not_take_was_never_sent() {
    let addr = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let stream = TcpStream::connect(addr).await.expect("a connection");
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.expect("a connection");
    tokio::spawn(connection);
    assert!(sender.send_request(post(addr, empty())).await.is_ok());
    let error = sender.send_request(post(addr, empty())).await;
    assert_eq!(of(error.expect_err("it is closed")), Fault::NeverSent);
}

#[tokio::test]
async fn a_stream_that_was_refused_or_that_came_after_a_farewell_was_never_sent() {
    const RST_STREAM: u8 = 3;
    const GOAWAY: u8 = 7;
    for (expected, kind, stream, payload) in [
        (Fault::NeverSent, RST_STREAM, 1, &[0, 0, 0, 7][..]),
        (Fault::BrokenOff, RST_STREAM, 1, &[0, 0, 0, 2]),
        (Fault::NeverSent, GOAWAY, 0, &[0, 0, 0, 0, 0, 0, 0, 0]),
        (Fault::BrokenOff, GOAWAY, 0, &[0, 0, 0, 0, 0, 0, 0, 11]),
    ] {
        let addr = saying(kind, stream, payload).await;
        assert_eq!(
            fault(client_of_http2(), post(addr, empty())).await,
            expected
        );
        let addr = saying(kind, stream, payload).await;
        let channel = Endpoint::from_shared(format!("http://{addr}")).expect("an address");
        let request = Request::post("/").body(tonic::body::Body::empty());
        let request = request.expect("a request");
        assert_eq!(fault(channel.connect_lazy(), request).await, expected);
    }
}

#[tokio::test]
async fn a_server_that_nobody_reaches_is_a_fault_of_connects() {
    let addr = nowhere().await;
    assert_eq!(fault(client(), post(addr, empty())).await, Fault::Connect);
    let error = reqwest::get(format!("http://{addr}/"))
        .await
        .expect_err("nobody is there");
    assert_eq!(of(error), Fault::Connect);
    let channel = Endpoint::from_shared(format!("http://{addr}")).expect("an address");
    let request = Request::post("/").body(tonic::body::Body::empty());
    let request = request.expect("a request");
    assert_eq!(fault(channel.connect_lazy(), request).await, Fault::Connect);
}

/// As a load balancer does that has nobody behind it. Its client has nothing that says "never sent" of a kept connection: it has
/// tried again by itself.
#[tokio::test]
async fn a_new_connection_that_is_closed_at_once_is_a_fault_of_connects() {
    let addr = server(async |_| {}).await;
    let reset = server(async |stream: TcpStream| {
        let _ = stream.set_zero_linger();
    });
    for addr in [addr, reset.await] {
        assert_eq!(fault(client(), post(addr, empty())).await, Fault::Connect);
        let error = reqwest::get(format!("http://{addr}/")).await;
        assert_eq!(of(error.expect_err("it is closed")), Fault::Connect);
    }
}

#[tokio::test]
async fn each_kind_of_timeout_is_one() {
    const PATIENCE: Duration = Duration::from_millis(10);
    let addr = hanging().await;
    let patient = ServiceBuilder::new().timeout(PATIENCE).service(client());
    assert_eq!(fault(patient, post(addr, empty())).await, Fault::TimedOut);
    let late = tokio::time::timeout(PATIENCE, pending::<()>()).await;
    assert_eq!(of(late.expect_err("it is late")), Fault::TimedOut);
    let patient = reqwest::Client::builder().timeout(PATIENCE).build();
    let request = patient.expect("a client").get(format!("http://{addr}/"));
    assert_eq!(
        of(request.send().await.expect_err("it is late")),
        Fault::TimedOut
    );
    let channel = Endpoint::from_shared(format!("http://{addr}")).expect("an address");
    let channel = channel.timeout(PATIENCE).connect_lazy();
    let request = Request::post("/").body(tonic::body::Body::empty());
    assert_eq!(
        fault(channel, request.expect("a request")).await,
        Fault::TimedOut
    );
}

#[tokio::test]
async fn an_answer_that_is_cut_off_or_no_http_is_told_apart() {
    let addr = answering(b"").await;
    assert_eq!(fault(client(), post(addr, empty())).await, Fault::BrokenOff);
    let addr = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    let response = client().oneshot(post(addr, empty())).await;
    let body = response.expect("headers").into_body().collect().await;
    assert_eq!(of(body.expect_err("it is cut off")), Fault::BrokenOff);
    let addr = answering(b"good morning\r\n\r\n").await;
    assert_eq!(fault(client(), post(addr, empty())).await, Fault::BadAnswer);
}

/// A proxy before a server that takes its time over everything.
async fn proxy(circuit: &Circuit, is_boxed: bool) -> SocketAddr {
    let upstream = hanging().await;
    let to = move |mut request: Request<Incoming>| {
        *request.uri_mut() = format!("http://{upstream}/").parse().expect("a URI");
        request
    };
    let client = Client::builder(TokioExecutor::new()).build_http::<Incoming>();
    let layer = BreakerLayer::new(circuit.clone());
    if is_boxed {
        let by_origin = ServerErrors::new().errors(boxed_by_origin);
        let service = ServiceBuilder::new()
            .map_request(to)
            .layer(
                layer
                    .settle_with(EndOfStream::new(by_origin))
                    .boxed_errors(),
            )
            .timeout(Duration::from_secs(60))
            .service(client);
        serve(service).await
    } else {
        let service = ServiceBuilder::new()
            .map_request(to)
            .map_err(BoxError::from)
            .layer(layer.classify_with(ServerErrors::new().errors(by_origin)))
            .service(client);
        serve(service).await
    }
}

async fn serve<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = BoxError, Future: Send>,
    S: Clone + Send + Sync + 'static,
    B: hyper::body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let serve = move |stream| {
        let service = TowerToHyperService::new(service.clone());
        async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    };
    server(serve).await
}

#[tokio::test]
async fn uploads_that_a_proxy_s_callers_break_off_do_not_open_its_circuit() {
    for is_boxed in [false, true] {
        let circuit = Circuit::builder("upstream").build().expect("the defaults");
        let addr = proxy(&circuit, is_boxed).await;
        for broken_off in 1..=50 {
            let mut stream = TcpStream::connect(addr).await.expect("a connection");
            let half = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf";
            stream.write_all(half).await.expect("it is sent");
            drop(stream);
            let settled = || {
                let snapshot = circuit.snapshot();
                snapshot.ignored + snapshot.cancelled + snapshot.failed
            };
            while settled() < broken_off {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        let snapshot = circuit.snapshot();
        assert_eq!((snapshot.failed, circuit.state()), (0, State::Closed));
    }
}

#[tokio::test]
async fn without_tower_it_goes_to_run_with() {
    let circuit = Circuit::builder("upstream").build().expect("the defaults");
    let (addr, hanging) = (nowhere().await, hanging().await);
    let by_origin = classify::errors(by_origin);
    let failed = circuit.run_with(&by_origin, client().request(post(addr, empty())));
    assert!(failed.await.is_err());
    let ignored = circuit.run_with(&by_origin, client().request(post(hanging, broken())));
    assert!(ignored.await.is_err());
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.failed, snapshot.ignored), (1, 1));
}

#[test]
fn what_nobody_knows_is_other() {
    let error: Box<dyn Error + Send + Sync> = "it failed".into();
    assert_eq!(Fault::of(&*error), Fault::Other);
    assert_eq!(of(io::Error::other("stream")), Fault::Other);
}
