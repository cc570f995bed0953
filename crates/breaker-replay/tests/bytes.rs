//! Bytes as programs really write them, and worse: read as they are, or counted, or refused with a clear line.

mod support;

use std::{
    fs,
    io::{Read, Write},
    process::{Command, Stdio},
};

use support::{ended, file, json, refused, replay, services};

/// 2026-10-10T13:00:00Z.
const BEGIN: u64 = 1_791_637_200;

/// The same three calls, the second of which failed, in each kind of text.
const KINDS: [&str; 4] = [
    "{\"time\":1791637200,\"status\":200}\n{\"time\":1791637201,\"status\":503}\n{\"time\":1791637202,\"status\":200}\n",
    "time,status\n1791637200,200\n1791637201,503\n1791637202,200\n",
    "10.0.0.1 - - [10/Oct/2026:13:00:00 +0000] \"GET / HTTP/1.1\" 200 5\n\
     10.0.0.1 - - [10/Oct/2026:13:00:01 +0000] \"GET / HTTP/1.1\" 503 5\n\
     10.0.0.1 - - [10/Oct/2026:13:00:02 +0000] \"GET / HTTP/1.1\" 200 5\n",
    "#Fields: date time sc-status\n2026-10-10 13:00:00 200\n2026-10-10 13:00:01 503\n2026-10-10 13:00:02 200\n",
];

/// Calls, failures, and lines that could not be read, or not quite.
fn counts(log: &str) -> [u64; 4] {
    let told = json(&[], log);
    let (_, calls, failures) = services(&told)[0];
    let of = |name: &str| told["log"][name].as_u64().unwrap();
    [calls, failures, of("bad"), of("odd")]
}

#[test]
fn a_byte_order_mark_line_ends_of_windows_and_empty_lines_change_nothing() {
    for text in KINDS {
        let windows = text.replace('\n', "\r\n");
        for log in [
            text.to_owned(),
            format!("\u{feff}{text}"),
            windows.clone(),
            format!("\u{feff}{windows}"),
            text.replace('\n', "\n\n \n"),
            text.trim_end().to_owned(),
        ] {
            assert_eq!(counts(&log), [3, 1, 0, 0], "{log:?}");
        }
    }
}

#[test]
fn zeros_in_the_middle_are_one_bad_line() {
    for text in KINDS {
        // As a file system leaves them behind after a loss of power.
        let place = text.trim_end().rfind('\n').unwrap() + 1;
        let log = text[..place].to_owned() + &"\0".repeat(4096) + "\n" + &text[place..];
        assert_eq!(counts(&log), [3, 1, 1, 0], "{text}");
        let (status, _, error) = ended(&["--strict"], &log);
        assert_eq!(status, 2, "{error}");
    }
}

#[test]
fn bytes_that_are_no_text_are_bad_lines_or_part_of_a_name() {
    let path = file("bytes/latin1.jsonl", b"{\"time\":1791637200,\"service\":\"caf\xe9\",\"status\":200}\n{\"time\":1791637201,\"service\":\"bar\",\"status\":200}\n");
    let told = json(&[&path], "");
    assert_eq!(told["log"]["bad"], 1);
    let path = file(
        "bytes/latin1.log",
        b"caf\xe9 - - [10/Oct/2026:13:00:00 +0000] \"GET /\xe9 HTTP/1.1\" 200 5\n",
    );
    assert_eq!(json(&[&path], "")["log"]["calls"], 1);
    let noise: Vec<u8> = (0..1 << 16)
        .map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let path = file("bytes/noise", &noise);
    let error = refused(&[&path], "");
    assert!(error.contains("bytes/noise: "), "{error}");
}

