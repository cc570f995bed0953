//! Settings by way of what programs read their files with: config, figment, and a parser of YAML.

use std::time::Duration;

use breaker_layer::{BoxError, Config, OpenTime, Percent, Probes, Settings, Trip, settings::Table};
use serde::Deserialize;

#[derive(Deserialize)]
struct App {
    circuits: Table,
}

const BASE: &str = r#"{ "circuits": {
    "payments": {
        "trip": [{ "consecutive_failures": 5 }],
        "open_time": { "kind": "exponential", "shortest": "1s", "longest": "1m", "jitter": "10%" },
        "count_calls": true
    },
    "Search": { "preset": "resilience4j" }
} }"#;

/// It chooses another kind of open time, adds a section, and takes one value back.
const OVERLAY: &str = r#"{ "circuits": { "payments": {
    "open_time": { "kind": "fixed", "wait": "5s" },
    "probes": { "live": 2 },
    "count_calls": null
} } }"#;

const FAULTY: &str =
    r#"{ "circuits": { "payments": { "slow_after": 5 }, "Search": { "probes": { "live": 0 } } } }"#;

fn payments() -> Config {
    let wait = OpenTime::fixed(Duration::from_secs(5)).jitter(Percent(10.0));
    Config::new()
        .trip(Trip::consecutive_failures(5))
        .open_time(wait)
        .probes(Probes::new(2))
}

#[track_caller]
fn assert_merged(read: Result<App, BoxError>) {
    let table = read.unwrap().circuits;
    assert_eq!(table.get("payments").unwrap().config(), payments());
    assert!(table.get("Search").is_some());
}

#[track_caller]
fn assert_all_faults(read: Result<App, BoxError>) {
    let error = read.err().unwrap().to_string();
    for fault in ["`payments.slow_after` is 5", "`Search.probes.live` is 0"] {
        assert!(error.contains(fault), "{error}");
    }
}

#[test]
fn config_merges_an_overlay_that_chooses_another_kind() {
    let read = |overlay| {
        use config::{Config, File, FileFormat::Json};
        let base = Config::builder().add_source(File::from_str(BASE, Json));
        let merged = base.add_source(File::from_str(overlay, Json)).build()?;
        Ok(merged.try_deserialize()?)
    };
    assert_merged(read(OVERLAY));
    assert_all_faults(read(FAULTY));
}

#[test]
fn figment_merges_an_overlay_that_chooses_another_kind() {
    let read = |overlay| {
        use figment::{
            Figment,
            providers::{Format, Json},
        };
        let base = Figment::new().merge(Json::string(BASE));
        Ok(base.merge(Json::string(overlay)).extract()?)
    };
    assert_merged(read(OVERLAY));
    assert_all_faults(read(FAULTY));
}

#[test]
fn yaml_with_anchors_and_nulls_is_read_and_written() {
    let yaml = "
usual: &usual { kind: fixed, wait: 5s, jitter: 10% }
circuits:
  payments:
    trip: [{ consecutive_failures: 5 }]
    open_time: *usual
    probes:
      live: 2
    ramp: ~
    slow_after:
  Search:
";
    assert_merged(serde_norway::from_str(yaml).map_err(BoxError::from));
    let written = serde_norway::to_string(&Settings::from(payments())).unwrap();
    let read: Settings = serde_norway::from_str(&written).unwrap();
    assert_eq!(read.config(), payments());
}
