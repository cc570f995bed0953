//! Nothing wrong in silence: each log here was once read wrongly without a word.

mod support;

use std::fs;

use support::{ended, file, json, refused, replay, services};

/// The second of a log that begins at 13:00:00 on 2026-10-10.
fn clf(second: u64) -> String {
    let (hour, minute, second) = (13 + second / 3600, second / 60 % 60, second % 60);
    format!("10/Oct/2026:{hour:02}:{minute:02}:{second:02} +0000")
}

/// 1,200 calls, a second apart; from the 400th on 400 fail. `tail` is what follows the user agent.
fn combined(tail: impl Fn(u64, bool) -> String) -> String {
    (0..1200)
        .map(|at| {
            let failed = (400..800).contains(&at);
            let (time, status) = (clf(at), if failed { 502 } else { 200 });
            let tail = tail(at, failed);
            format!("192.0.2.1 - - [{time}] \"GET / HTTP/1.1\" {status} 5 \"-\" \"c\"{tail}\n")
        })
        .collect()
}

/// A duration in microseconds, different for each call.
fn micros(at: u64) -> u64 {
    5_000 + at * 7_919 % 90_000
}

fn names(log: &serde_json::Value) -> Vec<&str> {
    let formats = log["log"]["formats"].as_array().unwrap().iter();
    formats
        .map(|format| format["about"].as_str().unwrap())
        .collect()
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
        (Some(1), Some(370))
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
        (Some(373), Some(6))
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
    assert!(text.contains("2 lines tell of several attempts"), "{text}");
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

// F7: names that occur nowhere.

const TWO: &str = "{\"time\":\"2026-10-10T13:55:36Z\",\"service\":\"a\",\"status\":200,\"duration\":0.1}\n{\"time\":\"2026-10-10T13:55:37Z\",\"service\":\"b\",\"status\":503,\"duration\":0.1}\n";

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

// F9: files in any order.

/// Rotated files: a gap of a hundredth of a second, an outage in the oldest.
fn rotated() -> Vec<String> {
    let line = |at: u64| {
        let status = if (1000..3000).contains(&at) { 503 } else { 200 };
        format!(
            "{{\"time\":{}.{:02},\"service\":\"pay\",\"status\":{status},\"duration\":0.02}}\n",
            1_790_812_800 + at / 100,
            at % 100
        )
    };
    (0..3)
        .map(|part| (part * 6000..(part + 1) * 6000).map(line).collect())
        .collect()
}

#[test]
fn files_are_put_in_order_by_their_times_however_they_are_given() {
    let parts = rotated();
    let [oldest, middle, newest] = [2, 1, 0].map(|age: usize| {
        file(
            &format!("rotated/access.jsonl.{age}"),
            parts[2 - age].as_bytes(),
        )
    });
    // Longer than the window, so that what comes too late is lost.
    let of = |files: [&str; 3]| json(&[&["--window", "1000"], &files[..]].concat(), "");
    let wanted = of([&oldest, &middle, &newest]);
    assert_eq!(services(&wanted), [("pay".to_owned(), 18_000, 2000)]);
    assert_eq!(wanted["log"]["late"], 0);
    let mut given = of([&newest, &middle, &oldest]);
    given["log"]["formats"] = wanted["log"]["formats"].clone();
    assert_eq!(given, wanted);
}

#[test]
fn files_of_one_time_are_read_side_by_side() {
    let whole = rotated().concat();
    let of = |part: usize| -> String {
        whole
            .lines()
            .skip(part)
            .step_by(2)
            .map(|line| format!("{line}\n"))
            .collect()
    };
    let [one, two] =
        [0, 1].map(|part| file(&format!("rotated/host-{part}.jsonl"), of(part).as_bytes()));
    let told = json(&["--window", "1000", &one, &two], "");
    assert_eq!(
        (services(&told), told["log"]["late"].as_u64()),
        (vec![("pay".to_owned(), 18_000, 2000)], Some(0))
    );
    assert_eq!(
        told["services"][0]["circuits"],
        json(&[], &whole)["services"][0]["circuits"]
    );
}

#[test]
fn more_than_one_in_a_hundred_too_late_is_an_error() {
    let parts = rotated();
    let error = refused(&["--window", "1000"], &(parts[1].clone() + &parts[0]));
    assert!(
        error.contains("came too late") && error.contains("--window"),
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

// F17: one mad time.

#[test]
fn a_line_with_a_mad_time_is_set_aside_with_a_doubt() {
    let line = |time: u64, status: u16| {
        format!("{{\"time\":{time},\"service\":\"pay\",\"status\":{status}}}\n")
    };
    let good: String = (0..2000).map(|at| line(1_791_640_536 + at, 200)).collect();
    for mad in [0, 4_000_000_000, 1_791_640_536 + 40 * 86_400] {
        for log in [good.clone() + &line(mad, 200), line(mad, 200) + &good] {
            let told = json(&[], &log);
            assert_eq!(services(&told), [("pay".to_owned(), 2000, 0)]);
            assert_eq!(told["log"]["from"], "2026-10-10T13:55:36.000Z");
            assert_eq!(told["log"]["set_aside"], 1);
            let text = replay(&[], &log);
            assert!(
                text.contains("1 call left out, far from the time of all others"),
                "{text}"
            );
        }
    }
}

// F20: archives that are cut off.

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_can_be_read_of_a_cut_off_archive_is_replayed_with_a_word() {
    let text = rotated().concat();
    let zstd = ruzstd::encoding::compress_to_vec(
        text.as_bytes(),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    for (name, packed) in [("cut.gz", gzip(&text)), ("cut.zst", zstd)] {
        let path = file(name, &packed[..packed.len() / 2]);
        let told = json(&[&path], "");
        let calls = told["log"]["calls"].as_u64().unwrap();
        assert!((2000..17_000).contains(&calls), "{name}: {calls}");
        let (status, out, _) = ended(&[&path], "");
        assert_eq!(status, 0);
        assert!(out.contains("cut off"), "{out}");
        let (status, _, error) = ended(&["--strict", &path], "");
        assert_eq!(status, 2);
        assert!(error.contains("cut off"), "{error}");
    }
}

// F21: the first line.

#[test]
fn the_format_is_what_most_lines_have_and_not_the_first() {
    let head = "/docker-entrypoint.sh: Configuration complete; ready for start up\n{\"level\":\"info\"}\n[notice] 1#1: start\na,b,c\n";
    let told = json(&[], &(head.to_owned() + &combined(|_, _| String::new())));
    assert_eq!(names(&told), ["nginx, combined"]);
    assert_eq!(
        (told["log"]["bad"].as_u64(), told["log"]["calls"].as_u64()),
        (Some(4), Some(1200))
    );
    let text = replay(&[], &(head.to_owned() + TWO));
    assert!(text.contains("2 of the first 6 lines are"), "{text}");
    // Far more than are looked at first.
    let noise: String = (0..500).map(|at| format!("warming up {at}\n")).collect();
    assert_eq!(services(&json(&[], &(noise + TWO))).len(), 2);
}

// F22: outputs.

#[test]
fn an_output_never_overwrites_an_input_by_whatever_name() {
    let log = file(
        "outputs/access.log",
        combined(|_, _| String::new()).as_bytes(),
    );
    let linked = format!("{}/outputs/link.log", env!("CARGO_TARGET_TMPDIR"));
    let _ = fs::remove_file(&linked);
    fs::hard_link(&log, &linked).unwrap();
    let roundabout = log.replace("outputs/", "outputs/../outputs/");
    let before = fs::read(&log).unwrap();
    for output in [&log, &linked, &roundabout] {
        for flag in ["--report", "--svg"] {
            for force in [&[][..], &["--force"][..]] {
                let error = refused(&[&[flag, output, &log], force].concat(), "");
                assert!(error.contains("this is the input"), "{error}");
            }
        }
    }
    assert_eq!(fs::read(&log).unwrap(), before);
    let config = file(
        "outputs/own.toml",
        b"trip = [{ consecutive_failures = 3 }]\n",
    );
    let error = refused(&["--config", &config, "--svg", &config, &log], "");
    assert!(error.contains("this is the input"), "{error}");
}

#[test]
fn what_is_no_report_is_overwritten_only_by_force_and_a_report_of_ours_freely() {
    let notes = file("outputs/notes.html", b"<p>mine</p>");
    let error = refused(&["--report", &notes], TWO);
    assert!(
        error.contains("is no report") && error.contains("--force"),
        "{error}"
    );
    assert_eq!(fs::read(&notes).unwrap(), b"<p>mine</p>");
    for flag in ["--report", "--svg"] {
        let arguments = [flag, &notes, "--force"];
        replay(&arguments, TWO);
        replay(&arguments[..2], TWO);
    }
    let error = refused(&["--report", &notes, "--svg", &notes], TWO);
    assert!(error.contains("another output"), "{error}");
}

// F23: the terminal.

#[test]
fn control_characters_never_reach_the_terminal() {
    let log =
        "{\"time\":1,\"service\":\"x\\u001b[31mRED\\u009b\\u202e\\n\",\"status\":200}\n\u{1b}[2J\n";
    let text = replay(&[], log);
    assert!(
        text.contains("x\\x1b[31mRED\\x9b\\u{202e}\\x0a: 1 call"),
        "{text}"
    );
    assert!(
        text.chars()
            .all(|letter| letter == '\n' || !letter.is_control()),
        "{text:?}"
    );
    let text = replay(&["--format", "json"], log);
    assert!(
        text.chars()
            .all(|letter| letter == '\n' || !letter.is_control()),
        "{text:?}"
    );
    let error = refused(&[], "\u{1b}[31m garbage\n");
    assert!(
        error.contains("\\x1b[31m") && !error.contains('\u{1b}'),
        "{error}"
    );
    let error = refused(&["--service", "\u{1b}[31m"], "time,status\n1,200\n");
    assert!(!error.contains('\u{1b}'), "{error}");
    let bad = "{\"time\":1,\"status\":200}\n{\"\u{1b}[31m\":}\n";
    assert!(!replay(&[], bad).contains('\u{1b}'));
}