#[test]
fn what_is_not_there_is_no_file_or_is_empty_is_told_in_a_line() {
    let empty = file("bytes/empty", b"");
    let blank = file("bytes/blank", b"\n \n\r\n");
    let hole = file("bytes/hole.gz", b"\x1f\x8b");
    for (path, wanted) in [
        ("bytes/none.log", "bytes/none.log: No such file"),
        (env!("CARGO_TARGET_TMPDIR"), "it is a directory"),
        (&empty, "it is empty"),
        (&blank, "it is empty"),
        (&hole, "bytes/hole.gz: "),
    ] {
        let error = refused(&[path], "");
        assert!(error.contains(wanted), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn standard_input_has_a_name() {
    for text in KINDS {
        assert_eq!(json(&["-"], text), json(&[], text));
        let path = file("bytes/named", text.as_bytes());
        assert_eq!(json(&[&path], ""), json(&[], text));
    }
}

#[test]
fn a_status_may_be_text_and_a_duration_have_a_unit_in_it() {
    for (took, seconds) in [
        ("0.5", 0.5),
        ("\"0.5\"", 0.5),
        ("\"1.5s\"", 1.5),
        ("\"250µs\"", 0.000_25),
        ("\"250μs\"", 0.000_25),
        ("\"1m30s\"", 90.0),
        ("\"12ms\"", 0.012),
        ("5e-1", 0.5),
    ] {
        let log = format!("{{\"time\":{BEGIN},\"status\":\"503\",\"duration\":{took}}}\n");
        let told = json(&[], &log);
        assert_eq!(told["services"][0]["failures"], 1, "{log}");
        let lasted = told["services"][0]["failed_seconds"].as_f64().unwrap();
        assert!((lasted - seconds).abs() < 1e-9, "{log}: {lasted}");
    }
}

#[test]
fn seconds_milliseconds_micro_and_nanoseconds_since_1970_are_told_apart() {
    for zeros in ["", "000", "000000", "000000000"] {
        for quote in ["", "\""] {
            let log = format!("{{\"time\":{quote}{BEGIN}{zeros}{quote},\"status\":200}}\n");
            let told = json(&[], &log);
            assert_eq!(told["log"]["from"], "2026-10-10T13:00:00.000Z", "{log}");
        }
    }
}

#[test]
fn names_may_be_of_any_script_of_markup_and_of_256_bytes() {
    let long = "x".repeat(256);
    let line = |name: &str| format!("{{\"time\":{BEGIN},\"service\":\"{name}\",\"status\":503}}\n");
    for name in ["Zürich", "支付", "🚂", "[2001:db8::1]:80", "a b", &long] {
        assert_eq!(services(&json(&[], &line(name))), [(name.to_owned(), 1, 1)]);
        assert!(replay(&[], &line(name)).contains(name));
    }
    let told = json(&[], &(line("a") + &line(&"x".repeat(257))));
    let reason = &told["log"]["first_bad"][0]["reason"];
    assert!(
        reason.as_str().unwrap().contains("longer than 256 bytes"),
        "{reason}"
    );
    let path = format!("{}/bytes/markup.html", env!("CARGO_TARGET_TMPDIR"));
    file("bytes/markup.html", b"");
    replay(
        &["--report", &path],
        &line("<script>alert(1)</script>&amp;"),
    );
    let page = fs::read_to_string(path).unwrap();
    assert!(!page.contains("<script>alert"));
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;"),
        "{page}"
    );
}

#[test]
fn an_hour_that_comes_twice_without_a_zone_is_read_in_the_order_of_the_lines() {
    // Ten minutes apart, from 01:50 to 03:10 by the clock, which goes back from 03:00 to 02:00.
    let clock = [
        "01:50", "02:00", "02:10", "02:20", "02:30", "02:40", "02:50", "02:00", "02:10", "02:20",
        "02:30", "02:40", "02:50", "03:00", "03:10",
    ];
    let log: String = clock
        .iter()
        .map(|clock| format!("{{\"time\":\"2026-10-25T{clock}:00\",\"status\":200}}\n"))
        .collect();
    let told = json(&["--time-zone", "Europe/Zurich"], &log);
    assert_eq!(
        (&told["log"]["from"], &told["log"]["to"]),
        (
            &"2026-10-24T23:50:00.000Z".into(),
            &"2026-10-25T02:10:00.000Z".into()
        )
    );
    let traffic = told["services"][0]["traffic"]["calls"].as_array().unwrap();
    let calls = traffic.iter().filter(|count| **count != 0);
    assert!(
        calls.clone().all(|count| *count == 1),
        "each at a time of its own"
    );
    assert_eq!(calls.count(), 15);
    let text = replay(&["--time-zone", "Europe/Zurich"], &log);
    assert!(text.contains("Clocks go back in this log"), "{text}");
    // An hour that there is not is taken to be an hour later, and nothing comes twice.
    let gap = "{\"time\":\"2026-03-29T02:30:00\",\"status\":200}\n";
    let told = json(&["--time-zone", "Europe/Zurich"], gap);
    assert_eq!(told["log"]["from"], "2026-03-29T01:30:00.000Z");
    assert_eq!(told["log"]["twofold"], false);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let path = file("bytes/pipe.jsonl", KINDS[0].as_bytes());
    let mut child = Command::new(env!("CARGO_BIN_EXE_breaker-replay"))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Nobody reads what it prints, before it has anything to print.
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    input.write_all(&fs::read(path).unwrap()).unwrap();
    drop(input);
    let mut said = String::new();
    let mut error = child.stderr.take().unwrap();
    error.read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn two_runs_say_the_same_to_the_byte() {
    let log: String = (0..3000)
        .map(|at| {
            let status = if (900..1400).contains(&at) { 503 } else { 200 };
            format!(
                "{{\"time\":{}.{},\"service\":\"s{}\",\"status\":{status},\"duration\":0.2}}\n",
                BEGIN + at / 10,
                at % 10,
                at % 7
            )
        })
        .collect();
    for format in ["json", "table"] {
        let arguments = ["--suggest", "--clients", "3", "--format", format];
        assert_eq!(replay(&arguments, &log), replay(&arguments, &log));
    }
}
