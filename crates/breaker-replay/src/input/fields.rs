//! What a line says, before anybody has understood it.

use std::borrow::Cow;

/// The fields that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Time,
    /// The time of day, where the date stands apart.
    Clock,
    /// What has a circuit of its own; up to three names together.
    Service,
    Service2,
    Service3,
    /// Of the upstream; a list where several were asked.
    Status,
    /// Of the answer to the client.
    Front,
    Ok,
    Duration,
    /// Why a proxy has given up.
    Flags,
    Grpc,
    Client,
    /// Where other lines are no calls.
    Only,
    Only2,
}

const FIELDS: usize = Field::Only2 as usize + 1;

/// The values of one line.
#[derive(Debug, PartialEq)]
pub(crate) struct Fields<'a> {
    values: [Value<'a>; FIELDS],
    ranks: [u8; FIELDS],
    /// A bit for each field that is there, if it says nothing.
    there: u16,
}

/// A value as it stands in a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value<'a> {
    /// Not there.
    #[default]
    Missing,
    /// There, and saying that there is none.
    Nothing,
    Text(Cow<'a, [u8]>),
    Number(f64),
    Bool(bool),
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self {
            values: [const { Value::Missing }; FIELDS],
            ranks: [u8::MAX; FIELDS],
            there: 0,
        }
    }
}

impl<'a> Fields<'a> {
    /// Keeps the value that says something and has the least rank.
    #[inline]
    pub(crate) fn set(&mut self, Slot { field, rank }: Slot, value: Value<'a>) {
        let place = field as usize;
        self.there |= 1 << place;
        let is_better = match (&self.values[place], &value) {
            (Value::Missing, _) => true,
            (_, Value::Missing) => false,
            (Value::Nothing, _) => true,
            (_, Value::Nothing) => false,
            _ => rank < self.ranks[place],
        };
        if is_better {
            (self.values[place], self.ranks[place]) = (value, rank);
        }
    }

    pub(crate) const fn get(&self, field: Field) -> &Value<'a> {
        &self.values[field as usize]
    }
}

impl Fields<'_> {
    /// A bit for each field that is there.
    pub(crate) const fn there(&self) -> u16 {
        self.there
    }

    /// Which of a field's names its value has.
    pub(crate) const fn rank(&self, field: Field) -> u8 {
        self.ranks[field as usize]
    }
}

impl<'a> Value<'a> {
    /// Text, where nothing or a lone dash says that there is none.
    pub(crate) const fn text(text: &'a [u8]) -> Self {
        match text {
            b"" | b"-" => Self::Nothing,
            _ => Self::Text(Cow::Borrowed(text)),
        }
    }

    /// Whether it says nothing.
    pub(crate) const fn is_none(&self) -> bool {
        matches!(self, Self::Missing | Self::Nothing)
    }
}

/// A field that a name stands for; of several names the one with the least rank counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) field: Field,
    pub(crate) rank: u8,
}

/// What names stand for. A name may stand for several fields, and a field have several names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Vec<(String, Slot)>);

impl Names {
    /// These names stand for a field, the first ones before the others.
    pub(crate) fn add(&mut self, field: Field, names: &[String]) {
        let ranked = (0..).zip(names);
        self.0
            .extend(ranked.map(|(rank, name)| (name.clone(), Slot { field, rank })));
    }

    /// The fields of a name.
    pub(crate) fn slots(&self, name: &[u8]) -> Vec<Slot> {
        let known = self.0.iter().filter(|(known, _)| known.as_bytes() == name);
        known.map(|(_, slot)| *slot).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Slot)> {
        self.0.iter().map(|(name, slot)| (name.as_str(), *slot))
    }
}
