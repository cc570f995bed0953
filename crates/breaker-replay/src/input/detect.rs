//! Which format a log has, told by many of its lines.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value as Json;

use super::{
    call::{Call, TimeIs},
    cutter::{Cut, Cutter},
    fields::Field,
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
}

/// A row on trial.
struct Trial<'r> {
    row: &'r Row,
    wrap: Wrap,
    fit: usize,
    of: usize,
    times: Vec<u64>,
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
                let Some((fit, times)) = trial(row, options, &lines, &objects) else {
                    continue;
                };
                let of = sample.len();
                let tried = Trial {
                    row,
                    wrap,
                    fit,
                    of,
                    times,
                };
                if best
                    .as_ref()
                    .is_none_or(|best| tried.score() > best.score())
                {
                    best = Some(tried);
                }
            }
        }
        match best.filter(|best| best.fit > 0) {
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
            fit: 0,
            of: sample.len(),
            times: vec![],
        };
        trial.reader(options, sample)
    }
}

impl Trial<'_> {
    /// What fits more than it should counts for less.
    fn score(&self) -> usize {
        self.fit * if self.row.vague { 3 } else { 4 }
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
                fit: self.fit,
                of: self.of,
                unit: self.row.unit.unwrap_or_default().text(),
                time_is: self.row.time_is.unwrap_or_default(),
            },
            times: self.times,
        })
    }
}

/// How many of the lines are this row's, and when their calls were; `None` if the row cannot be read so.
fn trial(
    row: &Row,
    options: &Options,
    lines: &[Cow<'_, [u8]>],
    objects: &[Option<Json>],
) -> Option<(usize, Vec<u64>)> {
    let mut cutter = Cutter::new(row, lines).ok()?;
    let is_known = |cutter: &Cutter| known(cutter, row, options).is_ok();
    if let Cutter::Text(_) | Cutter::Csv { .. } = cutter
        && !is_known(&cutter)
    {
        return None;
    }
    let mut reading = reading(row, options).ok()?;
    let (mut fit, mut neutral, mut times) = (0, 0, vec![]);
    for (line, object) in lines.iter().zip(objects) {
        let is_object = matches!(row.kind, Kind::Json | Kind::Otlp);
        if is_object
            && !object
                .as_ref()
                .is_some_and(|object| has(row, |name| json::at(object, name).is_some()))
            || !cutter.fits(line)
        {
            continue;
        }
        let before = times.len();
        let mut give = |call: Call, _: &[u8]| times.push(call.end);
        let is_good = match cutter.cut(line) {
            Ok(Cut::One(fields)) => reading.calls(&fields, &mut give).is_ok(),
            Ok(Cut::Many(all)) => all
                .iter()
                .all(|fields| reading.calls(fields, &mut give).is_ok()),
            Ok(Cut::Nothing) => true,
            Err(_) => false,
        };
        fit += usize::from(is_good && times.len() > before);
        neutral += usize::from(is_good && times.len() == before);
    }
    if let (Kind::W3c | Kind::Csv, Some(names)) = (row.kind, cutter.known())
        && !(has(row, |name| names.iter().any(|known| known == name)) && is_known(&cutter))
    {
        return None;
    }
    // Lines that are no calls speak for a format only where others are.
    Some((if fit > 0 { fit + neutral } else { 0 }, times))
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
