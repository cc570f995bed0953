//! A server whose breaker can be seen and steered: metrics for Prometheus, the console with the circuits as a page, as JSON and
//! with the operator's commands, health, and the log on the terminal. It brings the dependency that it calls.
//!
//! Alone it calls itself while the dependency dies and recovers, shows what can be seen, and ends. `-- --serve PORT`
//! serves until stopped:
//!
//! ```sh
//! curl -X POST localhost:8080/dependency/failing    # or healthy, hanging, resetting
//! curl localhost:8080/prices
//! curl localhost:8080/metrics                       # for Prometheus; grafana-dashboard.json shows them
//! curl localhost:8080/circuits?json                 # why it opened, until when, and how many calls it has rejected
//! curl localhost:8080/health                        # 503 while a circuit is open
//! curl localhost:8080/circuits?circuit=prices -H 'accept: application/json' -d command=isolate -d reason='their database moves'
//! curl localhost:8080/circuits?circuit=prices -H 'accept: application/json' -d command=reset -d reason='it has moved'
//! ```
//!
//! In a browser `/circuits` is a page of the same. How to do it by hand: `serde_json::to_string(&registry)` is the list, and
//! `registry.find("prices", None)?.because("their database moves").isolate()` a command.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State as Shared};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use breaker_console::Console;
use breaker_examples::{Downstream, Mood};
use breaker_layer::http::ServerErrors;
use breaker_layer::{
    BoxError, BreakerLayer, Circuit, OpenTime, Percent, Probes, Registry, Rejected, Trip,
    observe::{Metrics, Tracing},
};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::ACCEPT;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

const THRESHOLD: u32 = 3;
const OPEN_FOR: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let app = App::start().await?;
    match arguments[..] {
        [] => demo(app).await,
        ["--serve", port] => {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
            println!("http://{}", listener.local_addr()?);
            Ok(axum::serve(listener, router(app)).await?)
        }
        _ => Err("the arguments are none, or --serve PORT".into()),
    }
}

/// What the handlers share.
struct App {
    dependency: Downstream,
    client: BoxCloneSyncService<Request<Empty<Bytes>>, Response<Incoming>, BoxError>,
    registry: Registry,
    metrics: Metrics,
    page: PrometheusHandle,
}

impl App {
    async fn start() -> Result<Arc<Self>, BoxError> {
        // The recorder first: metrics that are registered before it go nowhere.
        let recovery = Matcher::Full("breaker_recovery_seconds".to_owned());
        let page = PrometheusBuilder::new()
            .set_buckets_for_metric(recovery, &[1.0, 5.0, 15.0, 60.0, 300.0, 1800.0])?
            .install_recorder()?;
        let metrics = Metrics::new();
        let circuit = Circuit::builder("prices")
            .trip(Trip::consecutive_failures(THRESHOLD))
            .open_time(OpenTime::fixed(OPEN_FOR).jitter(Percent(0.0)))
            .probes(Probes::new(1))
            .slow_after(PATIENCE / 2)
            .count_calls(true)
            .observe(metrics.clone())
            .observe(Tracing::new())
            .build()?;
        let registry = Registry::new();
        registry.add(&circuit)?;
        let breaker = BreakerLayer::new(circuit).classify_with(ServerErrors::new());
        let client = ServiceBuilder::new()
            .layer(breaker.boxed_errors())
            .timeout(PATIENCE)
            .service(Client::builder(TokioExecutor::new()).build_http());
        Ok(Arc::new(Self {
            dependency: Downstream::start().await?,
            client: BoxCloneSyncService::new(client),
            registry,
            metrics,
            page,
        }))
    }
}

fn router(app: Arc<App>) -> Router {
    // Whoever is on this machine may command. Elsewhere a middleware knows who it is.
    let console = Console::new(&app.registry).commands(|_| Some("somebody".to_owned()));
    Router::new()
        .route("/prices", get(prices))
        .route("/metrics", get(metrics))
        .nest_service("/circuits", console)
        .route("/health", get(health))
        .route("/dependency/{mood}", post(set_dependency))
        .with_state(app)
}

