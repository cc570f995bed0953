use std::time::Duration;

use breaker_core::{Cancelled, Mode, OpenTime, Percent, Probes, Ramp, Trip, Window, presets};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(json: &str) -> Result<Config, String> {
    let settings = serde_json::from_str::<Settings>(json).map_err(|error| {
        let text = error.to_string();
        // Where it stands in the text, which is that of the whole.
        text.split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned()
    })?;
    Ok(settings.config())
}

fn of(value: Value) -> Result<Config, String> {
    read(&value.to_string())
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn nothing_said_is_the_default() {
    assert_eq!(read("{}"), Ok(Config::new()));
    assert_eq!(read("null"), Ok(Config::new()));
}

#[test]
fn a_file_says_what_the_builder_says() {
    let json = r#"{
        "trip": [
            { "evidence": { "tolerated": 20, "intolerable": "60%", "calls_per_false_trip": 1e6 } },
            { "consecutive_failures": 9 },
            { "calls": 50, "failure_rate": "40 %", "slow_rate": "0.5%", "min_calls": 10 },
            { "time": "1m 30s", "buckets": 6, "failures": 30 }
        ],
        "open_time": { "kind": "probe_share", "share": "0.5%", "not_before": "100ms", "certain_after": "10s", "jitter": 5, "longest_asked": "2m" },
        "probes": { "live": 2, "successes": 3, "out_of": 5, "slow_rate": 50, "timeout": "4s" },
        "ramp": { "from": 10, "to": 500 },
        "slow_after": "750ms",
        "cancelled": { "failure_after": 40 },
        "panic_is_failure": "false",
        "count_calls": true,
        "mode": "observe_only"
    }"#;
    let calls = Window::calls(50);
    let said = Config::new()
        .trip(Trip::any_of([
            Trip::evidence(Percent(20.0), Percent(60.0), 1_000_000),
            Trip::consecutive_failures(9),
            Trip::failure_rate(Percent(40.0), calls).min_calls(10),
            Trip::slow_rate(Percent(0.5), calls)
                .min_calls(10)
                .with_tiny_rates(),
            Trip::failures(30, Window::time(90 * SECOND).buckets(6)),
        ]))
        .open_time(
            OpenTime::probe_share(Percent(0.5), Duration::from_millis(100), 10 * SECOND)
                .jitter(Percent(5.0))
                .longest_asked(120 * SECOND),
        )
        .probes(
            Probes::new(2)
                .successes(3)
                .out_of(5)
                .slow_rate(Percent(50.0))
                .timeout(4 * SECOND),
        )
        .ramp(Ramp::new(10, 500))
        .slow_after(Duration::from_millis(750))
        .cancelled(Cancelled::FailureAfter(40))
        .panic_is_failure(false)
        .count_calls(true)
        .mode(Mode::ObserveOnly);
    assert_eq!(read(json), Ok(said));
}

#[test]
fn the_same_in_toml() {
    let text = r#"
        slow_after = "2s"
        [[trip]]
        consecutive_failures = 9
        [[trip]]
        time = "30s"
        slow_rate = "50%"
        [open_time]
        kind = "fixed"
        wait = "5s"
    "#;
    let settings: Settings = toml::from_str(text).unwrap();
    let said = Config::new()
        .trip(Trip::any_of([
            Trip::consecutive_failures(9),
            Trip::slow_rate(Percent(50.0), Window::time(30 * SECOND)),
        ]))
        .open_time(OpenTime::fixed(5 * SECOND))
        .slow_after(2 * SECOND);
    assert_eq!(settings.config(), said);
    let written = toml::to_string(&settings).unwrap();
    assert_eq!(toml::from_str::<Settings>(&written).unwrap(), settings);
}

