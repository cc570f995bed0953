//! Cuts lines into fields, each kind in its way.

use std::borrow::Cow;

use super::{
    csv::Csv,
    fields::{Fields, Names},
    formats::{Kind, Row},
    json::{self, Paths},
    otlp,
    template::Template,
    w3c::W3c,
};

/// Cuts lines into fields.
pub(crate) enum Cutter {
    Json(Paths),
    Csv {
        csv: Box<Csv>,
        /// Each line that is this one is no call.
        header: Vec<u8>,
    },
    Text(Template),
    W3c(W3c),
    Otlp(Names),
}

/// What a line holds.
#[expect(
    clippy::large_enum_variant,
    reason = "it is read at once, and a box would be an allocation a line"
)]
pub(crate) enum Cut<'a> {
    One(Fields<'a>),
    Many(Vec<Fields<'static>>),
    /// It is no call, and none was to be expected.
    Nothing,
}

impl Cutter {
    /// For a row, and a log that begins with these lines.
    ///
    /// # Errors
    ///
    /// Where the template is none, or no line can be the header.
    pub(crate) fn new(row: &Row, sample: &[Cow<'_, [u8]>]) -> Result<Self, String> {
        let names = row.names();
        Ok(match row.kind {
            Kind::Json => Self::Json(Paths::new(&names)),
            Kind::Otlp => Self::Otlp(names),
            Kind::W3c => Self::W3c(W3c::new(names)),
            Kind::Text => {
                let template = row.template.as_deref().unwrap_or_default();
                let meaning =
                    |name: &str| (names.slots(name.as_bytes()), row.shapes.get(name).copied());
                Self::Text(Template::new(template, meaning)?)
            }
            Kind::Csv if !row.columns.is_empty() => Self::Csv {
                csv: Box::new(Csv::of(&row.columns, &names)),
                header: vec![],
            },
            Kind::Csv => {
                let has_time = |csv: &Csv| {
                    csv.columns()
                        .any(|name| row.time.iter().any(|time| time == name))
                };
                let found = sample.iter().find_map(|line| {
                    let csv = Csv::under(line, &names).filter(has_time)?;
                    Some((csv, line.to_vec()))
                });
                let (csv, header) = found.ok_or_else(|| {
                    format!(
                        "the header has no column `{}`; name the columns with --time, --service, --status or --ok, and --duration",
                        row.time.join("` or `")
                    )
                })?;
                Self::Csv {
                    csv: Box::new(csv),
                    header,
                }
            }
        })
    }

    /// The fields of a line.
    ///
    /// # Errors
    ///
    /// What is wrong with the line.
    pub(crate) fn cut<'a>(&'a mut self, line: &'a [u8]) -> Result<Cut<'a>, String> {
        let no_json = |error: serde_json::Error| {
            // It takes what it was given for a whole text, and this for its first line.
            let text = error
                .to_string()
                .replace(" at line 1 column ", ", at column ");
            format!("it is no JSON object: {text}")
        };
        match self {
            Self::Json(paths) => json::fields(line, paths).map(Cut::One).map_err(no_json),
            Self::Otlp(names) => otlp::spans(line, names).map(Cut::Many).map_err(no_json),
            Self::Csv { header, .. } if header == line => Ok(Cut::Nothing),
            Self::Csv { csv, .. } => csv
                .fields(line)
                .map(Cut::One)
                .ok_or_else(|| "it has not as many columns as the header".to_owned()),
            Self::Text(template) => template
                .fields(line)
                .map(Cut::One)
                .ok_or_else(|| "it does not begin as the format does".to_owned()),
            Self::W3c(w3c) => Ok(w3c.cut(line)?.map_or(Cut::Nothing, Cut::One)),
        }
    }

    /// The names that this cutter knows of, where the log itself says which there are.
    pub(crate) fn known(&self) -> Option<Vec<String>> {
        match self {
            Self::Text(template) => Some(template.names().map(str::to_owned).collect()),
            Self::Csv { csv, .. } => Some(csv.columns().map(str::to_owned).collect()),
            Self::W3c(w3c) => Some(w3c.columns().map(str::to_owned).collect()),
            Self::Json(_) | Self::Otlp(_) => None,
        }
    }

    /// Whether the line is the format's to the last byte.
    pub(crate) fn fits(&self, line: &[u8]) -> bool {
        match self {
            Self::Text(template) => template.fits(line),
            Self::Json(_) | Self::Csv { .. } | Self::W3c(_) | Self::Otlp(_) => true,
        }
    }
}
