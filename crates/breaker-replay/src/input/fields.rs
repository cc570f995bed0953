//! What a line says, before anybody has understood it.

use std::borrow::Cow;

/// The fields that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Time,
    Service,
    Status,
    Ok,
    Duration,
    /// Envoy's response flags.
    Flags,
    /// Where `Status` says nothing.
    OtherStatus,
    /// Where `Duration` says nothing.
    OtherDuration,
}

const FIELDS: usize = Field::OtherDuration as usize + 1;

/// The values of one line.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fields<'a>([Value<'a>; FIELDS]);

/// A value as it stands in a log.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Value<'a> {
    #[default]
    Missing,
    Text(Cow<'a, [u8]>),
    Number(f64),
    Bool(bool),
}

impl<'a> Fields<'a> {
    pub(crate) fn set(&mut self, field: Field, value: Value<'a>) {
        self.0[field as usize] = value;
    }

    pub(crate) const fn get(&self, field: Field) -> &Value<'a> {
        &self.0[field as usize]
    }

    /// The first of these that says something.
    pub(crate) fn either(&self, first: Field, second: Field) -> &Value<'a> {
        match self.get(first) {
            Value::Missing => self.get(second),
            value => value,
        }
    }
}

impl<'a> Value<'a> {
    /// Text, where nothing or a lone dash says that there is none.
    pub(crate) fn text(text: &'a [u8]) -> Self {
        match text {
            b"" | b"-" => Self::Missing,
            _ => Self::Text(Cow::Borrowed(text)),
        }
    }
}

/// How the fields are called in JSON and CSV.
#[derive(Clone, Debug)]
pub(crate) struct Names([(Field, String); 6]);

impl Names {
    pub(crate) const fn new(names: [(Field, String); 6]) -> Self {
        Self(names)
    }

    /// The field of this name.
    pub(crate) fn field(&self, name: &[u8]) -> Option<Field> {
        self.0
            .iter()
            .find(|(_, known)| known.as_bytes() == name)
            .map(|(field, _)| *field)
    }

    /// The name of this field.
    pub(crate) fn name(&self, field: Field) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| *known == field)
            .map(|(_, name)| name.as_str())
    }
}
