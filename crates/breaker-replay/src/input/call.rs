//! A call as the log tells of it, and what its fields mean.

use std::borrow::Cow;

use breaker_layer::{
    Outcome,
    http::{ClassifyStream, ServerErrors},
};
use http::{HeaderMap, StatusCode};

use super::{
    fields::{Field, Fields, Value},
    services::LONGEST_NAME,
    time::{Times, Unit, number},
};

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Success,
    Failure,
    Ignored,
    /// The client gave up before the answer came.
    Cancelled,
}

/// A call of one service; times in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) service: u32,
    pub(crate) fate: Fate,
}

/// What the time of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TimeIs {
    /// When the call began
    Start,
    /// When it was over, and the line was written
    End,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    NoTime,
    Time,
    NoStatus,
    Status,
    Ok,
    Duration,
    Name,
}

impl Flaw {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::NoTime => "it has no time",
            Self::Time => "its time cannot be read",
            Self::NoStatus => "it has neither a status nor an ok",
            Self::Status => "its status is no HTTP status",
            Self::Ok => "its ok is no boolean",
            Self::Duration => "its duration is none",
            Self::Name => "its service's name is longer than 256 bytes",
        }
    }
}

/// What each HTTP status means.
pub(crate) struct Statuses(Box<[Fate]>);

impl Statuses {
    /// As the library's [`ServerErrors`] has it, and these are failures besides.
    pub(crate) fn new(failures: &[u16]) -> Self {
        let headers = HeaderMap::new();
        let usual = |status| match StatusCode::from_u16(status) {
            Ok(status) => match ServerErrors::new().at_headers(status, &headers) {
                Outcome::Success => Fate::Success,
                Outcome::Ignored => Fate::Ignored,
                _ => Fate::Failure,
            },
            // No answer at all.
            Err(_) => Fate::Failure,
        };
        let fate = |status| match status {
            _ if failures.contains(&status) => Fate::Failure,
            499 => Fate::Cancelled,
            _ => usual(status),
        };
        Self((0..1000).map(fate).collect())
    }

    fn fate(&self, status: f64, is_disconnected: bool) -> Option<Fate> {
        if status == 0.0 && is_disconnected {
            return Some(Fate::Cancelled);
        }
        let is_whole = status >= 0.0 && status.fract() == 0.0;
        let fate = is_whole.then(|| self.0.get(status as usize))?;
        fate.copied()
    }
}

/// How fields are understood.
pub(crate) struct Reading {
    pub(crate) times: Times,
    pub(crate) time_is: TimeIs,
    pub(crate) unit: Unit,
    pub(crate) statuses: Statuses,
    /// The service of a line that names none.
    pub(crate) nameless: &'static str,
    /// Whether a value may be a list of what nginx got from several upstreams.
    pub(crate) has_lists: bool,
}

impl Reading {
    /// The call that a line tells of, its service by name.
    ///
    /// # Errors
    ///
    /// What is wrong with the line.
    pub(crate) fn call<'f>(
        &mut self,
        fields: &'f Fields<'_>,
    ) -> Result<(Call, Cow<'f, [u8]>), Flaw> {
        let time = match fields.get(Field::Time) {
            Value::Text(text) => self.times.parse(text),
            Value::Number(time) => self.times.number(*time),
            Value::Missing => return Err(Flaw::NoTime),
            Value::Bool(_) => None,
        };
        let time = time.ok_or(Flaw::Time)?;
        let took = self.took(fields)?;
        let (start, end) = match self.time_is {
            TimeIs::Start => (time, time.saturating_add(took)),
            TimeIs::End => (time.saturating_sub(took), time),
        };
        let call = Call {
            start,
            end,
            service: 0,
            fate: self.fate(fields)?,
        };
        Ok((call, self.service(fields)?))
    }

    /// The second of a call, where the log has had whole seconds alone until now.
    pub(crate) const fn second(&self, call: &Call) -> Option<u64> {
        let time = match self.time_is {
            TimeIs::Start => call.start,
            TimeIs::End => call.end,
        };
        if self.times.are_fine() {
            None
        } else {
            Some(time)
        }
    }

    fn took(&self, fields: &Fields<'_>) -> Result<u64, Flaw> {
        let took = match fields.either(Field::Duration, Field::OtherDuration) {
            Value::Missing => Some(0),
            Value::Number(count) => self.unit.nanos(*count),
            Value::Text(text) => match self.unit.parse(text) {
                None if self.has_lists => items(text)
                    .map(|item| self.unit.parse(item))
                    .try_fold(0_u64, |sum, item| sum.checked_add(item?)),
                took => took,
            },
            Value::Bool(_) => None,
        };
        took.ok_or(Flaw::Duration)
    }

    fn fate(&self, fields: &Fields<'_>) -> Result<Fate, Flaw> {
        let is_ok = match fields.get(Field::Ok) {
            Value::Missing => None,
            Value::Bool(is) => Some(*is),
            Value::Number(count) if *count == 0.0 || *count == 1.0 => Some(*count == 1.0),
            Value::Text(text) => Some(match &text[..] {
                b"true" | b"1" | b"True" | b"TRUE" => true,
                b"false" | b"0" | b"False" | b"FALSE" => false,
                _ => return Err(Flaw::Ok),
            }),
            Value::Number(_) => return Err(Flaw::Ok),
        };
        if let Some(is_ok) = is_ok {
            return Ok(if is_ok { Fate::Success } else { Fate::Failure });
        }
        // nginx's client has gone away, whatever the upstream would have said.
        if let Value::Text(text) = fields.get(Field::OtherStatus)
            && &text[..] == b"499"
        {
            return Ok(Fate::Cancelled);
        }
        let status = match fields.either(Field::Status, Field::OtherStatus) {
            Value::Missing => return Err(Flaw::NoStatus),
            Value::Number(status) => Some(*status),
            Value::Text(text) => digits(text).or_else(|| number(self.last(text))),
            Value::Bool(_) => None,
        };
        let is_disconnected = match fields.get(Field::Flags) {
            Value::Text(flags) => flags.split(|byte| *byte == b',').any(|flag| flag == b"DC"),
            _ => false,
        };
        status
            .and_then(|status| self.statuses.fate(status, is_disconnected))
            .ok_or(Flaw::Status)
    }

    fn service<'f>(&self, fields: &'f Fields<'_>) -> Result<Cow<'f, [u8]>, Flaw> {
        let name = match fields.get(Field::Service) {
            Value::Text(name) => Cow::Borrowed(self.last(name)),
            Value::Number(number) => Cow::Owned(number.to_string().into_bytes()),
            Value::Bool(is) => Cow::Owned(is.to_string().into_bytes()),
            Value::Missing => Cow::Borrowed(self.nameless.as_bytes()),
        };
        if name.len() > LONGEST_NAME {
            return Err(Flaw::Name);
        }
        Ok(name)
    }

    /// The last item, where the text is a list.
    fn last<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        if self.has_lists && text.contains(&b' ') {
            items(text).last().unwrap_or(text)
        } else {
            text
        }
    }
}

/// Three digits, as nearly every status is written.
fn digits(text: &[u8]) -> Option<f64> {
    match text {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            let digit = |byte: &u8| f64::from(byte - b'0');
            Some(digit(a) * 100.0 + digit(b) * 10.0 + digit(c))
        }
        _ => None,
    }
}

/// The items of a list as nginx writes it, `0.1, 0.2 : 0.3`, without those that say nothing.
fn items(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b' ')
        .map(|item| item.strip_suffix(b",").unwrap_or(item))
        .filter(|item| !matches!(*item, b":" | b"-" | b""))
}
