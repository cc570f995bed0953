//! From the fields of a line to its calls.

use std::borrow::Cow;

use super::{
    call::{Call, Fate, Flaw, TimeIs},
    derive::Derive,
    fields::{Field, Fields, Value},
    list::{items, length},
    services::{LONGEST_NAME, NAMELESS},
    statuses::{Statuses, digits, grpc, status},
    time::Times,
    unit::{Took, Unit},
};

/// How fields are understood.
pub(crate) struct Reading {
    pub(crate) times: Times,
    pub(crate) time_is: TimeIs,
    /// The unit of each name of the duration.
    pub(crate) units: Vec<Unit>,
    pub(crate) statuses: Statuses,
    /// Flags that say that the client gave up; one that ends in a star is a beginning.
    pub(crate) cancelled_flags: Vec<Vec<u8>>,
    /// What the fields of this name must be; other lines are no calls.
    pub(crate) only: Vec<(Field, Vec<u8>)>,
    pub(crate) derives: [Derive; 3],
    pub(crate) scratch: Vec<u8>,
}

/// How long a call took, and whether that is known.
type Lasted = (u64, bool);

impl Reading {
    /// Gives the calls that a line tells of, each with its service's name: one, or an attempt each; none where `only` says so.
    /// The time of the line.
    ///
    /// # Errors
    ///
    /// What is wrong with the line.
    pub(crate) fn calls(
        &mut self,
        fields: &Fields<'_>,
        mut give: impl FnMut(Call, &[u8]),
    ) -> Result<u64, Flaw> {
        if !self.is_meant(fields)? {
            return Ok(0);
        }
        let time = self.time(fields)?;
        match attempts(fields) {
            1 => {
                let lasted = self.lasted(fields.get(Field::Duration), fields)?;
                let fate = self.fate(fields, fields.get(Field::Status))?;
                give(self.call(time, lasted, fate), &self.service(fields)?);
            }
            count => self.attempts(fields, time, count, give)?,
        }
        Ok(time)
    }

    /// One call for each upstream that was asked, one after the other.
    fn attempts(
        &self,
        fields: &Fields<'_>,
        time: u64,
        count: usize,
        mut give: impl FnMut(Call, &[u8]),
    ) -> Result<(), Flaw> {
        let of = |field| match fields.get(field) {
            Value::Text(text) if length(text) == count => items(text).collect(),
            _ => vec![&b"-"[..]; count],
        };
        let (names, statuses, spans) = (of(Field::Service), of(Field::Status), of(Field::Duration));
        let mut all = Vec::with_capacity(count);
        for (place, (status, span)) in statuses.into_iter().zip(spans).enumerate() {
            let is_last = place + 1 == count;
            let status = Value::text(status);
            let fate = if is_last {
                self.fate(fields, &status)?
            } else {
                self.fate_of_one_before(&status)?
            };
            all.push((self.lasted(&Value::text(span), fields)?, fate));
        }
        let whole: u64 = all
            .iter()
            .fold(0, |sum, ((span, _), _)| sum.saturating_add(*span));
        let mut start = match self.time_is {
            TimeIs::Start => time,
            TimeIs::End => time.saturating_sub(whole),
        };
        for ((lasted, fate), name) in all.into_iter().zip(names) {
            let end = start.saturating_add(lasted.0);
            let call = called(start, end, lasted.1, fate);
            start = end;
            give(call, &self.named(self.derives[0].part(name), fields)?);
        }
        Ok(())
    }

    const fn call(&self, time: u64, lasted: Lasted, fate: Fate) -> Call {
        let (start, end) = match self.time_is {
            TimeIs::Start => (time, time.saturating_add(lasted.0)),
            TimeIs::End => (time.saturating_sub(lasted.0), time),
        };
        called(start, end, lasted.1, fate)
    }

