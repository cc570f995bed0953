//! A log that cannot be read is refused with what it looks like and the flag to try; and what was refused once is read.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
};

use support::{ended, file, json, refused, replay, services};

fn about(told: &serde_json::Value) -> &str {
    told["log"]["formats"][0]["about"].as_str().unwrap()
}

// F24 to F28: the samples themselves.

#[test]
fn the_samples_of_formats_that_were_refused_are_read() {
    for (name, failures, log) in [
        (
            "nginx's packaged format, main",
            0,
            "192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl/8\" \"-\"\n",
        ),
        (
            "ingress-nginx",
            1,
            "192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/2.0\" 502 5 \"-\" \"curl/8\" 430 0.004 [shop-web-80] [] [2001:db8::1]:80 0 0.004 502 7d1e\n",
        ),
        (
            "ingress-nginx",
            0,
            "192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/2.0\" 308 5 \"-\" \"curl/8\" 430 0.000 [] [] - - - - 7d1e\n",
        ),
        (
            "Istio's default format",
            1,
            "[2026-10-10T09:52:25.955Z] \"GET /d HTTP/1.1\" 503 UF upstream_reset_before_response_started{connection_failure} - \"delayed connect error: 111\" 0 152 7 - \"-\" \"curl/8\" \"a-2\" \"details:9080\" \"10.0.2.10:9080\" outbound|9080||details.default.svc.cluster.local - 10.0.2.10:9080 10.0.1.7:39697 - default\n",
        ),
        (
            "HAProxy's HTTP log",
            1,
            "192.0.2.1:38863 [10/Oct/2026:09:03:53.726] fe~ be/srv1 0/0/-1/-1/3002 503 213 - - SC-- 6/6/0/0/3 0/0 \"GET / HTTP/1.1\"\n",
        ),
        (
            "HAProxy's HTTP log",
            1,
            "Oct 10 09:03:53 lb haproxy[17]: 2001:db8::1:38863 [10/Oct/2026:09:03:53.726] fe~ be/<NOSRV> 0/-1/-1/-1/+3002 503 213 - - SQ-- 6/6/0/0/3 0/0 {a|b} \"GET / HTTP/1.1\"\n",
        ),
    ] {
        let told = json(&[], log);
        assert_eq!(
            (about(&told), services(&told)[0].2),
            (name, failures),
            "{log}"
        );
    }
}

#[test]
fn a_format_is_a_row_that_the_user_may_add() {
    let log = "#x#2026-10-10 13:55:36,123#pay#17#crash\n#x#2026-10-10 13:55:37,123#pay#5#fine\n";
    let wrong = file(
        "formats/wrong.toml",
        b"[[format]]\nname = \"ours\"\nunits = \"ms\"\n",
    );
    let error = refused(&["--formats", &wrong], log);
    assert!(
        error.contains("wrong.toml") && error.contains("units"),
        "{error}"
    );
    let row = b"[[format]]\nname = \"ours\"\nabout = \"our own log\"\ntemplate = '#x#$when#$who#$took#$rest'\ntime = [\"when\"]\nservice = [\"who\"]\nduration = [\"took\"]\nunit = \"ms\"\nok = [\"well\"]\nstatus = [\"rest\"]\n";
    let path = file("formats/ours.toml", row);
    let log = log.replace("crash", "500").replace("fine", "200");
    let told = json(&["--formats", &path], &log);
    assert_eq!(
        (about(&told), services(&told)),
        ("our own log", vec![("pay".to_owned(), 2, 1)])
    );
    assert_eq!(told["services"][0]["failed_seconds"], 0.017);
    let ours = replay(&["--formats", "help"], "");
    assert!(
        ours.contains("[[format]]") && ours.contains("template"),
        "{ours}"
    );
}

