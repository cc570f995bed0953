//! What is wrong in a file, and how it is told.

use super::*;

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
            json!({ "trip": [{ "consecutive_failures": 0 }] }),
            "`trip[0].consecutive_failures` is 0, but takes a number from 1 to 4095",
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
            json!({ "open_time": { "kind": "fixed", "wait": "5s", "jiter": "10%", "shortest": "1s" } }),
            "`open_time.jiter` is no setting; here are `jitter`, `kind`, `longest_asked` and `wait`",
        ),
        (
            json!({ "open_time": { "kind": "probe_share", "wiat": "5s" } }),
            "`open_time.wiat` is no setting; here are `certain_after`, `jitter`, `kind`, `longest_asked`, `not_before`, `relapse_within` and `share`",
        ),
        (
            json!({ "open_time": { "kind": "exponential", "shortest": "1s", "longest": "1m", "wait": "5s", "x": 1 } }),
            "`open_time.x` is no setting; here are `factor`, `jitter`, `kind`, `longest`, `longest_asked` and `shortest`",
        ),
        (
            json!({ "slow_after": 1e308 }),
            "`slow_after` is 1e308, but takes a duration such as \"250ms\", \"5s\" or \"2m 30s\"",
        ),
        (
            json!({ "open_time": { "kind": "exponential", "shortest": "1s", "longest": "1m", "factor": 1e-200 } }),
            "`open_time.factor` is 1e-200, but takes a number from 1 to 100",
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
