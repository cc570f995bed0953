//! Which format a log has, told by many of its lines.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value as Json;

use super::{
    call::{Call, TimeIs},
    cutter::{Cut, Cutter},
    fields::{Field, Fields},
    formats::{Kind, Row},
    json,
    options::Options,
    reading::Reading,
    refusal,
    statuses::Statuses,
    wrap::Wrap,
};

/// What a log was taken for, and how sure that is.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    pub(crate) name: String,
    pub(crate) about: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wrapped: Option<&'static str>,
    /// Of so many lines at the beginning, so many are just of this format.
    pub(crate) fit: usize,
    pub(crate) of: usize,
    /// The line from which on it is so, where that is not the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from_line: Option<u64>,
    pub(crate) unit: &'static str,
    pub(crate) time_is: TimeIs,
}

/// How a log is read.
pub(crate) struct Reader {
    pub(crate) wrap: Wrap,
    pub(crate) cutter: Cutter,
    pub(crate) reading: Reading,
    pub(crate) told: Told,
    /// When the calls of the lines looked at were.
    pub(crate) times: Vec<u64>,
    /// Which fields they all have, a bit for each.
    pub(crate) always: u16,
}

/// A row on trial.
struct Trial<'r> {
    row: &'r Row,
    wrap: Wrap,
    of: usize,
    tried: Tried,
}

/// What came of it.
#[derive(Default)]
struct Tried {
    /// So many lines are just as the format has them.
    fit: usize,
    times: Vec<u64>,
    /// Which fields the lines with calls all have.
    always: u16,
}

impl Reader {
    /// For a log that begins with these lines; `None` if none of them is a call of any format that is known.
    ///
    /// # Errors
    ///
    /// Where what the user said cannot be.
    pub(crate) fn detect(
        options: &Options,
        rows: &[Row],
        sample: &[&[u8]],
    ) -> Result<Option<Self>, String> {
        let rows = options.rows(rows)?;
        let mut best: Option<Trial<'_>> = None;
        for wrap in Wrap::ALL {
            let lines: Vec<_> = sample.iter().filter_map(|line| wrap.inside(line)).collect();
            if lines.is_empty() || lines.len() * 2 < sample.len() {
                continue;
            }
            let objects: Vec<_> = lines.iter().map(|line| object(line)).collect();
            for row in &rows {
                let Some(tried) = tried(row, options, &lines, &objects) else {
                    continue;
                };
                let of = sample.len();
                let trial = Trial {
                    row,
                    wrap,
                    of,
                    tried,
                };
                if best
                    .as_ref()
                    .is_none_or(|best| trial.score() > best.score())
                {
                    best = Some(trial);
                }
            }
        }
        match best.filter(|best| best.tried.fit > 0) {
            Some(best) => best.reader(options, sample).map(Some),
            None => Ok(None),
        }
    }

    /// For a log in which no line is a call: the first row that the user may have meant, if they named one.
    ///
    /// # Errors
    ///
    /// Says what the lines look like, and what to try.
    pub(crate) fn insist(
        options: &Options,
        rows: &[Row],
        sample: &[&[u8]],
    ) -> Result<Self, String> {
        if options.input == "auto" && options.log_format.is_none() {
            return Err(refusal::of(options, sample));
        }
        let rows = options.rows(rows)?;
        let row = rows.first().ok_or_else(|| refusal::of(options, sample))?;
        let trial = Trial {
            row,
            wrap: Wrap::None,
            of: sample.len(),
            tried: Tried::default(),
        };
        trial.reader(options, sample)
    }
}

impl Reader {
    /// Whether its lines may be others after any line, with no sign of it but a header.
    pub(crate) const fn has_header(&self) -> bool {
        matches!(self.cutter, Cutter::Csv { .. })
    }

    /// How many of these lines are just as the format has it.
    pub(crate) fn good(&mut self, lines: &[&[u8]]) -> usize {
        let Self {
            wrap,
            cutter,
            reading,
            always,
            ..
        } = self;
        // What a line says of those after it is to hold once it is read.
        let before = match cutter {
            Cutter::W3c(w3c) => Some(w3c.clone()),
            _ => None,
        };
        let there = lines.iter().filter_map(|line| {
            let inside = wrap.inside(line);
            let line = inside.as_deref().unwrap_or(line);
            just(line, cutter, reading, &mut |_| ())
        });
        let count = there.filter(|there| there & *always == *always).count();
        if let Some(w3c) = before {
            *cutter = Cutter::W3c(w3c);
        }
        count
    }
}

impl Trial<'_> {
    /// What fits more than it should counts for less.
    fn score(&self) -> usize {
        self.tried.fit * if self.row.vague { 3 } else { 4 }
    }

    fn reader(self, options: &Options, sample: &[&[u8]]) -> Result<Reader, String> {
        let lines: Vec<_> = sample
            .iter()
            .filter_map(|line| self.wrap.inside(line))
            .collect();
        let cutter = Cutter::new(self.row, &lines)?;
        if let Cutter::Text(_) | Cutter::Csv { .. } = cutter {
            known(&cutter, self.row, options)?;
        }
        Ok(Reader {
            wrap: self.wrap,
            reading: reading(self.row, options)?,
            cutter,
            told: Told {
                file: None,
                name: self.row.name.clone(),
                about: self.row.about.clone(),
                wrapped: self.wrap.text(),
                fit: self.tried.fit,
                of: self.of,
                from_line: None,
                unit: self.row.unit.unwrap_or_default().text(),
                time_is: self.row.time_is.unwrap_or_default(),
            },
            times: self.tried.times,
            always: self.tried.always,
        })
    }
}

