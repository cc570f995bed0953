//! Logs that change their format in the middle: the rest is read as what it is, or what is not read so is counted.

#[path = "logs/mod.rs"]
mod logs;
mod support;

use logs::{Written, all};
use serde_json::Value;
use support::{json, names, replay, services};

fn of(about: &str) -> Written {
    let found = all().into_iter().find(|written| written.about == about);
    found.unwrap_or_else(|| panic!("{about}"))
}

/// Calls and failures of all services, and lines that were not read, or not as the format has it.
fn counts(told: &Value) -> [u64; 4] {
    let all = services(told);
    let log = &told["log"];
    [
        all.iter().map(|(_, calls, _)| calls).sum(),
        all.iter().map(|(_, _, failures)| failures).sum(),
        log["bad"].as_u64().unwrap(),
        log["odd"].as_u64().unwrap(),
    ]
}

/// What only says more at the end of its lines, so that both are read right as the first.
const ALIKE: &str = "nginx, combined with rt, uct, uht and urt";

#[test]
fn each_format_may_follow_another_in_one_log() {
    let all: Vec<_> = all().into_iter().filter(|one| !one.is_relative).collect();
    for (at, one) in all.iter().enumerate() {
        let other = &all[(at + 1) % all.len()];
        let log = one.log() + &other.log();
        let told = json(&[], &log);
        let pair = format!("{} and {}", one.about, other.about);
        assert_eq!(counts(&told), [800, 200, 0, 0], "{pair}");
        let formats = &told["log"]["formats"];
        if one.about == ALIKE {
            continue;
        }
        assert_eq!(names(&told), [one.about, other.about], "{pair}");
        let lines = one.log().lines().count() as u64;
        let from = formats[1]["from_line"].as_u64().unwrap();
        // What a format writes before its first call tells nothing.
        assert!((lines + 1..lines + 7).contains(&from), "{pair}: {from}");
    }
}

#[test]
fn a_new_format_is_told_with_the_line_from_which_on_it_is_so() {
    let log = of("nginx, combined").log() + &of("Envoy or Istio, JSON").log();
    let text = replay(&[], &log);
    assert!(text.contains("Read as nginx, combined.\n"), "{text}");
    assert!(
        text.contains("From line 401 on read as Envoy or Istio, JSON."),
        "{text}"
    );
}

#[test]
fn a_unit_that_changes_with_the_format_is_the_new_one() {
    let [micros, seconds] = ["%D in microseconds", "%T in whole seconds"]
        .map(|tail| of(&format!("Apache, combined with {tail}")).log());
    let lasted = |log: &str| {
        let services = json(&[], log)["services"].clone();
        services[0]["failed_seconds"].as_f64().unwrap()
    };
    let both = lasted(&micros) + lasted(&seconds);
    for log in [micros.clone() + &seconds, seconds + &micros] {
        assert!((lasted(&log) - both).abs() < 1e-3);
    }
}

#[test]
fn what_is_put_around_the_lines_may_come_and_go() {
    let plain = of("nginx, combined").log();
    let docker: String = plain
        .lines()
        .map(|line| {
            let text = Value::String(line.to_owned() + "\n");
            format!("{{\"log\":{text},\"stream\":\"stdout\",\"time\":\"2026-10-10T13:55:36Z\"}}\n")
        })
        .collect();
    let told = json(&[], &(plain.clone() + &docker + &plain));
    assert_eq!(counts(&told), [1200, 300, 0, 0]);
    let formats = &told["log"]["formats"];
    assert_eq!(formats[1]["wrapped"], "in Docker's JSON");
    assert_eq!(formats[1]["from_line"], 401);
}

/// Ten calls a second, the middle third of which fail, as records of time, host, shard and status.
fn records(line: impl Fn([String; 4]) -> String) -> String {
    (0..300)
        .map(|at| {
            let status = if (100..200).contains(&at) { 503 } else { 200 };
            let time = format!("{}.{}", 1_791_637_200 + at / 10, at % 10);
            line([time, "pay".to_owned(), "s1".to_owned(), status.to_string()])
        })
        .collect()
}

#[test]
fn a_header_in_the_middle_names_the_columns_after_it() {
    let one = "time,service,shard,status\n".to_owned()
        + &records(|[time, service, shard, status]| format!("{time},{service},{shard},{status}\n"));
    let other = "time,shard,service,status\n".to_owned()
        + &records(|[time, service, shard, status]| format!("{time},{shard},{service},{status}\n"));
    let told = json(&[], &(one + &other));
    assert_eq!(services(&told), [("pay".to_owned(), 600, 200)]);
    assert_eq!(told["log"]["formats"][1]["from_line"], 302);
}

#[test]
fn objects_that_lack_what_all_before_them_had_are_counted() {
    let one = records(|[time, service, _, status]| {
        format!(
            "{{\"time\":{time},\"service\":\"{service}\",\"status\":{status},\"duration\":0.1}}\n"
        )
    });
    let other = one
        .replace("duration", "took")
        .replace("service", "upstream");
    let told = json(&[], &(one.clone() + &other));
    assert_eq!(counts(&told), [600, 200, 0, 300]);
    assert_eq!(told["log"]["first_odd"]["line"], 301);
    let text = replay(&[], &(one + &other));
    let wanted = "Read, though not quite of this format: 300 lines, the first being line 301";
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn of_two_formats_in_turn_the_lines_of_one_are_counted() {
    let [one, other] = ["nginx, combined", "Caddy"].map(|about| of(about).log());
    let pairs = one.lines().zip(other.lines());
    let mixed: String = pairs
        .map(|(one, other)| format!("{one}\n{other}\n"))
        .collect();
    let [calls, _, bad, odd] = counts(&json(&[], &mixed));
    assert_eq!((calls, bad, odd), (400, 400, 0));
    let other = of("nginx, combined and the usual upstream fields").log();
    let pairs = one.lines().zip(other.lines());
    let mixed: String = pairs
        .map(|(one, other)| format!("{one}\n{other}\n"))
        .collect();
    // One fits both, and says so.
    let text = replay(&[], &mixed);
    assert!(text.contains("and more that is not read"), "{text}");
    let in_row = of("nginx, combined").log() + &mixed;
    assert_eq!(counts(&json(&[], &in_row))[..2], [1200, 300]);
    assert!(replay(&[], &in_row).contains("From line "), "{in_row}");
}

#[test]
fn a_few_lines_at_the_end_that_are_of_no_format_in_particular_are_counted() {
    let log = of("nginx, combined").log();
    let tail = of("nginx, combined and the usual upstream fields").log();
    let few: String = tail
        .lines()
        .take(5)
        .map(|line| format!("{line}\n"))
        .collect();
    let told = json(&[], &(log.clone() + &few));
    assert_eq!(counts(&told), [405, 100, 0, 5]);
    assert_eq!(told["log"]["first_odd"]["line"], 401);
    let text = replay(&[], &(log + few.lines().next().unwrap()));
    let wanted = "Read, though not quite of this format: 1 line, the first being line 401";
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn w3c_s_columns_may_change_with_the_program_that_writes_them() {
    let [iis, cloudfront] = ["IIS, W3C extended", "AWS CloudFront"].map(of);
    for [one, other] in [[&iis, &cloudfront], [&cloudfront, &iis]] {
        let told = json(&[], &(one.log() + &other.log()));
        assert_eq!(names(&told), [one.about, other.about]);
        assert_eq!(counts(&told), [800, 200, 0, 0]);
    }
}
