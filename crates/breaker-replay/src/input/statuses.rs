//! What statuses mean.

use std::{cell::Cell, fmt, str::FromStr, sync::LazyLock};

use breaker_layer::{
    Outcome,
    http::{ClassifyStream, GrpcErrors, ServerErrors},
};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{call::Fate, fields::Value, unit::number};

/// Statuses from one to another: `503`, `5xx` or `500-504`, as the user wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    from: u16,
    to: u16,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            write!(f, "{}", self.from)
        } else {
            write!(f, "{}-{}", self.from, self.to)
        }
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a status is 503, 5xx or 500-504".to_owned();
        let one = |text: &str| text.parse().ok().filter(|status: &u16| *status < 1000);
        let range = match (text.strip_suffix("xx"), text.split_once('-')) {
            (Some(hundreds), _) => {
                let from = hundreds.parse::<u16>().ok().filter(|first| *first < 10);
                from.map(|first| (first * 100, first * 100 + 99))
            }
            (None, Some((from, to))) => one(from).zip(one(to)),
            (None, None) => one(text).map(|status| (status, status)),
        };
        let (from, to) = range.filter(|(from, to)| from <= to).ok_or_else(wrong)?;
        Ok(Self { from, to })
    }
}

impl Range {
    const fn one(status: u16) -> Self {
        Self {
            from: status,
            to: status,
        }
    }

    pub(crate) const fn has(self, status: u16) -> bool {
        self.from <= status && status <= self.to
    }
}

/// What the library's [`ServerErrors`] says of each status.
static USUAL: LazyLock<Box<[Fate]>> = LazyLock::new(|| {
    let headers = HeaderMap::new();
    let usual = |status| match StatusCode::from_u16(status) {
        Ok(status) => of(&ServerErrors::new().at_headers(status, &headers)),
        // No answer at all.
        Err(_) => Fate::Failure,
    };
    (0..1000).map(usual).collect()
});

/// What each HTTP status means, and what the front's own say of the client.
pub(crate) struct Statuses {
    fates: Box<[Fate]>,
    /// Those of the front that say that the client gave up, and what they count as.
    cancelled: Vec<(u16, Fate)>,
    /// Which statuses there were.
    seen: Box<[Cell<bool>]>,
}

impl Statuses {
    /// As is usual, but that these say that the client gave up, and the user may say otherwise.
    pub(crate) fn new(cancelled: &[u16], failures: &[Range], successes: &[Range]) -> Self {
        let mut fates = USUAL.clone();
        let mut set = |range: Range, fate| {
            let of_range = fates.iter_mut().skip(range.from.into());
            of_range
                .take(usize::from(range.to - range.from) + 1)
                .for_each(|known| *known = fate);
        };
        for status in cancelled.iter().filter(|status| **status != 0) {
            set(Range::one(*status), Fate::Cancelled);
        }
        successes
            .iter()
            .for_each(|range| set(*range, Fate::Success));
        failures.iter().for_each(|range| set(*range, Fate::Failure));
        let is_in = |ranges: &[Range], status| ranges.iter().any(|range| range.has(status));
        let said = |status| match status {
            _ if is_in(failures, status) => Fate::Failure,
            _ if is_in(successes, status) => Fate::Success,
            _ => Fate::Cancelled,
        };
        let cancelled = cancelled.iter().map(|status| (*status, said(*status)));
        Self {
            fates,
            cancelled: cancelled.collect(),
            seen: vec![Cell::new(false); 1000].into(),
        }
    }

    fn see(&self, status: u16) {
        if let Some(seen) = self.seen.get(usize::from(status)) {
            seen.set(true);
        }
    }

    /// The statuses that there were.
    pub(crate) fn seen(&self) -> impl Iterator<Item = u16> {
        (0..)
            .zip(&self.seen)
            .filter(|(_, seen)| seen.get())
            .map(|(status, _)| status)
    }

    /// What a status means; 0 is that there was none.
    pub(crate) fn fate(&self, status: u16) -> Option<Fate> {
        self.see(status);
        self.fates.get(usize::from(status)).copied()
    }

    /// What this status of the front means where it says that the client gave up, whatever the upstream said.
    pub(crate) fn of_front(&self, front: u16) -> Option<Fate> {
        let found = self.cancelled.iter().find(|(status, _)| *status == front);
        self.see(front);
        found.map(|(_, fate)| *fate)
    }
}

