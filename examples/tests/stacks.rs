//! The breaker compiles in each of these stacks as they are used, without a bound of its own, with its answers of every shape; and
//! what the stack makes of a rejection is what its callers expect.

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::response::IntoResponse;
use axum::routing::get;
use breaker_examples::greeter::greeter_client::GreeterClient;
use breaker_examples::greeter::greeter_server::{Greeter, GreeterServer};
use breaker_examples::greeter::{Greeting, Name};
use breaker_layer::clock::ManualClock;
use breaker_layer::http::{EndOfStream, GrpcErrors, ServerErrors, grpc_unavailable, unavailable};
use breaker_layer::keyed::{ByAuthority, ByTemplate, Key, KeyedBreakerLayer, KeyedCircuits};
use breaker_layer::{BoxError, BreakerLayer, Circuit, Error, Rejected, State, Trip};
use http_body_util::{Either, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::http::uri::Authority;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};
use tower::buffer::Buffer;
use tower::util::{BoxCloneSyncService, BoxService};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

type Get = Request<Empty<Bytes>>;

/// A layer whose circuit rejects everything.
fn layer() -> BreakerLayer {
    let circuit = Circuit::builder("stacks").build();
    let circuit = circuit.expect("the defaults are good");
    circuit.isolate();
    BreakerLayer::new(circuit)
}

fn end_of_stream() -> EndOfStream<ServerErrors> {
    EndOfStream::new(ServerErrors::new())
}

fn request() -> Get {
    let request = Request::get("http://localhost/").body(Empty::new());
    request.expect("a request")
}

/// What is asked of a service that is spawned, shared and kept.
fn is_shared<S, R>(service: S) -> S
where
    S: Service<R, Future: Send> + Clone + Send + Sync + 'static,
{
    service
}

/// The rejection is found under whatever is around it.
fn is_found(error: &(dyn std::error::Error + 'static)) {
    let rejected = Rejected::of(error);
    assert!(rejected.is_some_and(|rejected| rejected.retry_after().is_none()));
}

fn hyper_client() -> Client<HttpConnector, Empty<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

#[tokio::test]
async fn hyper_util_s_client() {
    let typed = is_shared::<_, Get>(layer().layer(hyper_client()));
    let error = typed.oneshot(request()).await.err();
    assert!(matches!(error, Some(Error::Rejected(_))));

    let boxed = is_shared::<_, Get>(
        ServiceBuilder::new()
            .layer(layer().settle_with(end_of_stream()).boxed_errors())
            .timeout(Duration::from_secs(1))
            .service(hyper_client()),
    );
    let error = boxed.oneshot(request()).await.err();
    assert!(error.is_some_and(|error| error.is::<Rejected>()));

    // An `Incoming` cannot be made, so a client's response needs a body that can.
    let answered = layer()
        .settle_with(end_of_stream())
        .respond_with(|_: Rejected, _: Get| {
            let mut response = Response::new(Either::Right(Empty::<Bytes>::new()).into());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            Ok(response)
        })
        .layer(hyper_client().map_response(|response| response.map(Either::Left)));
    let response = is_shared::<_, Get>(answered).oneshot(request()).await;
    assert_eq!(response.expect("a response").status(), 503);

    let spare = layer()
        .settle_with(end_of_stream())
        .fallback(hyper_client().map_response(|response| response.map(Into::into)))
        .layer(hyper_client());
    assert!(is_shared::<_, Get>(spare).oneshot(request()).await.is_err());

    let spare = layer().fallback(hyper_client()).layer(hyper_client());
    let error = is_shared::<_, Get>(spare).oneshot(request()).await.err();
    assert!(
        error.is_some_and(|error| error.is_connect()),
        "it was sent to the fallback"
    );
}

/// A connection, which cannot be cloned.
struct Connection(http1::SendRequest<Empty<Bytes>>);

impl Service<Get> for Connection {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Get) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

#[tokio::test]
async fn hyper_s_send_request_which_is_not_clone() {
    let (client, server) = tokio::io::duplex(1024);
    let handshake = http1::handshake(hyper_util::rt::TokioIo::new(client));
    let (sender, connection) = handshake.await.expect("a connection");
    let mut service = layer()
        .settle_with(end_of_stream())
        .layer(Connection(sender));
    let answer = service.ready().await.expect("it is ready").call(request());
    assert!(matches!(answer.await, Err(Error::Rejected(_))));
    drop((connection, server));
}

/// A channel to nobody.
fn channel() -> Channel {
    Endpoint::from_static("http://127.0.0.1:1").connect_lazy()
}

fn grpc_rejection(answer: Result<tonic::Response<Greeting>, Status>) -> Status {
    let status = answer.expect_err("it is rejected");
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("circuit \"stacks\""), "{status}");
    assert!(status.metadata().contains_key("grpc-retry-pushback-ms"));
    status
}

