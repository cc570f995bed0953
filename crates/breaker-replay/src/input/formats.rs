//! The formats of logs, as rows of a table: `formats.toml`, and the user's own.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{
    call::TimeIs,
    fields::{Field, Names},
    shape::Shape,
    unit::Unit,
};

pub(crate) const OURS: &str = include_str!("formats.toml");

/// How a line is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// After a template.
    #[default]
    Text,
    /// An object a line.
    Json,
    /// With a header, or columns that are known.
    Csv,
    /// With `#Fields`.
    W3c,
    /// OpenTelemetry's spans.
    Otlp,
}

/// One format. The head of `formats.toml` says what each means.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) kind: Kind,
    pub(crate) like: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) columns: Vec<String>,
    pub(crate) shapes: BTreeMap<String, Shape>,
    pub(crate) requires: Vec<String>,
    pub(crate) any: Vec<String>,
    pub(crate) only: BTreeMap<String, String>,
    pub(crate) vague: bool,
    pub(crate) utc: bool,
    pub(crate) time: Vec<String>,
    pub(crate) clock: Vec<String>,
    pub(crate) time_is: Option<TimeIs>,
    pub(crate) service: Vec<String>,
    pub(crate) service2: Vec<String>,
    pub(crate) service3: Vec<String>,
    pub(crate) status: Vec<String>,
    pub(crate) front: Vec<String>,
    pub(crate) ok: Vec<String>,
    pub(crate) grpc: Vec<String>,
    pub(crate) flags: Vec<String>,
    pub(crate) client: Vec<String>,
    pub(crate) duration: Vec<String>,
    pub(crate) unit: Option<Unit>,
    pub(crate) cancelled: Option<Vec<u16>>,
    pub(crate) cancelled_flags: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Table {
    format: Vec<Row>,
    like: BTreeMap<String, Row>,
}

static OUR_TABLE: LazyLock<Result<Table, String>> = LazyLock::new(|| parsed(OURS));

fn parsed(text: &str) -> Result<Table, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

/// All formats, the user's first.
///
/// # Errors
///
/// What is wrong with the user's.
pub(crate) fn table(own: &[String]) -> Result<Vec<Row>, String> {
    let mut all = Table::default();
    let own = own.iter().map(|text| parsed(text));
    for table in own.chain([OUR_TABLE.clone()]) {
        let table = table?;
        all.format.extend(table.format);
        for (name, row) in table.like {
            all.like.entry(name).or_insert(row);
        }
    }
    let rows = all.format.into_iter().map(|row| match row.like.clone() {
        Some(name) => match all.like.get(&name) {
            Some(base) => Ok(row.or(base)),
            None => Err(format!(
                "the format {} is like {name}, which is none",
                row.name
            )),
        },
        None => Ok(row),
    });
    rows.collect()
}

impl Row {
    /// This, and where it does not say, as the other.
    fn or(mut self, base: &Self) -> Self {
        for (own, base) in [
            (&mut self.time, &base.time),
            (&mut self.clock, &base.clock),
            (&mut self.service, &base.service),
            (&mut self.status, &base.status),
            (&mut self.front, &base.front),
            (&mut self.ok, &base.ok),
            (&mut self.grpc, &base.grpc),
            (&mut self.flags, &base.flags),
            (&mut self.client, &base.client),
            (&mut self.duration, &base.duration),
            (&mut self.cancelled_flags, &base.cancelled_flags),
        ] {
            if own.is_empty() {
                own.clone_from(base);
            }
        }
        self.time_is = self.time_is.or(base.time_is);
        self.unit = self.unit.or(base.unit);
        self.cancelled = self.cancelled.or_else(|| base.cancelled.clone());
        self.utc |= base.utc;
        self
    }

    /// What the names of this format stand for.
    pub(crate) fn names(&self) -> Names {
        let mut names = Names::default();
        let bare = |named: &String| named.split(' ').next().unwrap_or_default().to_owned();
        let duration: Vec<_> = self.duration.iter().map(bare).collect();
        for (field, given) in [
            (Field::Time, &self.time),
            (Field::Clock, &self.clock),
            (Field::Service, &self.service),
            (Field::Service2, &self.service2),
            (Field::Service3, &self.service3),
            (Field::Status, &self.status),
            (Field::Front, &self.front),
            (Field::Ok, &self.ok),
            (Field::Grpc, &self.grpc),
            (Field::Flags, &self.flags),
            (Field::Client, &self.client),
            (Field::Duration, &duration),
        ] {
            names.add(field, given);
        }
        for (field, name) in [Field::Only, Field::Only2]
            .into_iter()
            .zip(self.only.keys())
        {
            names.add(field, std::slice::from_ref(name));
        }
        names
    }

    /// The unit of each duration that has a name, by rank.
    ///
    /// # Errors
    ///
    /// Where a unit is none.
    pub(crate) fn units(&self) -> Result<Vec<Unit>, String> {
        let usual = self.unit.unwrap_or_default();
        let unit = |named: &String| match named.split_once(' ') {
            None => Ok(usual),
            Some((_, "s")) => Ok(Unit::S),
            Some((_, "ms")) => Ok(Unit::Ms),
            Some((_, "us")) => Ok(Unit::Us),
            Some((_, "ns")) => Ok(Unit::Ns),
            Some((_, unit)) => Err(format!("`{unit}` is no unit: s, ms, us or ns")),
        };
        self.duration.iter().map(unit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_ours_has_a_time_and_an_outcome() {
        for row in table(&[]).unwrap() {
            assert!(!row.time.is_empty(), "{}", row.about);
            let outcomes = [&row.status, &row.front, &row.ok, &row.grpc];
            assert!(
                outcomes.iter().any(|names| !names.is_empty()),
                "{}",
                row.about
            );
            assert_eq!(
                row.template.is_some(),
                row.kind == Kind::Text,
                "{}",
                row.about
            );
            row.units().unwrap();
        }
    }

    #[test]
    fn a_row_of_the_user_s_may_be_like_one_of_ours_and_goes_first() {
        let own = "[[format]]\nname = \"own\"\nlike = \"nginx\"\ntemplate = \"$msec $status\"\n";
        let rows = table(&[own.to_owned()]).unwrap();
        assert_eq!((rows[0].name.as_str(), rows[0].front.len()), ("own", 1));
        let wrong = "[[format]]\nname = \"own\"\nlike = \"mars\"\n";
        assert!(table(&[wrong.to_owned()]).unwrap_err().contains("mars"));
        let unknown = "[[format]]\nnames = \"own\"\n";
        assert!(table(&[unknown.to_owned()]).unwrap_err().contains("names"));
    }
}
