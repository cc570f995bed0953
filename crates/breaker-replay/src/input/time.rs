//! Times and durations as logs write them.

use jiff::{Timestamp, fmt::temporal::DateTimeParser};

/// Nanoseconds of a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// Reads times, and remembers the second of the last one: lines of a log share it with the line before.
#[derive(Default)]
pub(crate) struct Times {
    /// Everything up to the second of the last RFC 3339 time, and that second.
    last: [u8; 19],
    second: u64,
    is_fine: bool,
}

impl Times {
    /// A time as text: RFC 3339, `10/Oct/2000:13:55:36 -0700`, or a number. In nanoseconds since 1970.
    pub(crate) fn parse(&mut self, text: &[u8]) -> Option<u64> {
        let time = match text {
            [_, _, b'/', ..] => combined(text),
            [_, _, _, _, b'-', ..] => self.rfc3339(text),
            _ => unix(number(text)?),
        };
        time.inspect(|time| self.learn(*time))
    }

    /// A time as a number: seconds since 1970, or a part of a second as [`unix`] tells them apart.
    pub(crate) fn number(&mut self, time: f64) -> Option<u64> {
        unix(time).inspect(|time| self.learn(*time))
    }

    const fn learn(&mut self, time: u64) {
        self.is_fine |= !time.is_multiple_of(SECOND);
    }

    /// Whether a time had a fraction of a second yet.
    pub(crate) const fn are_fine(&self) -> bool {
        self.is_fine
    }

    fn rfc3339(&mut self, text: &[u8]) -> Option<u64> {
        let (head, tail) = text.split_first_chunk::<19>()?;
        if let Some(fraction) = fraction_of_utc(tail) {
            if *head == self.last {
                return Some(self.second + fraction);
            }
            let whole = nanoseconds(parse_rfc3339(text)?)?;
            (self.last, self.second) = (*head, whole - fraction);
            return Some(whole);
        }
        nanoseconds(parse_rfc3339(text)?)
    }
}

fn parse_rfc3339(text: &[u8]) -> Option<Timestamp> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    PARSER.parse_timestamp(text).ok()
}

/// The nanoseconds of `.123Z` or `Z`.
fn fraction_of_utc(tail: &[u8]) -> Option<u64> {
    match tail {
        b"Z" => Some(0),
        [b'.', digits @ .., b'Z'] if matches!(digits.len(), 1..=9) => {
            let padded = digits.iter().chain([b'0'; 9].iter()).take(9);
            padded.into_iter().try_fold(0, |sum, digit| {
                digit
                    .is_ascii_digit()
                    .then(|| sum * 10 + u64::from(digit - b'0'))
            })
        }
        _ => None,
    }
}

fn combined(text: &[u8]) -> Option<u64> {
    let time = Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", text).ok()?;
    nanoseconds(time)
}

fn nanoseconds(time: Timestamp) -> Option<u64> {
    u64::try_from(time.as_nanosecond()).ok()
}

/// Seconds since 1970, or milliseconds, micro- or nanoseconds: numbers from 10¹¹, 10¹⁴ and 10¹⁷ on, which as seconds would
/// lie beyond the year 5000. In nanoseconds.
pub(crate) fn unix(time: f64) -> Option<u64> {
    let factor = match time {
        _ if time < 1e11 => 1e9,
        _ if time < 1e14 => 1e6,
        _ if time < 1e17 => 1e3,
        _ => 1.0,
    };
    // A float keeps a present time to a quarter of a microsecond; what is finer is noise.
    let micros = (time * (factor / 1e3)).round();
    (micros >= 0.0 && micros < (u64::MAX / 1000) as f64).then(|| micros as u64 * 1000)
}

/// A finite number.
pub(crate) fn number(text: &[u8]) -> Option<f64> {
    let text = str::from_utf8(text).ok()?;
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The unit of a duration that is a bare number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Unit {
    /// Seconds
    S,
    /// Milliseconds
    Ms,
    /// Microseconds
    Us,
    /// Nanoseconds
    Ns,
}

impl Unit {
    /// So many of these, in nanoseconds; `None` where that is no duration.
    pub(crate) fn nanos(self, count: f64) -> Option<u64> {
        let factor = match self {
            Self::S => SECOND as f64,
            Self::Ms => 1e6,
            Self::Us => 1e3,
            Self::Ns => 1.0,
        };
        let nanos = (count * factor).round();
        (nanos >= 0.0 && nanos < u64::MAX as f64).then_some(nanos as u64)
    }

    /// A duration as text: a number of these, or one with a unit of its own such as `150ms`.
    pub(crate) fn parse(self, text: &[u8]) -> Option<u64> {
        if let Some(count) = number(text) {
            return self.nanos(count);
        }
        let span = humantime::parse_duration(str::from_utf8(text).ok()?).ok()?;
        span.as_nanos().try_into().ok()
    }
}

/// A time as people read it, in UTC.
pub(crate) fn show(nanos: u64) -> String {
    let time = Timestamp::from_nanosecond(nanos.into()).unwrap_or(Timestamp::MAX);
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOMENT: u64 = 971_211_336 * SECOND;

    #[test]
    fn one_moment_in_every_notation() {
        for text in [
            "2000-10-10T20:55:36Z",
            "2000-10-10T13:55:36-07:00",
            "2000-10-10 20:55:36.000Z",
            "10/Oct/2000:13:55:36 -0700",
            "971211336",
            "971211336.000",
            "971211336000",
            "971211336000000",
            "971211336000000000",
        ] {
            let time = Times::default().parse(text.as_bytes());
            assert_eq!(time, Some(MOMENT), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        let mut times = Times::default();
        for text in [
            "",
            "-",
            "NaN",
            "inf",
            "-5",
            "1e300",
            "yesterday",
            "2000-13-10T20:55:36Z",
            "2000-10-10T20:55:36",
            "2000-10-10T20:55:36.Z",
            "2000-10-10T20:55:36.x1Z",
            "10/Oct/2000",
            "10/Okt/2000:13:55:36 -0700",
            "1960-10-10T20:55:36Z",
        ] {
            assert_eq!(times.parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_duration_is_a_number_or_has_a_unit() {
        assert_eq!(Unit::S.parse(b"0.25"), Some(250_000_000));
        assert_eq!(Unit::Ms.parse(b"1.5"), Some(1_500_000));
        assert_eq!(Unit::S.parse(b"150ms"), Some(150_000_000));
        for bad in ["NaN", "-1", "inf", "soon", "", "1e40"] {
            assert_eq!(Unit::S.parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_time_is_shown_to_the_millisecond() {
        assert_eq!(show(MOMENT + 1_500_000), "2000-10-10T20:55:36.001Z");
    }

    proptest! {
        #[test]
        fn the_remembered_second_changes_no_time(moments in prop::collection::vec((0_i64..3, 0_i32..1_000_000_000, 0..10_usize), 1..20)) {
            let mut times = Times::default();
            for (second, nano, digits) in moments {
                let time = Timestamp::new(951_782_399 + second, nano).unwrap();
                let text = format!("{time:.digits$}");
                let wanted = nanoseconds(parse_rfc3339(text.as_bytes()).unwrap());
                prop_assert_eq!(times.parse(text.as_bytes()), wanted, "{}", text);
            }
        }
    }
}
