//! OpenTelemetry's spans, as OTLP JSON: a line has many.

use std::borrow::Cow;

use serde::de::Error;
use serde_json::Value as Json;

use super::fields::{Field, Fields, Names, Slot, Value};

/// What a line may have; a file of a collector's may have all of them.
const EXPORTED: [&str; 6] = [
    "resourceSpans",
    "resource_spans",
    "resourceLogs",
    "resource_logs",
    "resourceMetrics",
    "resource_metrics",
];
/// The kind of a span that is a call to another service.
const CLIENT: [&str; 2] = ["3", "SPAN_KIND_CLIENT"];
/// The status of a span that failed.
const ERROR: [&str; 2] = ["2", "STATUS_CODE_ERROR"];

/// The fields of each client span.
///
/// # Errors
///
/// Where the line is no JSON, or none of OpenTelemetry's.
pub(crate) fn spans(line: &[u8], names: &Names) -> Result<Vec<Fields<'static>>, serde_json::Error> {
    let whole: Json = serde_json::from_slice(line)?;
    if !EXPORTED.iter().any(|name| whole.get(name).is_some()) {
        return Err(serde_json::Error::custom("it has no `resourceSpans`"));
    }
    let resources = list(&whole, ["resourceSpans", "resource_spans"]);
    let scopes = resources.flat_map(|one| list(one, ["scopeSpans", "scope_spans"]));
    let spans = scopes.flat_map(|scope| list(scope, ["spans", "spans"]));
    let clients = spans.filter(|span| is_one(&span["kind"], CLIENT));
    Ok(clients.map(|span| fields(span, names)).collect())
}

fn list<'v>(value: &'v Json, names: [&str; 2]) -> impl Iterator<Item = &'v Json> {
    let found = names
        .into_iter()
        .find_map(|name| value.get(name)?.as_array());
    found.into_iter().flatten()
}

fn fields(span: &Json, names: &Names) -> Fields<'static> {
    let mut fields = Fields::default();
    let mut set = |name: &str, value: &Value<'static>| {
        for slot in names.slots(name.as_bytes()) {
            fields.set(slot, value.clone());
        }
    };
    for (name, value) in span.as_object().into_iter().flatten() {
        set(name, &scalar(value));
    }
    for attribute in list(span, ["attributes", "attributes"]) {
        let inner = attribute["value"].as_object();
        if let (Some(name), Some((_, value))) = (
            attribute["key"].as_str(),
            inner.and_then(|one| one.iter().next()),
        ) {
            set(name, &scalar(value));
        }
    }
    let time = |name: &str| number(&span[name]);
    if let (Some(start), Some(end)) = (time("startTimeUnixNano"), time("endTimeUnixNano")) {
        set("duration", &Value::Number(end.saturating_sub(start) as f64));
    }
    // Where no status came back, the span says how it went.
    if fields.get(Field::Status).is_none() && fields.get(Field::Grpc).is_none() {
        let slot = Slot {
            field: Field::Ok,
            rank: 0,
        };
        fields.set(slot, Value::Bool(!is_one(&span["status"]["code"], ERROR)));
    }
    fields
}

fn scalar(value: &Json) -> Value<'static> {
    match value {
        Json::String(text) if !text.is_empty() => Value::Text(Cow::Owned(text.clone().into())),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
        Json::Bool(is) => Value::Bool(*is),
        _ => Value::Nothing,
    }
}

fn is_one(value: &Json, of: [&str; 2]) -> bool {
    match value {
        Json::String(text) => of.contains(&text.as_str()),
        Json::Number(number) => of.contains(&number.to_string().as_str()),
        _ => false,
    }
}

fn number(value: &Json) -> Option<u64> {
    match value {
        Json::String(text) => text.parse().ok(),
        value => value.as_u64(),
    }
}
