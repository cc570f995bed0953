//! Made logs: the same calls in each format, written after the format's documentation.

#![allow(dead_code, reason = "no test uses all of it")]

mod json;
mod nginx;
mod table;
mod text;

use jiff::Timestamp;

/// A call that is written down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub(crate) number: u64,
    /// When it was over, in milliseconds since 1970.
    pub(crate) end: u64,
    pub(crate) took: u64,
    pub(crate) host: &'static str,
    pub(crate) status: u16,
    /// Whether an answer of the upstream came at all.
    pub(crate) is_answered: bool,
}

/// How exactly a format tells durations, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durations {
    None,
    Within(u64),
}

/// A format, and how a log in it is written.
pub(crate) struct Written {
    /// What the program must take it for.
    pub(crate) about: &'static str,
    pub(crate) has_services: bool,
    /// Whether it tells of clients that gave up.
    pub(crate) has_given_up: bool,
    pub(crate) durations: Durations,
    /// Whether times are whole seconds.
    pub(crate) is_coarse: bool,
    /// Whether times begin at nought.
    pub(crate) is_relative: bool,
    pub(crate) head: &'static str,
    pub(crate) line: fn(&Made) -> String,
}

/// The first call begins at 2026-10-10T13:00:00Z.
pub(crate) const BEGIN: u64 = 1_791_637_200_000;
const CALLS: u64 = 400;

/// 400 calls to two hosts, seven tenths of a second apart; from the 150th on a hundred fail.
pub(crate) fn calls() -> Vec<Made> {
    (0..CALLS)
        .map(|number| {
            let is_out = (150..250).contains(&number);
            let took = if is_out {
                1000 + number % 3 * 1000
            } else {
                10 + number * 37 % 190
            };
            let status = match number {
                _ if is_out => [502, 503, 504][(number % 3) as usize],
                _ if number % 40 == 17 => 404,
                _ if number % 40 == 31 => 499,
                _ if number % 40 == 5 => 302,
                _ => 200,
            };
            Made {
                number,
                // In the order of their ends, as logs are written.
                end: BEGIN + number * 700 + 4000,
                took,
                host: ["10.0.0.5:8080", "10.0.0.6:8080"][(number % 2) as usize],
                status,
                is_answered: !matches!(status, 499 | 502),
            }
        })
        .collect()
}

impl Made {
    pub(crate) const fn start(&self) -> u64 {
        self.end - self.took
    }

    pub(crate) const fn has_failed(&self) -> bool {
        matches!(self.status, 502..=504)
    }

    /// The status, or a success where the format has no clients that give up.
    pub(crate) const fn plain_status(&self) -> u16 {
        if self.status == 499 { 200 } else { self.status }
    }

    /// The upstream's status, as nginx and its like write it.
    fn upstream(&self) -> String {
        match self.status {
            499 => "-".to_owned(),
            status => status.to_string(),
        }
    }

    fn seconds(&self) -> String {
        format!("{}.{:03}", self.took / 1000, self.took % 1000)
    }
}

/// A time of so many milliseconds in a notation.
pub(crate) fn time(millis: u64, notation: &str) -> String {
    let moment = Timestamp::from_millisecond(millis.try_into().unwrap()).unwrap();
    moment.strftime(notation).to_string()
}

pub(crate) const CLF: &str = "%d/%b/%Y:%H:%M:%S +0000";
pub(crate) const RFC: &str = "%Y-%m-%dT%H:%M:%S.%3fZ";

impl Written {
    pub(crate) fn log(&self) -> String {
        let lines = calls().iter().map(self.line).collect::<String>();
        self.head.to_owned() + &lines
    }
}

/// All formats.
pub(crate) fn all() -> Vec<Written> {
    [nginx::all(), text::all(), json::all(), table::all()]
        .into_iter()
        .flatten()
        .collect()
}