async fn prices(Shared(app): Shared<Arc<App>>) -> axum::response::Response {
    let answer = async {
        let request = Request::get(app.dependency.url("/")).body(Empty::new())?;
        let response = app.client.clone().oneshot(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok::<_, BoxError>(status)
    };
    match answer.await {
        Ok(status) if status.is_success() => "12\n".into_response(),
        Ok(_) => StatusCode::BAD_GATEWAY.into_response(),
        Err(error) => match error.downcast_ref::<Rejected>() {
            Some(rejected) => axum::response::Response::from(*rejected),
            None => StatusCode::BAD_GATEWAY.into_response(),
        },
    }
}

/// What was counted since the last time is handed on before the page is rendered.
async fn metrics(Shared(app): Shared<Arc<App>>) -> String {
    app.metrics.collect();
    app.page.run_upkeep();
    app.page.render()
}

async fn health(Shared(app): Shared<Arc<App>>) -> StatusCode {
    match app.registry.is_ready() {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn set_dependency(Shared(app): Shared<Arc<App>>, Path(mood): Path<String>) -> StatusCode {
    app.dependency.set(match mood.as_str() {
        "healthy" => Mood::Healthy,
        "failing" => Mood::Failing,
        "hanging" => Mood::Hanging,
        "resetting" => Mood::Resetting,
        _ => return StatusCode::NOT_FOUND,
    });
    StatusCode::NO_CONTENT
}

async fn demo(app: Arc<App>) -> Result<(), BoxError> {
    let circuit = app.registry.find("prices", None).ok_or("no circuit")?;
    let mut readiness = circuit.readiness();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let addr = listener.local_addr()?;
    let serving = router(app.clone());
    tokio::spawn(async move { axum::serve(listener, serving).await });
    let get = |path: &'static str| ask(addr, "GET", path, "");

    assert_eq!(get("/prices").await?.0, 200);
    assert_eq!(get("/health").await?.0, 204);
    app.dependency.set(Mood::Failing);
    for _ in 0..THRESHOLD {
        assert_eq!(get("/prices").await?.0, 502);
    }
    assert_eq!(get("/prices").await?.0, 503);
    assert!(!readiness.changed().await);
    assert_eq!(get("/health").await?.0, 503);
    let (_, listed) = get("/circuits?json").await?;
    println!("{listed}");
    let listed: serde_json::Value = serde_json::from_str(&listed)?;
    let prices = &listed["circuits"][0];
    assert_eq!(prices["state"], "open");
    assert_eq!(prices["rejected"], 1);
    assert_eq!(prices["last_trip"]["reason"], "3 failures in a row");

    app.dependency.set(Mood::Healthy);
    // No call is made meanwhile: the time alone makes it ready.
    assert!(readiness.changed().await);
    assert_eq!(get("/health").await?.0, 204);
    assert_eq!(get("/prices").await?.0, 200);

    let command = |form: &'static str| ask(addr, "POST", "/circuits?circuit=prices", form);
    let isolate = "command=isolate&reason=their database moves";
    assert_eq!(command(isolate).await?.0, 200);
    assert_eq!(get("/prices").await?.0, 503);
    let note = circuit.snapshot().note;
    assert_eq!(note.as_deref(), Some("somebody: their database moves"));
    assert_eq!(command("command=reset&reason=it has moved").await?.0, 200);
    assert_eq!(get("/prices").await?.0, 200);

    let (_, page) = get("/metrics").await?;
    println!("{page}");
    for line in [
        r#"breaker_state{circuit="prices"} 0"#,
        r#"breaker_opened_total{circuit="prices"} 1"#,
        r#"breaker_calls_total{circuit="prices",outcome="rejected"} 2"#,
        r#"breaker_calls_total{circuit="prices",outcome="success"} 3"#,
        r#"breaker_admitted_calls_total{circuit="prices"} 6"#,
    ] {
        assert!(page.contains(line), "{line}");
    }
    Ok(())
}

/// The status and the text of an answer.
async fn ask(
    addr: SocketAddr,
    method: &str,
    path: &str,
    body: &'static str,
) -> Result<(u16, String), BoxError> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{addr}{path}"))
        .header(ACCEPT, "application/json")
        .body(Full::new(Bytes::from(body)))?;
    let response = client.request(request).await?;
    let status = response.status().as_u16();
    let text = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8(text.to_vec())?))
}
