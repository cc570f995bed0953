//! Many services: apart from each other, and no more of them than there is room for.

mod support;

use std::time::Duration;

use support::{Peer, assert_talk};

fn call(service: &str) -> String {
    format!(r#"{{"type": "call", "service": "{service}"}}"#)
}

fn trip(service: &str) -> String {
    format!(r#"{{"type": "call", "service": "{service}", "force_failures": 5}}"#)
}

fn reset(service: &str) -> String {
    format!(r#"{{"type": "reset", "service": "{service}"}}"#)
}

fn ok(service: &str) -> String {
    format!(r#"{{"type": "call_ok", "service": "{service}", "state": "closed"}}"#)
}

fn opened(service: &str) -> String {
    format!(r#"{{"type": "circuit_breaker_open", "service": "{service}", "failures": 5}}"#)
}

fn rejected(service: &str) -> String {
    format!(r#"{{"type": "error", "error": "Circuit breaker OPEN", "service": "{service}"}}"#)
}

fn no_room(service: &str, most: usize) -> String {
    format!(
        r#"{{"type": "error", "code": 11, "error": "no room for service {service}: the node keeps {most} services (--max-services), and none of them is closed"}}"#
    )
}

/// The names of the services that the node has, in the order of its status.
async fn names(peer: &mut Peer) -> Vec<String> {
    let status: serde_json::Value =
        serde_json::from_str(&peer.ask(r#"{"type": "status"}"#).await).unwrap();
    status["services"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_happens_to_one_service_leaves_the_others_alone() {
    let mut peer = Peer::new(&[]);
    let failed =
        r#"{"type": "error", "error": "Downstream call failed", "service": "b", "failures": 4}"#;
    assert_eq!(
        peer.ask(r#"{"type": "call", "service": "b", "force_failures": 4}"#)
            .await,
        failed
    );
    assert_eq!(peer.ask(&trip("a")).await, opened("a"));
    assert_eq!(peer.ask(&call("a")).await, rejected("a"));
    assert_eq!(
        peer.ask(r#"{"type": "call", "service": "b", "force_failures": 1}"#)
            .await,
        opened("b")
    );
    assert_eq!(peer.ask(&call("c")).await, ok("c"));
    assert_eq!(
        peer.ask(&reset("a")).await,
        r#"{"type": "reset_ok", "service": "a"}"#
    );
    assert_eq!(peer.ask(&call("a")).await, ok("a"));
    assert_eq!(peer.ask(&call("b")).await, rejected("b"));
}

#[tokio::test(start_paused = true)]
async fn status_lists_the_services_by_the_bytes_of_their_names() {
    let talk = ["é", "b", "a b", "B", "a"].map(|service| (call(service), ok(service)));
    let mut talk: Vec<_> = talk
        .iter()
        .map(|(message, reply)| (&**message, &**reply))
        .collect();
    let fresh = r#"{"state": "closed", "failures": 0, "calls": 1, "rejected": 0}"#;
    let services = ["B", "a", "a b", "b", "é"]
        .map(|service| format!("\"{service}\": {fresh}"))
        .join(", ");
    let status = format!(r#"{{"type": "status_ok", "services": {{{services}}}}}"#);
    talk.push((r#"{"type": "status"}"#, &status));
    assert_talk(&[], &talk).await;
}

#[tokio::test(start_paused = true)]
async fn the_closed_service_that_is_idle_for_longest_goes_first() {
    let mut peer = Peer::new(&["--max-services", "3"]);
    for service in ["a", "b", "c", "a", "d"] {
        assert_eq!(peer.ask(&call(service)).await, ok(service));
    }
    assert_eq!(names(&mut peer).await, ["a", "c", "d"]);
    peer.ask(&reset("c")).await;
    peer.ask(r#"{"type": "call", "service": "a", "latency_ms": -1}"#)
        .await;
    peer.ask(&call("e")).await;
    assert_eq!(
        names(&mut peer).await,
        ["c", "d", "e"],
        "a reset is a use, a message that is refused is none"
    );
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_is_not_forgotten_and_neither_is_a_half_open_one() {
    let mut peer = Peer::new(&["--max-services", "2"]);
    peer.ask(&trip("open")).await;
    for service in ["a", "b", "c"] {
        assert_eq!(peer.ask(&call(service)).await, ok(service));
        assert_eq!(names(&mut peer).await, [service, "open"]);
    }
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(peer.ask(&call("d")).await, ok("d"));
    assert_eq!(
        names(&mut peer).await,
        ["d", "open"],
        "its open time is over, but no probe has closed it"
    );
    let closed = r#"{"type": "circuit_breaker_closed", "service": "open", "state": "closed"}"#;
    assert_eq!(peer.ask(&call("open")).await, closed);
    peer.ask(&call("e")).await;
    peer.ask(&call("f")).await;
    assert_eq!(names(&mut peer).await, ["e", "f"]);
}

#[tokio::test(start_paused = true)]
async fn where_none_is_closed_a_new_service_is_told_so() {
    let mut peer = Peer::new(&["--max-services", "2"]);
    assert_eq!(peer.ask(&trip("a")).await, opened("a"));
    assert_eq!(peer.ask(&trip("b")).await, opened("b"));
    assert_eq!(peer.ask(&call("c")).await, no_room("c", 2));
    assert_eq!(peer.ask(&reset("c")).await, no_room("c", 2));
    assert_eq!(peer.ask(&call("a")).await, rejected("a"));
    peer.ask(&reset("b")).await;
    assert_eq!(peer.ask(&call("c")).await, ok("c"));
    assert_eq!(names(&mut peer).await, ["a", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_forgotten_begins_afresh() {
    let mut peer = Peer::new(&["--max-services", "1"]);
    let failed =
        r#"{"type": "error", "error": "Downstream call failed", "service": "a", "failures": 4}"#;
    for _ in 0..2 {
        assert_eq!(
            peer.ask(r#"{"type": "call", "service": "a", "force_failures": 4}"#)
                .await,
            failed
        );
        assert_eq!(peer.ask(&call("b")).await, ok("b"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_service_stays_however_long_nobody_calls_it() {
    let mut peer = Peer::new(&[]);
    peer.ask(r#"{"type": "call", "service": "a", "force_failures": 4}"#)
        .await;
    peer.ask(&trip("b")).await;
    tokio::time::advance(Duration::from_secs(30 * 24 * 3600)).await;
    for service in ["c", "d", "e"] {
        assert_eq!(peer.ask(&trip(service)).await, opened(service));
    }
    let failed = r#"{"type": "call", "service": "a", "force_failures": 1}"#;
    assert_eq!(peer.ask(failed).await, opened("a"));
    let closed = r#"{"type": "circuit_breaker_closed", "service": "b", "state": "closed"}"#;
    assert_eq!(peer.ask(&call("b")).await, closed);
}

#[tokio::test(start_paused = true)]
async fn a_status_longer_than_the_output_takes_at_a_time_is_whole() {
    let mut peer = Peer::new(&[]);
    let services: Vec<_> = (0..2000).map(|number| format!("{number:0>100}")).collect();
    for service in &services {
        peer.ask(&call(service)).await;
    }
    assert_eq!(names(&mut peer).await, services);
}
