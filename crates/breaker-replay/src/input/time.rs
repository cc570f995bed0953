//! Times as logs write them.

use jiff::{
    Timestamp, civil,
    tz::{AmbiguousOffset, TimeZone},
};

use super::unit::number;

/// Nanoseconds of a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// What a time without a zone or a year means.
#[derive(Clone, Debug, Default)]
pub(crate) struct Missing {
    /// UTC, where nobody says.
    pub(crate) zone: Option<TimeZone>,
    pub(crate) year: Option<i16>,
}

/// Which of them were of use.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    pub(crate) zone: bool,
    pub(crate) year: bool,
}

/// Reads times, and remembers the second of the last one: lines of a log share it with the line before.
#[derive(Default)]
pub(crate) struct Times {
    missing: Missing,
    /// The date and time of day of the last time, as it stands in the log, and its second as if it were UTC.
    last: Vec<u8>,
    second: i64,
    is_fine: bool,
    /// When the last time of day in the user's zone was.
    before: i64,
    /// Whether there was one that comes twice, as clocks go back.
    pub(crate) is_twofold: bool,
    /// Whether a time had no zone, and nobody said which.
    pub(crate) is_zoneless: bool,
    /// Whether a time had no year, and nobody said which.
    pub(crate) is_yearless: bool,
    /// Whether a zone or a year was taken from what the user said.
    pub(crate) used: Used,
}

impl Times {
    pub(crate) fn new(missing: Missing) -> Self {
        Self {
            missing,
            ..Self::default()
        }
    }

