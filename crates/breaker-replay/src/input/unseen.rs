//! Names that the user gave and no line has: in JSON, where no header says which there are.

use super::{
    cutter::Cutter,
    detect::Reader,
    fields::{Field, Fields, Value},
    json,
    options::Options,
};

/// Names that the user gave and no line had yet.
#[derive(Default)]
pub(crate) struct Unseen {
    names: Vec<(&'static str, String, Field)>,
    /// The names that the first object has.
    there: Vec<String>,
}

impl Unseen {
    /// Of a log that begins with these lines.
    pub(crate) fn new(options: &Options, reader: &Reader, lines: &[&[u8]]) -> Self {
        let Cutter::Json(..) = reader.cutter else {
            return Self::default();
        };
        let objects = lines.iter().filter_map(|line| reader.wrap.inside(line));
        let there = objects
            .map(|line| json::names(&line))
            .find(|names| !names.is_empty())
            .unwrap_or_default();
        let services = [Field::Service, Field::Service2, Field::Service3];
        let mut services = services.into_iter();
        let field = |flag| match flag {
            "--time" => Some(Field::Time),
            "--status" => Some(Field::Status),
            "--grpc-status" => Some(Field::Grpc),
            "--ok" => Some(Field::Ok),
            "--duration" => Some(Field::Duration),
            "--client" => Some(Field::Client),
            _ => services.next(),
        };
        let given = options.given();
        let fields: Vec<_> = given.iter().map(|(flag, _)| *flag).map(field).collect();
        let names = given.into_iter().zip(fields);
        Self {
            names: names
                .filter_map(|((flag, name), field)| Some((flag, name.to_owned(), field?)))
                .collect(),
            there,
        }
    }

    #[inline]
    pub(crate) fn see(&mut self, fields: &Fields<'_>) {
        if !self.names.is_empty() {
            self.names
                .retain(|(_, _, field)| *fields.get(*field) == Value::Missing);
        }
    }

    /// What is to be said of those that are left.
    pub(crate) fn doubts(&mut self, file: Option<&str>) -> Vec<String> {
        let has = if self.there.is_empty() {
            String::new()
        } else {
            format!("; the first one has {}", self.there.join(", "))
        };
        let of = file.map_or(String::new(), |file| format!("{file}: "));
        let names = self.names.drain(..);
        names
            .map(|(flag, name, _)| format!("{of}{flag} {name}: no line has `{name}`{has}"))
            .collect()
    }
}
