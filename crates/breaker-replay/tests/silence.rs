//! Nothing wrong in silence: each log here was once read wrongly without a word.

mod support;

use std::fs;

use support::{TWO, clf, combined, json, names, refused, replay, services};

/// A duration in microseconds, different for each call.
fn micros(at: u64) -> u64 {
    5_000 + at * 7_919 % 90_000
}

// F1 and its relatives: a guess about a format that the rest of the log contradicts.

#[test]
fn a_bare_number_is_no_upstream_s_address() {
    let seconds = |at| format!("{:.3}", micros(at) as f64 / 1e6);
    let log = combined(|at, _| format!(" {} {}", seconds(at), seconds(at)));
    let told = json(&[], &log);
    assert_eq!(services(&told), [("all calls".to_owned(), 1200, 400)]);
    assert_eq!(
        names(&told),
        ["nginx, combined with $request_time and $upstream_response_time"]
    );
    let service = &told["services"][0];
    assert_eq!(service["outages"].as_array().unwrap().len(), 1);
    let circuit = &service["circuits"][0];
    assert_eq!(
        (circuit["trips"].as_u64(), circuit["saved"].as_u64()),
        (Some(1), Some(376))
    );
    // As the true template says.
    let template = "$remote_addr - $remote_user [$time_local] \"$request\" $status $bytes \"$referer\" \"$agent\" $request_time $upstream_response_time";
    let wanted = json(&["--log-format", template], &log);
    assert_eq!(wanted["services"], told["services"]);
}

#[test]
fn two_whole_numbers_at_the_end_are_bytes_in_and_out_and_no_times() {
    let told = json(
        &[],
        &combined(|at, _| format!(" {} {}", 300 + at, 5000 + at)),
    );
    assert_eq!(names(&told), ["Apache, combinedio"]);
    assert_eq!(services(&told), [("all calls".to_owned(), 1200, 400)]);
    assert_eq!(told["services"][0]["timed"], 0);
}

#[test]
fn what_nobody_knows_at_the_end_of_a_line_is_not_guessed_at() {
    let told = json(&[], &combined(|at, _| format!(" id-{at} 7 \"x\" 0.5 9")));
    assert_eq!(services(&told), [("all calls".to_owned(), 1200, 400)]);
    assert_eq!(told["services"][0]["timed"], 0);
    assert!(names(&told)[0].contains("more that is not read"));
}

// F2: units.

#[test]
fn a_whole_number_after_apache_s_combined_is_microseconds() {
    let log = combined(|at, _| format!(" {}", micros(at)));
    let told = json(&[], &log);
    assert_eq!(names(&told), ["Apache, combined with %D in microseconds"]);
    assert_eq!(told["log"]["from"], "2026-10-10T13:00:00.000Z");
    let service = &told["services"][0];
    assert_eq!(service["timed"], 1200);
    let failed: u64 = (400..800).map(micros).sum();
    let seconds = service["failed_seconds"].as_f64().unwrap();
    assert!((seconds - failed as f64 / 1e6).abs() < 1e-6, "{seconds}");
    let circuit = &service["circuits"][0];
    assert_eq!(
        (circuit["saved"].as_u64(), circuit["harm"].as_u64()),
        (Some(377), Some(41))
    );
    let named = json(&["--input", "apache"], &log);
    assert_eq!(named["services"], told["services"]);
}

#[test]
fn a_whole_number_that_is_mostly_0_is_apache_s_seconds() {
    let told = json(
        &[],
        &combined(|at, failed| format!(" {}", if failed { 30 } else { at % 2 })),
    );
    assert_eq!(names(&told), ["Apache, combined with %T in whole seconds"]);
    assert_eq!(told["services"][0]["failed_seconds"], 12_000.0);
}

#[test]
fn calls_that_last_longer_than_an_hour_or_than_the_log_raise_a_doubt() {
    let line = |at: u64, took: u64| {
        format!(
            "{{\"time\":{},\"status\":200,\"duration\":{took}}}\n",
            1_791_640_536 + at
        )
    };
    let millis: String = (0..100).map(|at| line(at, 150 + at)).collect();
    let text = replay(&[], &millis);
    assert!(
        text.contains("Most calls last longer than the whole log"),
        "{text}"
    );
    let right = replay(&["--duration-unit", "ms"], &millis);
    assert!(!right.contains("longer than"), "{right}");
    let one: String = (0..100)
        .map(|at| line(at * 600, if at == 7 { 4000 } else { 1 }))
        .collect();
    let text = replay(&[], &one);
    assert!(
        text.contains("1 call longer than an hour, the longest 1.1 h"),
        "{text}"
    );
}