const fn of(outcome: &Outcome) -> Fate {
    match outcome {
        Outcome::Success => Fate::Success,
        Outcome::Ignored => Fate::Ignored,
        _ => Fate::Failure,
    }
}

/// The number of a status; 0 where it says that there was none. `None` if it is no status.
pub(crate) fn status(value: &Value<'_>) -> Option<u16> {
    let status = match value {
        Value::Missing | Value::Nothing => return Some(0),
        Value::Text(text) => return digits(text),
        Value::Number(number) => *number,
        Value::Bool(_) => return None,
    };
    whole(status)
}

/// A status as text; three digits, as nearly every one is written, have a short way.
pub(crate) fn digits(text: &[u8]) -> Option<u16> {
    match text {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            let digit = |byte: &u8| u16::from(byte - b'0');
            Some(digit(a) * 100 + digit(b) * 10 + digit(c))
        }
        b"-" => Some(0),
        _ => whole(number(text)?),
    }
}

fn whole(status: f64) -> Option<u16> {
    if status == -1.0 {
        return Some(0);
    }
    (status >= 0.0 && status.fract() == 0.0 && status < 1000.0).then_some(status as u16)
}

/// What gRPC calls its codes.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALIDARGUMENT",
    "DEADLINEEXCEEDED",
    "NOTFOUND",
    "ALREADYEXISTS",
    "PERMISSIONDENIED",
    "RESOURCEEXHAUSTED",
    "FAILEDPRECONDITION",
    "ABORTED",
    "OUTOFRANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATALOSS",
    "UNAUTHENTICATED",
];

/// What a gRPC status means, a number or a name: as the library's [`GrpcErrors`] has it.
pub(crate) fn grpc(value: &Value<'_>) -> Option<Fate> {
    let code = match value {
        Value::Number(code) => whole(*code)?,
        Value::Text(text) => match digits(text) {
            Some(code) => code,
            None => named(text)?,
        },
        Value::Missing | Value::Nothing | Value::Bool(_) => return None,
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code));
    Some(of(&GrpcErrors::new().end(Some(&trailers))))
}

/// `UNAVAILABLE`, `Unavailable` or `DeadlineExceeded`, as programs write it.
fn named(text: &[u8]) -> Option<u16> {
    let letters = text.iter().filter(|byte| **byte != b'_');
    let name: Vec<_> = letters.map(u8::to_ascii_uppercase).collect();
    let known = CODES.iter().position(|code| code.as_bytes() == name);
    let place = known.or_else(|| (name == b"CANCELED").then_some(1))?;
    u16::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_given_alone_by_hundreds_or_from_one_to_another() {
        for (text, from, to) in [("503", 503, 503), ("5xx", 500, 599), ("500-504", 500, 504)] {
            assert_eq!(text.parse(), Ok(Range { from, to }));
        }
        for wrong in ["", "x", "5x", "55xx", "1000", "504-500", "-1"] {
            assert!(wrong.parse::<Range>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_the_user_says_goes_before_what_is_usual() {
        let all = |text: &str| vec![text.parse().unwrap()];
        let statuses = Statuses::new(&[499], &all("429"), &all("503"));
        for (status, fate) in [
            (200, Fate::Success),
            (404, Fate::Success),
            (429, Fate::Failure),
            (499, Fate::Cancelled),
            (502, Fate::Failure),
            (503, Fate::Success),
            (0, Fate::Failure),
        ] {
            assert_eq!(statuses.fate(status), Some(fate), "{status}");
        }
        let gave_up = Statuses::new(&[499], &all("499"), &[]);
        assert_eq!(gave_up.fate(499), Some(Fate::Failure));
    }

    #[test]
    fn a_grpc_status_is_a_number_or_a_name() {
        for (text, fate) in [
            ("0", Fate::Success),
            ("OK", Fate::Success),
            ("5", Fate::Success),
            ("NOT_FOUND", Fate::Success),
            ("14", Fate::Failure),
            ("Unavailable", Fate::Failure),
            ("DEADLINE_EXCEEDED", Fate::Failure),
            ("DeadlineExceeded", Fate::Failure),
        ] {
            assert_eq!(grpc(&Value::text(text.as_bytes())), Some(fate), "{text}");
        }
        assert_eq!(grpc(&Value::text(b"fine")), None);
    }
}