#[tokio::test]
async fn tonic_s_client_over_a_channel() {
    let grpc = layer()
        .settle_with(EndOfStream::new(GrpcErrors::new()))
        .grpc();
    let mut client = GreeterClient::new(grpc.layer(channel()));
    is_found(&grpc_rejection(client.greet(Name::default()).await));

    let at_headers = layer().classify_with(GrpcErrors::new()).grpc();
    let mut client = GreeterClient::new(at_headers.layer(channel()));
    is_found(&grpc_rejection(client.clone().greet(Name::default()).await));
    assert!(client.greet_often(Name::default()).await.is_err());

    // Without `grpc()` it compiles too, and tonic calls the rejection `Unknown`.
    let mut client = GreeterClient::new(layer().layer(channel()));
    let status = client.greet(Name::default()).await.expect_err("rejected");
    assert_eq!(status.code(), Code::Unknown);
    is_found(&status);
    let boxed = layer().boxed_errors().layer(channel());
    let answer = GreeterClient::new(boxed).greet(Name::default()).await;
    let status = answer.expect_err("rejected");
    is_found(&status);
    let rejected = Rejected::of(&status).expect("it is found");
    is_found(&Status::from(rejected));
}

#[tokio::test]
async fn tonic_s_client_over_a_timeout() {
    let service = ServiceBuilder::new()
        .layer(
            layer()
                .settle_with(EndOfStream::new(GrpcErrors::new()))
                .grpc(),
        )
        .timeout(Duration::from_secs(1))
        .service(channel());
    let mut client = GreeterClient::new(service);
    is_found(&grpc_rejection(client.greet(Name::default()).await));

    let service = ServiceBuilder::new()
        .timeout(Duration::from_secs(1))
        .layer(layer().grpc())
        .service(channel());
    is_found(&grpc_rejection(
        GreeterClient::new(service).greet(Name::default()).await,
    ));
}

/// Why the guide has the channel's own timeout rather than Tower's.
#[tokio::test]
async fn tonic_knows_the_timeout_of_its_channel_and_not_that_of_tower() {
    // It takes connections, and nobody ever answers.
    let (_listener, addr) = listener().await;
    let endpoint = Endpoint::from_shared(format!("http://{addr}")).expect("an address");
    let greet = async |circuit: &Circuit, is_tower_s: bool| {
        let patience = Duration::from_millis(10);
        let layer =
            BreakerLayer::new(circuit.clone()).settle_with(EndOfStream::new(GrpcErrors::new()));
        let answer = if is_tower_s {
            let channel = endpoint.connect_lazy();
            let service = ServiceBuilder::new().layer(layer.grpc()).timeout(patience);
            GreeterClient::new(service.service(channel))
                .greet(Name::default())
                .await
        } else {
            let channel = endpoint.clone().timeout(patience).connect_lazy();
            GreeterClient::new(layer.grpc().layer(channel))
                .greet(Name::default())
                .await
        };
        answer.expect_err("nobody answers").code()
    };
    let circuit = Circuit::builder("hangs")
        .build()
        .expect("the defaults are good");
    assert_eq!(greet(&circuit, false).await, Code::Cancelled);
    assert_eq!(greet(&circuit, true).await, Code::Unknown);
    // The breaker inside of which they are takes both for failures.
    assert_eq!(circuit.snapshot().failed, 2);
}

/// It hangs, and the server says so after a while: by `CANCELLED`.
struct Hanging;

#[tonic::async_trait]
impl Greeter for Hanging {
    type GreetOftenStream = tokio_stream::Pending<Result<Greeting, Status>>;

    async fn greet(&self, _: tonic::Request<Name>) -> Result<tonic::Response<Greeting>, Status> {
        std::future::pending().await
    }

