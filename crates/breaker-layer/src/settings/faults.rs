//! What is wrong, in words.

use breaker_core::{ConfigError, Percent, Value};

use super::{tree::Tree, write};

/// What is wrong, each with its path, its value and what helps.
#[derive(Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    /// `Ok`, or all of them as one line.
    pub(super) fn result<T>(self, good: T) -> Result<T, String> {
        match self.0.len() {
            0 => Ok(good),
            1 => Err(self.0.concat()),
            count => Err(format!("{count} faults: {}", self.0.join("; "))),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn add(&mut self, fault: String) {
        self.0.push(fault);
    }

    /// What the setting at this path takes, instead of what it is.
    pub(super) fn takes(&mut self, path: &str, value: &Tree, takes: &str) {
        let text = match value {
            Tree::Nothing => format!("`{path}` takes {takes}"),
            value => format!("`{path}` is {value}, but takes {takes}"),
        };
        self.0.push(text);
    }

    /// What the core finds wrong, under the path and with the value of the file.
    pub(super) fn of_core(&mut self, path: &str, value: Option<&Tree>, fault: &ConfigError) {
        let mut takes = fault.takes().to_owned();
        if let Some(Value::Share(Percent(share))) = fault.value()
            && share > 0.0
            && share < 1.0
        {
            takes += &format!("; did you mean \"{}\"?", write::share(share * 100.0));
        }
        self.takes(path, value.unwrap_or(&Tree::Nothing), &takes);
    }
}

/// A name as a part of a path.
pub(super) fn key(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

pub(super) fn join(path: &str, name: &str) -> String {
    match (path, name) {
        ("", name) => name.to_owned(),
        (path, "") => path.to_owned(),
        (path, name) => format!("{path}.{name}"),
    }
}

pub(super) fn one_of(names: &[&str]) -> String {
    format!("one of {}", list(names, " and "))
}

pub(super) fn list(names: &[&str], last: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((end, rest)) if !rest.is_empty() => rest.join(", ") + last + end,
        _ => quoted.concat(),
    }
}