#[test]
fn what_is_left_out_of_evidence_or_of_a_probe_share_has_its_own_default() {
    let evidence = |value: Value| of(json!({ "trip": [{ "evidence": value }] }));
    let said = |tolerated, calls| {
        Ok(Config::new().trip(Trip::evidence(Percent(tolerated), Percent(70.0), calls)))
    };
    assert_eq!(evidence(json!({})), Ok(Config::new()));
    assert_eq!(evidence(json!({ "tolerated": "10%" })), said(10.0, 162_755));
    assert_eq!(
        evidence(json!({ "calls_per_false_trip": 1000 })),
        said(30.0, 1000)
    );
    let share = json!({ "open_time": { "kind": "probe_share", "share": "5%" } });
    let said = OpenTime::probe_share(Percent(5.0), SECOND / 4, 30 * SECOND);
    assert_eq!(of(share), Ok(Config::new().open_time(said)));
    assert_eq!(
        of(json!({ "open_time": { "jitter": "50%" } })),
        Ok(Config::new().open_time(OpenTime::default().jitter(Percent(50.0))))
    );
}

/// Whether anything that compiles and reads could leave a circuit that never trips, without saying `never`.
#[test]
fn no_rule_is_an_error_or_the_default_and_never_a_circuit_that_cannot_trip() {
    for nothing in [
        json!({ "trip": null }),
        json!({}),
        json!({ "preset": "default", "trip": null }),
    ] {
        assert_eq!(of(nothing), Ok(Config::new()));
    }
    let takes = "but takes a list of rules such as [{ consecutive_failures = 5 }], or \"never\"";
    for (trip, is) in [
        (json!({}), "an empty map"),
        (json!([]), "an empty list"),
        (json!({ "windows": [] }), "a map"),
        (json!({ "consecutive_failures": 5 }), "a map"),
        (json!("always"), "\"always\""),
        (json!(5), "5"),
        (json!(false), "false"),
    ] {
        let error = of(json!({ "trip": trip })).unwrap_err();
        assert_eq!(error, format!("`trip` is {is}, {takes}"));
    }
    let one_of = "one of `consecutive_failures`, `evidence`, `calls` and `time`";
    for rule in [json!({}), json!({ "consecutive_failures": null })] {
        let error = of(json!({ "trip": [rule] })).unwrap_err();
        assert_eq!(error, format!("`trip[0]` takes {one_of}"));
    }
    assert_eq!(
        of(json!({ "trip": [null] })),
        Err(format!("`trip[0]` takes a rule: {one_of}"))
    );
    assert_eq!(
        of(json!({ "trip": [{ "calls": 10 }] })),
        Err("`trip[0]` takes at least one of `failure_rate`, `failures` and `slow_rate`".into())
    );
    assert_eq!(
        of(json!({ "trip": "never" })),
        Ok(Config::new().trip(Trip::never()))
    );
}

#[test]
fn a_null_is_absence_everywhere() {
    let full: Value = serde_json::to_value(Settings::from(
        presets::resilience4j().ramp(Ramp::new(1, 9)),
    ))
    .unwrap();
    let members: Vec<_> = full.as_object().unwrap().keys().cloned().collect();
    for member in members {
        let (mut without, mut null) = (full.clone(), full.clone());
        without.as_object_mut().unwrap().remove(&member);
        null[&member] = Value::Null;
        assert_eq!(of(null), of(without), "{member}");
        let Some(inner) = full[&member].as_object() else {
            continue;
        };
        for name in inner.keys() {
            let (mut without, mut null) = (full.clone(), full.clone());
            without[&member].as_object_mut().unwrap().remove(name);
            null[&member][name] = Value::Null;
            assert_eq!(of(null), of(without), "{member}.{name}");
        }
    }
}

#[test]
fn a_sequence_is_no_settings() {
    for (value, path) in [
        (json!([]), "settings"),
        (json!([1, 2]), "settings"),
        (json!({ "open_time": ["fixed", "5s"] }), "open_time"),
        (json!({ "probes": [1, 2, 3] }), "probes"),
        (json!({ "ramp": [10, 500] }), "ramp"),
        (json!({ "trip": [[5]] }), "trip[0]"),
        (
            json!({ "trip": [{ "evidence": [20, 60, 1000] }] }),
            "trip[0].evidence",
        ),
        (json!({ "slow_after": ["1s"] }), "slow_after"),
        (json!({ "mode": ["disabled"] }), "mode"),
        (json!({ "preset": ["polly"] }), "preset"),
    ] {
        let error = of(value).unwrap_err();
        assert!(error.starts_with(&format!("`{path}` ")), "{error}");
    }
    let error = serde_json::from_str::<Table>("[]").unwrap_err().to_string();
    assert!(error.starts_with("`settings` is an empty list"), "{error}");
}

