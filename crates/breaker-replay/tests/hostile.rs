//! Hostile and broken logs: a clear message, the documented exit status, and memory that does not grow with the log.

mod support;

use std::{
    io::{self, Read},
    process::Output,
};

use support::replayed;

fn of_text(arguments: &[&str], text: &str) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = replayed(arguments, |input| input.write_all(text.as_bytes()));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn line(second: u64, service: &str, status: u32) -> String {
    format!(
        "{{\"time\":{second},\"service\":\"{service}\",\"status\":{status},\"duration\":0.01}}\n"
    )
}

#[test]
fn an_empty_log_is_told_so_with_status_2() {
    let (status, out, error) = of_text(&[], "");
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(error.contains("no call in the log: it is empty"), "{error}");
}

#[test]
fn one_line_is_a_log() {
    let (status, out, _) = of_text(&[], &line(1_793_606_400, "a", 200));
    assert_eq!(status, 0);
    assert!(out.contains("to 2026-11-02T08:00:00.000Z"), "{out}");
}

#[test]
fn bad_lines_are_counted_shown_and_fatal_only_if_asked() {
    let text = line(1000, "a", 200) + "garbage\n" + &line(1001, "a", 9999) + &line(1002, "a", 200);
    let (status, out, _) = of_text(&[], &text);
    assert_eq!(status, 0);
    assert!(out.contains("2 lines could not be read"), "{out}");
    assert!(
        out.contains("line 3: its status is no HTTP status"),
        "{out}"
    );
    assert!(
        out.contains("line 2: it is no JSON object: expected value, at column 1"),
        "{out}"
    );
    let (status, _, error) = of_text(&["--strict"], &text);
    assert_eq!(status, 2);
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn of_several_logs_the_one_with_the_bad_line_is_named() {
    let file = |name: &str, text: String| {
        let path = format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(&path, text).unwrap();
        path
    };
    let old = file("old.jsonl", line(1000, "a", 200));
    let new = file("new.jsonl", line(1001, "a", 200) + "garbage\n");
    let wanted = format!("{new}: line 2: it is no JSON object");
    let (_, out, _) = of_text(&[&old, &new], "");
    assert!(out.contains(&wanted), "{out}");
    let (status, _, error) = of_text(&["--strict", &old, &new], "");
    assert_eq!(status, 2);
    assert!(error.contains(&wanted), "{error}");
    let (_, alone, _) = of_text(&[&new], "");
    assert!(alone.contains("  line 2: "), "{alone}");
}

#[test]
fn durations_that_are_none_are_bad_lines() {
    let csv = "time,service,status,duration\n1000,a,200,NaN\n1001,a,200,-2\n1002,a,200,inf\n1003,a,200,0.5\n";
    let (status, out, _) = of_text(&[], csv);
    assert_eq!(status, 0);
    assert!(out.contains("3 lines could not be read"), "{out}");
    assert!(out.starts_with("1 call from"), "{out}");
}

#[test]
fn a_clock_that_goes_backwards_is_an_error_where_it_leaves_much_out() {
    let back: String = (0..5000).map(|at| line(100_000 - at, "a", 200)).collect();
    let (status, out, error) = of_text(&["--window", "1000"], &back);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(
        error.contains("came too late to be put in order"),
        "{error}"
    );
    assert_eq!(of_text(&["--window", "6000"], &back).0, 0);
    let few = (0..5000)
        .map(|at| line(100_000 + at, "a", 200))
        .collect::<String>()
        + &back[..back.len() / 500];
    let (status, out, _) = of_text(&["--window", "1000"], &few);
    assert_eq!(status, 0);
    assert!(out.contains("came too late to be put in order"), "{out}");
}

#[test]
fn calls_that_are_years_apart_are_no_trouble() {
    let apart: String = [0, 1_000_000_000, 4_000_000_000]
        .map(|at| line(at, "a", 500))
        .concat();
    let (status, out, _) = of_text(&[], &apart);
    assert_eq!(status, 0);
    assert!(
        out.contains("3 calls from 1970-") && out.contains("to 2096-"),
        "{out}"
    );
}

#[test]
fn a_quarter_of_a_gigabyte_without_a_newline_takes_no_more_memory_than_a_line() {
    let output = replayed(&[], |input| {
        io::copy(&mut io::repeat(b'x').take(256 << 20), input)?;
        input.write_all(b"\n")?;
        input.write_all(line(1000, "a", 200).as_bytes())
    });
    assert_eq!(output.status.code(), Some(0));
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("line 1: it is longer than 128 KiB"), "{out}");
    assert!(out.starts_with("1 call"), "{out}");
}

#[test]
fn more_services_than_the_limit_are_left_out_and_counted() {
    let output = replayed(&[], |input| {
        for service in 0..200_000 {
            input.write_all(line(1000 + service / 100, &service.to_string(), 200).as_bytes())?;
        }
        Ok(())
    });
    assert_eq!(output.status.code(), Some(0));
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(
        out.contains("199,000 calls to services beyond the limit left out"),
        "{out}"
    );
}
