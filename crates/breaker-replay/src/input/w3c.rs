//! W3C's extended log format, as IIS and CloudFront write it: `#Fields` says what the columns are, and may come again.

use super::{
    cutter::Cut,
    fields::{Fields, Names, Slot, Value},
};

/// Reads lines under `#Fields`.
#[derive(Clone, Debug)]
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

    /// Puts what a line says into the fields, unless it says something about those that follow.
    ///
    /// # Errors
    ///
    /// Where it has not as many columns as `#Fields`.
    pub(crate) fn cut<'a>(
        &mut self,
        line: &'a [u8],
        fields: &mut Fields<'a>,
    ) -> Result<Cut, String> {
        if let Some(directive) = line.strip_prefix(b"#") {
            let is_new = directive
                .strip_prefix(b"Fields:")
                .is_some_and(|fields| self.learn(fields));
            return Ok(if is_new { Cut::Header } else { Cut::Nothing });
        }
        let separator = if line.contains(&b'\t') { b'\t' } else { b' ' };
        let values = line.split(|byte| *byte == separator);
        let mut count = 0;
        for ((_, slots), value) in self.columns.iter().zip(values.clone()) {
            count += 1;
            for slot in slots {
                fields.set(*slot, Value::text(value));
            }
        }
        let is_whole = count == self.columns.len() && values.count() == count && count > 0;
        is_whole
            .then_some(Cut::One { is_just: true })
            .ok_or_else(|| "it has not as many columns as #Fields says".to_owned())
    }

    /// Whether there were other columns before.
    fn learn(&mut self, fields: &[u8]) -> bool {
        let names = fields.split(u8::is_ascii_whitespace);
        let names = names.filter(|name| !name.is_empty());
        let column = |name: &[u8]| {
            let text = String::from_utf8_lossy(name).into_owned();
            (text, self.names.slots(name))
        };
        let columns: Vec<_> = names.map(column).collect();
        let is_new = !self.columns.is_empty() && self.columns != columns;
        self.columns = columns;
        is_new
    }
}