    /// Whether a line may tell of a call.
    ///
    /// # Errors
    ///
    /// Where it is of another format.
    pub(crate) fn is_meant(&self, fields: &Fields<'_>) -> Result<bool, Flaw> {
        let mut is_meant = true;
        for (field, wanted) in &self.only {
            is_meant &= match fields.get(*field) {
                Value::Text(text) => text[..] == wanted[..],
                Value::Missing => return Err(Flaw::Other),
                Value::Nothing | Value::Number(_) | Value::Bool(_) => false,
            };
        }
        Ok(is_meant)
    }

    fn time(&mut self, fields: &Fields<'_>) -> Result<u64, Flaw> {
        let time = match (fields.get(Field::Time), fields.get(Field::Clock)) {
            (Value::Text(date), Value::Text(clock)) => {
                self.scratch.clear();
                self.scratch.extend_from_slice(date);
                self.scratch.push(b' ');
                self.scratch.extend_from_slice(clock);
                self.times.parse(&self.scratch)
            }
            (Value::Text(text), _) => self.times.parse(text),
            (Value::Number(time), _) => self.times.number(*time),
            (Value::Missing | Value::Nothing, _) => return Err(Flaw::NoTime),
            (Value::Bool(_), _) => None,
        };
        time.ok_or(Flaw::Time)
    }

    fn lasted(&self, value: &Value<'_>, fields: &Fields<'_>) -> Result<Lasted, Flaw> {
        let unit = self.units.get(usize::from(fields.rank(Field::Duration)));
        let unit = unit.copied().unwrap_or_default();
        let took = match value {
            Value::Missing | Value::Nothing => Some(Took::Unknown),
            Value::Number(count) => unit.of(*count),
            Value::Text(text) => unit.parse(text).or_else(|| sum(text, unit)),
            Value::Bool(_) => None,
        };
        match took.ok_or(Flaw::Duration)? {
            Took::Nanos(nanos) => Ok((nanos, true)),
            Took::Unknown => Ok((0, false)),
        }
    }

    fn fate(&self, fields: &Fields<'_>, of_upstream: &Value<'_>) -> Result<Fate, Flaw> {
        if let Some(is_ok) = is_ok(fields.get(Field::Ok))? {
            return Ok(if is_ok { Fate::Success } else { Fate::Failure });
        }
        let front = status_of(fields.get(Field::Front))?;
        // The client has gone away, whatever the upstream would have said.
        if let Some(fate) = self
            .statuses
            .of_front(front)
            .filter(|_| !fields.get(Field::Front).is_none())
        {
            return Ok(fate);
        }
        match fields.get(Field::Grpc) {
            Value::Missing | Value::Nothing => {}
            code => return grpc(code).ok_or(Flaw::Grpc),
        }
        let upstream = status_of(of_upstream)?;
        let status = if upstream == 0 { front } else { upstream };
        if status == 0 {
            if self.has_given_up(fields.get(Field::Flags)) {
                return Ok(Fate::Cancelled);
            }
            if let (Value::Missing, Value::Missing) = (of_upstream, fields.get(Field::Front)) {
                return Err(Flaw::NoStatus);
            }
        }
        self.statuses.fate(status).ok_or(Flaw::Status)
    }

    /// Of an upstream after which another was asked: without a status it has failed.
    fn fate_of_one_before(&self, status: &Value<'_>) -> Result<Fate, Flaw> {
        match status_of(status)? {
            0 => Ok(Fate::Failure),
            status => self.statuses.fate(status).ok_or(Flaw::Status),
        }
    }

    fn has_given_up(&self, flags: &Value<'_>) -> bool {
        let Value::Text(flags) = flags else {
            return false;
        };
        let is_one = |flag: &[u8]| {
            self.cancelled_flags
                .iter()
                .any(|known| match known.strip_suffix(b"*") {
                    Some(start) => flag.starts_with(start),
                    None => flag == known,
                })
        };
        flags.split(|byte| *byte == b',').any(is_one)
    }

    fn service<'f>(&self, fields: &'f Fields<'_>) -> Result<Cow<'f, [u8]>, Flaw> {
        self.named(self.part(0, fields.get(Field::Service)), fields)
    }

