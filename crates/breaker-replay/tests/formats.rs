//! One outage in every format, told alike.

mod support;

use support::refused;

/// What is said of a log, but for what it was taken for and what is noted of it.
fn replay(arguments: &[&str], log: &str) -> String {
    let text = support::replay(arguments, log);
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("Read as ") && !line.starts_with("Note: "));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Ten calls a second for a minute, the middle 20 s of which fail.
fn log(line: impl Fn(u64, u64, u32) -> String) -> String {
    (0..600)
        .map(|call| {
            let status = if (200..400).contains(&call) { 503 } else { 200 };
            line(call / 10, call % 10 * 100, status)
        })
        .collect()
}

#[test]
fn every_format_tells_the_same_story() {
    let at = |second: u64, milli: u64| format!("2026-11-02T08:00:{second:02}.{milli:03}Z");
    let json = log(|s, m, status| {
        format!(
            "{{\"time\":\"{}\",\"service\":\"x\",\"status\":{status},\"duration\":0}}\n",
            at(s, m)
        )
    });
    let csv = "when,who,what,took\n".to_owned()
        + &log(|s, m, status| format!("{},x,{status},0ms\n", at(s, m)));
    let envoy = log(|s, m, status| {
        format!(
            "[{}] \"GET / HTTP/1.1\" {status} - 0 5 0 0 \"-\" \"curl \\\"x\\\"\" \"id\" \"host\" \"x\"\n",
            at(s, m)
        )
    });
    let envoy_json = log(|s, m, status| {
        format!(
            "{{\"start_time\":\"{}\",\"upstream_cluster\":\"x\",\"response_code\":{status},\"duration\":0,\"response_flags\":\"-\"}}\n",
            at(s, m)
        )
    });
    let own = log(|s, m, status| format!("{}.{m:03} x {status} 0.000\n", 1_793_606_400 + s));
    let of_csv = [
        "--time",
        "when",
        "--service",
        "who",
        "--status",
        "what",
        "--duration",
        "took",
    ];
    let of_own = ["--log-format", "$msec $upstream_addr $status $request_time"];
    let wanted = replay(&[], &json);
    assert!(
        wanted.contains("x: 600 calls, 33 % failed, 1 outage"),
        "{wanted}"
    );
    assert!(
        wanted.contains("1 trip, in an outage, 1.1 s after the onset"),
        "{wanted}"
    );
    assert_eq!(replay(&of_csv, &csv), wanted);
    assert_eq!(replay(&[], &envoy), wanted);
    assert_eq!(replay(&[], &envoy_json), wanted);
    assert_eq!(replay(&of_own, &own), wanted);
}

#[test]
fn nginx_s_combined_format_has_seconds_and_may_name_its_upstreams() {
    let line = |tail: &str| {
        log(|s, _, status| {
            let tail = tail.replace("STATUS", &status.to_string());
            format!(
                "127.0.0.1 - - [02/Nov/2026:08:00:{s:02} +0000] \"GET / HTTP/1.1\" {status} 5 \"-\" \"wrk\"{tail}\n"
            )
        })
    };
    let plain = replay(&[], &line(""));
    assert!(
        plain.contains("all calls: 600 calls, 33 % failed, 1 outage"),
        "{plain}"
    );
    let tried_twice = " 0.010 10.0.0.1:80, 10.0.0.2:80 502, STATUS 0.001, 0.002";
    let upstream = replay(&[], &line(tried_twice));
    assert!(
        upstream.contains("10.0.0.2:80: 600 calls, 33 % failed, 1 outage")
            && upstream.contains("10.0.0.1:80: 600 calls, 100 % failed, 1 outage"),
        "{upstream}"
    );
}

#[test]
fn apache_writes_the_time_of_the_start_and_may_say_how_long_it_took() {
    // `%D` at the end, in microseconds.
    let apache = log(|s, _, status| {
        format!(
            "127.0.0.1 - frank [02/Nov/2026:09:00:{s:02} +0100] \"GET /a \\\"b\\\" HTTP/1.1\" {status} 5 \"-\" \"wrk\" 1500000\n"
        )
    });
    let told =
        |arguments: &[&str]| replay(&[&["--duration-unit", "us"], arguments].concat(), &apache);
    let started = told(&["--input", "apache"]);
    assert!(
        started.starts_with("600 calls from 2026-11-02T08:00:00.000Z to 2026-11-02T08:01:01.400Z"),
        "{started}"
    );
    assert!(started.contains("33 % failed, 1 outage"), "{started}");
    assert!(started.contains("1 trip, in an outage"), "{started}");
    assert_eq!(told(&["--time-is", "start"]), started);
    let ended = told(&["--time-is", "end"]);
    assert!(
        ended.starts_with("600 calls from 2026-11-02T07:59:58.500Z to 2026-11-02T08:00:59.900Z"),
        "{ended}"
    );
}

#[test]
fn a_template_keeps_what_is_usual_in_the_format_that_was_named() {
    // With the virtual host before it, as Apache's `vhost_combined`.
    let text =
        log(|s, _, status| format!("shop:443 [02/Nov/2026:08:00:{s:02} +0000] {status} 1.5\n"));
    let template = [
        "--log-format",
        "$vhost:$port [$time_local] $status $request_time",
        "--service",
        "vhost",
    ];
    let told = |input| replay(&[&template[..], &["--input", input]].concat(), &text);
    assert!(told("apache").starts_with("600 calls from 2026-11-02T08:00:00.000Z"));
    assert!(told("nginx").starts_with("600 calls from 2026-11-02T07:59:58.500Z"));
    assert_eq!(told("auto"), told("nginx"));
    assert!(told("apache").contains("shop: 600 calls, 33 % failed, 1 outage"));
    let error = refused(&["--input", "json", "--log-format", "$msec $status"], &text);
    assert!(error.contains("--log-format is for text"), "{error}");
}

#[test]
fn whole_seconds_are_spread_whatever_their_notation() {
    let combined = log(|s, _, status| {
        format!("10.0.0.1 - - [02/Nov/2026:08:00:{s:02} +0000] \"GET / HTTP/1.1\" {status} 5\n")
    });
    let iso = log(|s, _, status| {
        format!("{{\"time\":\"2026-11-02T08:00:{s:02}+00:00\",\"status\":{status}}}\n")
    });
    let unix =
        log(|s, _, status| format!("{{\"time\":{},\"status\":{status}}}\n", 1_793_606_400 + s));
    let exact = log(|s, m, status| {
        format!(
            "{{\"time\":{}{m:03},\"status\":{status}}}\n",
            1_793_606_400 + s
        )
    });
    let wanted = replay(&[], &exact);
    assert_eq!(replay(&[], &combined), wanted);
    assert_eq!(replay(&[], &iso), wanted);
    assert_eq!(replay(&[], &unix), wanted);
}
