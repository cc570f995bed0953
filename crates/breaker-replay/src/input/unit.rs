//! Durations as logs write them.

use serde::Deserialize;

use super::time::SECOND;

/// The unit of a duration that is a bare number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    /// Seconds
    #[default]
    S,
    /// Milliseconds
    Ms,
    /// Microseconds
    Us,
    /// Nanoseconds
    Ns,
}

/// What a duration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Took {
    Nanos(u64),
    /// `-1`, as load balancers write where nothing answered.
    Unknown,
}

impl Unit {
    /// So many of these; `None` where that is no duration.
    pub(crate) fn of(self, count: f64) -> Option<Took> {
        if count == -1.0 {
            return Some(Took::Unknown);
        }
        let factor = match self {
            Self::S => SECOND as f64,
            Self::Ms => 1e6,
            Self::Us => 1e3,
            Self::Ns => 1.0,
        };
        let nanos = (count * factor).round();
        (nanos >= 0.0 && nanos < u64::MAX as f64).then_some(Took::Nanos(nanos as u64))
    }

    /// A duration as text: a number of these, or one with a unit of its own such as `150ms`.
    pub(crate) fn parse(self, text: &[u8]) -> Option<Took> {
        if let Some(count) = number(text) {
            return self.of(count);
        }
        let text = str::from_utf8(text).ok()?;
        with_unit(text).or_else(|| {
            let span = humantime::parse_duration(text).ok()?;
            Some(Took::Nanos(span.as_nanos().try_into().ok()?))
        })
    }

    /// As people write it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::S => "s",
            Self::Ms => "ms",
            Self::Us => "µs",
            Self::Ns => "ns",
        }
    }
}

/// A number and one unit, which may have a fraction: `1.5s`, `250µs`.
fn with_unit(text: &str) -> Option<Took> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (count, unit) = text.split_at(end);
    let count: f64 = count.parse().ok()?;
    let (count, unit) = match unit.trim_start() {
        "s" => (count, Unit::S),
        "ms" => (count, Unit::Ms),
        // The micro sign, and the Greek letter.
        "us" | "µs" | "μs" => (count, Unit::Us),
        "ns" => (count, Unit::Ns),
        "m" | "min" => (count * 60.0, Unit::S),
        "h" => (count * 3600.0, Unit::S),
        _ => return None,
    };
    unit.of(count)
}

/// A finite number.
pub(crate) fn number(text: &[u8]) -> Option<f64> {
    if !matches!(text.first(), Some(b'0'..=b'9' | b'.' | b'-' | b'+')) {
        return None;
    }
    if let Some(number) = decimal(text) {
        return Some(number);
    }
    // To see that an address is none takes the standard library long.
    let can_be = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    if !text.iter().all(can_be) {
        return None;
    }
    let text = str::from_utf8(text).ok()?;
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `12.345`, as most numbers are: exact up to fifteen digits, which a float holds.
pub(crate) fn decimal(text: &[u8]) -> Option<f64> {
    const TENS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    if text.len() > 16 || text.is_empty() {
        return None;
    }
    let (mut sum, mut places, mut is_fraction, mut count) = (0_u64, 0, false, 0);
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                sum = sum * 10 + u64::from(byte - b'0');
                places += usize::from(is_fraction);
                count += 1;
            }
            b'.' if !is_fraction => is_fraction = true,
            _ => return None,
        }
    }
    // A whole number and a power of ten that are both exact: their quotient is rounded once.
    (1..=15).contains(&count).then(|| sum as f64 / TENS[places])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_duration_is_a_number_or_has_a_unit() {
        for (unit, text, nanos) in [
            (Unit::S, "0.25", 250_000_000),
            (Unit::Ms, "1.5", 1_500_000),
            (Unit::S, "150ms", 150_000_000),
            (Unit::Ms, "0.123s", 123_000_000),
            (Unit::S, "250µs", 250_000),
            (Unit::S, "250μs", 250_000),
            (Unit::S, "1m30s", 90_000_000_000),
        ] {
            assert_eq!(
                unit.parse(text.as_bytes()),
                Some(Took::Nanos(nanos)),
                "{text}"
            );
        }
        for bad in ["NaN", "-2", "inf", "soon", "", "1e40", "1.2.3s"] {
            assert_eq!(Unit::S.parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn minus_one_says_that_the_duration_is_not_known() {
        for text in ["-1", "-1.000"] {
            assert_eq!(Unit::Ms.parse(text.as_bytes()), Some(Took::Unknown));
        }
    }

    proptest! {
        #[test]
        fn the_short_way_reads_a_number_as_the_long_one(whole in 0_u64..10_000_000_000, places in 0..6_usize, part in 0_u64..1_000_000) {
            let part = part % 10_u64.pow(places as u32);
            let text = if places == 0 { whole.to_string() } else { format!("{whole}.{part:0places$}") };
            prop_assert_eq!(number(text.as_bytes()), text.parse().ok());
        }
    }
}
