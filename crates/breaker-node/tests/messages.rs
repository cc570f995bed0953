//! Everything that is no `call`, and what a message may look like.

mod support;

use support::{assert_talk, output};

async fn assert_reply(message: &str, reply: &str) {
    assert_eq!(
        output(&[], message).await,
        format!("{reply}\n"),
        "to {message}"
    );
}

async fn assert_malformed(message: &str, in_reply_to: &str, names: &str) {
    let reply = output(&[], message).await;
    let begin = format!(r#"{{"type": "error", {in_reply_to}"code": 12, "error": "{names}"#);
    assert!(
        reply.starts_with(&begin) && reply.ends_with("\"}\n"),
        "{reply} to {message}, not {begin}"
    );
    assert_eq!(reply.lines().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn init_is_answered() {
    let init = r#"{"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1"]}}"#;
    assert_reply(init, r#"{"type": "init_ok", "in_reply_to": 1}"#).await;
    assert_reply(r#"{"type": "init"}"#, r#"{"type": "init_ok"}"#).await;
}

#[tokio::test(start_paused = true)]
async fn status_is_empty_before_the_first_call() {
    assert_reply(
        r#"{"type": "status", "msg_id": 1}"#,
        r#"{"type": "status_ok", "in_reply_to": 1, "services": {}}"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn reset_closes_a_breaker_and_zeroes_its_counts() {
    let fresh = r#"{"type": "status_ok", "services": {"b": {"state": "closed", "failures": 0, "calls": 0, "rejected": 0}}}"#;
    assert_talk(
        &["--service", "b"],
        &[
            (
                r#"{"type": "call", "force_failures": 9}"#,
                r#"{"type": "circuit_breaker_open", "service": "b", "failures": 5}"#,
            ),
            (r#"{"type": "reset", "msg_id": 7}"#, r#"{"type": "reset_ok", "in_reply_to": 7, "service": "b"}"#),
            (r#"{"type": "status"}"#, fresh),
            (
                r#"{"type": "call", "force_failures": 4}"#,
                r#"{"type": "error", "error": "Downstream call failed", "service": "b", "failures": 4}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_type_is_named() {
    let reply = r#"{"type": "error", "in_reply_to": 1, "code": 10, "error": "there is no type \"ché\"; the types are call, init, status and reset"}"#;
    assert_reply(r#"{"type": "ché", "msg_id": 1, "latency_ms": -1}"#, reply).await;
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_wrong_is_named_and_nothing_is_changed() {
    for (field, value) in [
        ("force_failures", "-1"),
        ("force_failures", "1000001"),
        ("force_failures", "1.0"),
        ("force_failures", "1e3"),
        ("force_failures", "1e999"),
        ("force_failures", "\"5\""),
        ("force_failures", "null"),
        (
            "force_failures",
            "99999999999999999999999999999999999999999999",
        ),
        ("force_success", "1"),
        ("force_success", "\"true\""),
        ("state", "\"half-open\""),
        ("state", "\"isolated\""),
        ("state", "{\"state\": \"open\"}"),
        ("latency_ms", "3600001"),
        ("latency_ms", "[0]"),
        ("service", "\"\""),
        ("service", "5"),
        ("service", "\"\\ud800\""),
        ("service", &format!("\"{}\"", "é".repeat(129))),
    ] {
        for kind in ["call", "status"] {
            let message = format!(r#"{{"type": "{kind}", "msg_id": 1, "{field}": {value}}}"#);
            assert_malformed(
                &message,
                r#""in_reply_to": 1, "#,
                &format!("{field} takes "),
            )
            .await;
        }
    }
    let message = r#"{"type": "call", "service": "b", "state": "open", "latency_ms": true}{"type": "status"}"#;
    let replies = output(&[], message).await;
    assert_eq!(
        replies.lines().nth(1),
        Some(r#"{"type": "status_ok", "services": {}}"#)
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_needs_a_type() {
    for message in [
        r#"{"msg_id": 1}"#,
        r#"{"msg_id": 1, "type": 5}"#,
        r#"{"msg_id": 1, "type": null}"#,
    ] {
        assert_malformed(message, r#""in_reply_to": 1, "#, "type takes ").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_an_object() {
    for body in ["null", "5", "\"{}\"", "[{}]", "true"] {
        let message = format!(r#"{{"src": "a", "dest": "b", "body": {body}, "msg_id": 1}}"#);
        assert_malformed(&message, "", "body takes an object").await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_ends_of_the_range_of_a_msg_id_come_back_and_what_is_beyond_does_not() {
    for id in ["-9223372036854775808", "18446744073709551615", "0"] {
        let reply = format!(r#"{{"type": "init_ok", "in_reply_to": {id}}}"#);
        assert_reply(&format!(r#"{{"type": "init", "msg_id": {id}}}"#), &reply).await;
    }
    assert_reply(
        r#"{"type": "init", "msg_id": null}"#,
        r#"{"type": "init_ok"}"#,
    )
    .await;
    for id in [
        "-9223372036854775809",
        "18446744073709551616",
        "1.0",
        "\"1\"",
        "1e999",
        "{}",
    ] {
        assert_malformed(
            &format!(r#"{{"type": "init", "msg_id": {id}}}"#),
            "",
            "msg_id takes ",
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_known_member_that_stands_twice_is_an_error() {
    let twice = r#"{"type": "call", "msg_id": 1, "force_failures": 5, "force_failures": 5}"#;
    assert_malformed(
        twice,
        r#""in_reply_to": 1, "#,
        "force_failures stands twice",
    )
    .await;
    let escaped = r#"{"type": "call", "msg_id": 1, "service": "a", "serv\u0069ce": "b"}"#;
    assert_malformed(escaped, r#""in_reply_to": 1, "#, "service stands twice").await;
    assert_malformed(
        r#"{"type": "call", "msg_id": 1, "msg_id": 1}"#,
        "",
        "msg_id stands twice",
    )
    .await;
    assert_malformed(
        r#"{"body": {"type": "call"}, "body": {}}"#,
        "",
        "body stands twice",
    )
    .await;
    let src = r#"{"src": "a", "src": "a", "body": {"type": "call", "msg_id": 1}}"#;
    assert_malformed(src, r#""in_reply_to": 1, "#, "src stands twice").await;
    let answer = r#"{"type": "call", "msg_id": 1, "in_reply_to": 2, "in_reply_to": 2}"#;
    assert_malformed(answer, r#""in_reply_to": 1, "#, "in_reply_to stands twice").await;
}

#[tokio::test(start_paused = true)]
async fn a_type_that_is_unknown_is_told_of_first_whatever_stands_twice() {
    for twice in ["in_reply_to", "service", "latency_ms", "src"] {
        let message = format!(r#"{{"type": "nope", "msg_id": 1, "{twice}": 2, "{twice}": 2}}"#);
        assert_reply(
            &message,
            r#"{"type": "error", "in_reply_to": 1, "code": 10, "error": "there is no type \"nope\"; the types are call, init, status and reset"}"#,
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_members_are_ignored_but_must_be_well_formed() {
    let deep = format!("{}{}", "[".repeat(127), "]".repeat(127));
    let message = format!(
        r#"{{"x": 1e999, "x": {deep}, "type": "init", "y": {{"type": 5}}, "\u00e9": "\ud834\udd1e"}}"#
    );
    assert_reply(&message, r#"{"type": "init_ok"}"#).await;
    for value in [
        "01", "1.", "nul", "\"\\x\"", "[1,]", "{1: 2}", "", "'a'", "+1", "NaN",
    ] {
        assert_malformed(
            &format!(r#"{{"type": "init", "x": {value}}}"#),
            "",
            "line 1, column ",
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_gets_no_reply() {
    let answers = r#"{"type": "call", "in_reply_to": 1}{"src": "a", "dest": "b", "body": {"in_reply_to": 0, "x": 5}}"#;
    assert_eq!(output(&[], answers).await, "");
    assert_reply(
        r#"{"type": "init", "in_reply_to": null}"#,
        r#"{"type": "init_ok"}"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_service_is_the_bodys_then_the_envelopes_then_the_flags() {
    let ok = |service: &str| {
        format!("{{\"type\": \"call_ok\", \"service\": \"{service}\", \"state\": \"closed\"}}\n")
    };
    let flags = ["--service", "flag"];
    for (message, service) in [
        (
            r#"{"src": "a", "dest": "envelope", "body": {"type": "call", "service": "body"}}"#,
            "body",
        ),
        (
            r#"{"src": "a", "dest": "envelope", "body": {"type": "call"}}"#,
            "envelope",
        ),
        (r#"{"body": {"type": "call"}}"#, "flag"),
        (r#"{"dest": "no envelope", "type": "call"}"#, "flag"),
        (
            r#"{"type": "call", "service": "ünïcödé \"\\\u0000\ud834\udd1e"}"#,
            "ünïcödé \\\"\\\\\\u0000𝄞",
        ),
    ] {
        assert_eq!(output(&flags, message).await, ok(service));
    }
    assert_eq!(output(&[], r#"{"type": "call"}"#).await, ok("service-b"));
}

#[tokio::test(start_paused = true)]
async fn a_dest_that_stands_for_the_service_has_1_to_256_bytes() {
    let long = "x".repeat(257);
    for dest in ["", &long] {
        let message =
            |body: &str| format!(r#"{{"dest": "{dest}", "body": {{"msg_id": 1, {body}}}}}"#);
        assert_malformed(
            &message(r#""type": "call""#),
            r#""in_reply_to": 1, "#,
            "dest takes ",
        )
        .await;
        assert_malformed(
            &message(r#""type": "reset""#),
            r#""in_reply_to": 1, "#,
            "dest takes ",
        )
        .await;
        assert_reply(
            &message(r#""type": "init""#),
            r#"{"type": "init_ok", "in_reply_to": 1}"#,
        )
        .await;
    }
    let longest = format!(
        r#"{{"dest": "{}", "body": {{"type": "call"}}}}"#,
        &long[1..]
    );
    assert!(
        output(&[], longest)
            .await
            .starts_with(r#"{"type": "call_ok""#)
    );
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_bare_unless_envelopes_are_asked_for() {
    let message = r#"{"id": 3, "body": {"type": "init", "msg_id": 1}, "dest": "n1", "src": "c1"}"#;
    assert_reply(message, r#"{"type": "init_ok", "in_reply_to": 1}"#).await;
    let envelopes = ["--envelope"];
    let reply = "{\"src\": \"n1\", \"dest\": \"c1\", \"body\": {\"type\": \"init_ok\", \"in_reply_to\": 1}}\n";
    assert_eq!(output(&envelopes, message).await, reply);
    let bare = "{\"type\": \"init_ok\"}\n";
    assert_eq!(
        output(&envelopes, r#"{"type": "init", "src": "a", "dest": "b"}"#).await,
        bare
    );
    let error = output(&envelopes, r#"{"src": "c1", "dest": "n1", "body": []}"#).await;
    assert!(
        error.starts_with(r#"{"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "#),
        "{error}"
    );
    let half = output(&envelopes, r#"{"src": "c1", "body": {"type": "init"}}"#).await;
    assert_eq!(
        half,
        "{\"dest\": \"c1\", \"body\": {\"type\": \"init_ok\"}}\n"
    );
}
