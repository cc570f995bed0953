//! Lines of plain text, after a template such as nginx's `log_format`.

use memchr::memmem::Finder;

use super::fields::{Field, Fields, Value};

/// nginx's combined format, and upstream fields that may follow.
pub(crate) const COMBINED: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time $upstream_addr $upstream_status $upstream_response_time"#;

/// Envoy's default format.
pub(crate) const ENVOY: &str = r#"[$start_time] "$request" $response_code $response_flags $bytes_received $bytes_sent $duration $upstream_service_time "$forwarded_for" "$user_agent" "$request_id" "$authority" "$upstream_host""#;

/// A template, taken apart.
pub(crate) struct Template {
    /// What the line begins with.
    start: Vec<u8>,
    parts: Vec<Part>,
}

/// A variable and the text after it.
struct Part {
    field: Option<Field>,
    after: Vec<u8>,
    finder: Finder<'static>,
}

impl Template {
    /// Takes a template apart, in which `$name` or `${name}` is a variable; `field` says what a variable means.
    ///
    /// # Errors
    ///
    /// Where two variables follow one another with nothing between.
    pub(crate) fn new(
        template: &str,
        field: impl Fn(&str) -> Option<Field>,
    ) -> Result<Self, String> {
        let mut pieces = template.trim_end().split('$');
        let start = pieces.next().unwrap_or_default().into();
        let mut parts = vec![];
        for piece in pieces {
            let (name, after) = cut(piece);
            if let Some(Part { after, .. }) = parts.last()
                && after.is_empty()
            {
                return Err(format!(
                    "nothing stands before `${name}` to tell where it begins"
                ));
            }
            parts.push(Part {
                field: field(name),
                after: after.into(),
                finder: Finder::new(after).into_owned(),
            });
        }
        Ok(Self { start, parts })
    }

    /// Whether a variable of the template means this.
    pub(crate) fn has(&self, field: Field) -> bool {
        self.parts.iter().any(|part| part.field == Some(field))
    }

    /// The fields of a line. What the template has at its end may be missing.
    pub(crate) fn fields<'a>(&self, line: &'a [u8]) -> Option<Fields<'a>> {
        let mut fields = Fields::default();
        let mut rest = line.strip_prefix(&self.start[..])?;
        for part in &self.parts {
            let (value, after) = part.split(rest);
            if let Some(field) = part.field {
                fields.set(field, Value::text(value));
            }
            match after {
                Some(after) => rest = after,
                None => break,
            }
        }
        Some(fields)
    }
}

impl Part {
    /// The value that the line goes on with, and what follows.
    fn split<'a>(&self, line: &'a [u8]) -> (&'a [u8], Option<&'a [u8]>) {
        if self.after.is_empty() {
            return (line, None);
        }
        for at in self.finder.find_iter(line) {
            if !self.is_inside(line, at) {
                return (&line[..at], Some(&line[at + self.after.len()..]));
            }
        }
        // The last value of a line that has not all of them, without what would have closed it.
        let value = match self.after.first() {
            Some(quote @ (b'"' | b']')) => line.strip_suffix(&[*quote]).unwrap_or(line),
            _ => line,
        };
        (value, None)
    }

    /// Whether what looks like the end of the value belongs to it: a quote that is escaped, or a blank in a list such as
    /// nginx writes where it has asked several upstreams.
    fn is_inside(&self, line: &[u8], at: usize) -> bool {
        let before = &line[..at];
        match self.after.first() {
            Some(b'"') => {
                let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
                backslashes.count() % 2 == 1
            }
            Some(b' ') => {
                before.ends_with(b",") || before.ends_with(b" :") || line[at..].starts_with(b" : ")
            }
            _ => false,
        }
    }
}

/// A variable's name, and the text after it.
fn cut(piece: &str) -> (&str, &str) {
    if let Some((name, after)) = piece
        .strip_prefix('{')
        .and_then(|piece| piece.split_once('}'))
    {
        return (name, after);
    }
    let end = piece
        .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .unwrap_or(piece.len());
    piece.split_at(end)
}