    async fn greet_often(
        &self,
        _: tonic::Request<Name>,
    ) -> Result<tonic::Response<Self::GreetOftenStream>, Status> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_tonic_server_with_a_timeout_that_hangs_opens_the_circuit() {
    let (listener, addr) = listener().await;
    let server = Server::builder()
        .timeout(Duration::from_millis(5))
        .add_service(GreeterServer::new(Hanging))
        .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
    tokio::spawn(server);
    let circuit = Circuit::builder("greeter").clock(ManualClock::new().clock());
    let circuit = circuit.build().expect("the defaults are good");
    let endpoint = Endpoint::from_shared(format!("http://{addr}")).expect("an address");
    let layer = BreakerLayer::new(circuit.clone())
        .settle_with(EndOfStream::new(GrpcErrors::new()))
        .grpc();
    let mut client = GreeterClient::new(layer.layer(endpoint.connect_lazy()));
    for _ in 0..15 {
        assert_eq!(circuit.state(), State::Closed);
        let status = client.greet(Name::default()).await.expect_err("it hangs");
        assert_eq!(status.code(), Code::Cancelled);
    }
    assert_eq!(circuit.state(), State::Open);
}

/// Asks another service, whose circuit refuses all.
struct Middle(GreeterClient<Refusing>);

type Refusing = breaker_layer::Breaker<
    Channel,
    breaker_layer::classify::AtOnce<breaker_layer::classify::ErrorsAreFailures>,
    breaker_layer::service::Grpc,
>;

#[tonic::async_trait]
impl Greeter for Middle {
    type GreetOftenStream = tokio_stream::Pending<Result<Greeting, Status>>;

    async fn greet(&self, name: tonic::Request<Name>) -> Result<tonic::Response<Greeting>, Status> {
        self.0.clone().greet(name).await
    }

    async fn greet_often(
        &self,
        _: tonic::Request<Name>,
    ) -> Result<tonic::Response<Self::GreetOftenStream>, Status> {
        Err(Status::unimplemented("once is enough"))
    }
}

/// The service in the middle is well.
#[tokio::test]
async fn a_rejection_up_a_chain_of_grpc_services_is_ignored() {
    let (listener, addr) = listener().await;
    let middle = Middle(GreeterClient::new(layer().grpc().layer(channel())));
    let server = Server::builder()
        .add_service(GreeterServer::new(middle))
        .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
    tokio::spawn(server);
    let circuit = Circuit::builder("middle").build();
    let circuit = circuit.expect("the defaults are good");
    let endpoint = Endpoint::from_shared(format!("http://{addr}")).expect("an address");
    let outer = BreakerLayer::new(circuit.clone())
        .settle_with(EndOfStream::new(GrpcErrors::new()))
        .grpc();
    let mut client = GreeterClient::new(outer.layer(endpoint.connect_lazy()));
    for _ in 0..50 {
        grpc_rejection(client.greet(Name::default()).await);
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.failed, snapshot.ignored), (0, 50));
}

#[tokio::test]
async fn a_rejection_up_a_chain_of_http_services_is_ignored() {
    let (listener, addr) = listener().await;
    let dependency = layer().boxed_errors().layer(hyper_client());
    let handler = async move || match dependency.oneshot(request()).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(error) => match error.downcast_ref::<Rejected>() {
            Some(rejected) => axum::response::Response::from(*rejected),
            None => StatusCode::BAD_GATEWAY.into_response(),
        },
    };
    let router = Router::new().route("/", get(handler));
    tokio::spawn(async { axum::serve(listener, router).await });
    let circuit = Circuit::builder("middle").build();
    let circuit = circuit.expect("the defaults are good");
    let outer = BreakerLayer::new(circuit.clone()).settle_with(end_of_stream());
    let client = outer.layer(hyper_client());
    for _ in 0..50 {
        let request = Request::get(format!("http://{addr}/")).body(Empty::new());
        let response = client.clone().oneshot(request.expect("a request")).await;
        assert_eq!(response.expect("a response").status(), 503);
    }
    let snapshot = circuit.snapshot();
    assert_eq!((snapshot.failed, snapshot.ignored), (0, 50));
}

/// Fails: a single greeting at once, a stream after its first.
struct Host;

#[tonic::async_trait]
impl Greeter for Host {
    type GreetOftenStream = tokio_stream::Iter<std::array::IntoIter<Result<Greeting, Status>, 2>>;

    async fn greet(&self, _: tonic::Request<Name>) -> Result<tonic::Response<Greeting>, Status> {
        Err(Status::internal("lost for words"))
    }

    async fn greet_often(
        &self,
        _: tonic::Request<Name>,
    ) -> Result<tonic::Response<Self::GreetOftenStream>, Status> {
        let greetings = [Ok(Greeting::default()), Err(Status::internal("hoarse"))];
        Ok(tonic::Response::new(tokio_stream::iter(greetings)))
    }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    (listener, addr)
}

