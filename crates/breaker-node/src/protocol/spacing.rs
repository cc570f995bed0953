//! The specification compares replies as text, so that their white space is a part of the protocol.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// A space after each comma and each colon.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

/// Writes a value as a line of spaced JSON.
///
/// # Errors
///
/// If `writer` fails, or if the value has a map whose keys are no text.
pub fn write_line(writer: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *writer, Spaced))?;
    writer.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_and_elements_are_spaced_and_text_stays_as_it_is() {
        let mut line = Vec::new();
        write_line(&mut line, &json!({"a": [1, {}, []], "b": {"c": "é\"\n"}})).unwrap();
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "{\"a\": [1, {}, []], \"b\": {\"c\": \"é\\\"\\n\"}}\n"
        );
    }
}