#[test]
fn a_fault_names_the_path_of_the_file_and_the_value_of_the_file() {
    for (value, text) in [
        (
            json!({ "trip": [{ "consecutive_failures": 0 }] }),
            "`trip[0].consecutive_failures` is 0, but takes a number from 1 to 4095",
        ),
        (
            json!({ "cancelled": "never" }),
            "`cancelled` is \"never\", but takes `ignored`, `failure`, or a map with `failure_after`",
        ),
        (
            json!({ "cancelled": { "failure_after": 0 } }),
            "`cancelled.failure_after` is 0, but takes a number from 1 to 4094",
        ),
        (
            json!({ "cancelled": { "failure_after": 70000 } }),
            "`cancelled.failure_after` is 70000, but takes a number from 1 to 4094",
        ),
        (
            json!({ "trip": [{ "consecutive_failures": 1e12 }] }),
            "`trip[0].consecutive_failures` is 1000000000000, but takes a number from 1 to 4095",
        ),
        (
            json!({ "trip": [{ "consecutive_failures": "many" }] }),
            "`trip[0].consecutive_failures` is \"many\", but takes a whole number",
        ),
        (
            json!({ "trip": [{ "consecutive_failures": 5 }, { "calls": 10, "failure_rate": "101%" }] }),
            "`trip[1].failure_rate` is \"101%\", but takes a rate from 1 % to 100 %",
        ),
        (
            json!({ "trip": [{ "calls": 0, "failures": 1 }] }),
            "`trip[0].calls` is 0, but takes a number of calls from 1 to 1048575",
        ),
        (
            json!({ "trip": [{ "time": "9ms", "failures": 1 }] }),
            "`trip[0].time` is \"9ms\", but takes a duration from 10 ms to one day",
        ),
        (
            json!({ "trip": [{ "calls": 10, "buckets": 3, "failures": 1 }] }),
            "`trip[0].buckets` is 3, but takes no value: a window of calls has no buckets",
        ),
        (
            json!({ "trip": [{ "consecutive_failures": 5, "min_calls": 3 }] }),
            "`trip[0].min_calls` is 3, but takes no value here: only rules over `calls` or `time` have it",
        ),
        (
            json!({ "trip": [{ "consecutive_failures": 5, "evidence": {} }] }),
            "`trip[0]` takes one of `consecutive_failures`, `evidence`, `calls` and `time`, in a rule of its own, and \
             this has consecutive_failures and evidence",
        ),
        (
            json!({ "trip": [{ "evidence": { "tolerated": "80%" } }] }),
            "`trip[0].evidence.intolerable` takes a rate above what is tolerated",
        ),
        (
            json!({ "trip": [{ "calls": 10, "failures": 3 }, { "calls": 20, "failure_rate": "50%" }] }),
            "`trip`: `window` takes one value; two rules give it different ones",
        ),
        (
            json!({ "trip": [{ "calls": 10, "slow_rate": "50%" }] }),
            "`slow_after` takes a duration, because a slow rate is asked for",
        ),
        (
            json!({ "slow_after": "soon" }),
            "`slow_after` is \"soon\", but takes a duration such as \"250ms\", \"5s\" or \"2m 30s\"",
        ),
        (
            json!({ "slow_after": 5 }),
            "`slow_after` is 5, but takes a duration such as \"250ms\", \"5s\" or \"2m 30s\"",
        ),
        (
            json!({ "open_time": { "kind": "fixed", "wait": "0s" } }),
            "`open_time.wait` is \"0s\", but takes a duration from 1 ms to 100 days",
        ),
        (
            json!({ "open_time": { "kind": "fixed" } }),
            "`open_time.wait` takes a duration such as \"250ms\", \"5s\" or \"2m 30s\"",
        ),
        (
            json!({ "open_time": { "wait": "5s" } }),
            "`open_time.kind` takes one of `fixed`, `exponential` and `probe_share`",
        ),
        (
            json!({ "open_time": { "kind": "exponential", "shortest": "2s", "longest": "1s" } }),
            "`open_time.longest` is \"1s\", but takes a duration from the shortest to 100 days",
        ),
        (
            json!({ "open_time": { "kind": "probe_share", "certain_after": "1ms" } }),
            "`open_time.certain_after` is \"1ms\", but takes a duration from the shortest to 100 days",
        ),
        (
            json!({ "probes": { "live": 256 } }),
            "`probes.live` is 256, but takes a number from 1 to 255",
        ),
        (
            json!({ "probes": { "failure_rate": "0.5%" } }),
            "`probes.failure_rate` is \"0.5%\", but takes a rate from 1 % to 100 %; did you mean \"50%\"?",
        ),
        (
            json!({ "ramp": { "from": 10 } }),
            "`ramp.to` takes a number of calls a second",
        ),
        (
            json!({ "ramp": { "from": 10, "to": 5 } }),
            "`ramp.to` is 5, but takes a number from `ramp.from` to 1000000",
        ),
        (
            json!({ "count_calls": "perhaps" }),
            "`count_calls` is \"perhaps\", but takes true or false",
        ),
        (
            json!({ "mode": "open" }),
            "`mode` is \"open\", but takes one of `normal`, `observe_only`, `disabled` and `isolated`",
        ),
        (
            json!({ "preset": "hystrix" }),
            "`preset` is \"hystrix\", but takes one of `default`, `resilience4j`, `polly`, `gobreaker` and `linkerd`",
        ),
        (
            json!({ "ramp": { "from": 1, "to": 2, "too": 3 } }),
            "`ramp.too` is no setting; here are `from` and `to`",
        ),
        (
            json!({ "trip": [{ "consecutive": 5, "consecutive_failures": 5 }] }),
            "`trip[0].consecutive` is no setting; here are `buckets`, `calls`, `consecutive_failures`, `evidence`, \
             `failure_rate`, `failures`, `min_calls`, `slow_rate` and `time`",
        ),
    ] {
        assert_eq!(of(value), Err(text.to_owned()));
    }
}

