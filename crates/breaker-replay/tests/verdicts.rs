//! What is said of a replay is true.

mod support;

use std::fs;

use serde_json::Value;

use support::{file, json, replay};

/// 2026-10-10T13:00:00Z.
const BEGIN: u64 = 1_791_637_200_000;

/// A line of a service at a millisecond of the log.
fn line(milli: u64, status: u16, took: f64) -> String {
    let time = BEGIN + milli;
    format!("{{\"time\":{time},\"service\":\"pay\",\"status\":{status},\"duration\":{took}}}\n")
}

/// Ten calls a second, which fail at these seconds.
fn log(seconds: u64, fails: impl Fn(u64) -> bool) -> String {
    (0..seconds * 10)
        .map(|at| line(at * 100, if fails(at / 10) { 503 } else { 200 }, 0.01))
        .collect()
}

fn seconds(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

// F11: outages that began while the circuit was open.

#[test]
fn an_outage_that_begins_while_the_circuit_is_open_has_no_time_to_trip() {
    let config = file(
        "verdicts/minute.toml",
        b"trip = [{ consecutive_failures = 5 }]\nopen_time = { kind = \"fixed\", wait = \"1min\" }\n",
    );
    // The second outage begins and ends while the circuit is open for the first.
    let log = log(
        300,
        |second| matches!(second, 50..=59 | 70..=79 | 200..=209),
    );
    let told = json(&["--config", &config], &log);
    let circuit = &told["services"][0]["circuits"][0];
    let answers = circuit["answers"].as_array().unwrap();
    let was_open: Vec<_> = answers
        .iter()
        .map(|answer| answer["was_open"].as_bool().unwrap())
        .collect();
    assert_eq!(was_open, [false, true, false]);
    assert_eq!(answers[1]["onset_to_trip_seconds"], Value::Null);
    let first = seconds(&answers[0]["onset_to_trip_seconds"]);
    assert!((0.39..0.42).contains(&first), "{first}");
    let text = replay(&["--config", &config], &log);
    assert!(
        text.contains("2 trips, all in outages, 400 ms after the onset"),
        "{text}"
    );
    assert!(
        text.contains("1 of 3 outages began while it was open"),
        "{text}"
    );
    assert!(
        !text.contains("missed") && !text.contains(" 0 ms after the onset"),
        "{text}"
    );
}

// F12: slow calls.

#[test]
fn slow_calls_are_part_of_outages_savings_and_verdict_where_the_configuration_trips_on_them() {
    let config = file(
        "verdicts/slow.toml",
        b"slow_after = \"2s\"\ntrip = [{ calls = 20, slow_rate = 50, min_calls = 20 }]\nopen_time = { kind = \"fixed\", wait = \"10s\" }\n",
    );
    let log: String = (0..6000)
        .map(|at| {
            let took = if (2000..4000).contains(&at) {
                30.0
            } else {
                0.05
            };
            line(at * 100 + (took * 1000.0) as u64, 200, took)
        })
        .collect();
    let told = json(&["--config", &config, "--preset", "gobreaker"], &log);
    let [other, slow] = [0, 1].map(|at| &told["services"][0]["circuits"][at]);
    assert_eq!(
        (
            slow["slow"].as_u64(),
            slow["outages"].as_array().unwrap().len()
        ),
        (Some(2000), 1)
    );
    let saved = slow["saved"].as_u64().unwrap();
    // After 30 s, when the first slow calls end, 1,700 are still to come; the probes are let pass.
    assert!((1000..=1700).contains(&saved), "{saved}");
    assert!(
        slow["saved_seconds"].as_f64().unwrap() > 8.0 * 3600.0,
        "{slow}"
    );
    assert_eq!(
        slow["saved"].as_u64().unwrap() + slow["waste"].as_u64().unwrap(),
        2000
    );
    assert!(
        slow["trips"].as_u64().unwrap() >= 1 && slow["episodes"][0]["in_outage"] == true,
        "{slow}"
    );
    let verdict = slow["verdict"].as_str().unwrap();
    assert!(verdict.starts_with("Would have helped"), "{verdict}");
    assert!(verdict.contains("had failed or were slow"), "{verdict}");
    // Another, that knows no slow calls, judges as before.
    assert_eq!(
        (other.get("slow"), other["saved"].as_u64()),
        (None, Some(0))
    );
    assert_eq!(
        other["verdict"],
        "Would have changed nothing: no outage, no trip."
    );
}

// F13: unknown is not 0.

#[test]
fn where_a_log_has_no_durations_the_waiting_that_was_saved_is_not_0() {
    let with = log(300, |second| (100..160).contains(&second));
    let without = with.replace(",\"duration\":0.01", "");
    let text = replay(&[], &without);
    let note = "The log does not say how long calls took";
    assert!(
        text.contains('–') && !text.contains("waiting saved") && text.contains(note),
        "{text}"
    );
    let text = replay(&[], &with);
    assert!(
        text.contains("of waiting saved") && !text.contains(note),
        "{text}"
    );
}

#[test]
fn where_the_calls_saved_have_no_durations_their_waiting_is_not_0() {
    // As a load balancer writes: no time where no target answered.
    let fails = |second| (100..160).contains(&second);
    let log = log(300, fails);
    let unknown = log.replace("503,\"duration\":0.01", "503,\"duration\":-1");
    assert_ne!(log, unknown);
    let text = replay(&[], &unknown);
    assert!(!text.contains("waiting saved"), "{text}");
    let circuit = &json(&[], &unknown)["services"][0]["circuits"][0];
    assert_eq!(circuit["saved_timed"], 0);
    assert!(circuit["saved"].as_u64() > Some(0), "{circuit}");
    // All but one: the sum is a lower bound.
    let text = replay(
        &[],
        &log.replacen("503,\"duration\":0.01", "503,\"duration\":-1", 30),
    );
    assert!(text.contains("(at least "), "{text}");
}

#[test]
fn a_note_is_there_only_where_it_concerns_the_log() {
    let fine = log(30, |_| false);
    let text = replay(&[], &fine.replace("00,\"service", "50,\"service"));
    assert!(!text.contains("whole seconds"), "{text}");
    let coarse =
        "192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"c\"\n";
    assert!(replay(&[], coarse).contains("whole seconds alone"));
    assert!(replay(&["--clients", "4"], &fine).contains("dealt out to the clients at random"));
    assert!(!replay(&["--clients", "4"], &fine).contains("made by one client"));
}

// F14: too few.

#[test]
fn of_a_few_calls_nothing_is_claimed() {
    let hourly: String = (0..9)
        .map(|hour| line(hour * 3_600_000, 503, 0.01))
        .collect();
    let text = replay(&[], &hourly);
    assert!(
        text.contains("Too few calls to tell: 9 calls, 9 of them failed."),
        "{text}"
    );
    let one = replay(&[], &line(0, 200, 0.01));
    assert!(
        one.contains("Too few calls to tell: 1 call, 0 of them failed."),
        "{one}"
    );
    let enough = replay(&[], &log(10, |_| false));
    assert!(
        enough.contains("Would have changed nothing: no outage, no trip."),
        "{enough}"
    );
}

#[test]
fn a_trip_that_rejects_no_call_has_changed_nothing() {
    let ends_at_the_trip: String = (0..112)
        .map(|at| line(at * 100, if at < 100 { 200 } else { 503 }, 0.01))
        .collect();
    let text = replay(&[], &ends_at_the_trip);
    assert!(
        text.contains("Would have changed nothing: 1 trip, "),
        "{text}"
    );
}

// F15 and F16: the axis.

fn svg(name: &str, log: &str) -> String {
    let path = format!("{}/{name}.svg", env!("CARGO_TARGET_TMPDIR"));
    replay(&["--svg", &path], log);
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_date_below_the_picture_is_that_of_the_first_time() {
    // 2026-10-01, a call in two minutes; the first began before midnight.
    let day: String = (0..720)
        .map(|at| {
            format!(
                "{{\"time\":{}.05,\"status\":200,\"duration\":0.2}}\n",
                1_790_812_800 + at * 120
            )
        })
        .collect();
    let picture = svg("day", &day);
    assert!(
        picture.contains(">2026-10-01 UTC<") && !picture.contains("2026-09-30"),
        "{picture}"
    );
    // One that has no round time in it has its own.
    let short: String = (0..3)
        .map(|at| format!("{{\"time\":{}.{}5,\"status\":200}}\n", 1_790_812_799, at))
        .collect();
    assert!(svg("short", &short).contains(">2026-09-30 UTC<"));
}

#[test]
fn a_rate_below_one_a_second_is_told_by_the_minute_hour_or_day() {
    let every = |seconds: u64| {
        (0..200)
            .map(|at| line(at * seconds * 1000, 200, 0.01))
            .collect::<String>()
    };
    for (seconds, unit) in [
        (1, "calls/s"),
        (50, "calls/min"),
        (2000, "calls/h"),
        (200_000, "calls/day"),
    ] {
        let picture = svg(&format!("rate-{seconds}"), &every(seconds));
        assert!(
            picture.contains(unit) && !picture.contains(">0.0 calls"),
            "{seconds}: {unit}"
        );
    }
}

// Prices, and the times of outages.

#[test]
fn the_prices_reach_the_verdict() {
    let log = log(600, |second| (100..130).contains(&second));
    let told = json(&[], &log);
    let circuit = &told["services"][0]["circuits"][0];
    let (harm, saved) = (
        circuit["harm"].as_u64().unwrap(),
        circuit["saved"].as_u64().unwrap(),
    );
    assert!(0 < harm && harm < saved, "{circuit}");
    let verdict = |price: &str| replay(&["--harm-price", price], &log);
    assert!(verdict("0").contains("Would have helped: "));
    assert!(verdict("1000").contains("Would have done more harm than good"));
}

#[test]
fn each_outage_is_told_with_its_times_its_length_and_its_failures() {
    let log = log(600, |second| (100..130).contains(&second) || second >= 590);
    let text = replay(&[], &log);
    assert!(
        text.contains("outage from 2026-10-10T13:01:40.000Z to 2026-10-10T13:02:10.000Z (30.0 s): 300 of 300 calls failed"),
        "{text}"
    );
    assert!(
        text.contains(
            "outage from 2026-10-10T13:09:50.000Z to the end of the log: 100 of 100 calls failed"
        ),
        "{text}"
    );
    let outages = &json(&[], &log)["services"][0]["outages"];
    assert_eq!(
        (
            outages[0]["calls"].as_u64(),
            outages[1]["failures"].as_u64()
        ),
        (Some(300), Some(100))
    );
}

#[test]
fn the_table_fits_into_80_columns_and_sums_all_services_up() {
    let long = file(
        "verdicts/a-configuration-with-quite-a-long-name.toml",
        b"trip = [{ consecutive_failures = 3 }]\n",
    );
    let mut log = log(600, |second| (100..130).contains(&second));
    log += &log.replace("\"pay\"", "\"mail\"").repeat(3);
    let (_, out, _) = support::ended(
        &[
            "--config",
            &long,
            "--preset",
            "resilience4j",
            "--preset",
            "default",
        ],
        &log,
    );
    for line in out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(
        out.contains("All 2 services: 24,000 calls, 5.0 % failed"),
        "{out}"
    );
}
