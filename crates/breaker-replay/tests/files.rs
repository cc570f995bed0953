//! Files in any order, cut off, with lines of another age; and what is written.

mod support;

use std::fs;

use support::{TWO, combined, ended, file, json, names, refused, replay, services};

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
