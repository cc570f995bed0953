//! What HTTP has besides an answer with a body: informational answers, `HEAD`, a change of protocol, a tunnel, and streams that
//! last for an hour. Each judged at the headers and at the end, by a client and by a server.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use breaker_layer::clock::Clock;
use breaker_layer::http::{EndOfStream, GrpcErrors, ServerErrors};
use breaker_layer::{BreakerLayer, Circuit, OpenTime, Probes, Snapshot, State, Trip};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::client::conn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;
use tokio::time::{Instant, advance, sleep};
use tokio_stream::StreamExt;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

fn circuit() -> Circuit {
    let circuit = Circuit::builder("downstream")
        .trip(Trip::consecutive_failures(3))
        .open_time(OpenTime::fixed(MINUTE))
        .probes(Probes::new(1))
        .slow_after(Duration::from_secs(1))
        .count_calls(true)
        .clock(Clock::tokio())
        .build();
    circuit.expect("the settings are good")
}

fn counts(circuit: &Circuit) -> (u64, u64, u64, u64) {
    let Snapshot {
        succeeded,
        failed,
        ignored,
        cancelled,
        ..
    } = circuit.snapshot();
    (succeeded.unwrap_or_default(), failed, ignored, cancelled)
}

const ONE_SUCCESS: (u64, u64, u64, u64) = (1, 0, 0, 0);

fn request(method: Method, uri: &str) -> Request<Empty<Bytes>> {
    let request = Request::builder().method(method).uri(uri);
    request.body(Empty::new()).expect("a request")
}

/// A server that answers every request with these bytes.
async fn answering(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap_or(b'\n'));
            }
            let _ = stream.write_all(answer).await;
        }
    });
    addr
}

async fn ask(circuit: &Circuit, at_end: bool, request: Request<Empty<Bytes>>) -> StatusCode {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let layer = BreakerLayer::new(circuit.clone());
    if at_end {
        let layer = layer.settle_with(EndOfStream::new(ServerErrors::new()));
        let response = layer.layer(client).oneshot(request).await;
        let (head, body) = response.expect("an answer").into_parts();
        body.collect().await.expect("a body");
        head.status
    } else {
        let layer = layer.classify_with(ServerErrors::new());
        let response = layer.layer(client).oneshot(request).await;
        response.expect("an answer").status()
    }
}

#[tokio::test]
async fn informational_answers_are_no_verdict_and_the_final_one_is() {
    let hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n\
        HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
    let refusal = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n\
        HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (good, bad) = (answering(hints).await, answering(refusal).await);
    for at_end in [false, true] {
        let circuit = circuit();
        let get = |addr| request(Method::GET, &format!("http://{addr}/"));
        assert_eq!(ask(&circuit, at_end, get(good)).await, StatusCode::OK);
        assert_eq!(counts(&circuit), ONE_SUCCESS);
        let status = ask(&circuit, at_end, get(bad)).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(counts(&circuit), (1, 1, 0, 0));
    }
}

#[tokio::test]
async fn an_answer_to_head_counts_by_its_status() {
    let good = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\nconnection: close\r\n\r\n");
    let bad =
        answering(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 9000\r\nconnection: close\r\n\r\n");
    let (good, bad) = (good.await, bad.await);
    for at_end in [false, true] {
        let circuit = circuit();
        let head = |addr| request(Method::HEAD, &format!("http://{addr}/"));
        assert_eq!(ask(&circuit, at_end, head(good)).await, StatusCode::OK);
        assert_eq!(counts(&circuit), ONE_SUCCESS);
        let status = ask(&circuit, at_end, head(bad)).await;
        assert_eq!(status, StatusCode::BAD_GATEWAY);
        assert_eq!(counts(&circuit), (1, 1, 0, 0));
    }
}

/// Answers with this status, and then sends back what it is sent, on the connection that is a tunnel by now.
async fn echo(
    status: StatusCode,
    mut request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut tunnel = TokioIo::new(upgrade.await.expect("it is changed"));
        let mut bytes = [0; 5];
        while tunnel.read_exact(&mut bytes).await.is_ok() {
            tunnel.write_all(&bytes).await.expect("it is read");
        }
    });
    let response = Response::builder().status(status);
    let response = match status {
        StatusCode::SWITCHING_PROTOCOLS => response
            .header("connection", "upgrade")
            .header("upgrade", "echo"),
        _ => response,
    };
    Ok(response.body(Empty::new()).expect("a response"))
}

/// Serves a connection in memory, and gives the client's end of it.
fn serve<S, B>(service: S) -> TokioIo<DuplexStream>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError> + Send>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let (client, server) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        let builder = auto::Builder::new(TokioExecutor::new());
        let service = TowerToHyperService::new(service);
        let served = builder.serve_connection_with_upgrades(TokioIo::new(server), service);
        let _ = served.await;
    });
    TokioIo::new(client)
}

/// Sends a request over this connection.
async fn send(
    version: Version,
    client: TokioIo<DuplexStream>,
    request: Request<Empty<Bytes>>,
) -> hyper::Result<Response<Incoming>> {
    if version == Version::HTTP_2 {
        let handshake = conn::http2::handshake(TokioExecutor::new(), client).await;
        let (mut sender, connection) = handshake?;
        tokio::spawn(connection);
        sender.send_request(request).await
    } else {
        let (mut sender, connection) = conn::http1::handshake(client).await?;
        tokio::spawn(connection.with_upgrades());
        sender.send_request(request).await
    }
}

