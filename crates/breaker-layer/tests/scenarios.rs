//! The behaviour of eight other breakers, replayed on ours: every row passes or is a documented difference.

#[path = "scenarios/replay/mod.rs"]
mod replay;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use replay::{
    Replayed, Verdict,
    differences::{ASSERTED_ALL_THE_SAME, DIFFERENCES, Difference, Kind},
};

fn text() -> String {
    std::fs::read_to_string(replay::VENDORED).expect("the file is there")
}

fn rows() -> Vec<Replayed> {
    replay::replay(&text()).expect("it has rows")
}

#[test]
fn every_row_passes_or_differs_as_the_table_says() {
    let rows = rows();
    let failed: Vec<String> = rows
        .iter()
        .filter_map(|row| match &row.verdict {
            Verdict::Failed(why) => Some(format!("{}: {why}", row.id)),
            Verdict::Passed | Verdict::Deliberate(_) => None,
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let projects: BTreeSet<&str> = rows.iter().map(|row| row.project.as_str()).collect();
    assert_eq!((rows.len(), projects.len()), (94, 8));
}

#[test]
fn each_entry_of_the_table_is_a_row_that_differs_and_each_such_row_an_entry() {
    let entries = DIFFERENCES.iter().map(|entry| (entry.row, entry.kind));
    let counts = ASSERTED_ALL_THE_SAME.iter();
    let counts = counts.map(|(row, _)| (*row, Kind::NotKept));
    let listed: Vec<(&str, Kind)> = entries.chain(counts).collect();
    let rows = rows();
    let differ = rows.iter().filter_map(|row| match row.verdict {
        Verdict::Deliberate(kind) => Some((row.id.as_str(), kind)),
        Verdict::Passed | Verdict::Failed(_) => None,
    });
    let different: BTreeMap<&str, Kind> = differ.collect();
    assert_eq!(different, listed.iter().copied().collect());
    assert_eq!(different.len(), listed.len(), "one entry a row");
}

#[test]
fn no_defect_of_another_breaker_is_ours() {
    let rows = rows();
    let defects: Vec<_> = rows.iter().filter(|row| row.is_defect).collect();
    assert_eq!(defects.len(), 3);
    for row in defects {
        assert!(matches!(row.verdict, Verdict::Deliberate(_)), "{}", row.id);
    }
}

#[test]
fn at_most_ten_configurations_cannot_be_said_in_our_settings() {
    let unsaid = |entry: &&Difference| match entry.kind {
        // No wait at all; one more probe after a while; and what has no setting at all.
        Kind::NeverZero | Kind::HalfOpenEnds | Kind::NoSetting => true,
        Kind::StragglerDropped
        | Kind::VerdictOnceDecided
        | Kind::NoIdleProbe
        | Kind::IgnoredIsNothing
        | Kind::TripsOnSuccess
        | Kind::FixedGrid
        | Kind::OverAtLastInstant
        | Kind::OperatorMayDoAll
        | Kind::OperatorStartsOver
        | Kind::ShadowRuns
        | Kind::NotKept => false,
    };
    let unsaid = DIFFERENCES.iter().filter(unsaid).count();
    assert!(unsaid <= 10, "{unsaid}");
}

#[test]
fn a_row_fails_when_any_of_its_assertions_is_changed() {
    let file: Value = serde_json::from_str(&text()).expect("it is JSON");
    let passed: BTreeSet<String> = rows()
        .into_iter()
        .filter(|row| matches!(row.verdict, Verdict::Passed))
        .map(|row| row.id)
        .collect();
    let rows = file["scenarios"].as_array().expect("it has rows");
    let rows = rows
        .iter()
        .filter(|row| row["id"].as_str().is_some_and(|id| passed.contains(id)));
    let mut changed = 0;
    for row in rows {
        for at in assertions(row, String::new()) {
            let mut row = row.clone();
            change(row.pointer_mut(&at).expect("it is there"));
            let file = json!({ "scenarios": [row] }).to_string();
            let replayed = replay::replay(&file).expect("it has a row");
            let fails = matches!(replayed[0].verdict, Verdict::Failed(_));
            assert!(fails, "{}{at}", replayed[0].id);
            changed += 1;
        }
    }
    assert!(changed > 400, "{changed}");
}

/// Where in a row, or in a part of it, something is asserted.
fn assertions(part: &Value, at: String) -> Vec<String> {
    let is_assertion = ["metrics/", "events/"].iter().any(|kind| at.contains(kind))
        || ["/state", "/admitted", "/retry_after_ms", "/open_index"]
            .iter()
            .any(|key| at.ends_with(key));
    let below = |key: &str, part: &Value| assertions(part, format!("{at}/{key}"));
    match part {
        Value::Object(parts) => {
            let parts = parts.iter().filter(|(key, _)| !is_setting(key));
            parts.flat_map(|(key, part)| below(key, part)).collect()
        }
        Value::Array(parts) => {
            let parts = parts.iter().enumerate();
            parts
                .flat_map(|(at, part)| below(&at.to_string(), part))
                .collect()
        }
        _ if is_assertion => vec![at],
        _ => Vec::new(),
    }
}

fn is_setting(key: &str) -> bool {
    matches!(key, "config" | "source")
}

fn change(assertion: &mut Value) {
    *assertion = match assertion {
        Value::Bool(admitted) => json!(!*admitted),
        Value::String(state) if state == "closed" => json!("open"),
        Value::String(_) => json!("closed"),
        Value::Number(count) if count.is_u64() => json!(count.as_u64().unwrap_or(0) + 1),
        Value::Number(rate) => json!(rate.as_f64().unwrap_or(0.0) + 0.01),
        Value::Null => json!(0.5),
        Value::Array(_) | Value::Object(_) => unreachable!("no assertion"),
    };
}
