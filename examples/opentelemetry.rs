//! The breaker in OpenTelemetry, by way of the bridges that others keep: transitions and rejections are events of the span
//! of the call that made them, metrics are instruments of a meter. What would go to a collector is kept in memory here, and
//! shown.

use breaker_layer::{
    BoxError, Circuit, Error, Trip,
    observe::{Metrics, Tracing},
};
use metrics_exporter_otel::OpenTelemetryRecorder;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn main() -> Result<(), BoxError> {
    let spans = InMemorySpanExporter::default();
    let tracers = SdkTracerProvider::builder()
        .with_simple_exporter(spans.clone())
        .build();
    tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(tracers.tracer("shop")))
        .init();
    let measured = InMemoryMetricExporter::default();
    let meters = SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(measured.clone()).build())
        .build();
    let metrics = Metrics::recording_to(OpenTelemetryRecorder::new(meters.meter("shop")));

    let circuit = Circuit::builder("payments")
        .trip(Trip::consecutive_failures(2))
        .observe(Tracing::new())
        .observe(metrics.clone())
        .build()?;
    let pay = || circuit.call(|| Err::<(), _>(std::io::Error::other("no route")));
    tracing::info_span!("checkout").in_scope(|| {
        assert!(matches!(pay(), Err(Error::Inner(_))));
        assert!(matches!(pay(), Err(Error::Inner(_))));
        assert!(matches!(pay(), Err(Error::Rejected(_))));
    });

    let spans = spans.get_finished_spans()?;
    let mut events = spans.iter().flat_map(|span| &span.events.events);
    for event in events.clone() {
        println!("{}", event.name);
        for attribute in &event.attributes {
            println!("    {} = {}", attribute.key, attribute.value);
        }
    }
    let (opened, rejected) = (
        events.next().ok_or("no event")?,
        events.next().ok_or("one event")?,
    );
    assert!(
        opened
            .name
            .starts_with("payments: closed -> open, 2 failures in a row")
    );
    let attribute = |key: &str| {
        let mut attributes = rejected.attributes.iter();
        let found = attributes.find(|attribute| attribute.key.as_str() == key);
        found.map(|attribute| attribute.value.to_string())
    };
    assert_eq!(attribute("error.type").as_deref(), Some("circuit_open"));
    assert_eq!(attribute("circuit.name").as_deref(), Some("payments"));

    metrics.collect();
    meters.force_flush()?;
    let mut state = None;
    for resource in measured.get_finished_metrics()? {
        for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
            println!("{}: {}", metric.name(), metric.description());
            if let ("breaker_state", AggregatedMetrics::F64(MetricData::Gauge(gauge))) =
                (metric.name(), metric.data())
            {
                state = gauge.data_points().next().map(|point| point.value());
            }
        }
    }
    assert_eq!(state, Some(2.0), "open");
    Ok(())
}
