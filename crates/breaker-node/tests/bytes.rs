//! Whatever the bytes are, the node answers the good messages among them and goes on.
//!
//! `PROPTEST_CASES` sets the number of cases.

mod support;

use breaker_node::run;
use proptest::prelude::*;
use support::{Chunks, settings};
use tokio::runtime::Builder;

/// What a fresh node writes for an input in these chunks, in virtual time.
fn replies<'c>(chunks: impl Iterator<Item = &'c [u8]> + Unpin) -> String {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let flags = [
        "--max-message-bytes",
        "200",
        "--max-services",
        "2",
        "--envelope",
    ];
    let mut output = Vec::new();
    runtime
        .block_on(run(
            Chunks::new(chunks),
            &mut output,
            std::io::sink(),
            settings(&flags),
        ))
        .unwrap();
    String::from_utf8(output).expect("replies are text")
}

/// Names and values of members that the node knows, and some that it does not.
fn member() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "type",
        "msg_id",
        "in_reply_to",
        "service",
        "force_failures",
        "force_success",
        "state",
        "latency_ms",
        "src",
        "dest",
        "body",
        "x",
        "\\u0074ype",
        "\\",
    ]);
    let value = prop::sample::select(vec![
        "\"call\"",
        "\"init\"",
        "\"status\"",
        "\"reset\"",
        "\"open\"",
        "\"half_open\"",
        "\"closed\"",
        "\"a\"",
        "\"b\"",
        "\"\\ud800\"",
        "null",
        "true",
        "false",
        "0",
        "-1",
        "7",
        "20",
        "1e999",
        "1e3600",
        "3600001",
        "1.5",
        "[]",
        "[[",
        "{}",
        "{\"type\": \"init\"}",
        "\"",
        "\u{feff}",
        "",
    ]);
    (name, value).prop_map(|(name, value)| format!("\"{name}\": {value}"))
}

fn object() -> impl Strategy<Value = String> {
    let members = prop::collection::vec(member(), 0..6);
    members.prop_map(|members| format!("{{{}}}", members.join(", ")))
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => object().prop_map(String::into_bytes),
        1 => object().prop_map(|body| format!("{{\"src\": \"a\", \"dest\": \"b\", \"body\": {body}}}").into_bytes()),
        2 => prop::sample::select(&b"{}[]\"\\\n\r\0,: \xef\xbb\xbf\xff"[..]).prop_map(|byte| vec![byte]),
        1 => prop::collection::vec(any::<u8>(), 0..5),
        1 => (0..300_usize, prop::sample::select(&b"[{ a"[..])).prop_map(|(count, byte)| vec![byte; count]),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_answered_in_whole_lines_however_they_arrive(bytes in bytes(), size in 1..50_usize) {
        let whole = replies([&bytes[..]].into_iter());
        prop_assert_eq!(&replies(bytes.chunks(size)), &whole);
        prop_assert!(whole.is_empty() || whole.ends_with('\n'));
        for line in whole.lines() {
            let reply: serde_json::Value = serde_json::from_str(line).unwrap();
            prop_assert!(reply["type"].is_string() || reply["body"]["type"].is_string(), "{}", line);
        }
    }

    #[test]
    fn a_good_message_on_a_line_of_its_own_is_always_answered(stretches in prop::collection::vec(bytes(), 1..5)) {
        let mut input = Vec::new();
        for (id, bytes) in stretches.iter().enumerate() {
            input.extend_from_slice(bytes);
            input.extend_from_slice(format!("\n{{\"type\": \"init\", \"msg_id\": {}}}\n", id + 1000).as_bytes());
        }
        let replies = replies([&input[..]].into_iter());
        let answered = replies.lines().filter(|line| line.starts_with(r#"{"type": "init_ok", "in_reply_to": 1"#));
        let expected = (0..stretches.len()).map(|id| format!(r#"{{"type": "init_ok", "in_reply_to": {}}}"#, id + 1000));
        prop_assert!(answered.eq(expected), "{}", replies);
    }
}
