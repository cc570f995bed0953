//! Lines that tell of several attempts, one after the other: each is a call of its own upstream.

mod support;

use support::{clf, json, replay, services};

// F6 and F8: attempts.

#[test]
fn each_upstream_that_was_asked_has_a_call_of_its_own_in_json() {
    let log = r#"{"time":"2026-10-10T13:55:36+00:00","upstream_addr":"10.0.0.5:80","upstream_status":"200","upstream_response_time":"0.010"}
{"time":"2026-10-10T13:55:37+00:00","upstream_addr":"10.0.0.5:80, 10.0.0.6:80","upstream_status":"502, 502","upstream_response_time":"0.001, 0.002"}
{"time":"2026-10-10T13:55:38+00:00","upstream_addr":"10.0.0.5:80, 10.0.0.6:80","upstream_status":"504, 200","upstream_response_time":"5.001, 0.010"}
"#;
    let wanted = [
        ("10.0.0.5:80".to_owned(), 3, 2),
        ("10.0.0.6:80".to_owned(), 2, 1),
    ];
    let told = json(&[], log);
    assert_eq!(services(&told), wanted);
    assert_eq!(
        (told["log"]["bad"].as_u64(), told["log"]["retried"].as_u64()),
        (Some(0), Some(2))
    );
    let named = [
        "--service",
        "upstream_addr",
        "--status",
        "upstream_status",
        "--duration",
        "upstream_response_time",
    ];
    assert_eq!(services(&json(&named, log)), wanted);
}

#[test]
fn a_failure_that_a_retry_hid_is_its_own_upstream_s() {
    let line = |at: u64| {
        format!(
            "192.0.2.1 - - [{}] \"GET / HTTP/1.1\" 200 5 \"-\" \"c\" 5.010 10.0.0.5:80, 10.0.0.6:80 502, 200 5.000, 0.010\n",
            clf(at)
        )
    };
    let log: String = (0..2).map(line).collect();
    let told = json(&[], &log);
    assert_eq!(
        services(&told),
        [
            ("10.0.0.5:80".to_owned(), 2, 2),
            ("10.0.0.6:80".to_owned(), 2, 0)
        ]
    );
    let failed = told["services"][0]["failed_seconds"].as_f64().unwrap();
    assert_eq!(
        (told["services"][0]["name"].as_str(), failed),
        (Some("10.0.0.5:80"), 10.0)
    );
    let text = replay(&[], &log);
    assert!(text.contains("2 lines with several attempts"), "{text}");
}

#[test]
fn the_attempts_of_a_line_follow_each_other_and_the_last_one_ends_it() {
    let log = "192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 499 5 \"-\" \"c\" 5.010 10.0.0.5:80, 10.0.0.6:80 : 10.0.0.7:80 502, 504 : - 5.000, - : 0.010\n";
    let told = json(&[], log);
    assert_eq!(
        services(&told),
        [("10.0.0.5:80", 1), ("10.0.0.6:80", 1), ("10.0.0.7:80", 0)].map(|(name, failed)| (
            name.to_owned(),
            1,
            failed
        ))
    );
    assert_eq!(told["log"]["from"], "2026-10-10T13:55:30.990Z");
    assert_eq!(told["log"]["to"], "2026-10-10T13:55:36.000Z");
}

#[test]
fn where_one_name_stands_for_all_attempts_their_line_is_one_call() {
    let log = "{\"time\":1000,\"host\":\"shop\",\"upstream_status\":\"502, 200\",\"upstream_response_time\":\"0.5, 0.25\"}\n";
    let told = json(&["--service", "host", "--failures", "5xx"], log);
    assert_eq!(services(&told), [("shop".to_owned(), 1, 0)]);
    assert_eq!(told["log"]["from"], "1970-01-01T00:16:39.250Z");
}
