//! What the tests of the console share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::time::Duration;

use breaker_console::{Body, Console};
use breaker_layer::{Circuit, OpenTime, Outcome, Registry, Trip};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

pub(crate) fn circuit(registry: &Registry, name: &str) -> Circuit {
    let circuit = Circuit::builder(name)
        .trip(Trip::consecutive_failures(3))
        .open_time(OpenTime::fixed(Duration::from_secs(60)))
        .build()
        .unwrap();
    registry.add(&circuit).unwrap();
    circuit
}

pub(crate) fn fail(circuit: &Circuit, times: u32) {
    for _ in 0..times {
        circuit.try_acquire().unwrap().record(Outcome::Failure);
    }
}

pub(crate) async fn ask(
    console: &Console,
    request: http::request::Builder,
    body: &str,
) -> Response<Body> {
    let request = request.body(body.to_owned()).unwrap();
    console.clone().oneshot(request).await.unwrap()
}

pub(crate) async fn text(answer: Response<Body>) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) async fn get(console: &Console, query: &str) -> String {
    let answer = ask(console, Request::get(query), "").await;
    assert_eq!(answer.status(), StatusCode::OK, "{query}");
    text(answer).await
}

pub(crate) fn steered(registry: &Registry) -> Console {
    Console::new(registry).commands(|_| Some("alice".to_owned()))
}

pub(crate) async fn next(body: &mut Body) -> String {
    let frame = body.frame().await.unwrap().unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
