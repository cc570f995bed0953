//! What time does to a breaker. The clock stands still and is moved.

mod support;

use std::time::Duration;

use support::{Peer, assert_talk, output};
use tokio::time::{Instant, advance};

const CALL: &str = r#"{"type": "call"}"#;
const FAIL: &str = r#"{"type": "call", "force_success": false}"#;
const STATUS: &str = r#"{"type": "status"}"#;

const OK: &str = r#"{"type": "call_ok", "service": "service-b", "state": "closed"}"#;
const REJECTED: &str =
    r#"{"type": "error", "error": "Circuit breaker OPEN", "service": "service-b"}"#;
const CLOSED: &str =
    r#"{"type": "circuit_breaker_closed", "service": "service-b", "state": "closed"}"#;

fn failed(failures: u32) -> String {
    format!(
        r#"{{"type": "error", "error": "Downstream call failed", "service": "service-b", "failures": {failures}}}"#
    )
}

fn opened(failures: u32) -> String {
    format!(r#"{{"type": "circuit_breaker_open", "service": "service-b", "failures": {failures}}}"#)
}

fn status(service: &str) -> String {
    format!(r#"{{"type": "status_ok", "services": {{"service-b": {{{service}}}}}}}"#)
}

#[tokio::test(start_paused = true)]
async fn a_breaker_opens_probes_fails_probes_and_closes() {
    let open_for = Duration::from_secs(5);
    let mut peer = Peer::new(&[]);
    for failures in 1..5 {
        assert_eq!(peer.ask(FAIL).await, failed(failures));
    }
    assert_eq!(peer.ask(FAIL).await, opened(5));
    assert_eq!(peer.ask(CALL).await, REJECTED);
    advance(open_for - Duration::from_millis(1)).await;
    assert_eq!(peer.ask(CALL).await, REJECTED);
    advance(Duration::from_millis(1)).await;
    assert_eq!(peer.ask(FAIL).await, opened(1));
    assert_eq!(peer.ask(CALL).await, REJECTED);
    advance(open_for).await;
    assert_eq!(peer.ask(CALL).await, CLOSED);
    assert_eq!(peer.ask(CALL).await, OK);
}

#[tokio::test(start_paused = true)]
async fn the_open_time_is_the_flags() {
    let mut peer = Peer::new(&["--open-for", "50ms", "--failure-threshold", "1"]);
    assert_eq!(peer.ask(FAIL).await, opened(1));
    advance(Duration::from_millis(49)).await;
    assert_eq!(peer.ask(CALL).await, REJECTED);
    advance(Duration::from_millis(1)).await;
    assert_eq!(peer.ask(CALL).await, CLOSED);
}

#[tokio::test(start_paused = true)]
async fn status_knows_the_time() {
    let mut peer = Peer::new(&[]);
    peer.ask(r#"{"type": "call", "force_failures": 6}"#).await;
    let open = |left: u64| {
        status(&format!(
            r#""state": "open", "failures": 5, "calls": 5, "rejected": 1, "retry_after_ms": {left}"#
        ))
    };
    assert_eq!(peer.ask(STATUS).await, open(5000));
    advance(Duration::from_millis(20)).await;
    assert_eq!(peer.ask(STATUS).await, open(4980));
    advance(Duration::from_millis(4980)).await;
    let half_open = r#""state": "half_open", "failures": 0, "calls": 5, "rejected": 1"#;
    assert_eq!(peer.ask(STATUS).await, status(half_open));
    assert_eq!(peer.ask(FAIL).await, opened(1));
    let open =
        r#""state": "open", "failures": 1, "calls": 6, "rejected": 1, "retry_after_ms": 5000"#;
    assert_eq!(peer.ask(STATUS).await, status(open));
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_when_status_says_so_is_not_too_early() {
    let mut peer = Peer::new(&["--open-for", "2ms"]);
    peer.ask(r#"{"type": "call", "state": "open"}"#).await;
    advance(Duration::from_micros(500)).await;
    let open = r#""state": "open", "failures": 0, "calls": 0, "rejected": 1, "retry_after_ms": 2"#;
    assert_eq!(peer.ask(STATUS).await, status(open));
}

#[tokio::test(start_paused = true)]
async fn a_breaker_waits_for_its_next_probe_as_long_as_it_takes() {
    let mut peer = Peer::new(&["--probes", "2"]);
    let half_open = r#"{"type": "call_ok", "service": "service-b", "state": "half_open"}"#;
    assert_eq!(
        peer.ask(r#"{"type": "call", "state": "half_open"}"#).await,
        half_open
    );
    advance(Duration::from_secs(3600)).await;
    assert_eq!(peer.ask(CALL).await, CLOSED);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_longer_than_the_timeout_has_failed() {
    let talk = [
        (r#"{"type": "call", "latency_ms": 1000}"#, OK),
        (r#"{"type": "call", "latency_ms": 1001}"#, &failed(1)),
    ];
    let begin = Instant::now();
    assert_talk(&[], &talk).await;
    assert_eq!(begin.elapsed(), Duration::from_secs(2));
    let slow = r#"{"type": "call", "latency_ms": 3600000}"#;
    assert_eq!(output(&["--timeout", "2h"], slow).await, format!("{OK}\n"));
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_a_message_run_one_after_another() {
    let begin = Instant::now();
    let calls =
        r#"{"type": "call", "force_failures": 3, "force_success": true, "latency_ms": 250}"#;
    assert_eq!(output(&[], calls).await, failed(0) + "\n");
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_call_takes_no_time() {
    let begin = Instant::now();
    let call = r#"{"type": "call", "state": "open", "latency_ms": 900}"#;
    assert_eq!(output(&[], call).await, format!("{REJECTED}\n"));
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_time_that_a_call_takes_counts_against_another_services_open_time() {
    let mut peer = Peer::new(&["--timeout", "10s"]);
    assert_eq!(
        peer.ask(r#"{"type": "call", "state": "open"}"#).await,
        REJECTED
    );
    peer.ask(r#"{"type": "call", "service": "slow", "latency_ms": 5000}"#)
        .await;
    assert_eq!(peer.ask(CALL).await, CLOSED);
}

#[tokio::test(start_paused = true)]
async fn a_reply_does_not_wait_for_the_slow_call_behind_it() {
    let mut peer = Peer::new(&["--timeout", "2h"]);
    let begin = Instant::now();
    peer.send([CALL, r#"{"type": "call", "latency_ms": 3600000}"#].concat())
        .await;
    assert_eq!(peer.reply().await, OK);
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!(peer.reply().await, OK);
    assert_eq!(begin.elapsed(), Duration::from_secs(3600));
}
