//! A log: its calls, and what was wrong with the rest.

use std::{
    fmt,
    io::{self, Read},
};

use serde::Serialize;

use super::{
    call::{Call, Reading},
    format::{Cutter, Options},
    lines::{LONGEST, Line, Lines},
    seconds::Seconds,
    services::Services,
};

/// So many bad lines are shown.
const SHOWN: usize = 5;

/// What was seen of a log, or of several.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Seen {
    /// Lines that were not empty, headers included.
    pub(crate) lines: u64,
    /// Lines that could not be read.
    pub(crate) bad: u64,
    /// The first of them.
    pub(crate) first_bad: Vec<Bad>,
    /// The log that is read, where there are several.
    #[serde(skip)]
    pub(crate) file: Option<String>,
}

/// A line that could not be read.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Bad {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    pub(crate) line: u64,
    pub(crate) reason: String,
}

/// `a.log: line 7: it has no time`.
impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// The calls of one log.
pub(crate) struct Log<'o, R> {
    lines: Lines<R>,
    options: &'o Options,
    reader: Option<(Cutter, Reading)>,
    number: u64,
    seconds: Seconds,
}

/// Why a log is not read on.
#[derive(Debug)]
pub(crate) enum Stop {
    Io(io::Error),
    Format(String),
}

impl<'o, R: Read> Log<'o, R> {
    pub(crate) fn new(reader: R, options: &'o Options) -> Self {
        Self {
            lines: Lines::new(reader),
            options,
            reader: None,
            number: 0,
            seconds: Seconds::default(),
        }
    }

    /// The next call to one of the services; `None` at the end.
    ///
    /// # Errors
    ///
    /// When the log cannot be read, or its first line not be understood.
    pub(crate) fn next(
        &mut self,
        services: &mut Services,
        seen: &mut Seen,
    ) -> Result<Option<Call>, Stop> {
        loop {
            if let Some(call) = self.seconds.next() {
                return Ok(Some(call));
            }
            match self.read(services, seen)? {
                Some((call, None)) if self.seconds.is_empty() => return Ok(Some(call)),
                Some((call, second)) => self.seconds.push(call, second),
                None if self.seconds.is_empty() => return Ok(None),
                None => self.seconds.spread(),
            }
        }
    }

    /// The next call as it stands in the log, with its second where there is nothing finer.
    fn read(
        &mut self,
        services: &mut Services,
        seen: &mut Seen,
    ) -> Result<Option<(Call, Option<u64>)>, Stop> {
        while let Some(line) = self.lines.next().map_err(Stop::Io)? {
            self.number += 1;
            let line = match line {
                Line::Text(text) if text.trim_ascii().is_empty() => continue,
                // Some programs put a byte order mark at the start.
                Line::Text(text) if self.reader.is_none() => {
                    Ok(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text))
                }
                Line::Text(text) => Ok(text),
                Line::TooLong => Err(format!("it is longer than {} KiB", LONGEST >> 10)),
            };
            seen.lines += 1;
            let call = match line {
                Ok(line) => {
                    if self.reader.is_none() {
                        let made = self.options.reader(line).map_err(Stop::Format)?;
                        let (cutter, _) = self.reader.insert(made);
                        if cutter.has_header() {
                            continue;
                        }
                    }
                    let Some((cutter, reading)) = &mut self.reader else {
                        continue;
                    };
                    understood(line, cutter, reading, services)
                }
                Err(reason) => Err(reason),
            };
            match call {
                Ok(Some(call)) => return Ok(Some(call)),
                Ok(None) => {}
                Err(reason) => seen.bad(self.number, reason),
            }
        }
        Ok(None)
    }
}

/// The call of a line; `None` if its service is left out.
fn understood(
    line: &[u8],
    cutter: &mut Cutter,
    reading: &mut Reading,
    services: &mut Services,
) -> Result<Option<(Call, Option<u64>)>, String> {
    let fields = cutter.fields(line)?;
    let (call, service) = reading
        .call(&fields)
        .map_err(|flaw| flaw.text().to_owned())?;
    let number = services.number(&service);
    let second = reading.second(&call);
    Ok(number.map(|service| (Call { service, ..call }, second)))
}

impl Seen {
    fn bad(&mut self, line: u64, reason: String) {
        self.bad += 1;
        if self.first_bad.len() < SHOWN {
            let file = self.file.clone();
            self.first_bad.push(Bad { file, line, reason });
        }
    }
}
