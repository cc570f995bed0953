//! A downstream to point a client at: it fails, hangs or recovers as its query or headers say.
//!
//! `cargo run -p breaker-examples --example mock_downstream` prints its address and serves until it is
//! stopped; with `--demo` it calls itself in each of these ways and ends.
//!
//! | query, or header | what it does |
//! | --- | --- |
//! | `?status=503`, `x-mock-status: 503` | answers this request so |
//! | `?hang=1`, `x-mock-hang: 1` | takes this request and never answers |
//! | `?reset=1`, `x-mock-reset: 1` | resets the connection |
//! | `?cut=1`, `x-mock-cut: 1` | answers 200 and closes the connection half-way through the body |
//! | `?fail_next=5`, `x-mock-fail-next: 5` | answers the next five plain requests with 503 |
//! | `?mood=failing`, `x-mock-mood: failing` | from now on; or `healthy`, `hanging`, `resetting`, `cutting` |

use std::error::Error;
use std::future::pending;
use std::io;
use std::iter::successors;
use std::time::Duration;

use breaker_examples::Downstream;
use http_body_util::Empty;
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// How long the demonstration waits for an answer that does not come.
const PATIENCE: Duration = Duration::from_millis(200);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let downstream = Downstream::start().await?;
    println!("mock downstream on {}", downstream.url("/"));
    match std::env::args().nth(1).as_deref() {
        None => pending().await,
        Some("--demo") => demo(&downstream).await,
        Some(other) => Err(format!("unknown argument {other}, the only one is --demo").into()),
    }
}

async fn demo(downstream: &Downstream) -> Result<()> {
    for (path, header, expected) in [
        ("/", None, "200"),
        ("/?status=503", None, "503"),
        ("/", Some(("x-mock-status", "429")), "429"),
        ("/?hang=1", None, "no answer"),
        ("/", Some(("x-mock-hang", "1")), "no answer"),
        ("/?reset=1", None, "connection reset"),
        ("/?fail_next=2", None, "200"),
        ("/", None, "503"),
        ("/", None, "503"),
        ("/", None, "200"),
        ("/?mood=resetting", None, "200"),
        ("/", None, "connection reset"),
        ("/", Some(("x-mock-mood", "healthy")), "200"),
        ("/", None, "200"),
    ] {
        let seen = call(downstream, path, header).await?;
        let asked = header.map(|(name, value)| format!("{name}: {value}"));
        println!("{path:16} {:22} {seen}", asked.unwrap_or_default());
        if seen != expected {
            return Err(format!("{path} gave {seen}, not {expected}").into());
        }
    }
    println!("it failed, hung, reset the connection and recovered as each request said");
    Ok(())
}

/// One request on a connection of its own, and what came of it in words.
async fn call(downstream: &Downstream, path: &str, header: Option<(&str, &str)>) -> Result<String> {
    let mut request = Request::get(downstream.url(path));
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let request = request.body(Empty::<Bytes>::new())?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = tokio::time::timeout(PATIENCE, client.request(request)).await;
    Ok(match answer {
        Ok(Ok(response)) => response.status().as_str().to_owned(),
        Ok(Err(error)) => format!("connection {}", broken(&error)),
        Err(_) => "no answer".to_owned(),
    })
}

/// How the connection broke off.
fn broken(error: &(dyn Error + 'static)) -> &'static str {
    let mut causes = successors(Some(error), |&error| error.source());
    let is_reset = causes.any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
    });
    if is_reset { "reset" } else { "closed" }
}
