//! Each format is read without a flag, and what is read is what was written, by an independent count.

mod logs;
mod support;

use logs::{Durations, Made, Written, all, calls};
use support::{json, services};

/// How far a figure of the whole log may be off that adds up the durations of so many calls, in seconds.
fn slack(durations: Durations, calls: usize) -> f64 {
    match durations {
        Durations::None => 0.0,
        Durations::Within(millis) => millis as f64 / 1000.0 * calls as f64,
    }
}

/// The name, calls and failures of each service, counted here.
fn counted(written: &Written, calls: &[Made]) -> Vec<(String, u64, u64)> {
    let mut names = vec!["all calls"];
    if written.has_services {
        names = calls.iter().map(|made| made.host).collect();
        names.sort_unstable();
        names.dedup();
    }
    let of = |name: &&str| {
        let own = || {
            calls
                .iter()
                .filter(|made| !written.has_services || made.host == *name)
        };
        let failed = own().filter(|made| made.has_failed()).count();
        ((*name).to_owned(), own().count() as u64, failed as u64)
    };
    names.iter().map(of).collect()
}

fn moment(json: &serde_json::Value, name: &str) -> f64 {
    let text = json["log"][name].as_str().unwrap();
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond() as f64 / 1e6
}

fn sum(json: &serde_json::Value, name: &str) -> f64 {
    let services = json["services"].as_array().unwrap().iter();
    services
        .map(|service| service[name].as_f64().unwrap())
        .sum()
}

fn check(written: &Written, log: &str) -> serde_json::Value {
    let (about, calls, told) = (written.about, calls(), json(&[], log));
    let format = &told["log"]["formats"][0];
    assert_eq!(format["about"], about, "{format}");
    assert_eq!(format["fit"], format["of"], "{about}");
    assert_eq!(
        (
            told["log"]["bad"].as_u64(),
            told["log"]["first_bad"].to_string()
        ),
        (Some(0), "[]".to_owned()),
        "{about}"
    );
    assert_eq!(services(&told), counted(written, &calls), "{about}");
    let given_up = calls
        .iter()
        .filter(|made| written.has_given_up && made.status == 499)
        .count();
    assert_eq!(sum(&told, "cancelled"), given_up as f64, "{about}");
    let failed = calls.iter().filter(|made| made.has_failed());
    let (count, millis) = failed.fold((0, 0), |(count, millis), made| {
        (count + 1, millis + made.took)
    });
    let seconds = sum(&told, "failed_seconds");
    let timed = sum(&told, "timed");
    if written.durations == Durations::None {
        assert_eq!((seconds, timed), (0.0, 0.0), "{about}");
    } else {
        let off = (seconds - millis as f64 / 1000.0).abs();
        assert!(
            off <= slack(written.durations, count),
            "{about}: {seconds} s, off by {off}"
        );
        assert!(timed >= (calls.len() - 10) as f64, "{about}: {timed}");
    }
    let begin = if written.is_relative { logs::BEGIN } else { 0 };
    let coarse = if written.is_coarse { 1.0 } else { 0.002 };
    // Without durations a call ends as it begins, at the time that the line has.
    let unknown = if written.durations == Durations::None {
        3.0
    } else {
        slack(written.durations, 1)
    };
    let first = calls.iter().map(|made| made.start() - begin).min().unwrap();
    let last = calls.iter().map(|made| made.end - begin).max().unwrap();
    for (name, wanted) in [("from", first), ("to", last)] {
        let off = (moment(&told, name) - wanted as f64 / 1000.0).abs();
        assert!(off <= coarse + unknown, "{about}: {name} is off by {off} s");
    }
    for service in told["services"].as_array().unwrap() {
        assert_eq!(service["outages"].as_array().unwrap().len(), 1, "{about}");
    }
    told
}

#[test]
fn every_format_is_read_without_a_flag_and_agrees_with_an_independent_count() {
    for written in all() {
        let log = written.log();
        assert!(log.lines().count() >= 200);
        check(&written, &log);
    }
}

#[test]
fn every_format_of_ours_but_the_vague_one_is_in_the_corpus() {
    let table = include_str!("../src/input/formats.toml");
    let abouts = table
        .lines()
        .filter_map(|line| line.strip_prefix("about = \"")?.strip_suffix('"'));
    let written: Vec<_> = all().iter().map(|written| written.about).collect();
    for about in abouts.filter(|about| !about.contains("more that is not read")) {
        assert!(written.contains(&about), "{about}");
    }
    assert_eq!(written.len(), table.matches("[[format]]").count() - 1);
}

#[test]
fn what_docker_kubernetes_and_syslog_put_around_the_lines_is_taken_off() {
    type Wrap = fn(&str) -> String;
    let wrapped: [(&str, Wrap); 7] = [
        ("in Docker's JSON", |line| {
            let text = serde_json::Value::String(line.to_owned() + "\n");
            format!(
                "{{\"log\":{text},\"stream\":\"stdout\",\"time\":\"2026-10-10T13:55:36.123456789Z\"}}\n"
            )
        }),
        ("after Kubernetes' prefix", |line| {
            format!("2026-10-10T13:55:36.123456789Z stdout F {line}\n")
        }),
        ("after Kubernetes' prefix", |line| {
            format!("2026-10-10T15:55:36.123456789+02:00 stderr F {line}\n")
        }),
        ("after a head of syslog", |line| {
            format!("<190>Oct  9 13:55:36 web-1 nginx: {line}\n")
        }),
        ("after a head of syslog", |line| {
            format!("Oct 10 13:55:36 web-1 haproxy[17]: {line}\n")
        }),
        ("after a head of syslog", |line| {
            format!("<134>1 2026-10-10T13:55:36Z web-1 haproxy 17 - - {line}\n")
        }),
        ("after the container's name", |line| {
            format!("web-1  | {line}\n")
        }),
    ];
    let inner = [
        "nginx, combined and the usual upstream fields",
        "HAProxy's HTTP log",
        "Caddy",
    ];
    for written in all()
        .iter()
        .filter(|written| inner.contains(&written.about))
    {
        let log = written.log();
        for (around, wrap) in wrapped {
            let log: String = log.lines().map(wrap).collect();
            let told = check(written, &log);
            assert_eq!(told["log"]["formats"][0]["wrapped"], around);
        }
    }
}
