//! How long a console takes to answer over very many circuits and keys: `console`.

use std::{process::ExitCode, time::Duration};

use breaker_bench::bar::{self, Bar};
use breaker_console::Console;
use breaker_layer::{Circuit, Outcome, Registry, keyed::KeyedCircuits};
use http::Request;
use http_body_util::BodyExt;
use tokio::time::Instant;
use tower::ServiceExt;

const CIRCUITS: usize = 10_000;
const KEYS: u64 = 1_000_000;
/// Of so many times the best counts: that of a processor which nobody else used meanwhile.
const TIMES: usize = 51;

/// How long it takes until the page is there, the least in milliseconds, and its length.
async fn answers(console: &Console, query: &str) -> (f64, usize) {
    let mut took = Vec::new();
    let mut length = 0;
    for _ in 0..TIMES {
        let request = Request::get(query).body(String::new()).expect("a request");
        let begun = Instant::now();
        let Ok(answer) = console.clone().oneshot(request).await;
        let mut body = answer.into_body();
        let first = body.frame().await.expect("a page").expect("no error");
        took.push(begun.elapsed());
        length = first.into_data().map_or(0, |data| data.len());
    }
    let millis = |took: Duration| took.as_secs_f64() * 1e3;
    (
        took.into_iter().map(millis).fold(f64::INFINITY, f64::min),
        length,
    )
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let registry = Registry::with_capacity(CIRCUITS + 1);
    let build = |number| Circuit::builder(format!("service-{number}")).build();
    let circuits: Vec<Circuit> = (0..CIRCUITS)
        .map(|number| build(number).expect("the default"))
        .collect();
    circuits
        .iter()
        .for_each(|circuit| registry.add(circuit).expect("room"));
    circuits.iter().step_by(10).for_each(Circuit::trip);
    let console = Console::new(&registry);
    let (many, many_length) = answers(&console, "/").await;
    println!("{CIRCUITS} circuits, a tenth of them open: {many:.1} ms, {many_length} bytes");

    let registry = Registry::new();
    let table = KeyedCircuits::builder("hosts")
        .max_circuits(KEYS as usize)
        .name_by(|key: &u64| key.to_string().into());
    let table = table.build().expect("the default");
    registry.add_keyed(&table).expect("room");
    for key in 0..KEYS {
        if let Ok(permit) = table.try_acquire(key) {
            permit.record(Outcome::Failure);
        }
    }
    let console = Console::new(&registry);
    let (keys, keys_length) = answers(&console, "/").await;
    println!(
        "{} keys with a failure each: {keys:.1} ms, {keys_length} bytes",
        table.len()
    );
    let (searched, _) = answers(&console, "/?q=987654").await;
    println!("a search among them: {searched:.1} ms");
    bar::report(&[
        Bar::at_most(
            format!("ms until a page of {CIRCUITS} circuits is there"),
            many,
            100.0,
        ),
        Bar::at_most(
            format!("ms until a page of {KEYS} keys is there"),
            keys,
            100.0,
        ),
        Bar::at_most("ms until a key is found among them", searched, 100.0),
        Bar::at_most(
            "kB of such a page",
            many_length.max(keys_length) as f64 / 1e3,
            500.0,
        ),
    ])
}
