//! Cuts lines into fields, each kind in its way.

use std::borrow::Cow;

use super::{
    csv::Csv,
    fields::{Fields, Names},
    formats::{Kind, Row},
    json::{self, Paths},
    otlp,
    quick::Before,
    template::Template,
    w3c::W3c,
};

/// Cuts lines into fields.
pub(crate) enum Cutter {
    Json(Paths, Before),
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
pub(crate) enum Cut {
    /// The fields of one line; `is_just` says that it has all that the format has, and no more.
    One {
        is_just: bool,
    },
    Many(Vec<Fields<'static>>),
    /// It is no call, and none was to be expected.
    Nothing,
    /// It says that the lines after it are others than those before.
    Header,
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
            Kind::Json => Self::Json(Paths::new(&names), Before::default()),
            Kind::Otlp => Self::Otlp(names),
            Kind::W3c => Self::W3c(W3c::new(names)),
            Kind::Text => {
                let template = row.template.as_deref().unwrap_or_default();
                let meaning =
                    |name: &str| (names.slots(name.as_bytes()), row.shapes.get(name).copied());
                Self::Text(Template::new(template, meaning)?)
            }
            // To make a reader for nothing would take most of the time.
            Kind::Csv if !sample.iter().any(|line| line.contains(&b',')) => {
                return Err("no line of it has a comma".to_owned());
            }
            Kind::Csv if !row.columns.is_empty() => Self::Csv {
                csv: Box::new(Csv::of(&row.columns, &names)),
                header: vec![],
            },
            Kind::Csv => {
                let mut csv = Csv::of(&[], &names);
                let header = sample.iter().find(|line| {
                    csv.learn(line, &names)
                        && csv
                            .columns()
                            .any(|name| row.time.iter().any(|time| time == name))
                });
                let header = header.ok_or_else(|| {
                    format!(
                        "the header has no column `{}`; name the columns with --time, --service, --status or --ok, and --duration",
                        row.time.join("` or `")
                    )
                })?;
                Self::Csv {
                    csv: Box::new(csv),
                    header: header.to_vec(),
                }
            }
        })
    }

    /// Puts what a line says into the fields, which are empty before.
    ///
    /// # Errors
    ///
    /// What is wrong with the line.
    pub(crate) fn cut<'a>(
        &'a mut self,
        line: &'a [u8],
        fields: &mut Fields<'a>,
    ) -> Result<Cut, String> {
        let no_json = |error: serde_json::Error| {
            // It takes what it was given for a whole text, and this for its first line.
            let text = error
                .to_string()
                .replace(" at line 1 column ", ", at column ");
            format!("it is no JSON object: {text}")
        };
        let one = |()| Cut::One { is_just: true };
        match self {
            Self::Json(paths, before) => json::fields(line, paths, before, fields)
                .map(one)
                .map_err(no_json),
            Self::Otlp(names) => otlp::spans(line, names).map(Cut::Many).map_err(no_json),
            Self::Csv { header, .. } if header == line => Ok(Cut::Nothing),
            Self::Csv { csv, .. } => csv
                .fields(line, fields)
                .map(one)
                .ok_or_else(|| "it has not as many columns as the header".to_owned()),
            Self::Text(template) => template
                .fields(line, fields)
                .map(|is_just| Cut::One { is_just })
                .ok_or_else(|| "it does not begin as the format does".to_owned()),
            Self::W3c(w3c) => w3c.cut(line, fields),
        }
    }

    /// The names that this cutter knows of, where the log itself says which there are.
    pub(crate) fn known(&self) -> Option<Vec<String>> {
        match self {
            Self::Text(template) => Some(template.names().map(str::to_owned).collect()),
            Self::Csv { csv, .. } => Some(csv.columns().map(str::to_owned).collect()),
            Self::W3c(w3c) => Some(w3c.columns().map(str::to_owned).collect()),
            Self::Json(..) | Self::Otlp(_) => None,
        }
    }
}
