//! An axum server with a database, a cache and another service behind it, each with a circuit of its own. Database and cache are not there at all
//! (their ports are closed); the service is, and fails later. What can be answered is answered, and what cannot says when to come again.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use breaker_examples::{Downstream, Mood};
use breaker_layer::http::{ClassifyStream, ServerErrors};
use breaker_layer::registry::Found;
use breaker_layer::{
    BoxError, Circuit, Error, OpenTime, Outcome, Registry, Rejected, State, TransitionEvent, Trip,
};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, RedisError};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

const THRESHOLD: u32 = 3;
/// Longer than this example runs, and the least that `Retry-After` can say.
const OPEN_FOR: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_millis(300);
const CONNECTIONS: u32 = 10;

/// What the handlers share: clients, and the circuit of each.
#[derive(Clone)]
struct Backends {
    database: Arc<Database>,
    cache: (Circuit, ConnectionManager),
    prices: (Circuit, reqwest::Client, String),
    circuits: Registry,
}

/// As many places as connections, so that a pool that is full is not taken for a database that is down.
struct Database {
    circuit: Circuit,
    pool: PgPool,
    places: Semaphore,
}

impl Database {
    async fn stock(&self) -> Result<i64, BoxError> {
        let _place = timeout(LIMIT, self.places.acquire()).await??;
        let query = sqlx::query_scalar("SELECT count(*) FROM article");
        let count = self
            .circuit
            .run_with(&database_fault, query.fetch_one(&self.pool));
        Ok(count.await?)
    }
}

impl Backends {
    fn new(prices: String) -> Result<Self, BoxError> {
        let circuits = Registry::new();
        let circuit = |name: &str| circuit(name, &circuits);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(LIMIT)
            .connect_lazy("postgres://me@127.0.0.1:1/shop")?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT));
        let client = redis::Client::open("redis://127.0.0.1:1/")?;
        let cache = ConnectionManager::new_lazy_with_config(client, config)?;
        let client = reqwest::Client::builder().timeout(LIMIT).build()?;
        Ok(Self {
            database: Arc::new(Database {
                circuit: circuit("database")?,
                pool,
                places: Semaphore::new(CONNECTIONS as usize),
            }),
            cache: (circuit("cache")?, cache),
            prices: (circuit("prices")?, client, prices),
            circuits: circuits.clone(),
        })
    }

    /// From the cache, as far as there is one.
    async fn cached(&self, key: &str) -> Option<String> {
        let (circuit, cache) = &self.cache;
        let mut cache = cache.clone();
        let call = async move { cache.get::<_, Option<String>>(key).await };
        circuit.run_with(&cache_fault, call).await.ok().flatten()
    }

    async fn price(&self) -> Result<String, Error<reqwest::Error>> {
        let (circuit, client, url) = &self.prices;
        let call = circuit.run_with(&service_fault, client.get(url).send());
        let response = call.await?;
        let status = response.status();
        Ok(format!("price: {status}\n"))
    }
}

/// A unique violation is an answer; that no connection could be made in time is none.
fn database_fault<T>(result: Result<&T, &sqlx::Error>) -> Outcome {
    match result {
        Err(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::Tls(_)) => {
            Outcome::Failure
        }
        Ok(_) | Err(_) => Outcome::Success,
    }
}

fn cache_fault<T>(result: Result<&T, &RedisError>) -> Outcome {
    match result {
        Err(error) if error.is_io_error() || error.is_timeout() => Outcome::Failure,
        Ok(_) | Err(_) => Outcome::Success,
    }
}

fn service_fault(result: Result<&reqwest::Response, &reqwest::Error>) -> Outcome {
    match result {
        Ok(response) => ServerErrors::new().at_headers(response.status(), response.headers()),
        Err(_) => Outcome::Failure,
    }
}

/// 503 with `Retry-After` for a rejection, 502 for what a backend did wrong.
fn apology(error: &(dyn std::error::Error + 'static)) -> Response {
    println!("  {error}");
    match Rejected::of(error) {
        Some(rejected) => Response::from(rejected),
        None => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn stock(Shared(backends): Shared<Backends>) -> Response {
    match backends.database.stock().await {
        Ok(count) => count.to_string().into_response(),
        Err(error) => apology(&*error),
    }
}

/// A cache that is down costs nothing but its help.
async fn price(Shared(backends): Shared<Backends>) -> Response {
    if let Some(price) = backends.cached("price").await {
        return price.into_response();
    }
    match backends.price().await {
        Ok(price) => price.into_response(),
        Err(error) => apology(&error),
    }
}

/// Ready in any case, and what is degraded: see the guide's chapter on readiness.
async fn ready(Shared(backends): Shared<Backends>) -> String {
    let mut degraded = backends.circuits.circuits();
    degraded.retain(|found| !found.circuit().is_ready());
    let names: Vec<_> = degraded.iter().map(Found::name).collect();
    names.join(" ")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let service = Downstream::start().await?;
    let backends = Backends::new(service.url("/"))?;
    let router = Router::new()
        .route("/stock", get(stock))
        .route("/price", get(price))
        .route("/ready", get(ready))
        .with_state(backends.clone());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });

    println!("the database is not there");
    for _ in 0..THRESHOLD {
        assert_eq!(ask(addr, "/stock").await?, (502, None));
    }
    assert_eq!(backends.database.circuit.state(), State::Open);
    assert_eq!(ask(addr, "/stock").await?, (503, Some("60".to_owned())));

    println!("neither is the cache, and nobody notices");
    for _ in 0..=THRESHOLD {
        assert_eq!(ask(addr, "/price").await?, (200, None));
    }
    assert_eq!(backends.cache.0.state(), State::Open);
    assert_eq!(backends.prices.0.state(), State::Closed);

    println!("the service fails");
    service.set(Mood::Failing);
    for _ in 0..THRESHOLD {
        assert_eq!(ask(addr, "/price").await?, (200, None));
    }
    assert_eq!(ask(addr, "/price").await?, (503, Some("60".to_owned())));
    assert_eq!(ask(addr, "/ready").await?, (200, None));
    assert_eq!(ready(Shared(backends)).await, "database cache prices");
    Ok(())
}

fn circuit(name: &str, circuits: &Registry) -> Result<Circuit, BoxError> {
    let circuit = Circuit::builder(name)
        .trip(Trip::consecutive_failures(THRESHOLD))
        .open_time(OpenTime::fixed(OPEN_FOR))
        .observe(|event: &TransitionEvent<'_>| println!("  {event}"))
        .build()?;
    circuits.add(&circuit)?;
    Ok(circuit)
}

/// The status of an answer, and its `Retry-After`.
async fn ask(addr: SocketAddr, path: &str) -> Result<(u16, Option<String>), BoxError> {
    let response = reqwest::get(format!("http://{addr}{path}")).await?;
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().map(str::to_owned));
    println!("  {path}: {}", response.status());
    Ok((response.status().as_u16(), retry_after.transpose()?))
}