#[tokio::test]
async fn tonic_s_server() {
    let (listener, addr) = listener().await;
    let circuit = Circuit::builder("stacks").trip(Trip::consecutive_failures(2));
    let circuit = circuit.clock(ManualClock::new().clock());
    let circuit = circuit.build().expect("the settings are good");
    let server = Server::builder()
        .layer(
            BreakerLayer::new(circuit.clone())
                .settle_with(EndOfStream::new(GrpcErrors::new()))
                .respond_with(grpc_unavailable),
        )
        .add_service(GreeterServer::new(Host))
        .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
    tokio::spawn(server);
    let endpoint = Endpoint::from_shared(format!("http://{addr}")).expect("an address");
    let mut client = GreeterClient::new(endpoint.connect_lazy());

    // A status in the headers, and one in the trailers.
    let status = client.greet(Name::default()).await.expect_err("it fails");
    assert_eq!(
        (status.code(), circuit.state()),
        (Code::Internal, State::Closed)
    );
    let stream = client.greet_often(Name::default()).await;
    let mut stream = stream.expect("it begins").into_inner();
    assert!(stream.message().await.expect("a greeting").is_some());
    let status = stream.message().await.expect_err("it fails");
    assert_eq!(
        (status.code(), circuit.state()),
        (Code::Internal, State::Open)
    );
    let status = grpc_rejection(client.greet(Name::default()).await);
    assert_eq!(Rejected::of(&status), None, "it is the server's");
}

#[tokio::test]
async fn reqwest_s_client_as_a_service() {
    let get = || {
        reqwest::Request::new(
            reqwest::Method::GET,
            "http://localhost/".parse().expect("a URL"),
        )
    };
    let layer = layer();
    let by_status = |result: Result<&reqwest::Response, &reqwest::Error>| {
        use breaker_layer::Outcome;
        use breaker_layer::http::ClassifyStream;
        match result {
            Ok(response) => ServerErrors::new().at_headers(response.status(), response.headers()),
            Err(_) => Outcome::Failure,
        }
    };
    let typed = layer.classify(by_status).layer(reqwest::Client::new());
    let error = is_shared::<_, reqwest::Request>(typed)
        .oneshot(get())
        .await
        .err();
    assert!(matches!(error, Some(Error::Rejected(_))));
}

#[tokio::test]
async fn reqwest_s_connector_layer() {
    let client = reqwest::Client::builder().connector_layer(layer().boxed_errors());
    let client = client.build().expect("a client");
    let error = client
        .get("http://localhost/")
        .send()
        .await
        .expect_err("rejected");
    is_found(&error);
}

#[tokio::test]
async fn hyper_util_s_connector() {
    let boxed = layer().boxed_errors().layer(HttpConnector::new());
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(boxed);
    is_found(&client.request(request()).await.expect_err("rejected"));
    let typed = layer().layer(HttpConnector::new());
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(typed);
    is_found(&client.request(request()).await.expect_err("rejected"));
}

async fn status_of(router: Router) -> StatusCode {
    let request = Request::get("/").body(axum::body::Body::empty());
    let Ok(response) = router.oneshot(request.expect("a request")).await;
    response.status()
}

#[tokio::test]
async fn axum_s_router_layer() {
    let router = || Router::new().route("/", get(async || "well"));
    let at_headers = layer()
        .classify_with(ServerErrors::new())
        .respond_with(unavailable);
    assert_eq!(status_of(router().layer(at_headers)).await, 503);
    let at_the_end = layer()
        .settle_with(end_of_stream())
        .respond_with(unavailable);
    assert_eq!(status_of(router().layer(at_the_end)).await, 503);
    let own = layer().respond_with(|rejected: Rejected, request: axum::extract::Request| {
        let text = format!("{}: {rejected}", request.uri().path());
        Ok::<_, Infallible>((StatusCode::IM_A_TEAPOT, text))
    });
    // One that answers with axum's own response type, whatever it is made of.
    let own = ServiceBuilder::new()
        .layer(own)
        .map_response(|_: axum::response::Response| (StatusCode::OK, String::new()));
    assert_eq!(
        status_of(router().layer(own)).await,
        StatusCode::IM_A_TEAPOT
    );
    // Routes of one router.
    let route = get(async || "well").layer(layer().respond_with(unavailable));
    assert_eq!(status_of(Router::new().route("/", route)).await, 503);
}

