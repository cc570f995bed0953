//! A log: its calls, and what was wrong with the rest.

use std::{
    collections::VecDeque,
    io::{self, Read},
    ops::Range,
};

use super::{
    call::Call,
    cutter::{Cut, Cutter},
    detect::Reader,
    fields::{Field, Fields, Value},
    formats::Row,
    json,
    lines::{LONGEST, Line, Lines},
    options::Options,
    reading::Reading,
    seconds::Seconds,
    seen::Seen,
    services::Services,
};

/// So many lines tell the format; if none of them is a call, so many more are looked at.
const LOOKED_AT: usize = 100;
const LOOKED_ON: usize = 2000;
/// And so many bytes at the most.
const LOOKED_BYTES: usize = 2 << 20;

/// How logs are read.
#[derive(Clone, Copy)]
pub(crate) struct How<'o> {
    pub(crate) options: &'o Options,
    pub(crate) rows: &'o [Row],
}

/// The calls of one log.
pub(crate) struct Log<'o> {
    lines: Lines<Box<dyn Read>>,
    how: How<'o>,
    /// Its name, where there are several.
    file: Option<String>,
    /// Lines that were looked at and are still to be read.
    sample: VecDeque<Sampled>,
    reader: Option<Reader>,
    number: u64,
    seconds: Seconds,
    /// Calls of the last line.
    more: VecDeque<Next>,
    /// Names that the user gave and no line had yet.
    unseen: Vec<(&'static str, String, Field)>,
    /// The names that the first object has.
    names: Vec<String>,
    is_over: bool,
}

/// A call, its second where there is nothing finer, and whether it is of the same line as the one before.
type Next = (Call, Option<u64>, bool);

/// A line; `None` if it was too long.
type Sampled = Option<Vec<u8>>;

/// Why a log is not read on.
#[derive(Debug)]
pub(crate) enum Stop {
    Io(io::Error),
    Format(String),
}

impl<'o> Log<'o> {
    /// Looks at the first lines.
    ///
    /// # Errors
    ///
    /// When the log cannot be read, or is of no format that is known.
    pub(crate) fn open(
        reader: Box<dyn Read>,
        how: How<'o>,
        file: Option<String>,
    ) -> Result<Self, Stop> {
        let mut log = Self {
            lines: Lines::new(reader),
            how,
            file,
            sample: VecDeque::new(),
            reader: None,
            number: 0,
            seconds: Seconds::default(),
            more: VecDeque::new(),
            unseen: vec![],
            names: vec![],
            is_over: false,
        };
        log.look(LOOKED_AT)?;
        let mut found = log.detect()?;
        if found.is_none() && log.sample.len() >= LOOKED_AT {
            log.look(LOOKED_ON)?;
            found = log.detect()?;
        }
        log.reader = match found {
            Some(reader) => Some(reader),
            None if log.texts().is_empty() => None,
            None => {
                let made = Reader::insist(how.options, how.rows, &log.texts());
                Some(made.map_err(Stop::Format)?)
            }
        };
        log.expect_names();
        Ok(log)
    }