/// The tunnel may last for a day: the call has ended with the answer, on both sides.
#[tokio::test]
async fn a_change_of_protocol_and_a_tunnel_are_answers_without_a_body() {
    let mut upgrade = request(Method::GET, "/");
    let headers = upgrade.headers_mut();
    headers.insert("connection", "upgrade".parse().expect("a value"));
    headers.insert("upgrade", "echo".parse().expect("a value"));
    let connect = || request(Method::CONNECT, "shop.example:443");
    let changes = [
        (Version::HTTP_11, StatusCode::SWITCHING_PROTOCOLS, upgrade),
        (Version::HTTP_11, StatusCode::OK, connect()),
        (Version::HTTP_2, StatusCode::OK, connect()),
    ];
    for (version, status, request) in changes {
        let (ours, theirs) = (circuit(), circuit());
        let settle = || EndOfStream::new(ServerErrors::new());
        let layer = BreakerLayer::new(theirs.clone()).settle_with(settle());
        let service = service_fn(move |request| echo(status, request));
        let connection = serve(layer.layer(service));

        let mut connection = Some(connection);
        let client = service_fn(move |request| {
            let connection = connection.take().expect("one call");
            send(version, connection, request)
        });
        let layer = BreakerLayer::new(ours.clone()).settle_with(settle());
        let mut response = layer
            .layer(client)
            .oneshot(request)
            .await
            .expect("an answer");
        assert_eq!(response.status(), status);
        let upgraded = hyper::upgrade::on(&mut response).await;
        let mut tunnel = TokioIo::new(upgraded.expect("it is changed"));
        for circuit in [&ours, &theirs] {
            assert_eq!(counts(circuit), ONE_SUCCESS, "{version:?} {status}");
        }
        tunnel.write_all(b"hello").await.expect("a tunnel");
        let mut bytes = [0; 5];
        tunnel.read_exact(&mut bytes).await.expect("a tunnel");
        assert_eq!(&bytes, b"hello");
        drop((tunnel, response));
        for circuit in [ours, theirs] {
            assert_eq!(counts(&circuit), ONE_SUCCESS, "{version:?} {status}");
        }
    }
}

/// A stream of an hour with a message each minute, whose trailers have this gRPC status.
async fn stream(
    status: &'static str,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible> + Send>, Infallible> {
    let message = move |number: u64| async move {
        sleep(MINUTE).await;
        if number < 60 {
            return Ok(Frame::data(Bytes::from_static(b"\0\0\0\0\0")));
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", status.parse().expect("a value"));
        Ok::<_, Infallible>(Frame::trailers(trailers))
    };
    let messages = tokio_stream::iter(1..=60).then(message);
    let response = Response::builder().header("content-type", "application/grpc");
    Ok(response
        .body(StreamBody::new(messages))
        .expect("a response"))
}

/// Calls the stream through a layer on both sides of an HTTP/2 connection.
async fn call(
    circuits: [&Circuit; 2],
    settle: EndOfStream<GrpcErrors>,
    status: &'static str,
) -> Response<impl Body<Data = Bytes, Error = hyper::Error> + use<>> {
    let [ours, theirs] = circuits;
    let layer = BreakerLayer::new(theirs.clone()).settle_with(settle);
    let connection = serve(layer.layer(service_fn(move |_| stream(status))));
    let mut connection = Some(connection);
    let client = service_fn(move |request| {
        let connection = connection.take().expect("one call");
        send(Version::HTTP_2, connection, request)
    });
    let layer = BreakerLayer::new(ours.clone()).settle_with(settle);
    let get = request(Method::GET, "http://downstream/");
    layer.layer(client).oneshot(get).await.expect("an answer")
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_an_hour_counts_at_its_end_and_is_not_slow() {
    for (status, is_good) in [("0", true), ("14", false)] {
        let circuits = [circuit(), circuit()];
        let settle = EndOfStream::new(GrpcErrors::new());
        let response = call(circuits.each_ref(), settle, status).await;
        let (begun, mut messages) = (Instant::now(), 0);
        let mut body = Box::pin(response.into_body());
        while let Some(frame) = body.frame().await {
            if frame.expect("a whole body").is_trailers() {
                break;
            }
            messages += 1;
            for circuit in &circuits {
                assert_eq!(counts(circuit), (0, 0, 0, 0), "it has not ended");
            }
        }
        assert!(body.frame().await.is_none());
        assert_eq!(messages, 59);
        assert!(begun.elapsed() >= HOUR);
        for circuit in circuits {
            let (good, bad) = (u64::from(is_good), u64::from(!is_good));
            assert_eq!(counts(&circuit), (good, bad, 0, 0));
            assert_eq!(circuit.snapshot().slow, Some(0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_a_stream_of_an_hour_closes_the_circuit_at_its_headers_where_that_is_asked_for()
 {
    let circuits = [circuit(), circuit()];
    for circuit in &circuits {
        circuit.trip();
    }
    advance(MINUTE).await;
    let settle = EndOfStream::new(GrpcErrors::new()).probes_at_headers();
    let response = call(circuits.each_ref(), settle, "0").await;
    for circuit in &circuits {
        assert_eq!(circuit.state(), State::Closed);
    }
    response.into_body().collect().await.expect("a whole body");
    for circuit in circuits {
        assert_eq!(counts(&circuit), ONE_SUCCESS);
    }
}
