//! Lines of plain text, after a template such as nginx's `log_format`.

use memchr::memchr_iter;

use super::{
    fields::{Fields, Slot, Value},
    shape::Shape,
};

/// A template, taken apart.
pub(crate) struct Template {
    /// What the line begins with.
    start: Vec<u8>,
    parts: Vec<Part>,
}

/// A variable and the text after it.
struct Part {
    name: String,
    slots: Vec<Slot>,
    shape: Option<Shape>,
    after: Vec<u8>,
}

impl Template {
    /// Takes a template apart, in which `$name` or `${name}` is a variable; `meaning` says what a variable stands for and looks like.
    ///
    /// # Errors
    ///
    /// Where two variables follow one another with nothing between.
    pub(crate) fn new(
        template: &str,
        meaning: impl Fn(&str) -> (Vec<Slot>, Option<Shape>),
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
            let (slots, shape) = meaning(name);
            parts.push(Part {
                name: name.to_owned(),
                slots,
                shape,
                after: after.into(),
            });
        }
        Ok(Self { start, parts })
    }

    /// The names of its variables.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.name.as_str())
    }

    /// Puts what a line says into the fields. What the template has at its end may be missing; whether it has all of it, in its
    /// shapes, and no more.
    pub(crate) fn fields<'a>(&self, line: &'a [u8], fields: &mut Fields<'a>) -> Option<bool> {
        let mut rest = line.strip_prefix(&self.start[..])?;
        let mut is_just = true;
        for part in &self.parts {
            let (value, after) = part.split(rest);
            for slot in &part.slots {
                fields.set(*slot, Value::text(value));
            }
            is_just &= part.shape.is_none_or(|shape| shape.fits(value));
            rest = match after {
                Some(after) => after,
                None if part.after.is_empty() => b"",
                None => return Some(false),
            };
        }
        Some(is_just && rest.is_empty())
    }
}

impl Part {
    /// The value that the line goes on with, and what follows.
    fn split<'a>(&self, line: &'a [u8]) -> (&'a [u8], Option<&'a [u8]>) {
        let Some((first, others)) = self.after.split_first() else {
            return (line, None);
        };
        for at in memchr_iter(*first, line) {
            let (value, rest) = (&line[..at], &line[at + 1..]);
            let after = match others {
                [] => Some(rest),
                _ => rest.strip_prefix(others),
            };
            if let Some(after) = after
                && !is_inside(*first, value, rest)
            {
                return (value, Some(after));
            }
        }
        // The last value of a line that has not all of them, without what would have closed it.
        let value = match first {
            b'"' | b']' => line.strip_suffix(&[*first]).unwrap_or(line),
            _ => line,
        };
        (value, None)
    }
}

/// Whether what looks like the end of a value belongs to it: a quote that is escaped, or a blank in a list such as nginx writes
/// where it has asked several upstreams.
fn is_inside(end: u8, before: &[u8], after: &[u8]) -> bool {
    match end {
        b'"' => {
            let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
            backslashes.count() % 2 == 1
        }
        b' ' => {
            matches!(before, [.., b','] | [.., b' ', b':']) || matches!(after, [b':', b' ', ..])
        }
        _ => false,
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