// F3: an option that has no effect.

#[test]
fn a_client_that_gave_up_is_a_failure_in_every_format_where_the_user_says_so() {
    let combined =
        "192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 499 0 \"-\" \"c\"\n";
    let upstream = "192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 499 0 \"-\" \"c\" 30.000 10.0.0.5:80 - 30.000\n";
    let object = "{\"time\":1791640536,\"status\":499}\n";
    let csv = "time,status\n1791640536,499\n";
    for log in [combined, upstream, object, csv] {
        let told = json(&[], log);
        assert_eq!(
            (
                told["services"][0]["failures"].as_u64(),
                told["services"][0]["cancelled"].as_u64()
            ),
            (Some(0), Some(1)),
            "{log}"
        );
        let told = json(&["--failures", "499"], log);
        assert_eq!(
            (
                told["services"][0]["failures"].as_u64(),
                told["services"][0]["cancelled"].as_u64()
            ),
            (Some(1), Some(0)),
            "{log}"
        );
    }
}

#[test]
fn a_unit_that_nothing_has_and_a_name_of_grpc_s_status_as_http_s_are_refused_or_told() {
    let log = combined(|_, _| String::new());
    let text = replay(&["--duration-unit", "ms"], &log);
    assert!(
        text.contains("--duration-unit has no effect: no line says how long it took"),
        "{text}"
    );
    let text = replay(&["--failures", "418"], &log);
    assert!(
        text.contains("--failures 418 has no effect: no line has such a status"),
        "{text}"
    );
    let error = refused(
        &["--status", "grpc_status"],
        "{\"time\":1,\"grpc_status\":0}\n",
    );
    assert!(error.contains("--grpc-status grpc_status"), "{error}");
}

// F4: clients that gave up.

#[test]
fn an_upstream_that_hangs_until_its_clients_give_up_is_told() {
    let log: String = (0..900)
        .map(|at| {
            let (status, took, upstream) = if (300..600).contains(&at) {
                (499, "30.000", "-")
            } else {
                (200, "0.010", "200")
            };
            format!(
                "192.0.2.1 - - [{}] \"GET / HTTP/1.1\" {status} 5 \"-\" \"c\" {took} 10.0.0.5:80 {upstream} {took}\n",
                clf(at)
            )
        })
        .collect();
    let text = replay(&[], &log);
    assert!(
        text.contains("10.0.0.5:80: 900 calls, 0 % failed, 33 % given up by clients (--failures 499 counts them)"),
        "{text}"
    );
    assert!(
        !text.contains("would have changed nothing")
            && !text.contains("Would have changed nothing"),
        "{text}"
    );
    assert!(text.contains("Cannot tell"), "{text}");
    let counted = replay(&["--failures", "499"], &log);
    assert!(
        counted.contains("900 calls, 33 % failed, 1 outage"),
        "{counted}"
    );
    let path = format!("{}/given-up.html", env!("CARGO_TARGET_TMPDIR"));
    replay(&["--report", &path], &log);
    assert!(
        fs::read_to_string(path)
            .unwrap()
            .contains("33 % given up by clients")
    );
}

// F5: lines dropped because they failed.

#[test]
fn a_line_that_has_no_duration_and_no_status_because_nothing_answered_is_a_failure() {
    let line = |at: u64| {
        let (target, status) = if (200..400).contains(&at) {
            ("-1 -1 502 -", "10.0.0.1:80")
        } else {
            ("0.010 0.000 200 200", "10.0.0.1:80")
        };
        format!(
            "https 2026-10-10T13:{:02}:{:02}.000000Z app/lb/1 192.0.2.9:4000 {status} 0.001 {target} 34 300 \"GET https://example.com:443/ HTTP/1.1\" \"c\" - -\n",
            at / 60,
            at % 60
        )
    };
    let log: String = (0..600).map(line).collect();
    let wanted = [("10.0.0.1:80".to_owned(), 600, 200)];
    assert_eq!(services(&json(&[], &log)), wanted);
    let template =
        "$type $time $elb $client $target $req $duration $resp $elb_status $target_status $rest";
    for status in ["elb_status", "target_status"] {
        let told = json(
            &[
                "--log-format",
                template,
                "--time",
                "time",
                "--service",
                "target",
                "--status",
                status,
                "--duration",
                "duration",
            ],
            &log,
        );
        assert_eq!(
            (services(&told), told["log"]["bad"].as_u64()),
            (wanted.to_vec(), Some(0)),
            "{status}"
        );
    }
}

