//! W3C's extended log format, as IIS and CloudFront write it: `#Fields` says what the columns are, and may come again.

use super::fields::{Fields, Names, Slot, Value};

/// Reads lines under `#Fields`.
pub(crate) struct W3c {
    names: Names,
    columns: Vec<(String, Vec<Slot>)>,
}

impl W3c {
    pub(crate) const fn new(names: Names) -> Self {
        Self {
            names,
            columns: vec![],
        }
    }

    /// What the columns are called.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// The fields of a line; none of one that says something about those that follow.
    ///
    /// # Errors
    ///
    /// Where it has not as many columns as `#Fields`.
    pub(crate) fn cut<'a>(&mut self, line: &'a [u8]) -> Result<Option<Fields<'a>>, String> {
        if let Some(directive) = line.strip_prefix(b"#") {
            if let Some(fields) = directive.strip_prefix(b"Fields:") {
                self.learn(fields);
            }
            return Ok(None);
        }
        let separator = if line.contains(&b'\t') { b'\t' } else { b' ' };
        let values = line.split(|byte| *byte == separator);
        let (mut fields, mut count) = (Fields::default(), 0);
        for ((_, slots), value) in self.columns.iter().zip(values.clone()) {
            count += 1;
            for slot in slots {
                fields.set(*slot, Value::text(value));
            }
        }
        let is_whole = count == self.columns.len() && values.count() == count && count > 0;
        is_whole
            .then_some(Some(fields))
            .ok_or_else(|| "it has not as many columns as #Fields says".to_owned())
    }

    fn learn(&mut self, fields: &[u8]) {
        let names = fields.split(u8::is_ascii_whitespace);
        let names = names.filter(|name| !name.is_empty());
        let column = |name: &[u8]| {
            let text = String::from_utf8_lossy(name).into_owned();
            (text, self.names.slots(name))
        };
        self.columns = names.map(column).collect();
    }
}
