//! The console over three downstreams that die and recover: watch it in a browser.
//!
//! ```text
//! cargo run -p breaker-examples --example console               # prints its address, and goes on until it is stopped
//! cargo run -p breaker-examples --example console -- --demo     # looks at the console itself, and ends
//! cargo run -p breaker-examples --example console -- --still    # the downstreams change only by the buttons
//! ```
//!
//! Two more processes of the same program are played in this one: the three vote on their downstreams as a fleet.
//!
//! The page at `/` has buttons that fail and mend each downstream; `/breakers` is the console in an axum router. On a second port
//! plain hyper serves the same console.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State as Shared};
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use breaker_console::Console;
use breaker_examples::{Downstream, Mood};
use breaker_fleet::{Fleet, InMemory};
use breaker_layer::http::ServerErrors;
use breaker_layer::keyed::KeyedCircuits;
use breaker_layer::{
    BoxError, BreakerLayer, Circuit, OpenTime, Outcome, Probes, Registry, State, Trip,
};
use http::StatusCode;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{interval, sleep};
use tower::{Service, ServiceBuilder, ServiceExt};

const NAMES: [&str; 3] = ["payments", "search", "recommendations"];
const PATIENCE: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (is_demo, is_still) = match arguments[..] {
        [] => (false, false),
        ["--demo"] => (true, true),
        ["--still"] => (false, true),
        _ => return Err("the arguments are none, --demo or --still".into()),
    };
    let show = Show::start().await?;
    let addr = serve_by_axum(show.clone()).await?;
    let other = serve_by_hyper(show.console.clone()).await?;
    println!("the console is at http://{addr}/breakers, and by plain hyper at http://{other}/");
    println!("what it shows is broken and mended at http://{addr}/");
    if is_demo {
        return demo(&show, addr, other).await;
    }
    if !is_still {
        tokio::spawn(script(show.clone()));
    }
    // Until it is stopped.
    std::future::pending().await
}

/// Three downstreams, their circuits, and the console over these.
struct Show {
    downstreams: [Downstream; 3],
    circuits: [Circuit; 3],
    tenants: KeyedCircuits<String>,
    console: Console,
}

impl Show {
    async fn start() -> Result<Arc<Self>, BoxError> {
        let registry = Registry::new();
        // Processes on several machines have `Redis` here.
        let store = InMemory::new();
        let (fleet, ticks) = Fleet::builder(&registry, store.clone())
            .zone("eu-1a")
            .build()?;
        tokio::spawn(ticks);
        // Everybody on this machine may command here. Elsewhere a middleware says who it is.
        let console = Console::new(&registry)
            .fleet(&fleet)
            .commands(|_| Some("somebody".to_owned()));
        let circuits = circuits(&registry)?;
        let tenants = KeyedCircuits::builder("tenants")
            .config(breaker_layer::Config::new().trip(Trip::consecutive_failures(5)))
            .name_by(|tenant: &String| tenant.as_str().into())
            .build()?;
        registry.add_keyed(&tenants)?;
        for _ in 0..3 {
            tenants
                .try_acquire("acme".to_owned())?
                .record(Outcome::Failure);
        }
        let start = Downstream::start;
        let show = Arc::new(Self {
            downstreams: [start().await?, start().await?, start().await?],
            circuits,
            tenants,
            console,
        });
        traffic(&show.circuits, &show.downstreams);
        for zone in ["eu-1a", "eu-1b"] {
            peer(store.clone(), zone, &show.downstreams)?;
        }
        tokio::spawn(show.console.clone().keep_watch());
        Ok(show)
    }

    fn set(&self, name: &str, mood: Mood) -> bool {
        let number = NAMES.iter().position(|known| *known == name);
        if let Some(number) = number {
            self.downstreams[number].set(mood);
        }
        number.is_some()
    }
}

/// A circuit for each downstream.
fn circuits(registry: &Registry) -> Result<[Circuit; 3], BoxError> {
    let build = |name: &str| {
        let circuit = Circuit::builder(name)
            .open_time(OpenTime::fixed(Duration::from_secs(3)))
            // Calls have ended by then. One process of a zone probes for twice as long.
            .probes(Probes::new(3).timeout(Duration::from_secs(1)))
            .count_calls(true)
            .build()?;
        registry.add(&circuit)?;
        Ok::<_, BoxError>(circuit)
    };
    Ok([build(NAMES[0])?, build(NAMES[1])?, build(NAMES[2])?])
}

/// Another process of the same program: it calls the same downstreams, and votes on them.
fn peer(store: InMemory, zone: &str, downstreams: &[Downstream]) -> Result<(), BoxError> {
    let registry = Registry::new();
    traffic(&circuits(&registry)?, downstreams);
    let (_, ticks) = Fleet::builder(&registry, store).zone(zone).build()?;
    tokio::spawn(ticks);
    Ok(())
}

fn traffic(circuits: &[Circuit], downstreams: &[Downstream]) {
    for (number, circuit) in circuits.iter().enumerate() {
        let between = Duration::from_millis(20 + 10 * number as u64);
        let url = downstreams[number].url("/");
        tokio::spawn(calls(circuit.clone(), url, between));
    }
}

