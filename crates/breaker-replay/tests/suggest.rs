//! What `--suggest` and `--suggest-key` propose.

mod support;

use serde_json::Value;

use support::{file, json, replay, services};

/// 2026-10-10T13:00:00Z.
const BEGIN: u64 = 1_791_637_200_000;

/// A line at a millisecond of the log.
fn line(milli: u64, status: u16, took: f64) -> String {
    let time = BEGIN + milli;
    format!("{{\"time\":{time},\"service\":\"pay\",\"status\":{status},\"duration\":{took}}}\n")
}

fn suggestion(log: &str) -> (Value, String) {
    let json = replay(&["--suggest", "--format", "json"], log);
    let json: Value = serde_json::from_str(&json).unwrap();
    (json["suggestion"].clone(), replay(&["--suggest"], log))
}

/// Twenty calls a second for ten minutes; of each minute so many seconds fail.
fn log(failing: u64) -> String {
    (0..12_000_u64)
        .map(|call| {
            let second = call / 20;
            let status = if second % 60 < failing { 503 } else { 200 };
            let time = 1_793_606_400_000 + call * 50;
            format!("{{\"time\":{time},\"service\":\"x\",\"status\":{status}}}\n")
        })
        .collect()
}

#[test]
fn where_nothing_fails_the_default_is_kept() {
    let (_, text) = suggestion(&log(0));
    assert!(
        text.contains("Keep the default: nothing that was tried is better"),
        "{text}"
    );
}

#[test]
fn the_best_costs_less_than_the_runner_up_and_the_default_on_what_it_was_chosen_on() {
    let (suggestion, text) = suggestion(&log(20));
    let price = |of: &str| suggestion[of]["chosen_on"]["price"].as_f64().unwrap();
    assert!(price("best") < price("runner_up"), "{suggestion}");
    assert!(price("best") < price("default"), "{suggestion}");
    let held_out = |of: &str| suggestion[of]["held_out"]["price"].as_f64().unwrap();
    let holds = held_out("best") < held_out("default");
    assert_eq!(suggestion["holds"], holds);
    let settings = suggestion["best"]["settings"].as_str().unwrap();
    assert_eq!(text.contains(settings), holds, "{text}");
}

// F18 and F19: --suggest.

/// Seven days with one failure in a hundred calls; an outage of ten minutes begins at this second.
fn week(outage: u64) -> String {
    let (mut text, mut at, mut number) = (String::new(), 0, 0_u64);
    while at < 7 * 86_400 {
        let is_out = (outage..outage + 600).contains(&at);
        number += 1;
        let status = if is_out || number.is_multiple_of(100) {
            503
        } else {
            200
        };
        text += &line(at * 1000, status, 0.01);
        at += if is_out { 1 } else { 10 };
    }
    text
}

#[test]
fn the_held_out_part_has_no_say_to_the_call() {
    let mark = 7 * 86_400 * 7 / 10;
    // Five seconds after the mark: in the same column of the picture.
    let log = week(mark + 5);
    let path = file("suggest/week.jsonl", log.as_bytes());
    let told = json(&["--suggest", &path], "");
    let suggestion = &told["suggestion"];
    assert_eq!(suggestion["is_exact"], true);
    let chosen_on = &suggestion["default"]["chosen_on"];
    // The log cut at the mark, and replayed alone.
    let end = suggestion_mark(&told);
    let first: String = log
        .lines()
        .filter(|line| time(line) < end)
        .map(|line| format!("{line}\n"))
        .collect();
    let alone = json(&[], &first);
    let circuit = &alone["services"][0]["circuits"][0];
    assert_eq!(
        (chosen_on["harm"].as_u64(), chosen_on["waste"].as_u64()),
        (circuit["harm"].as_u64(), circuit["waste"].as_u64())
    );
    assert_eq!(circuit["harm"], 0);
    // From a pipe the mark is not known beforehand: what is about it is of neither part.
    let piped = &json(&["--suggest"], &log)["suggestion"];
    assert_eq!(
        (
            piped["is_exact"].as_bool(),
            piped["default"]["chosen_on"]["harm"].as_u64()
        ),
        (Some(false), Some(0))
    );
    let waste = piped["default"]["chosen_on"]["waste"].as_u64().unwrap();
    assert!(waste <= circuit["waste"].as_u64().unwrap(), "{piped}");
}

fn time(line: &str) -> f64 {
    let json: Value = serde_json::from_str(line).unwrap();
    json["time"].as_f64().unwrap()
}

/// Where seven tenths of the log are over.
fn suggestion_mark(told: &Value) -> f64 {
    let at = |name: &str| {
        let time: jiff::Timestamp = told["log"][name].as_str().unwrap().parse().unwrap();
        time.as_millisecond() as f64
    };
    at("from") + (at("to") - at("from")) * 0.7
}

#[test]
fn a_held_out_part_without_an_outage_cannot_tell() {
    // Ten calls a second.
    let log = |second: u64| -> String {
        let fails = |at: u64| (600..900).contains(&at) || (second..second + 60).contains(&at);
        (0..36_000)
            .map(|at| line(at * 100, if fails(at / 10) { 503 } else { 200 }, 0.01))
            .collect()
    };
    let text = replay(&["--suggest"], &log(1500));
    assert!(
        text.to_lowercase()
            .contains("the last 30 % of the log has no outage"),
        "{text}"
    );
    let text = replay(&["--suggest"], &log(3000));
    assert!(!text.contains("has no outage"), "{text}");
}

#[test]
fn whether_a_circuit_for_each_shard_would_have_cost_less_is_told_by_this_log() {
    // One shard of ten is dead for ten minutes: a circuit for the service harms nine good ones, or does not trip.
    let log: String = (0..18_000)
        .map(|at| {
            let (shard, second) = (at % 10, at / 10);
            let status = if shard == 3 && (600..1200).contains(&second) { 503 } else { 200 };
            format!("{{\"time\":{},\"service\":\"pay\",\"shard\":{shard},\"path\":\"/o/{at}\",\"status\":{status}}}\n", BEGIN + at * 100)
        })
        .collect();
    let path = file("suggest/shards.jsonl", log.as_bytes());
    let told = json(
        &[
            "--suggest-key",
            "shard",
            "--suggest-key",
            "path:template",
            &path,
        ],
        "",
    );
    let scopes = told["scopes"].as_array().unwrap();
    let of = |at: usize, name: &str| scopes[at][name].as_u64().unwrap();
    assert_eq!(
        (of(0, "circuits"), of(1, "circuits"), of(2, "circuits")),
        (1, 10, 1)
    );
    assert_eq!(of(0, "saved"), 0);
    assert!(of(1, "saved") > 500 && of(1, "harm") < 60, "{scopes:?}");
    assert_eq!(
        (of(2, "saved"), of(2, "waste")),
        (of(0, "saved"), of(0, "waste"))
    );
    let text = replay(&["--suggest-key", "shard", &path], "");
    assert!(
        text.contains("A circuit for each shard would have cost"),
        "{text}"
    );
    assert_eq!(services(&told).len(), 1);
}