    /// The first part of the name, and the others.
    fn named<'f>(
        &self,
        first: Cow<'f, [u8]>,
        fields: &'f Fields<'_>,
    ) -> Result<Cow<'f, [u8]>, Flaw> {
        let others = [Field::Service2, Field::Service3];
        let mut name = if *first == *b"-" {
            Cow::Borrowed(&b""[..])
        } else {
            first
        };
        for (place, field) in (1..).zip(others) {
            let part = self.part(place, fields.get(field));
            if !part.is_empty() {
                let name = name.to_mut();
                if !name.is_empty() {
                    name.push(b' ');
                }
                name.extend_from_slice(&part);
            }
        }
        if name.len() > LONGEST_NAME {
            return Err(Flaw::Name);
        }
        if name.is_empty() {
            name = Cow::Borrowed(NAMELESS.as_bytes());
        }
        Ok(name)
    }

    fn part<'f>(&self, place: usize, value: &'f Value<'_>) -> Cow<'f, [u8]> {
        match value {
            Value::Text(name) => self.derives[place].part(name),
            Value::Number(number) => Cow::Owned(number.to_string().into_bytes()),
            Value::Bool(is) => Cow::Owned(is.to_string().into_bytes()),
            Value::Missing | Value::Nothing => Cow::Borrowed(b""),
        }
    }
}

/// A call of a service and a client that are not known yet.
const fn called(start: u64, end: u64, is_timed: bool, fate: Fate) -> Call {
    Call {
        start,
        end,
        service: 0,
        client: 0,
        fate,
        is_timed,
    }
}

/// How many upstreams a line says were asked: as many as it names, if it has as many statuses or durations.
fn attempts(fields: &Fields<'_>) -> usize {
    match of(fields, Field::Service) {
        1 => 1,
        _ if !attempts_agree(fields) => 1,
        count => count,
    }
}

fn attempts_agree(fields: &Fields<'_>) -> bool {
    let count = of(fields, Field::Service);
    of(fields, Field::Status) == count || of(fields, Field::Duration) == count
}

fn of(fields: &Fields<'_>, field: Field) -> usize {
    match fields.get(field) {
        Value::Text(text) => length(text),
        _ => 1,
    }
}

/// The status; of a list the last one.
fn status_of(value: &Value<'_>) -> Result<u16, Flaw> {
    let found = match value {
        Value::Text(text) if text.len() > 3 => {
            digits(text).or_else(|| digits(items(text).last().unwrap_or(b"")))
        }
        value => status(value),
    };
    found.ok_or(Flaw::Status)
}

/// How long all upstreams of a list took; unknown ones count for nothing.
fn sum(text: &[u8], unit: Unit) -> Option<Took> {
    if length(text) < 2 {
        return None;
    }
    let mut whole = Took::Unknown;
    for item in items(text).filter(|item| *item != b"-") {
        let so_far = match whole {
            Took::Nanos(nanos) => nanos,
            Took::Unknown => 0,
        };
        whole = match unit.parse(item)? {
            Took::Nanos(nanos) => Took::Nanos(so_far.checked_add(nanos)?),
            Took::Unknown => whole,
        };
    }
    Some(whole)
}

fn is_ok(value: &Value<'_>) -> Result<Option<bool>, Flaw> {
    match value {
        Value::Missing | Value::Nothing => Ok(None),
        Value::Bool(is) => Ok(Some(*is)),
        Value::Number(count) if *count == 0.0 || *count == 1.0 => Ok(Some(*count == 1.0)),
        Value::Number(_) => Err(Flaw::Ok),
        Value::Text(text) => match &text[..] {
            b"true" | b"1" | b"True" | b"TRUE" => Ok(Some(true)),
            b"false" | b"0" | b"False" | b"FALSE" => Ok(Some(false)),
            _ => Err(Flaw::Ok),
        },
    }
}