/// Calls one downstream through its breaker, some fifty times a second.
async fn calls(circuit: Circuit, url: String, between: Duration) {
    let breaker = BreakerLayer::new(circuit).classify_with(ServerErrors::new());
    let mut client = ServiceBuilder::new()
        .layer(breaker.boxed_errors())
        .timeout(PATIENCE)
        .service(Client::builder(TokioExecutor::new()).build_http());
    let mut ticks = interval(between);
    loop {
        ticks.tick().await;
        let Ok(request) = Request::get(&url).body(Empty::<Bytes>::new()) else {
            continue;
        };
        // How it went is the breaker's business.
        if let Ok(client) = client.ready().await
            && let Ok(answer) = client.call(request).await
        {
            let _ = answer.into_body().collect().await;
        }
    }
}

/// What happens to the downstreams where nobody presses a button.
async fn script(show: Arc<Show>) {
    loop {
        sleep(Duration::from_secs(8)).await;
        show.set("payments", Mood::Failing);
        for _ in 0..5 {
            if let Ok(permit) = show.tenants.try_acquire("acme".to_owned()) {
                permit.record(Outcome::Failure);
            }
        }
        sleep(Duration::from_secs(10)).await;
        show.set("payments", Mood::Healthy);
        show.set("search", Mood::Hanging);
        sleep(Duration::from_secs(8)).await;
        show.set("search", Mood::Healthy);
    }
}

/// The console nested in a router, beside the buttons.
async fn serve_by_axum(show: Arc<Show>) -> Result<SocketAddr, BoxError> {
    let router = Router::new()
        .route("/", get(buttons))
        .route("/set/{name}/{mood}", post(set))
        .nest_service("/breakers", show.console.clone())
        .with_state(show);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(addr)
}

/// The same console on a port of its own, by hyper alone.
async fn serve_by_hyper(console: Console) -> Result<SocketAddr, BoxError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(console.clone());
            let server = hyper::server::conn::http1::Builder::new();
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(addr)
}

async fn buttons() -> Html<String> {
    let mut page =
        "<!DOCTYPE html><html lang=en><title>Downstreams</title><h1>Downstreams</h1>".to_owned();
    for name in NAMES {
        page += &format!("<p>{name}");
        for mood in ["healthy", "failing", "hanging"] {
            page += &format!(
                r#" <form method=post action="/set/{name}/{mood}" style="display:inline"><button>{mood}</button></form>"#
            );
        }
    }
    Html(page + r#"<p><a href="/breakers">The console</a>"#)
}

async fn set(
    Shared(show): Shared<Arc<Show>>,
    Path((name, mood)): Path<(String, String)>,
) -> Result<Redirect, StatusCode> {
    let mood = match mood.as_str() {
        "healthy" => Mood::Healthy,
        "failing" => Mood::Failing,
        "hanging" => Mood::Hanging,
        _ => return Err(StatusCode::NOT_FOUND),
    };
    match show.set(&name, mood) {
        true => Ok(Redirect::to("/")),
        false => Err(StatusCode::NOT_FOUND),
    }
}

/// An outage as the console has it, and a command through it.
async fn demo(show: &Show, addr: SocketAddr, other: SocketAddr) -> Result<(), BoxError> {
    let console = format!("http://{addr}/breakers");
    let calm = page(&console, None).await?;
    assert!(NAMES.iter().all(|name| calm.contains(name)), "{calm}");
    show.set("payments", Mood::Failing);
    let mut seen = String::new();
    while !seen.contains("<title>1 open") {
        sleep(Duration::from_millis(50)).await;
        seen = page(&console, None).await?;
    }
    println!("payments failed, and the console shows it as open");
    while !seen.contains("peers against it") {
        sleep(Duration::from_millis(50)).await;
        seen = page(&console, None).await?;
    }
    println!("and that its peers in the fleet are against it, too");
    let same = page(&format!("http://{other}/"), None).await?;
    assert!(same.contains("<title>1 open"), "{same}");

    let order = "command=isolate&reason=their+database+moves&confirmed=yes";
    page(&format!("{console}?circuit=search"), Some(order)).await?;
    assert_eq!(show.circuits[1].state(), State::Isolated);
    let detail = page(&format!("{console}?circuit=search"), None).await?;
    assert!(
        detail.contains("somebody: their database moves"),
        "{detail}"
    );
    println!(
        "search is isolated by the console: {}",
        show.circuits[1].snapshot()
    );
    page(
        &format!("{console}?circuit=search"),
        Some("command=reset&reason=they+moved"),
    )
    .await?;

    show.set("payments", Mood::Healthy);
    while show
        .circuits
        .iter()
        .any(|circuit| circuit.state() != State::Closed)
    {
        sleep(Duration::from_millis(50)).await;
    }
    println!("payments recovered, and search is reset: all are closed again");
    Ok(())
}

/// A page of the console, or what it answers to a command.
async fn page(url: &str, order: Option<&str>) -> Result<String, BoxError> {
    let client: Client<_, String> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder()
        .method(if order.is_some() { "POST" } else { "GET" })
        .uri(url)
        .body(order.unwrap_or_default().to_owned())?;
    let answer: hyper::Response<Incoming> = client.request(request).await?;
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}
