//! A log: its calls, and what was wrong with the rest.

use std::{
    collections::VecDeque,
    io::{self, Read},
    ops::Range,
};

use super::{
    call::Call,
    cutter::Cut,
    detect::{Reader, Told, is_whole},
    fields::{Field, Fields},
    formats::Row,
    lines::{LONGEST, Line, Lines},
    look::{self, LOOKED_AT, LOOKED_ON, Sample, Watch},
    options::Options,
    reading::Reading,
    seconds::Seconds,
    seen::{Fit, Seen},
    services::Services,
    unseen::Unseen,
};

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
    sample: Sample,
    reader: Option<Reader>,
    watch: Watch,
    number: u64,
    seconds: Seconds,
    /// Calls of the last line.
    more: VecDeque<Next>,
    unseen: Unseen,
    is_over: bool,
}

/// A call, its second where there is nothing finer, and whether it is of the same line as the one before.
type Next = (Call, Option<u64>, bool);

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
            sample: Sample::default(),
            reader: None,
            watch: Watch::from(0),
            number: 0,
            seconds: Seconds::default(),
            more: VecDeque::new(),
            unseen: Unseen::default(),
            is_over: false,
        };
        log.look(LOOKED_AT)?;
        let mut found = log.detect()?;
        if found.is_none() && log.sample.len() >= LOOKED_AT {
            log.look(LOOKED_ON)?;
            found = log.detect()?;
        }
        let texts = log.sample.texts();
        let reader = match found {
            Some(reader) => Some(reader),
            None if texts.is_empty() => None,
            None => {
                let made = Reader::insist(how.options, how.rows, &texts);
                Some(made.map_err(Stop::Format)?)
            }
        };
        if let Some(reader) = &reader {
            log.unseen = Unseen::new(how.options, reader, &texts);
        }
        log.reader = reader;
        log.watch = Watch::from(log.sample.len() as u64);
        Ok(log)
    }

    fn look(&mut self, count: usize) -> Result<(), Stop> {
        self.sample.fill(&mut self.lines, count).map_err(Stop::Io)
    }

    fn detect(&self) -> Result<Option<Reader>, Stop> {
        let How { options, rows } = self.how;
        Reader::detect(options, rows, &self.sample.texts()).map_err(Stop::Format)
    }

    /// The next line is not as the format has it, or a new header: looks whether those after it are of another format.
    fn look_again(&mut self, is_header: bool, seen: &mut Seen) -> Result<(), Stop> {
        self.look(LOOKED_AT)?;
        let (line, lines) = (self.number + 1, self.sample.len());
        let texts = self.sample.texts();
        let Some(reader) = &mut self.reader else {
            return Ok(());
        };
        let old = reader.good(&texts);
        if old * 2 > texts.len() && !is_header && !reader.has_header() {
            self.watch.well(line, lines);
            return Ok(());
        }
        let (had_header, told) = (reader.has_header(), reader.told.clone());
        // What the user said may not be of this format.
        let found = self.detect().ok().flatten().filter(|found| {
            let Told { about, wrapped, .. } = &found.told;
            let is_other = (about, wrapped) != (&told.about, &told.wrapped);
            let is_better = is_header && is_other || found.told.fit > old;
            // Lines that lack something are no other format for that.
            look::is_many(found.told.fit, found.told.of) && is_better && (is_other || had_header)
        });
        match found {
            Some(mut found) => {
                self.learn(seen);
                self.seconds.spread();
                found.told.from_line = Some(line);
                self.reader = Some(found);
                seen.formats.extend(self.told());
                self.watch.well(line, lines);
            }
            None => self.watch.vain(line, lines),
        }
        Ok(())
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
    pub(crate) fn told(&self) -> Option<Told> {
        let told = self.reader.as_ref()?.told.clone();
        Some(Told {
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
            let mut held = None;
            let line = match self.sample.next(&mut self.lines, &mut held) {
                Ok(Some(line)) => line,
                Ok(None) => return self.end(None, seen),
                Err(error) => return self.end(Some(error), seen),
            };
            self.number += 1;
            let text = match line {
                Line::Text(text) if is_blank(text) => continue,
                Line::Text(text) => Ok(text),
                Line::TooLong => Err(format!("it is longer than {} KiB", LONGEST >> 10)),
            };
            let is_watched = self.watch.is_due(self.number);
            let mut to = Sink {
                services,
                seen,
                more: &mut self.more,
                unseen: &mut self.unseen,
                period: self.how.options.period(),
                is_watched,
            };
            let fit = match (&text, &mut self.reader) {
                (Ok(text), Some(reader)) => understood(text, reader, &mut to),
                (Ok(_), None) => Ok(Fit::Just),
                (Err(reason), _) => Err(reason.clone()),
            };
            match text {
                Ok(text) if is_watched && fit != Ok(Fit::Just) => {
                    self.sample.push_front(text.to_vec());
                    self.number -= 1;
                    self.look_again(fit == Ok(Fit::Header), seen)?;
                }
                _ => seen.line(self.file.as_deref(), self.number, fit),
            }
        }
        Ok(())
    }

    /// What the reader has seen besides calls.
    fn learn(&self, seen: &mut Seen) {
        if let Some(Reader { reading, .. }) = &self.reader {
            seen.is_coarse |= !reading.times.are_fine();
            seen.twofold |= reading.times.is_twofold;
            seen.zoneless |= reading.times.is_zoneless;
            seen.yearless |= reading.times.is_yearless;
            seen.used.zone |= reading.times.used.zone;
            seen.used.year |= reading.times.used.year;
            seen.statuses.extend(reading.statuses.seen());
        }
    }

    /// There are no more lines, or they cannot be read.
    fn end(&mut self, error: Option<io::Error>, seen: &mut Seen) -> Result<(), Stop> {
        if let Some(error) = error {
            if !look::is_end(&error) || self.number == 0 {
                return Err(Stop::Io(error));
            }
            seen.cut_off(self.file.as_deref(), &error);
        }
        self.is_over = true;
        self.learn(seen);
        seen.doubts.extend(self.unseen.doubts(self.file.as_deref()));
        Ok(())
    }
}

#[inline]
fn is_blank(text: &[u8]) -> bool {
    text.first().is_none_or(u8::is_ascii_whitespace) && text.trim_ascii().is_empty()
}

/// Where calls go.
struct Sink<'s> {
    services: &'s mut Services,
    seen: &'s mut Seen,
    more: &'s mut VecDeque<Next>,
    unseen: &'s mut Unseen,
    period: Range<u64>,
    /// Whether the calls of a line that is not just as the format has it are not taken.
    is_watched: bool,
}

/// Takes the calls of a line.
fn understood(line: &[u8], reader: &mut Reader, to: &mut Sink<'_>) -> Result<Fit, String> {
    let inside = reader.wrap.inside(line);
    let line = inside.as_deref().unwrap_or(line);
    let mut fields = Fields::default();
    match reader.cutter.cut(line, &mut fields)? {
        Cut::Nothing => Ok(Fit::Just),
        Cut::Header => Ok(Fit::Header),
        Cut::One { is_just } => {
            let is_just = is_just && is_whole(&fields, reader.always, &reader.reading);
            if is_just || !to.is_watched {
                taken(&fields, &mut reader.reading, to)?;
            }
            Ok(if is_just { Fit::Just } else { Fit::Odd })
        }
        Cut::Many(all) => {
            let mut all = all.iter();
            all.try_for_each(|fields| taken(fields, &mut reader.reading, to))?;
            Ok(Fit::Just)
        }
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
        ..
    } = to;
    unseen.see(fields);
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
