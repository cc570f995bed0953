//! Which configurations are replayed: by name, from files, and several of them.

mod support;

use std::{fs, path::PathBuf};

use serde_json::Value;

use support::{refused, replay};

/// A file of this test process's own.
fn file(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path.into_os_string().into_string().unwrap()
}

/// Ten calls a second for a minute, the middle 20 s of which fail.
fn log() -> String {
    (0..600_u64)
        .map(|call| {
            let status = if (200..400).contains(&call) { 503 } else { 200 };
            let time = 1_793_606_400_000 + call * 100;
            format!("{{\"time\":{time},\"service\":\"x\",\"status\":{status}}}\n")
        })
        .collect()
}

/// Each configuration's name, and why it tripped first.
fn told(arguments: &[&str]) -> Vec<(String, String)> {
    let json = replay(&[arguments, &["--format", "json"]].concat(), &log());
    let json: Value = serde_json::from_str(&json).unwrap();
    let circuits = json["services"][0]["circuits"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    circuits
        .iter()
        .map(|circuit| {
            let reason = &circuit["episodes"][0]["reason"];
            (text(&circuit["configuration"]), text(reason))
        })
        .collect()
}

#[test]
fn several_files_and_names_stand_side_by_side_each_tripping_by_its_own_rule() {
    let three = file(
        "three.toml",
        "trip = [{ consecutive_failures = 3 }]\nopen_time = { kind = \"fixed\", wait = \"2s\" }\n",
    );
    let rate = file(
        "rate.json",
        r#"{ "trip": [{ "time": "5s", "failure_rate": 40, "min_calls": 10 }] }"#,
    );
    let found = told(&[
        "--config",
        &three,
        "--preset",
        "gobreaker",
        "--config",
        &rate,
    ]);
    let wanted = [
        ("gobreaker", "6 failures in a row"),
        ("three", "3 failures in a row"),
        ("rate", "20 of 50 calls failed, threshold 40 %"),
    ];
    assert_eq!(
        found,
        wanted.map(|(name, why)| (name.to_owned(), why.to_owned()))
    );
}

#[test]
fn one_file_is_replayed_alone() {
    let four = file("four.toml", "trip = [{ consecutive_failures = 4 }]\n");
    let found = told(&["--config", &four]);
    assert_eq!(
        found,
        [("four".to_owned(), "4 failures in a row".to_owned())]
    );
}

#[test]
fn files_of_the_same_name_are_told_apart_by_their_paths() {
    let old = file(
        "old/payments.toml",
        "trip = [{ consecutive_failures = 4 }]\n",
    );
    let new = file(
        "new/payments.toml",
        "trip = [{ consecutive_failures = 5 }]\n",
    );
    let names: Vec<_> = told(&["--config", &old, "--config", &new])
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, [old, new]);
}

#[test]
fn a_file_that_is_wrong_is_named_with_what_is_wrong_in_it() {
    let zero = file("zero.toml", "trip = [{ consecutive_failures = 0 }]\n");
    let error = refused(&["--config", &zero], &log());
    assert!(
        error.contains("zero.toml: ") && error.contains("`trip[0].consecutive_failures` is 0"),
        "{error}"
    );
    let unknown = file("unknown.toml", "trip = [{ consecutive = 3 }]\n");
    let error = refused(&["--config", &unknown], &log());
    assert!(
        error.contains("unknown.toml: ") && error.contains("`trip[0].consecutive` is no setting"),
        "{error}"
    );
    let error = refused(&["--config", "/nowhere.toml"], &log());
    assert!(error.contains("/nowhere.toml: "), "{error}");
}
