//! What a file can say.

use super::*;

#[test]
fn nothing_said_is_the_default() {
    assert_eq!(read("{}"), Ok(Config::new()));
    assert_eq!(read("null"), Ok(Config::new()));
}

#[test]
fn a_file_says_what_the_builder_says() {
    let json = r#"{
        "trip": [
            { "evidence": { "tolerated": 20, "intolerable": "60%", "calls_per_false_trip": 1e6, "time_per_false_trip": "1h" } },
            { "consecutive_failures": 9 },
            { "calls": 50, "failure_rate": "40 %", "slow_rate": "0.5%", "min_calls": 10 },
            { "time": "1m 30s", "buckets": 6, "failures": 30 }
        ],
        "open_time": { "kind": "probe_share", "share": "0.5%", "not_before": "100ms", "certain_after": "10s", "relapse_within": "3s", "jitter": 5, "longest_asked": "2m" },
        "probes": { "live": 2, "successes": 3, "out_of": 5, "slow_rate": 50, "timeout": "4s", "ignored": 7 },
        "ramp": { "from": 10, "to": 500 },
        "slow_after": "750ms",
        "one_event": "2ms",
        "grace": "30s",
        "cancelled": { "failure_after": 40 },
        "panic_is_failure": "false",
        "count_calls": true,
        "mode": "observe_only"
    }"#;
    let calls = Window::calls(50);
    let said = Config::new()
        .trip(Trip::any_of([
            Trip::evidence(Percent(20.0), Percent(60.0), 1_000_000)
                .time_per_false_trip(3600 * SECOND),
            Trip::consecutive_failures(9),
            Trip::failure_rate(Percent(40.0), calls).min_calls(10),
            Trip::slow_rate(Percent(0.5), calls)
                .min_calls(10)
                .with_tiny_rates(),
            Trip::failures(30, Window::time(90 * SECOND).buckets(6)),
        ]))
        .open_time(
            OpenTime::probe_share(Percent(0.5), Duration::from_millis(100), 10 * SECOND)
                .relapse_within(3 * SECOND)
                .jitter(Percent(5.0))
                .longest_asked(120 * SECOND),
        )
        .probes(
            Probes::new(2)
                .successes(3)
                .out_of(5)
                .slow_rate(Percent(50.0))
                .timeout(4 * SECOND)
                .ignored(7),
        )
        .ramp(Ramp::new(10, 500))
        .slow_after(Duration::from_millis(750))
        .one_event(Duration::from_millis(2))
        .grace(30 * SECOND)
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
        let trip = Trip::evidence(Percent(tolerated), Percent(70.0), calls);
        Ok(Config::new().trip(trip.time_per_false_trip(1200 * SECOND)))
    };
    let only_calls = Trip::evidence(Percent(30.0), Percent(70.0), 162_755);
    assert_eq!(
        evidence(json!({ "time_per_false_trip": "none" })),
        Ok(Config::new().trip(only_calls))
    );
    assert_eq!(evidence(json!({})), Ok(Config::new()));
    assert_eq!(evidence(json!({ "tolerated": "10%" })), said(10.0, 162_755));
    assert_eq!(
        evidence(json!({ "calls_per_false_trip": 1000 })),
        said(30.0, 1000)
    );
    let share = json!({ "open_time": { "kind": "probe_share", "share": "5%" } });
    let said = OpenTime::probe_share(Percent(5.0), SECOND / 10, 60 * SECOND);
    assert_eq!(of(share), Ok(Config::new().open_time(said)));
    assert_eq!(
        of(json!({ "open_time": { "jitter": "50%" } })),
        Ok(Config::new().open_time(OpenTime::default().jitter(Percent(50.0))))
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
