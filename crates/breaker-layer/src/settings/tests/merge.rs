//! Several files, and presets.

use super::*;

#[test]
fn a_preset_is_what_the_others_are_said_over() {
    for (name, preset) in [
        ("default", Config::new()),
        ("resilience4j", presets::resilience4j()),
        ("polly", presets::polly()),
        ("gobreaker", presets::gobreaker()),
        ("linkerd", presets::linkerd()),
    ] {
        assert_eq!(of(json!({ "preset": name })), Ok(preset), "{name}");
        let other =
            json!({ "preset": name, "trip": [{ "consecutive_failures": 3 }], "mode": "disabled" });
        let said = preset
            .trip(Trip::consecutive_failures(3))
            .mode(Mode::Disabled);
        assert_eq!(of(other), Ok(said), "{name}");
    }
    let jitter = json!({ "preset": "linkerd", "open_time": { "jitter": "10%" } });
    let said = OpenTime::exponential(SECOND, 60 * SECOND).jitter(Percent(10.0));
    assert_eq!(of(jitter), Ok(presets::linkerd().open_time(said)));
    // Nothing is left of the other kind, its jitter neither.
    let fixed = json!({ "preset": "linkerd", "open_time": { "kind": "fixed", "wait": "5s" } });
    let said = presets::linkerd().open_time(OpenTime::fixed(5 * SECOND));
    assert_eq!(of(fixed), Ok(said));
    let successes = json!({ "preset": "resilience4j", "probes": { "live": 2, "successes": 2 } });
    let probes = Probes::new(2).successes(2).slow_rate(Percent(100.0));
    assert_eq!(of(successes), Ok(presets::resilience4j().probes(probes)));
}

/// As figment, config and the merge patch of JSON do: maps by member, all else replaced.
fn merge(base: &Value, overlay: &Value) -> Value {
    let (Value::Object(base), Value::Object(over)) = (base, overlay) else {
        return overlay.clone();
    };
    let mut merged = base.clone();
    for (name, value) in over {
        let member = merged
            .get(name)
            .map_or(value.clone(), |base| merge(base, value));
        merged.insert(name.clone(), member);
    }
    Value::Object(merged)
}

#[test]
fn an_overlay_that_chooses_another_kind_is_what_counts() {
    let choices = [
        [
            json!({ "open_time": { "kind": "fixed", "wait": "5s" } }),
            json!({ "open_time": { "kind": "exponential", "shortest": "1s", "longest": "1m", "factor": 3 } }),
            json!({ "open_time": { "kind": "probe_share", "share": "5%" } }),
        ],
        [
            json!({ "trip": [{ "consecutive_failures": 5 }] }),
            json!({ "trip": [{ "evidence": { "tolerated": "10%" } }] }),
            json!({ "trip": [{ "calls": 100, "failures": 9 }, { "time": "9s", "failures": 9 }] }),
        ],
        [
            json!({ "probes": { "kind": "successes", "live": 4, "successes": 2 } }),
            json!({ "probes": { "kind": "failure_rate", "live": 4, "failure_rate": "50%" } }),
            json!({ "probes": { "kind": "successes", "live": 4, "successes": 3 } }),
        ],
    ];
    for kinds in choices {
        for base in &kinds {
            for overlay in &kinds {
                let merged = merge(base, overlay);
                assert_eq!(of(merged), of(overlay.clone()), "{overlay} over {base}");
            }
        }
    }
    let same_kind = merge(
        &json!({ "open_time": { "kind": "exponential", "shortest": "1s", "longest": "1m" } }),
        &json!({ "open_time": { "longest": "2m" } }),
    );
    let said = OpenTime::exponential(SECOND, 120 * SECOND);
    assert_eq!(of(same_kind), Ok(Config::new().open_time(said)));
    let both = json!({ "probes": { "successes": 2, "failure_rate": "50%" } });
    assert!(of(both).unwrap_err().contains("`kind` says which it is"));
}