    /// A time as text: a date and a time of day in a usual notation, or a number. In nanoseconds since 1970.
    pub(crate) fn parse(&mut self, text: &[u8]) -> Option<u64> {
        let time = match notation(text) {
            Some(head) => self.of_day(text, head),
            None => unix(number(text)?),
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

    /// A date and a time of day, of so many bytes, then perhaps a fraction and a zone.
    fn of_day(&mut self, text: &[u8], head: usize) -> Option<u64> {
        let (head, tail) = text.split_at_checked(head)?;
        if self.last != head {
            self.second = self.civil(head)?;
            self.last.clear();
            self.last.extend_from_slice(head);
        }
        let (nanos, tail) = fraction(tail)?;
        let seconds = match offset(tail)? {
            Some(offset) => self.second - offset,
            None => match &self.missing.zone {
                Some(zone) => {
                    self.used.zone = true;
                    let [first, second] = local(self.second, zone)?;
                    self.is_twofold |= first != second;
                    let is_second = second.abs_diff(self.before) < first.abs_diff(self.before);
                    self.before = if is_second { second } else { first };
                    self.before
                }
                None => {
                    self.is_zoneless = true;
                    self.second
                }
            },
        };
        u64::try_from(seconds)
            .ok()?
            .checked_mul(SECOND)?
            .checked_add(nanos)
    }

    /// The second of a date and a time of day, as if it were UTC.
    fn civil(&mut self, text: &[u8]) -> Option<i64> {
        let (year, month, day, clock) = match text {
            [d @ .., b':', _, _, b':', _, _, b':', _, _] if d.len() == 11 => (
                digits(&d[7..])?,
                month(&d[3..6])?,
                digits(&d[..2])?,
                &text[12..],
            ),
            [_, _, _, _, b'-' | b'/', ..] => {
                let (month, day) = (digits(&text[5..7])?, digits(&text[8..10])?);
                (digits(&text[..4])?, month, day, &text[11..])
            }
            [_, _, _, b' ', tens, ones, b' ', clock @ ..] => {
                let Some(year) = self.missing.year else {
                    self.is_yearless = true;
                    return None;
                };
                self.used.year = true;
                let day = [if *tens == b' ' { b'0' } else { *tens }, *ones];
                (i64::from(year), month(&text[..3])?, digits(&day)?, clock)
            }
            _ => return None,
        };
        let [h1, h2, b':', m1, m2, b':', s1, s2] = clock else {
            return None;
        };
        let (hour, minute) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
        // A leap second is taken for the one before.
        let second = match digits(&[*s1, *s2])? {
            60 => 59,
            second => second,
        };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(days([year, month, day])? * 86400 + hour * 3600 + minute * 60 + second)
    }
}

/// The days of a date since 1970.
fn days([year, month, day]: [i64; 3]) -> Option<i64> {
    let date = civil::Date::new(
        year.try_into().ok()?,
        month.try_into().ok()?,
        day.try_into().ok()?,
    );
    let epoch = civil::Date::new(1970, 1, 1).ok()?;
    Some(i64::from((date.ok()? - epoch).get_days()))
}

/// How many bytes the date and the time of day have, if the text begins like one.
fn notation(text: &[u8]) -> Option<usize> {
    match text {
        [_, _, b'/', ..] => Some(20),
        [
            _,
            _,
            _,
            _,
            b'-' | b'/',
            _,
            _,
            b'-' | b'/',
            _,
            _,
            b'T' | b't' | b' ' | b'_',
            ..,
        ] => Some(19),
        [a, _, _, b' ', ..] if a.is_ascii_alphabetic() => Some(15),
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

fn month(name: &[u8]) -> Option<i64> {
    let names = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let place = names.chunks(3).position(|known| known == name)?;
    Some(place as i64 + 1)
}

/// The nanoseconds of `.123` or `,123`, and what follows; digits beyond the ninth are finer than anything here.
fn fraction(text: &[u8]) -> Option<(u64, &[u8])> {
    let Some(text) = text.strip_prefix(b".").or_else(|| text.strip_prefix(b",")) else {
        return Some((0, text));
    };
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let (digits, rest) = text.split_at(count);
    let (mut nanos, mut unit) = (0, SECOND);
    for digit in digits.iter().take(9) {
        unit /= 10;
        nanos += u64::from(digit - b'0') * unit;
    }
    Some((nanos, rest))
}

/// The seconds that a zone is ahead of UTC: `Z`, `+0200`, ` -07:00`, ` UTC`; none where there is no zone.
#[expect(clippy::option_option, reason = "no zone, and what is none")]
fn offset(text: &[u8]) -> Option<Option<i64>> {
    let text = text.trim_ascii();
    let (sign, rest) = match text {
        b"" => return Some(None),
        b"Z" | b"z" | b"UTC" | b"GMT" => return Some(Some(0)),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [_, _] => (rest, &b"00"[..]),
        [_, _, b':', _, _] => (&rest[..2], &rest[3..]),
        [_, _, _, _] => rest.split_at(2),
        _ => return None,
    };
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours < 24 && minutes < 60).then(|| Some(sign * (hours * 3600 + minutes * 60)))
}

/// The seconds that a time of day in a zone may be; two of them in an hour that comes twice.
fn local(second: i64, zone: &TimeZone) -> Option<[i64; 2]> {
    let clock = Timestamp::from_second(second).ok()?;
    let clock = TimeZone::UTC.to_datetime(clock);
    let told = zone.to_ambiguous_timestamp(clock);
    let both = match told.offset() {
        AmbiguousOffset::Fold { .. } => [told.earlier(), told.later()],
        _ => [told.compatible(), told.compatible()],
    };
    let [first, second] = both;
    Some([first.ok()?.as_second(), second.ok()?.as_second()])
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
            "2000-10-10T13:55:36-0700",
            "2000-10-10 20:55:36.000Z",
            "2000-10-10 20:55:36,000 UTC",
            "2000-10-10T20:55:36.0000000000Z",
            "2000/10/10 20:55:36 GMT",
            "10/Oct/2000:13:55:36 -0700",
            "10/Oct/2000:13:55:36.000 -0700",
            "971211336",
            "971211336.000",
            "971211336000",
            "971211336000000",
            "971211336000000000",
        ] {
            let mut times = Times::default();
            assert_eq!(times.parse(text.as_bytes()), Some(MOMENT), "{text}");
            assert!(!times.is_zoneless, "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_utc_or_as_told() {
        for text in [
            "2000-10-10 20:55:36,000",
            "2000-10-10T20:55:36",
            "10/Oct/2000:20:55:36.000",
            "Oct 10 20:55:36",
        ] {
            let year = Some(2000);
            let mut times = Times::new(Missing { zone: None, year });
            assert_eq!(times.parse(text.as_bytes()), Some(MOMENT), "{text}");
            assert!(times.is_zoneless, "{text}");
            let zone = Some(TimeZone::fixed(jiff::tz::offset(-7)));
            let mut times = Times::new(Missing { zone, year });
            assert_eq!(
                times.parse(text.as_bytes()),
                Some(MOMENT + 7 * 3600 * SECOND),
                "{text}"
            );
            assert!(!times.is_zoneless, "{text}");
        }
    }

    #[test]
    fn a_time_without_a_year_is_none_until_the_year_is_told() {
        let mut times = Times::default();
        assert_eq!(times.parse(b"Oct  1 20:55:36"), None);
        assert!(times.is_yearless);
        let year = Some(2000);
        let mut times = Times::new(Missing { zone: None, year });
        assert_eq!(
            times.parse(b"Oct  1 20:55:36"),
            Some(MOMENT - 9 * 86400 * SECOND)
        );
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
            "2000-10-10T24:55:36Z",
            "2000-10-10T20:55:36.Z",
            "2000-10-10T20:55:36.x1Z",
            "2000-10-10T20:55:36 Mars",
            "10/Oct/2000",
            "10/Okt/2000:13:55:36 -0700",
            "1960-10-10T20:55:36Z",
        ] {
            assert_eq!(times.parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_leap_second_is_taken_for_the_one_before() {
        let mut times = Times::default();
        let leap = times.parse(b"2016-12-31T23:59:60.5Z");
        assert_eq!(leap, times.parse(b"2016-12-31T23:59:59.5Z"));
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
                let wanted: Timestamp = text.parse().unwrap();
                let wanted = u64::try_from(wanted.as_nanosecond()).ok();
                prop_assert_eq!(times.parse(text.as_bytes()), wanted, "{}", text);
            }
        }
    }
}