#[tokio::test]
async fn axum_s_handle_error_layer() {
    let handle = HandleErrorLayer::new(async |error: BoxError| match error.is::<Rejected>() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::INTERNAL_SERVER_ERROR,
    });
    let boxed = ServiceBuilder::new()
        .layer(handle)
        .layer(layer().boxed_errors())
        .timeout(Duration::from_secs(1));
    let router = Router::new().route("/", get(async || "well")).layer(boxed);
    assert_eq!(status_of(router).await, 503);

    let typed = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(
            async |error: Error<Infallible>| match error {
                Error::Rejected(_) => StatusCode::SERVICE_UNAVAILABLE,
                Error::Elapsed(_) => StatusCode::GATEWAY_TIMEOUT,
                Error::Inner(never) => match never {},
            },
        ))
        .layer(layer());
    let router = Router::new().route("/", get(async || "well")).layer(typed);
    assert_eq!(status_of(router).await, 503);
}

#[tokio::test]
async fn buffers_and_boxes() {
    let buffer = Buffer::new(layer().layer(hyper_client()), 4);
    let error = is_shared::<_, Get>(buffer).oneshot(request()).await.err();
    assert!(error.is_some_and(|error| error.is::<Error<hyper_util::client::legacy::Error>>()));
    let buffer = Buffer::new(layer().boxed_errors().layer(hyper_client()), 4);
    let error = buffer.oneshot(request()).await.err();
    assert!(error.is_some_and(|error| error.is::<Rejected>()));
    let inside = layer().boxed_errors().layer(Buffer::new(hyper_client(), 4));
    let error = is_shared::<_, Get>(inside).oneshot(request()).await.err();
    assert!(error.is_some_and(|error| error.is::<Rejected>()));

    let boxed: BoxService<Get, _, _> = BoxService::new(layer().layer(hyper_client()));
    let error = layer().layer(boxed).oneshot(request()).await.err();
    assert!(matches!(error, Some(Error::Rejected(_))));
    let boxed: BoxCloneSyncService<Get, _, _> =
        BoxCloneSyncService::new(layer().settle_with(end_of_stream()).layer(hyper_client()));
    let error = is_shared::<_, Get>(layer().layer(boxed))
        .oneshot(request())
        .await
        .err();
    assert!(matches!(error, Some(Error::Rejected(_))));
    let boxed = BoxService::new(layer().boxed_errors().wait().layer(hyper_client()));
    let _: BoxService<Get, Response<Incoming>, BoxError> = boxed;
}

/// A table whose circuit for this key rejects everything.
fn isolated<K: Key>(key: K) -> KeyedCircuits<K> {
    let table = KeyedCircuits::builder_unnamed("stacks").build();
    let table = table.expect("the defaults are good");
    table.circuit(&key).expect("there is room").isolate();
    table
}

#[tokio::test]
async fn a_circuit_for_each_key_goes_where_one_goes() {
    let hosts = KeyedBreakerLayer::new(isolated(Authority::from_static("localhost")), ByAuthority);
    let client = hosts
        .clone()
        .settle_with(end_of_stream())
        .layer(hyper_client());
    let error = is_shared::<_, Get>(client).oneshot(request()).await.err();
    assert!(matches!(error, Some(Error::Rejected(_))));
    let buffer = Buffer::new(hosts.boxed_errors().layer(hyper_client()), 4);
    let error = is_shared::<_, Get>(buffer).oneshot(request()).await.err();
    assert!(error.is_some_and(|error| error.is::<Rejected>()));

    let routes = KeyedBreakerLayer::new(isolated("/"), ByTemplate::new(&["/"]));
    let router = Router::new().route("/", get(async || "well"));
    let router = router.layer(
        routes
            .settle_with(end_of_stream())
            .respond_with(unavailable),
    );
    assert_eq!(status_of(router).await, 503);

    let method = |request: &Request<tonic::body::Body>| Some(request.uri().path().to_owned());
    let methods = KeyedBreakerLayer::new(isolated("/greeter.Greeter/Greet".to_owned()), method);
    let grpc = methods
        .settle_with(EndOfStream::new(GrpcErrors::new()))
        .grpc();
    let mut client = GreeterClient::new(grpc.layer(channel()));
    is_found(&grpc_rejection(client.greet(Name::default()).await));
}

#[tokio::test]
async fn load_shed_and_limits() {
    let service = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(8)
        .layer(layer().boxed_errors())
        .service(hyper_client());
    let error = is_shared::<_, Get>(service).oneshot(request()).await.err();
    assert!(error.is_some_and(|error| error.is::<Rejected>()));
    let closure = service_fn(async |_: Get| Ok::<_, Infallible>(Response::new(())));
    let error = layer().layer(closure).oneshot(request()).await.err();
    assert!(matches!(error, Some(Error::Rejected(_))));
}