#[test]
fn times_without_a_zone_or_a_year_are_told_and_have_a_flag() {
    let line = |time: &str| format!("{{\"time\":\"{time}\",\"status\":200}}\n");
    let log = line("2026-07-10 13:55:36,123") + &line("2026-07-10 13:55:37,123");
    let from = |arguments: &[&str]| json(arguments, &log)["log"]["from"].clone();
    assert_eq!(from(&[]), "2026-07-10T13:55:36.123Z");
    assert!(
        replay(&[], &log).contains("The times name no zone, and are taken for UTC (--time-zone)")
    );
    assert_eq!(from(&["--time-zone", "+02:00"]), "2026-07-10T11:55:36.123Z");
    assert_eq!(from(&["--time-zone", "-03:30"]), "2026-07-10T17:25:36.123Z");
    assert!(!replay(&["--time-zone", "+02:00"], &log).contains("name no zone"));
    let log = line("Oct 10 13:55:36");
    let error = refused(&[], &log);
    assert!(
        error.contains("no year") && error.contains("--year"),
        "{error}"
    );
    assert_eq!(
        json(&["--year", "2026"], &log)["log"]["from"],
        "2026-10-10T13:55:36.000Z"
    );
    let text = replay(
        &["--year", "2026", "--time-zone", "+02:00"],
        &line("2026-10-10T13:55:36Z"),
    );
    assert!(
        text.contains("--year has no effect") && text.contains("--time-zone has no effect"),
        "{text}"
    );
}

#[test]
fn an_hour_that_comes_twice_and_a_leap_second_are_no_trouble() {
    // Central Europe's clocks go back at 03:00 on 2026-10-25: with offsets in the log nothing is out of order.
    let line = |time: &str| format!("127.0.0.1 - - [{time}] \"GET / HTTP/1.1\" 200 5\n");
    let log = line("25/Oct/2026:02:59:59 +0200")
        + &line("25/Oct/2026:02:00:00 +0100")
        + &line("31/Oct/2026:23:59:60 +0000");
    let told = json(&[], &log);
    assert_eq!(
        (
            told["log"]["from"].as_str(),
            told["log"]["bad"].as_u64(),
            told["log"]["late"].as_u64()
        ),
        (Some("2026-10-25T00:59:59.000Z"), Some(0), Some(0))
    );
}

// F29: messages lead on.

#[test]
fn a_refusal_shows_the_line_says_what_it_looks_like_and_which_flag_to_try() {
    let long = format!("{} the end", "x".repeat(300));
    for (log, parts) in [
        (
            "2026-10-10 13:55:36 something happened\n",
            &["something happened", "plain text", "--log-format"][..],
        ),
        (
            "time=2026-10-10T13:55:36Z level=info status=200 duration=5ms\n",
            &["logfmt", "--log-format"],
        ),
        (
            "{\"when\":1791640536,\"code\":200}\n",
            &["JSON that has code, when", "--time", "--status"],
        ),
        (
            "[{\"time\":1,\"status\":200},{\"time\":2,\"status\":200}]\n",
            &["a JSON array", "jq -c"],
        ),
        (
            "{\n\"time\":1,\n\"status\":200\n}\n",
            &["JSON over several lines", "jq -c"],
        ),
        ("when,who,code\n1,2,3\n", &["CSV", "--time"]),
        (
            "Summary:\n  Total:\t0.5 secs\n",
            &["summary of a load generator", "-o csv"],
        ),
        (&long, &["xxx…", "plain text"]),
    ] {
        let error = refused(&[], log);
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(
            error.lines().all(|line| line.chars().count() < 330),
            "{error}"
        );
    }
    let error = refused(&["--input", "mars"], "x\n");
    assert!(
        error.contains("no such format") && error.contains("haproxy"),
        "{error}"
    );
}

