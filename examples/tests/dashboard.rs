//! The dashboard asks for metrics and labels that are really exported, and for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use breaker_layer::keyed::KeyedCircuits;
use breaker_layer::{Circuit, Config, Outcome, Trip, clock::ManualClock, observe::Metrics};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use serde_json::Value;

/// The names of metrics, each with its labels.
type Names = BTreeMap<String, BTreeSet<String>>;

/// What is exported of a circuit and of a table of circuits that have done all there is to do.
fn exported() -> Names {
    let recovery = Matcher::Full("breaker_recovery_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(recovery, &[1.0]);
    let recorder = builder.unwrap().build_recorder();
    let page = recorder.handle();
    let metrics = Metrics::recording_to(recorder).with_keys(1);
    let clock = ManualClock::new();
    let config = Config::default()
        .trip(Trip::consecutive_failures(1))
        .slow_after(Duration::from_secs(1))
        .count_calls(true);
    let circuit = Circuit::builder("one").config(config);
    let circuit = circuit
        .clock(clock.clock())
        .observe(metrics.clone())
        .build()
        .unwrap();
    let table = KeyedCircuits::<u32>::builder("many")
        .config(config)
        .name_by(|key| key.to_string().into())
        .clock(clock.clock())
        .observe(metrics.clone())
        .build()
        .unwrap();
    for outcome in [Outcome::Success, Outcome::Ignored, Outcome::Failure] {
        circuit.try_acquire().unwrap().record(outcome);
        table.try_acquire(7).unwrap().record(outcome);
    }
    circuit.close();
    metrics.collect();

    let mut names = Names::new();
    for line in page
        .render()
        .lines()
        .filter(|line| line.starts_with("breaker_"))
    {
        let (sample, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = sample.trim_end_matches('}').split_once('{').unwrap();
        // No value of ours has a comma in it.
        let labels = labels
            .split(',')
            .map(|label| label.split_once('=').unwrap().0.to_owned());
        names.entry(name.to_owned()).or_default().extend(labels);
    }
    names
}

/// Every query of the dashboard.
fn queries() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/grafana-dashboard.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries = targets.map(|target| target["expr"].as_str().unwrap().to_owned());
    let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
    let asking = variables.filter(|variable| variable["type"] == "query");
    let asked = asking.map(|variable| variable["query"].as_str().unwrap().to_owned());
    queries.chain(asked).collect()
}

/// The words of a query, what is in quotes left out.
fn words(query: &str) -> Vec<&str> {
    let outside = query.split('"').step_by(2);
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_$".contains(letter);
    let words = outside.flat_map(|part| part.split(move |letter| !is_part(letter)));
    words.filter(|word| !word.is_empty()).collect()
}

#[test]
fn every_query_asks_for_metrics_and_labels_that_there_are() {
    let exported = exported();
    const OTHER_WORDS: [&str; 6] = [
        "max",
        "sum",
        "by",
        "rate",
        "label_values",
        "$__rate_interval",
    ];
    let queries = queries();
    assert!(queries.len() >= 10);
    for query in queries {
        let (metrics, rest): (Vec<_>, Vec<_>) = words(&query)
            .into_iter()
            .partition(|word| word.starts_with("breaker_"));
        assert!(!metrics.is_empty(), "{query}");
        for metric in metrics {
            let labels = exported.get(metric);
            let labels = labels.unwrap_or_else(|| panic!("{metric} is not exported: {query}"));
            for word in rest.iter().filter(|word| !OTHER_WORDS.contains(word)) {
                assert!(
                    labels.contains(*word),
                    "{metric} has no label {word}: {query}"
                );
            }
        }
    }
}

#[test]
fn every_metric_is_on_the_dashboard() {
    let queries = queries().join(" ");
    let asked: BTreeSet<_> = words(&queries).into_iter().collect();
    for name in exported().keys().filter(|name| !name.ends_with("_bucket")) {
        assert!(asked.contains(name.as_str()), "{name}");
    }
}
