//! Text to members, in one pass: the body of an envelope is read where it stands.

use std::fmt;
use std::str;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::Fault;
use super::members::{Member, Members};
use crate::frame::Position;

/// Reads the message that stands at `at`: its members, and whether its body is an object, if it has one.
///
/// # Errors
///
/// If it is no JSON: where, and why.
pub(super) fn parse(object: &[u8], at: Position) -> Result<(Members<'_>, bool), Fault> {
    let fault = |place: Position, what: &str| Fault::malformed_request(format!("{place}: {what}"));
    let text = str::from_utf8(object).map_err(|error| {
        fault(
            at.after(&object[..error.valid_up_to()]),
            "the text is not UTF-8",
        )
    })?;
    members(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = error.to_string();
        let what = what.strip_suffix(&format!(" at line {line} column {column}"));
        fault(
            at.within(line, column),
            what.unwrap_or("the text is not JSON"),
        )
    })
}

fn members(text: &str) -> serde_json::Result<(Members<'_>, bool)> {
    let (mut members, mut body) = (Members::default(), Members::default());
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let message = Fill {
        members: &mut members,
        body: Some(&mut body),
    };
    let is_object = message.deserialize(&mut deserializer)?;
    deserializer.end()?;
    if members.has(Member::Body) {
        body.take_envelope(&members);
        Ok((body, is_object))
    } else {
        members.take_envelope(&Members::default());
        Ok((members, is_object))
    }
}

/// Where the members of an object go, and those of its body. The body has no body of its own.
struct Fill<'m, 'a> {
    members: &'m mut Members<'a>,
    body: Option<&'m mut Members<'a>>,
}

impl<'de> DeserializeSeed<'de> for Fill<'_, 'de> {
    /// Whether it was an object.
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fill<'_, 'de> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let Self { members, mut body } = self;
        let mut is_object = true;
        while let Some(Name(name)) = map.next_key()? {
            match (name, &mut body) {
                (None, _) => drop(map.next_value::<IgnoredAny>()?),
                (Some(Member::Body), Some(body)) => {
                    is_object &= map.next_value_seed(Fill {
                        members: body,
                        body: None,
                    })?;
                    members.add(Member::Body, None);
                }
                (Some(member), _) => members.add(member, Some(map.next_value()?)),
            }
        }
        Ok(is_object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

/// The member of this name, if the node knows it.
struct Name(Option<Member>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(Name(Member::named(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_its_place_in_the_input() {
        let at = Position {
            line: 7,
            column: 11,
        };
        let error = |text: &[u8]| parse(text, at).unwrap_err().error;
        assert_eq!(error(b"{x}"), "line 7, column 12: key must be a string");
        assert_eq!(error(b"{\n\"x\": }"), "line 8, column 6: expected value");
        assert_eq!(
            error(b"{\"\xff\"}"),
            "line 7, column 13: the text is not UTF-8"
        );
        assert_eq!(
            error(b"{\n\"\xff\"}"),
            "line 8, column 2: the text is not UTF-8"
        );
    }

    #[test]
    fn text_behind_the_object_is_an_error() {
        assert!(parse(b"{} ", Position::START).is_ok());
        assert!(parse(b"{}{}", Position::START).is_err());
    }
}