/// How many of the lines are this row's; `None` if the row cannot be read so.
fn tried(
    row: &Row,
    options: &Options,
    lines: &[Cow<'_, [u8]>],
    objects: &[Option<Json>],
) -> Option<Tried> {
    let mut cutter = Cutter::new(row, lines).ok()?;
    let is_known = |cutter: &Cutter| known(cutter, row, options).is_ok();
    if let Cutter::Text(_) | Cutter::Csv { .. } = cutter
        && !is_known(&cutter)
    {
        return None;
    }
    let mut reading = reading(row, options).ok()?;
    let mut tried = Tried {
        always: u16::MAX,
        ..Tried::default()
    };
    let mut neutral = 0;
    let lines = lines.iter().zip(objects);
    for (line, _) in lines.filter(|(_, object)| may_be(row, object.as_ref())) {
        let before = tried.times.len();
        let mut see = |call: Call| tried.times.push(call.end);
        let there = just(line, &mut cutter, &mut reading, &mut see);
        let has_calls = tried.times.len() > before;
        if let Some(there) = there.filter(|_| has_calls) {
            tried.fit += 1;
            tried.always &= there;
        }
        neutral += usize::from(there.is_some() && !has_calls);
    }
    if let (Kind::W3c | Kind::Csv, Some(names)) = (row.kind, cutter.known())
        && !(has(row, |name| names.iter().any(|known| known == name)) && is_known(&cutter))
    {
        return None;
    }
    // Lines that are no calls speak for a format only where others are.
    if tried.fit > 0 {
        tried.fit += neutral;
    }
    Some(tried)
}

/// Whether a line may be this row's, for all that its names say, where it must be an object.
fn may_be(row: &Row, object: Option<&Json>) -> bool {
    match row.kind {
        Kind::Json | Kind::Otlp => {
            object.is_some_and(|object| has(row, |name| json::at(object, name).is_some()))
        }
        Kind::Text | Kind::Csv | Kind::W3c => true,
    }
}

/// Which fields are there in a line that is just as the format has it; of others, none.
fn just(
    line: &[u8],
    cutter: &mut Cutter,
    reading: &mut Reading,
    see: &mut impl FnMut(Call),
) -> Option<u16> {
    let mut fields = Fields::default();
    let mut give = |call: Call, _: &[u8]| see(call);
    match cutter.cut(line, &mut fields).ok()? {
        Cut::One { is_just } => {
            let is_just = is_just && reading.calls(&fields, &mut give).is_ok();
            let is_call = reading.is_meant(&fields) == Ok(true);
            let there = if is_call { fields.there() } else { u16::MAX };
            is_just.then_some(there)
        }
        Cut::Many(all) => {
            let mut calls = all.iter().map(|fields| reading.calls(fields, &mut give));
            calls.all(|told| told.is_ok()).then_some(u16::MAX)
        }
        Cut::Nothing | Cut::Header => Some(u16::MAX),
    }
}

/// Whether a line has the fields that the lines all have that told the format, or is no call.
pub(crate) fn is_whole(fields: &Fields<'_>, always: u16, reading: &Reading) -> bool {
    fields.there() & always == always || reading.is_meant(fields) == Ok(false)
}

fn object(line: &[u8]) -> Option<Json> {
    let is_object = line.trim_ascii_start().starts_with(b"{");
    is_object
        .then(|| serde_json::from_slice(line).ok())
        .flatten()
}

/// Whether the names are there that the row requires.
fn has(row: &Row, is_there: impl Fn(&str) -> bool) -> bool {
    row.requires.iter().all(|name| is_there(name))
        && (row.any.is_empty() || row.any.iter().any(|name| is_there(name)))
}

/// Whether the names that the user gave are there, in a format that says which there are.
fn known(cutter: &Cutter, row: &Row, options: &Options) -> Result<(), String> {
    let Some(names) = cutter.known() else {
        return Ok(());
    };
    for (flag, name) in options.given() {
        if !names.iter().any(|known| known == name) {
            return Err(format!(
                "{flag} {name}: {} has no such name; it has {}",
                row.about,
                names.join(", ")
            ));
        }
    }
    if !row.time.iter().any(|time| names.contains(time)) {
        return Err("the template has no time; name its variable with --time".to_owned());
    }
    Ok(())
}

fn reading(row: &Row, options: &Options) -> Result<Reading, String> {
    let cancelled = row.cancelled.as_deref().unwrap_or(&[499]);
    let units = row.units()?;
    Ok(Reading {
        times: options.times(row),
        time_is: row.time_is.unwrap_or_default(),
        units: match options.duration_unit {
            Some(unit) => vec![unit; units.len()],
            None => units,
        },
        statuses: Statuses::new(cancelled, &options.failures, &options.successes),
        cancelled_flags: row
            .cancelled_flags
            .iter()
            .map(|flag| flag.clone().into())
            .collect(),
        only: [Field::Only, Field::Only2]
            .into_iter()
            .zip(row.only.values().map(|wanted| wanted.clone().into()))
            .collect(),
        derives: options.derives(),
        scratch: vec![],
    })
}
