//! The replies to `call`, row by row.

mod support;

use support::{assert_talk, output};

#[tokio::test(start_paused = true)]
async fn the_specifications_bodies_given_in_turn_give_its_replies() {
    assert_talk(
        &[],
        &[
            (
                r#"{"type": "call", "msg_id": 1, "force_failures": 5}"#,
                r#"{"type": "circuit_breaker_open", "in_reply_to": 1, "service": "service-b", "failures": 5}"#,
            ),
            (
                r#"{"type": "call", "msg_id": 2, "state": "open"}"#,
                r#"{"type": "error", "in_reply_to": 2, "error": "Circuit breaker OPEN", "service": "service-b"}"#,
            ),
            (
                r#"{"type": "call", "msg_id": 3, "state": "half_open", "force_success": true}"#,
                r#"{"type": "circuit_breaker_closed", "in_reply_to": 3, "service": "service-b", "state": "closed"}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_forced_result_a_call_is_one_that_succeeds() {
    let status = r#"{"type": "status_ok", "services": {"service-b": {"state": "closed", "failures": 0, "calls": 2, "rejected": 0}}}"#;
    let ok = r#"{"type": "call_ok", "service": "service-b", "state": "closed"}"#;
    assert_talk(
        &[],
        &[
            (r#"{"type": "call"}"#, ok),
            (r#"{"type": "call", "force_failures": 0}"#, ok),
            (r#"{"type": "status"}"#, status),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn failures_below_the_threshold_are_told_with_their_number() {
    assert_talk(
        &[],
        &[
            (
                r#"{"type": "call", "msg_id": 1, "force_failures": 3}"#,
                r#"{"type": "error", "in_reply_to": 1, "error": "Downstream call failed", "service": "service-b", "failures": 3}"#,
            ),
            (
                r#"{"type": "call", "msg_id": 2, "force_success": false}"#,
                r#"{"type": "error", "in_reply_to": 2, "error": "Downstream call failed", "service": "service-b", "failures": 4}"#,
            ),
            (
                r#"{"type": "call", "msg_id": 3, "force_success": false}"#,
                r#"{"type": "circuit_breaker_open", "in_reply_to": 3, "service": "service-b", "failures": 5}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_success_between_failures_starts_their_count_again() {
    assert_talk(
        &[],
        &[
            (
                r#"{"type": "call", "force_failures": 4, "force_success": true}"#,
                r#"{"type": "error", "error": "Downstream call failed", "service": "service-b", "failures": 0}"#,
            ),
            (
                r#"{"type": "call", "force_failures": 4}"#,
                r#"{"type": "error", "error": "Downstream call failed", "service": "service-b", "failures": 4}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_both_the_failing_calls_come_first() {
    let talk = r#"{"type": "call", "force_failures": 4, "force_success": false}"#;
    let open =
        "{\"type\": \"circuit_breaker_open\", \"service\": \"service-b\", \"failures\": 5}\n";
    assert_eq!(output(&[], talk).await, open);
    let talk = r#"{"type": "call", "force_failures": 5, "force_success": true}"#;
    assert_eq!(output(&[], talk).await, open);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_opening_failure_never_reaches_the_downstream() {
    assert_talk(
        &[],
        &[
            (
                r#"{"type": "call", "force_failures": 9}"#,
                r#"{"type": "circuit_breaker_open", "service": "service-b", "failures": 5}"#,
            ),
            (
                r#"{"type": "status"}"#,
                r#"{"type": "status_ok", "services": {"service-b": {"state": "open", "failures": 5, "calls": 5, "rejected": 4, "retry_after_ms": 5000}}}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_probe_opens_the_breaker_with_one_failure() {
    assert_talk(
        &[],
        &[
            (
                r#"{"type": "call", "state": "half_open", "force_success": false}"#,
                r#"{"type": "circuit_breaker_open", "service": "service-b", "failures": 1}"#,
            ),
            (
                r#"{"type": "call", "state": "half_open", "force_failures": 3}"#,
                r#"{"type": "circuit_breaker_open", "service": "service-b", "failures": 1}"#,
            ),
            (
                r#"{"type": "call"}"#,
                r#"{"type": "error", "error": "Circuit breaker OPEN", "service": "service-b"}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_breaker_that_is_told_to_be_open_lets_no_call_through() {
    let rejected = r#"{"type": "error", "error": "Circuit breaker OPEN", "service": "service-b"}"#;
    assert_talk(
        &[],
        &[
            (r#"{"type": "call", "state": "open", "force_failures": 5}"#, rejected),
            (r#"{"type": "call", "force_success": true}"#, rejected),
            (
                r#"{"type": "status"}"#,
                r#"{"type": "status_ok", "services": {"service-b": {"state": "open", "failures": 0, "calls": 0, "rejected": 6, "retry_after_ms": 5000}}}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_state_is_entered_freshly_even_if_it_is_the_present_one() {
    assert_talk(
        &[],
        &[
            (
                r#"{"type": "call", "force_failures": 4}"#,
                r#"{"type": "error", "error": "Downstream call failed", "service": "service-b", "failures": 4}"#,
            ),
            (
                r#"{"type": "call", "state": "closed", "force_failures": 4}"#,
                r#"{"type": "error", "error": "Downstream call failed", "service": "service-b", "failures": 4}"#,
            ),
            (
                r#"{"type": "call", "state": "open"}"#,
                r#"{"type": "error", "error": "Circuit breaker OPEN", "service": "service-b"}"#,
            ),
            (
                r#"{"type": "call", "state": "closed"}"#,
                r#"{"type": "call_ok", "service": "service-b", "state": "closed"}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn n_good_probes_one_at_a_time_close_a_breaker() {
    let undecided = r#"{"type": "call_ok", "service": "service-b", "state": "half_open"}"#;
    assert_talk(
        &["--probes", "3"],
        &[
            (r#"{"type": "call", "state": "half_open"}"#, undecided),
            (r#"{"type": "call", "force_success": true}"#, undecided),
            (
                r#"{"type": "call"}"#,
                r#"{"type": "circuit_breaker_closed", "service": "service-b", "state": "closed"}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_threshold_is_the_flags() {
    let open =
        "{\"type\": \"circuit_breaker_open\", \"service\": \"service-b\", \"failures\": 2}\n";
    let input = r#"{"type": "call", "force_failures": 2}"#;
    assert_eq!(output(&["--failure-threshold", "2"], input).await, open);
}

#[tokio::test(start_paused = true)]
async fn a_call_may_ask_for_a_million_failures() {
    let open =
        "{\"type\": \"circuit_breaker_open\", \"service\": \"service-b\", \"failures\": 5}\n";
    assert_eq!(
        output(&[], r#"{"type": "call", "force_failures": 1000000}"#).await,
        open
    );
}