#[test]
fn nothing_minus_one_and_null_say_in_every_format_that_there_is_none() {
    let csv = "time,status,duration\n1000,200,0.1\n1001,-,-1\n1002,,\n1003,-1,-\n";
    assert_eq!(services(&json(&[], csv)), [("all calls".to_owned(), 4, 3)]);
    let objects = "{\"time\":1000,\"status\":null,\"duration\":null}\n{\"time\":1001,\"status\":-1,\"duration\":-1}\n{\"time\":1002,\"status\":\"-\",\"duration\":\"-\"}\n";
    assert_eq!(
        services(&json(&[], objects)),
        [("all calls".to_owned(), 3, 3)]
    );
}

#[test]
fn nginx_s_status_000_is_a_client_that_went_away() {
    let log = combined(|_, _| String::new()).replace(" 502 5 ", " 000 0 ");
    let told = json(&[], &log);
    let service = &told["services"][0];
    assert_eq!(
        (service["failures"].as_u64(), service["cancelled"].as_u64()),
        (Some(0), Some(400))
    );
    assert_eq!(services(&json(&["--failures", "0"], &log))[0].2, 400);
}

// F7: names that occur nowhere.

#[test]
fn a_name_that_no_object_has_raises_a_doubt_that_tells_the_names_there_are() {
    let has = "; the first one has duration, service, status, time";
    for (flag, name) in [
        ("--service", "svc"),
        ("--duration", "dur"),
        ("--service", "request.host"),
        ("--ok", "good"),
    ] {
        let text = replay(&[flag, name], TWO);
        let wanted = format!("{flag} {name}: no line has `{name}`{has}");
        assert!(text.contains(&wanted), "{text}");
    }
    let text = replay(&["--service", "service", "--duration", "duration"], TWO);
    assert!(!text.contains("no line has"), "{text}");
    let error = refused(&["--time", "when"], TWO);
    assert!(error.contains("time") && error.contains("when"), "{error}");
    let error = refused(&["--only", "c"], TWO);
    assert!(error.contains("there is no service c"), "{error}");
}

#[test]
fn a_name_that_the_header_or_the_template_has_not_is_an_error() {
    let csv = "time,service,status\n1000,a,200\n";
    let error = refused(&["--service", "svc"], csv);
    assert!(
        error.contains("--service svc") && error.contains("time, service, status"),
        "{error}"
    );
    let error = refused(&["--input", "csv", "--duration", "took"], csv);
    assert!(error.contains("--duration took"), "{error}");
    let log = combined(|_, _| String::new());
    let error = refused(&["--service", "host"], &log);
    assert!(
        error.contains("--service host") && error.contains("remote_addr"),
        "{error}"
    );
    let error = refused(
        &["--log-format", "$msec $status", "--service", "host"],
        "1000 200\n",
    );
    assert!(
        error.contains("--service host") && error.contains("msec, status"),
        "{error}"
    );
}

// F10: gRPC.

#[test]
fn a_grpc_status_goes_before_http_s_in_envoy_s_json_and_where_it_is_named() {
    let line = |code: &str| {
        format!(
            "{{\"start_time\":\"2026-10-10T09:52:24.955Z\",\"upstream_cluster\":\"users\",\"response_code\":200,\"grpc_status\":{code},\"duration\":5}}\n"
        )
    };
    let log = ["14", "0", "5", "\"Unavailable\"", "\"OK\"", "\"-\"", "4"]
        .map(line)
        .concat();
    assert_eq!(services(&json(&[], &log)), [("users".to_owned(), 7, 3)]);
    let own = log.replace("grpc_status", "code");
    assert_eq!(services(&json(&[], &own))[0].2, 0);
    assert_eq!(
        services(&json(&["--grpc-status", "code"], &own)),
        [("users".to_owned(), 7, 3)]
    );
    let csv = "time,grpc\n1000,14\n1001,0\n";
    assert_eq!(services(&json(&["--grpc-status", "grpc"], csv))[0].2, 1);
}