#[test]
fn what_is_packed_in_another_way_is_named_with_the_way_round() {
    let mut tar = vec![0_u8; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let utf16: Vec<u8> = "time,status\r\n1,200\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = [b"\xff\xfe".to_vec(), utf16.clone()].concat();
    for (name, bytes, way) in [
        ("a.xz", b"\xfd7zXZ\0\0\0".to_vec(), "xz -dc"),
        ("a.bz2", b"BZh91AY".to_vec(), "bzip2 -dc"),
        ("a.zip", b"PK\x03\x04....".to_vec(), "unzip -p"),
        ("a.lz4", b"\x04\x22\x4d\x18...".to_vec(), "lz4 -dc"),
        ("a.parquet", b"PAR1....".to_vec(), "Parquet"),
        ("a.tar", tar.clone(), "tar -xOf"),
        ("a.tgz", gzip(&tar), "tar -xOf"),
        ("utf16.csv", utf16, "iconv -f UTF-16"),
        ("utf16-marked.csv", marked, "iconv -f UTF-16"),
    ] {
        let path = file(&format!("packed/{name}"), &bytes);
        let error = refused(&[&path], "");
        assert!(error.contains(way), "{name}: {error}");
    }
    let error = refused(&[env!("CARGO_TARGET_TMPDIR")], "");
    assert!(error.contains("it is a directory"), "{error}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

// F30: statuses.

#[test]
fn a_status_may_be_made_a_success_and_statuses_be_given_by_hundreds() {
    let log: String = [200, 429, 500, 503, 404]
        .map(|status| format!("{{\"time\":1000,\"status\":{status}}}\n"))
        .concat();
    let failures = |arguments: &[&str]| services(&json(arguments, &log))[0].2;
    assert_eq!(failures(&[]), 2);
    assert_eq!(failures(&["--successes", "503"]), 1);
    assert_eq!(failures(&["--successes", "5xx"]), 0);
    assert_eq!(failures(&["--failures", "4xx"]), 4);
    assert_eq!(
        failures(&["--failures", "404,420-429", "--successes", "500-502"]),
        3
    );
    let error = refused(&["--failures", "5x"], &log);
    assert!(error.contains("503, 5xx or 500-504"), "{error}");
}

// F31: following.

/// Writes to the program's standard input, interrupts it, and gives what it prints.
#[cfg(unix)]
#[test]
fn an_interrupt_prints_what_there_is() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_breaker-replay"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than a pipe holds: once it is written, most of it has been read.
    for at in 0..8000 {
        writeln!(input, "{{\"time\":{},\"status\":200}}", 1_791_640_536 + at).unwrap();
    }
    input.flush().unwrap();
    // The pipe stays open: without an interrupt it would wait for ever. Signals that come before the program listens kill it, so
    // that it is asked until it is over.
    let listens = || {
        fs::read_to_string(format!("/proc/{}/status", child.id())).is_ok_and(|status| {
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            caught.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 2 != 0)
        })
    };
    while !listens() {
        std::thread::yield_now();
    }
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let mut text = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(child.wait().unwrap().success());
    drop(input);
    // How much of it had been read is not known; that it is a report is.
    assert!(
        text.contains("calls from 2026-10-10T13:55:36.000Z"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn a_fifo_is_read_to_its_end() {
    let path = format!("{}/fifo", env!("CARGO_TARGET_TMPDIR"));
    let _ = fs::remove_file(&path);
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let to = path.clone();
    let writer = std::thread::spawn(move || fs::write(to, "{\"time\":1000,\"status\":200}\n"));
    let (status, out, _) = ended(&[&path], "");
    writer.join().unwrap().unwrap();
    assert_eq!((status, out.starts_with("1 call from")), (0, true));
}

// F32: zstd's windows.

/// A zstd frame of one raw block that asks for a window of 2ⁿ bytes.
fn zstd(log2: u8, text: &[u8]) -> Vec<u8> {
    let block = (text.len() as u32) << 3 | 1;
    [
        b"\x28\xb5\x2f\xfd\0".to_vec(),
        vec![(log2 - 10) << 3],
        block.to_le_bytes()[..3].to_vec(),
        text.to_vec(),
    ]
    .concat()
}

#[test]
fn zstd_s_windows_are_read_up_to_128_mib_and_beyond_that_the_way_round_is_told() {
    let text = b"{\"time\":1000,\"status\":200}\n";
    for log2 in [20, 25, 27] {
        let path = file(&format!("packed/{log2}.zst"), &zstd(log2, text));
        assert_eq!(json(&[&path], "")["log"]["calls"], 1);
    }
    let path = file("packed/31.zst", &zstd(31, text));
    let error = refused(&[&path], "");
    assert!(error.contains("zstd -dc --long=31"), "{error}");
}

#[test]
fn lines_of_standard_input_are_read_as_those_of_a_file() {
    let log: String = (0..3000)
        .map(|at| {
            format!(
                "{{\"time\":{},\"status\":{}}}\n",
                1000 + at,
                if at % 7 == 0 { 500 } else { 200 }
            )
        })
        .collect();
    let path = file("same.jsonl", log.as_bytes());
    assert_eq!(json(&[], &log), json(&[&path], ""));
    let lines = BufReader::new(fs::File::open(&path).unwrap())
        .lines()
        .count();
    assert_eq!(lines, 3000);
}
