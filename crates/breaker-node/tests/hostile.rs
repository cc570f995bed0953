//! Bad input ends nothing, wedges nothing and costs one error for each stretch of it.

mod support;

use support::{Chunks, output, settings};

const BEFORE: &str = "{\"type\": \"init\", \"msg_id\": 1}\n";
const AFTER: &str = "\n{\"type\": \"init\", \"msg_id\": 2}";
const INIT_1: &str = r#"{"type": "init_ok", "in_reply_to": 1}"#;
const INIT_2: &str = r#"{"type": "init_ok", "in_reply_to": 2}"#;

/// Asserts that this costs one error, which begins like that, and no good message.
async fn assert_one_error(bad: impl AsRef<[u8]>, error: &str) {
    let input = [BEFORE.as_bytes(), bad.as_ref(), AFTER.as_bytes()].concat();
    let replies = output(&[], &input).await;
    let replies: Vec<_> = replies.lines().collect();
    let [INIT_1, reply, INIT_2] = replies[..] else {
        panic!("{replies:?}")
    };
    let begin = format!(r#"{{"type": "error", {error}"#);
    assert!(
        reply.starts_with(&begin),
        "{reply} does not begin with {begin}"
    );
}

#[tokio::test(start_paused = true)]
async fn text_that_is_not_utf8() {
    assert_one_error(b"\xff\xfe", r#""code": 12, "error": "line 2, column 1: "#).await;
    assert_one_error(
        b"{\"type\": \"\xff\"}",
        r#""code": 12, "error": "line 2, column 11: the text is not UTF-8"#,
    )
    .await;
    assert_one_error(
        b"{\"x\":\r\n\"\xc3\", \"type\": \"init\"}",
        r#""code": 12, "error": "line 3, column 2: "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn ten_megabytes_without_a_newline() {
    let too_long =
        r#""code": 12, "error": "line 2, column 1: an object has more than 1048576 bytes"#;
    assert_one_error(
        vec![b'a'; 10_000_000],
        r#""code": 12, "error": "line 2, column 1: a message is"#,
    )
    .await;
    assert_one_error(
        ["{\"type\": \"", &"a".repeat(10_000_000), "\"}"].concat(),
        too_long,
    )
    .await;
    assert_one_error(
        ["{\"type\": ", &"[{}, ".repeat(2_000_000)].concat(),
        r#""code": 12, "#,
    )
    .await;
    assert_one_error(
        ["{\"type\": ", &" ".repeat(10_000_000), "0}"].concat(),
        too_long,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_object_of_just_the_longest_size_is_answered() {
    let message = |size: usize| {
        let text = r#"{"type": "init", "x": ""}"#;
        text.replace("\"\"", &format!("\"{}\"", "x".repeat(size - text.len())))
    };
    let flags = ["--max-message-bytes", "100"];
    assert_eq!(
        output(&flags, message(100)).await,
        "{\"type\": \"init_ok\"}\n"
    );
    let error = output(&flags, message(101)).await;
    assert!(
        error.starts_with(r#"{"type": "error", "code": 12, "#) && error.contains("100 bytes"),
        "{error}"
    );
    assert_eq!(
        output(&[], message(1 << 20)).await,
        "{\"type\": \"init_ok\"}\n"
    );
}

#[tokio::test(start_paused = true)]
async fn deep_nesting() {
    for brackets in ["[", "{\"a\":", "[{\"a\":"] {
        let too_deep = r#""code": 12, "error": "line 2, column "#;
        assert_one_error(format!("{{\"x\": {}", brackets.repeat(100_000)), too_deep).await;
    }
    assert_one_error(
        format!("{{\"type\": {}{}}}", "[".repeat(127), "]".repeat(127)),
        r#""code": 12, "error": "type"#,
    )
    .await;
    let body = |depth: usize| {
        format!(
            "{{\"body\": {}0{}}}",
            "{\"body\": ".repeat(depth),
            "}".repeat(depth)
        )
    };
    assert_one_error(body(127), r#""code": 12, "error": "type takes "#).await;
}

#[tokio::test(start_paused = true)]
async fn brackets_and_values_that_stand_alone() {
    for bad in [
        "]",
        "}",
        "[",
        "[{\"type\": \"init\"}]",
        "5",
        "null",
        "\"{}\"",
        ",",
        "x{\"type\": \"init\"}",
        "]]]}}}",
    ] {
        assert_one_error(
            bad,
            r#""code": 12, "error": "line 2, column 1: a message is a JSON object"#,
        )
        .await;
    }
    assert_one_error(
        "{]}",
        r#""code": 12, "error": "line 2, column 2: a ] that matches"#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn numbers_out_of_range() {
    let error = r#""in_reply_to": 3, "code": 12, "error": "force_failures takes"#;
    for number in [
        "-1",
        "1e400",
        "-1e400",
        "18446744073709551616",
        &"9".repeat(10_000),
    ] {
        assert_one_error(
            format!(r#"{{"type": "call", "msg_id": 3, "force_failures": {number}}}"#),
            error,
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_types_and_repeated_members() {
    let error = r#""in_reply_to": 3, "code": 12, "error": "state "#;
    assert_one_error(
        r#"{"type": "call", "msg_id": 3, "state": [{"open": null}]}"#,
        error,
    )
    .await;
    assert_one_error(
        r#"{"type": "call", "msg_id": 3, "state": "open", "state": "open"}"#,
        error,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn objects_that_are_cut_off() {
    let whole = r#"{"src": "a", "body": {"type": "init", "x": ["é\"", {}]}}"#;
    for end in (1..whole.len()).filter(|&end| whole.is_char_boundary(end)) {
        assert_one_error(&whole[..end], r#""code": 12, "error": "line 2, column "#).await;
        let last = output(&[], format!("{BEFORE}{}", &whole[..end])).await;
        let cut_off = r#"{"type": "error", "code": 12, "error": "line 2, column 1: an object is not finished where the input ends"}"#;
        assert_eq!(last, format!("{INIT_1}\n{cut_off}\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_spoilt_pretty_printed_message() {
    assert_one_error(
        "{\n\"type\": \"call\",\n\"x\": ]\n}\n\n}",
        r#""code": 12, "error": "line 4, column 6: "#,
    )
    .await;
    assert_one_error(
        "{\n\"type\": \"ca\nll\",\n\"x\": {\n}\n}",
        r#""code": 12, "error": "line 3, column "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn nul_bytes() {
    assert_one_error("\0\0\0", r#""code": 12, "error": "line 2, column 1: "#).await;
    assert_one_error(
        "{\"type\":\0 \"init\"}",
        r#""code": 12, "error": "line 2, column 9: "#,
    )
    .await;
    let in_string = r#""code": 12, "error": "line 2, column 11: the control character 0x00"#;
    assert_one_error("{\"type\": \"\0\"}", in_string).await;
}

#[tokio::test(start_paused = true)]
async fn carriage_returns_byte_order_marks_and_blank_lines_are_no_error() {
    let input = "\u{feff}{\"type\": \"init\", \"msg_id\": 1}\r\n\r\n \t\u{feff}{\"type\":\r\n\"init\",\r\n\"msg_id\": 2}\r\n";
    assert_eq!(output(&[], input).await, format!("{INIT_1}\n{INIT_2}\n"));
}

#[tokio::test(start_paused = true)]
async fn where_the_input_is_cut_changes_nothing() {
    let input = [
        BEFORE.as_bytes(),
        b"{\"\xff\"}\xef\xbb\xbf{]\n\0\n{\"type\": \"\\",
        AFTER.as_bytes(),
    ]
    .concat();
    let whole = output(&[], &input).await;
    assert_eq!(whole.lines().count(), 5, "{whole}");
    for size in 1..input.len() {
        let mut replies = Vec::new();
        breaker_node::run(
            Chunks::new(input.chunks(size)),
            &mut replies,
            std::io::sink(),
            settings(&[]),
        )
        .await
        .unwrap();
        assert_eq!(
            String::from_utf8(replies).unwrap(),
            whole,
            "in chunks of {size}"
        );
    }
}