#[test]
fn a_name_that_stands_twice_is_a_fault_wherever_it_does() {
    for (json, path) in [
        (
            r#"{ "slow_after": "1s", "slow_after": "2s" }"#,
            "slow_after",
        ),
        (r#"{ "probes": { "live": 1, "live": 1 } }"#, "probes.live"),
        (
            r#"{ "trip": [{ "evidence": { "tolerated": "9%", "tolerated": "9%" } }] }"#,
            "trip[0].evidence.tolerated",
        ),
    ] {
        assert_eq!(read(json), Err(format!("`{path}` stands twice")));
    }
    let table = r#"{ "payments": {}, "payments": {} }"#;
    let error = serde_json::from_str::<Table>(table).unwrap_err();
    assert!(error.to_string().starts_with("`payments` stands twice"));
}

#[test]
fn a_rate_without_its_unit_is_per_cent_where_it_can_be_nothing_else() {
    let rate = |value: Value| of(json!({ "trip": [{ "calls": 100, "failure_rate": value }] }));
    let said = |percent| {
        let trip = Trip::failure_rate(Percent(percent), Window::calls(100));
        Config::new().trip(if percent < 1.0 {
            trip.with_tiny_rates()
        } else {
            trip
        })
    };
    for (value, percent) in [
        (json!(50), 50.0),
        (json!(1.5), 1.5),
        (json!("50"), 50.0),
        (json!("50%"), 50.0),
        (json!("0.5 %"), 0.5),
        (json!("1%"), 1.0),
    ] {
        assert_eq!(rate(value), Ok(said(percent)));
    }
    for (value, meant, said) in [
        (json!(0.5), "50%", "0.5%"),
        (json!("0.5"), "50%", "0.5%"),
        (json!(0.07), "7%", "0.07%"),
        (json!(1), "100%", "1%"),
        (json!(1.0), "100%", "1%"),
    ] {
        let error = rate(value).unwrap_err();
        let asked = format!("a rate with its unit: did you mean \"{meant}\", or \"{said}\"?");
        assert!(error.contains(&asked), "{error}");
    }
    for bad in [json!("half"), json!("%"), json!(true), json!({})] {
        let error = rate(bad).unwrap_err();
        assert!(error.ends_with("takes a rate such as \"50%\""), "{error}");
    }
}

#[test]
fn numbers_and_flags_may_be_text_as_environment_variables_give_them() {
    let text = json!({ "count_calls": "true", "probes": { "live": "2" }, "trip": [{ "consecutive_failures": " 7" }] });
    let said = Config::new()
        .count_calls(true)
        .probes(Probes::new(2))
        .trip(Trip::consecutive_failures(7));
    assert_eq!(of(text), Ok(said));
}

#[test]
fn all_faults_of_all_circuits_are_told_at_once_under_their_names() {
    let json = r#"{
        "payments": {
            "trip": [{ "consecutive_failures": 0 }, { "calls": 10, "failure_rate": 0.5, "min_calls": 11 }],
            "open_time": { "kind": "exponential", "shortest": "0s", "longest": "never", "jitter": "101%" },
            "slow_afer": "1s"
        },
        "search": { "probes": { "live": 0, "timeout": "0s" } },
        "a b.c": { "mode": 5 },
        "fine": {}
    }"#;
    let error = serde_json::from_str::<Table>(json).unwrap_err().to_string();
    let paths: Vec<_> = error
        .split("; `")
        .map(|fault| {
            fault
                .trim_start_matches("10 faults: ")
                .trim_start_matches('`')
                .split("` ")
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    let expected = [
        "payments.trip[0].consecutive_failures",
        "payments.trip[1].failure_rate",
        "payments.trip[1].min_calls",
        "payments.open_time.shortest",
        "payments.open_time.longest",
        "payments.open_time.jitter",
        "payments.slow_afer",
        "search.probes.live",
        "search.probes.timeout",
        "\"a b.c\".mode",
    ];
    for path in expected {
        assert!(paths.iter().any(|told| told == path), "{path} in {error}");
    }
    assert_eq!(paths.len(), expected.len(), "{error}");
}

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

#[test]
fn a_function_is_written_as_what_cannot_be_read() {
    let by_attempt = OpenTime::by_attempt(|_| SECOND, SECOND, 60 * SECOND);
    let written = serde_json::to_value(Settings::from(Config::new().open_time(by_attempt)));
    let written = written.unwrap();
    assert_eq!(written["open_time"]["kind"], "by_attempt");
    let error = of(written).unwrap_err();
    assert!(
        error.contains("a function is for the program to set"),
        "{error}"
    );
}

fn percent() -> impl Strategy<Value = Percent> {
    prop_oneof![1.0..=100.0, (1..=100u32).prop_map(f64::from)].prop_map(Percent)
}

fn trips() -> impl Strategy<Value = Trip> {
    let evidence = (0.1..40.0, 50.0..99.0, 2..1_000_000_000_000_000_000u64)
        .prop_map(|(p0, p1, calls)| Trip::evidence(Percent(p0), Percent(p1), calls));
    let windows = prop_oneof![
        (1..1000u32).prop_map(Window::calls),
        (10..1_000_000u64, 1..=60u32)
            .prop_map(
                |(millis, buckets)| Window::time(Duration::from_millis(millis)).buckets(buckets)
            ),
    ];
    let rates = prop_oneof![percent(), (0.001..0.999).prop_map(Percent)];
    let window = (windows, rates, percent(), prop::option::of(1..20u32))
        .prop_map(|(window, one, other, min_calls)| {
            let rules = [
                Trip::failure_rate(one, window),
                Trip::slow_rate(other, window),
                Trip::failures(1, window),
            ];
            let rules = rules.map(|rule| min_calls.map_or(rule, |calls| rule.min_calls(calls)));
            let trip = Trip::any_of(rules);
            if one.0 < 1.0 {
                trip.with_tiny_rates()
            } else {
                trip
            }
        })
        .boxed();
    let row = (1..=4095u32).prop_map(Trip::consecutive_failures);
    prop_oneof![
        Just(Trip::never()),
        row.clone(),
        evidence.clone(),
        window.clone(),
        (row, evidence, window).prop_map(|(one, two, three)| Trip::any_of([one, two, three])),
    ]
}

fn open_times() -> impl Strategy<Value = OpenTime> {
    let spans = || {
        (1..1_000_000_000u64, 1..1_000_000_000u64).prop_map(|(nanos, more)| {
            let shortest = Duration::from_millis(1) + Duration::from_nanos(nanos);
            (shortest, shortest + Duration::from_micros(more))
        })
    };
    let kinds = prop_oneof![
        spans().prop_map(|(wait, _)| OpenTime::fixed(wait)),
        (spans(), prop::option::of(1000..100_000u32)).prop_map(|((shortest, longest), factor)| {
            let open_time = OpenTime::exponential(shortest, longest);
            factor.map_or(open_time, |thousandths| {
                open_time.factor(f64::from(thousandths) / 1e3)
            })
        }),
        (spans(), 0.001..=100.0).prop_map(|((shortest, longest), share)| {
            OpenTime::probe_share(Percent(share), shortest, longest)
        }),
    ];
    let jitter = prop::option::of(prop_oneof![Just(Percent(0.0)), percent()]);
    (kinds, jitter, prop::option::of(0..1_000_000u64)).prop_map(|(open_time, jitter, asked)| {
        let open_time = jitter.map_or(open_time, |jitter| open_time.jitter(jitter));
        asked.map_or(open_time, |seconds| {
            open_time.longest_asked(Duration::from_secs(seconds))
        })
    })
}

fn configs() -> impl Strategy<Value = Config> {
    let probes = (
        1..=255u32,
        prop::option::of(1..=100u32),
        prop::option::of(100..=255u32),
        prop::option::of(percent()),
        prop::option::of(percent()),
        1..1_000_000u64,
    );
    let probes = probes.prop_map(
        |(live, successes, sample, failure_rate, slow_rate, millis)| {
            let mut probes = Probes::new(live).timeout(Duration::from_millis(millis));
            match (successes, failure_rate) {
                (Some(successes), _) => probes = probes.successes(successes),
                (None, Some(rate)) => probes = probes.failure_rate(rate),
                (None, None) => {}
            }
            probes = sample.map_or(probes, |sample| probes.out_of(sample));
            slow_rate.map_or(probes, |rate| probes.slow_rate(rate))
        },
    );
    let ramp = prop::option::of((1..1000u32, 1000..1_000_000u32));
    let cancelled = prop_oneof![
        Just(Cancelled::Ignored),
        Just(Cancelled::Failure),
        (0..5000u16).prop_map(Cancelled::FailureAfter),
    ];
    let rest = (
        cancelled,
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(&Mode::ALL[..]),
    );
    (trips(), open_times(), probes, ramp, 1..u64::MAX >> 16, rest).prop_map(
        |(trip, open_time, probes, ramp, slow_after, (cancelled, panics, counted, mode))| {
            let config = Config::new()
                .trip(trip)
                .open_time(open_time)
                .probes(probes)
                .slow_after(Duration::from_nanos(slow_after))
                .cancelled(cancelled)
                .panic_is_failure(panics)
                .count_calls(counted)
                .mode(mode);
            ramp.map_or(config, |(from, to)| config.ramp(Ramp::new(from, to)))
        },
    )
}

proptest! {
    #[test]
    fn every_configuration_that_builds_is_read_as_it_was_written(config in configs()) {
        prop_assume!(config.build().is_ok());
        let settings = Settings::from(config);
        let json = serde_json::to_string(&settings).unwrap();
        prop_assert_eq!(read(&json), Ok(config), "{}", json);
        let toml = toml::to_string(&settings).unwrap();
        prop_assert_eq!(toml::from_str::<Settings>(&toml).unwrap(), settings, "{}", toml);
    }

    /// What is read can be built: nothing is found wrong only later.
    #[test]
    fn what_is_read_builds(config in configs(), at in 0..1000usize, other in "[0-9a-z%\"{}\\[\\]]{0,3}") {
        let mut json = serde_json::to_string(&Settings::from(config)).unwrap();
        let at = at % json.len();
        json.replace_range(at..(at + 2).min(json.len()), &other);
        if let Ok(config) = read(&json) {
            prop_assert!(config.build().is_ok(), "{}", json);
        }
    }
}
