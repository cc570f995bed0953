//! A circuit that is looked at in the console.

use breaker_console::{Body, Console};
use breaker_layer::{Circuit, Registry};
use http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::{Mode, ours};
use crate::harness::time::Subject;

/// So many look at it, as many as may.
const VIEWERS: usize = 32;

/// Calls of a circuit at which as many look as may, each by a stream of events.
///
/// # Panics
///
/// When the console does not answer.
pub fn viewed(name: &str) -> Subject {
    let circuit = Circuit::builder("bench").build().expect("the default");
    let registry = Registry::new();
    registry.add(&circuit).expect("room");
    let console = Console::new(&registry);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    let streams: Vec<Body> = runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..VIEWERS {
            let request = Request::get("/?events")
                .body(String::new())
                .expect("a request");
            let Ok(answer) = console.clone().oneshot(request).await;
            assert!(answer.status().is_success());
            let mut stream = answer.into_body();
            stream
                .frame()
                .await
                .expect("the whole state")
                .expect("no error");
            streams.push(stream);
        }
        streams
    });
    // They look on for as long as the calls go on.
    Box::leak(Box::new((runtime, streams, console)));
    ours::layer_of(name, Mode::Success, circuit)
}
