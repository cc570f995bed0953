//! What was seen of a log, or of several, besides its calls.

use std::{collections::BTreeSet, fmt, io};

use serde::Serialize;

use super::{detect::Told, options::Options, time::Used};

/// So many bad lines are shown.
const SHOWN: usize = 5;

/// What was seen of a log, or of several.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Seen {
    /// What each log was taken for.
    pub(crate) formats: Vec<Told>,
    /// Lines that were not empty, headers included.
    pub(crate) lines: u64,
    /// Lines that could not be read.
    pub(crate) bad: u64,
    /// The first of them.
    pub(crate) first_bad: Vec<Bad>,
    /// Lines that were read though they are not just as the format has it, and the first of them.
    pub(crate) odd: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_odd: Option<Place>,
    /// Lines that tell of several attempts, each of which is a call.
    pub(crate) retried: u64,
    /// Calls outside of the time that was asked for.
    pub(crate) outside: u64,
    /// Further doubts, in words.
    pub(crate) doubts: Vec<String>,
    /// Files that are cut off, in words.
    pub(crate) cut_off: Vec<String>,
    /// Whether a time had no zone, and was taken for UTC.
    pub(crate) zoneless: bool,
    /// Whether a time came twice, as clocks went back, and was taken for the one nearer to the line before.
    pub(crate) twofold: bool,
    /// Whether a log had whole seconds alone.
    pub(crate) is_coarse: bool,
    /// Whether a line says which client made the call.
    #[serde(skip)]
    pub(crate) names_clients: bool,
    /// Whether a time had no year, and could not be read.
    #[serde(skip)]
    pub(crate) yearless: bool,
    /// What the user said that was of use.
    #[serde(skip)]
    pub(crate) used: Used,
    /// The statuses that there were.
    #[serde(skip)]
    pub(crate) statuses: BTreeSet<u16>,
}

/// Whether a line is as its format has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Just,
    /// It could be read, but has more or less than the others, or in another shape.
    Odd,
    /// It says that the lines after it are others than those before.
    Header,
}

/// A line.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    pub(crate) line: u64,
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

impl Seen {
    /// A line that was read, whether just as the format has it or not, or could not be.
    #[inline]
    pub(crate) fn line(&mut self, file: Option<&str>, line: u64, fit: Result<Fit, String>) {
        self.lines += 1;
        let file = || file.map(str::to_owned);
        match fit {
            Ok(Fit::Just | Fit::Header) => {}
            Ok(Fit::Odd) => {
                self.odd += 1;
                let place = || Place { file: file(), line };
                self.first_odd.get_or_insert_with(place);
            }
            Err(reason) => {
                self.bad += 1;
                if self.first_bad.len() < SHOWN {
                    let file = file();
                    self.first_bad.push(Bad { file, line, reason });
                }
            }
        }
    }

    /// Doubts about options that had no effect on any line; `is_timed` is whether a line says how long it took.
    pub(crate) fn doubt_options(&mut self, options: &Options, is_timed: bool) {
        let mut idle = |flag: &str, why: &str| {
            self.doubts.push(format!("{flag} has no effect: {why}"));
        };
        let untimed = "no line says how long it took";
        for (flag, is_given) in [
            ("--duration-unit", options.duration_unit.is_some()),
            ("--time-is", options.time_is.is_some()),
        ] {
            if is_given && !is_timed {
                idle(flag, untimed);
            }
        }
        if options.time_zone.is_some() && !self.used.zone {
            idle("--time-zone", "all times name their zone");
        }
        if options.year.is_some() && !self.used.year {
            idle("--year", "all times have a year");
        }
        for (flag, ranges) in [
            ("--failures", &options.failures),
            ("--successes", &options.successes),
        ] {
            for range in ranges {
                if !self.statuses.iter().any(|status| range.has(*status)) {
                    idle(&format!("{flag} {range}"), "no line has such a status");
                }
            }
        }
    }

    /// A doubt about calls of more clients than there may be.
    pub(crate) fn doubt_clients(&mut self, shared: u64) {
        if shared > 0 {
            self.doubts.push(format!(
                "{shared} calls are of clients beyond the limit, which share the circuits of others (--clients)"
            ));
        }
    }

    pub(crate) fn cut_off(&mut self, file: Option<&str>, error: &io::Error) {
        let what = file.unwrap_or("the log");
        self.cut_off.push(format!(
            "{what} is cut off ({error}); what comes before is replayed"
        ));
    }
}
