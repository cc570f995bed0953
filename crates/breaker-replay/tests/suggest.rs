//! What `--suggest` proposes.

mod support;

use serde_json::Value;

use support::replay;

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