    /// Holds so many lines.
    fn look(&mut self, count: usize) -> Result<(), Stop> {
        let mut bytes = 0;
        while self.sample.len() < count && bytes < LOOKED_BYTES {
            let line = match self.lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(()),
                // What has come until now may be read; the error comes again.
                Err(error) if !self.sample.is_empty() && is_end(&error) => return Ok(()),
                Err(error) => return Err(Stop::Io(error)),
            };
            let line = match line {
                Line::Text(text) if self.sample.is_empty() => {
                    // Some programs put a byte order mark at the start.
                    Some(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).to_vec())
                }
                Line::Text(text) => Some(text.to_vec()),
                Line::TooLong => None,
            };
            bytes += line.as_ref().map_or(0, Vec::len);
            self.sample.push_back(line);
        }
        Ok(())
    }

    /// The lines that were looked at, without empty ones.
    fn texts(&self) -> Vec<&[u8]> {
        let lines = self.sample.iter().flatten();
        lines
            .map(Vec::as_slice)
            .filter(|line| !line.trim_ascii().is_empty())
            .collect()
    }

    fn detect(&self) -> Result<Option<Reader>, Stop> {
        let How { options, rows } = self.how;
        Reader::detect(options, rows, &self.texts()).map_err(Stop::Format)
    }

    fn expect_names(&mut self) {
        let Some(Reader {
            cutter: Cutter::Json(_),
            wrap,
            ..
        }) = &self.reader
        else {
            return;
        };
        let texts = self.texts();
        let objects = texts.iter().filter_map(|line| wrap.inside(line));
        self.names = objects
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
        let given = self.how.options.given();
        let fields: Vec<_> = given.iter().map(|(flag, _)| *flag).map(field).collect();
        self.unseen = given
            .into_iter()
            .zip(fields)
            .filter_map(|((flag, name), field)| Some((flag, name.to_owned(), field?)))
            .collect();
    }

    /// When the first call was, as far as the lines looked at tell; one that is far from the others does not count.
    pub(crate) fn begin(&self) -> Option<u64> {
        let reader = self.reader.as_ref()?;
        let mut times = reader.times.clone();
        times.sort_unstable();
        let middle = *times.get(times.len() / 2)?;
        times
            .into_iter()
            .find(|time| time.abs_diff(middle) < super::present::FAR)
    }

    /// What it was taken for.
    pub(crate) fn told(&self) -> Option<super::detect::Told> {
        let told = self.reader.as_ref()?.told.clone();
        Some(super::detect::Told {
            file: self.file.clone(),
            ..told
        })
    }

    /// The next call to one of the services; `None` at the end.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub(crate) fn next(
        &mut self,
        services: &mut Services,
        seen: &mut Seen,
    ) -> Result<Option<Call>, Stop> {
        loop {
            if let Some(call) = self.seconds.next() {
                return Ok(Some(call));
            }
            if self.more.is_empty() && !self.is_over {
                self.read(services, seen)?;
            }
            match self.more.pop_front() {
                Some((call, None, _)) if self.seconds.is_empty() => return Ok(Some(call)),
                Some((call, second, follows)) => self.seconds.push(call, second, follows),
                None if self.seconds.is_empty() => return Ok(None),
                None => self.seconds.spread(),
            }
        }
    }

    /// Reads lines until one has calls.
    fn read(&mut self, services: &mut Services, seen: &mut Seen) -> Result<(), Stop> {
        while self.more.is_empty() {
            let held;
            let line = match self.sample.pop_front() {
                Some(line) => {
                    held = line;
                    held.as_deref().map_or(Line::TooLong, Line::Text)
                }
                None => match self.lines.next() {
                    Ok(Some(line)) => line,
                    Ok(None) => {
                        self.end(seen);
                        return Ok(());
                    }
                    Err(error) if is_end(&error) && self.number > 0 => {
                        seen.cut_off(self.file.as_deref(), &error);
                        self.end(seen);
                        return Ok(());
                    }
                    Err(error) => return Err(Stop::Io(error)),
                },
            };
            self.number += 1;
            let text = match line {
                Line::Text(text) if text.trim_ascii().is_empty() => continue,
                Line::Text(text) => Ok(text),
                Line::TooLong => Err(format!("it is longer than {} KiB", LONGEST >> 10)),
            };
            seen.lines += 1;
            let Some(reader) = &mut self.reader else {
                if let Err(reason) = text {
                    seen.bad(self.file.as_deref(), self.number, reason);
                }
                continue;
            };
            let mut to = Sink {
                services,
                seen,
                more: &mut self.more,
                unseen: &mut self.unseen,
                period: self.how.options.period(),
            };
            if let Err(reason) = text.and_then(|text| understood(text, reader, &mut to)) {
                seen.bad(self.file.as_deref(), self.number, reason);
            }
        }
        Ok(())
    }

    fn end(&mut self, seen: &mut Seen) {
        self.is_over = true;
        if let Some(Reader { reading, .. }) = &self.reader {
            seen.is_coarse |= !reading.times.are_fine();
            seen.zoneless |= reading.times.is_zoneless;
            seen.yearless |= reading.times.is_yearless;
            seen.used.zone |= reading.times.used.zone;
            seen.used.year |= reading.times.used.year;
            seen.statuses.extend(reading.statuses.seen());
        }
        for (flag, name, _) in self.unseen.drain(..) {
            let has = if self.names.is_empty() {
                String::new()
            } else {
                format!("; the first one has {}", self.names.join(", "))
            };
            let of = self
                .file
                .as_ref()
                .map_or(String::new(), |file| format!("{file}: "));
            seen.doubts
                .push(format!("{of}{flag} {name}: no line has `{name}`{has}"));
        }
    }
}

/// Where calls go.
struct Sink<'s> {
    services: &'s mut Services,
    seen: &'s mut Seen,
    more: &'s mut VecDeque<Next>,
    unseen: &'s mut Vec<(&'static str, String, Field)>,
    period: Range<u64>,
}

/// Takes the calls of a line.
fn understood(line: &[u8], reader: &mut Reader, to: &mut Sink<'_>) -> Result<(), String> {
    let inside = reader.wrap.inside(line);
    let line = inside.as_deref().unwrap_or(line);
    match reader.cutter.cut(line)? {
        Cut::Nothing => Ok(()),
        Cut::One(fields) => taken(&fields, &mut reader.reading, to),
        Cut::Many(all) => all
            .iter()
            .try_for_each(|fields| taken(fields, &mut reader.reading, to)),
    }
}

/// Takes the calls of a line's fields.
fn taken(fields: &Fields<'_>, reading: &mut Reading, to: &mut Sink<'_>) -> Result<(), String> {
    let Sink {
        services,
        seen,
        more,
        unseen,
        period,
    } = to;
    if !unseen.is_empty() {
        unseen.retain(|(_, _, field)| *fields.get(*field) == Value::Missing);
    }
    let client = services.clients.named(fields.get(Field::Client));
    seen.names_clients |= client.is_some();
    let before = more.len();
    let mut count = 0;
    let time = reading
        .calls(fields, |call, name| {
            count += 1;
            if !period.contains(&call.start) {
                seen.outside += 1;
            } else if let Some(service) = services.number(name) {
                let client = client.unwrap_or_else(|| services.clients.dealt());
                let call = Call {
                    service,
                    client,
                    ..call
                };
                more.push_back((call, None, more.len() > before));
            }
        })
        .map_err(|flaw| flaw.text().to_owned())?;
    seen.retried += u64::from(count > 1);
    if !reading.times.are_fine() {
        for (_, second, _) in more.iter_mut().skip(before) {
            *second = Some(time);
        }
    }
    Ok(())
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
    )
}
