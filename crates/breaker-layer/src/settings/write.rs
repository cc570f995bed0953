//! From a configuration to what stands in a file.

use breaker_core::{Config, Value};

use super::tree::Tree;

/// Every setting, those with their defaults too.
pub(super) fn tree(config: &Config) -> Tree {
    let mut tree = Tree::Map(Vec::new());
    config.each_setting(|setting| {
        let mut place = tree.member(setting.section());
        if let Some(rule) = setting.rule() {
            place = place.item(rule);
        }
        for part in setting.name().split('.').filter(|part| !part.is_empty()) {
            place = place.member(part);
        }
        *place = value(setting.value());
    });
    tree
}

fn value(value: Value) -> Tree {
    match value {
        Value::Count(count) => Tree::Count(count),
        Value::Span(span) => Tree::text(humantime::format_duration(span)),
        Value::Number(number) => Tree::Number(number),
        Value::Flag(flag) => Tree::Flag(flag),
        other => Tree::text(other),
    }
}

/// A share as it was meant, without the noise of a multiplication.
pub(super) fn share(percent: f64) -> String {
    format!("{}%", (percent * 1e6).round() / 1e6)
}
