//! Names, notes and spans in a line of text.

use std::{fmt, time::Duration};

/// A text of the user's in a line of ours: what would break the line, or show it otherwise than it is, is escaped.
///
/// Those are control characters, and those that are not seen but change what is, as U+202E does, which turns the text around.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Quotes and backslashes are harmless here, and read better as they are.
        for part in self.0.split_inclusive(HARMLESS) {
            let text = part.strip_suffix(HARMLESS).unwrap_or(part);
            write!(f, "{}{}", text.escape_debug(), &part[text.len()..])?;
        }
        Ok(())
    }
}

const HARMLESS: [char; 3] = ['"', '\'', '\\'];

/// A text on one line, as [`OneLine`] has it, in so many bytes at the most; no more of it is made.
pub(crate) fn bounded(text: &impl fmt::Display, most: usize) -> String {
    struct Part {
        text: String,
        most: usize,
    }

    impl fmt::Write for Part {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for char in text.chars() {
                let shown = OneLine(char.encode_utf8(&mut [0; 4])).to_string();
                if self.text.len() + shown.len() > self.most {
                    return Err(fmt::Error);
                }
                self.text.push_str(&shown);
            }
            Ok(())
        }
    }

    const MORE: &str = "…";
    let mut part = Part {
        text: String::new(),
        most: most - MORE.len(),
    };
    if fmt::write(&mut part, format_args!("{text}")).is_err() {
        part.text.push_str(MORE);
    }
    part.text
}

/// Whether its text begins so, without putting it together.
pub(crate) fn begins(error: &(impl fmt::Display + ?Sized), with: &str) -> bool {
    struct Begins<'a>(&'a str);

    impl fmt::Write for Begins<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let length = self.0.len().min(text.len());
            let is_as_expected = self.0.as_bytes()[..length] == text.as_bytes()[..length];
            self.0 = self
                .0
                .get(length..)
                .filter(|_| is_as_expected)
                .ok_or(fmt::Error)?;
            // There is no more to compare: this ends it.
            if self.0.is_empty() {
                Err(fmt::Error)
            } else {
                Ok(())
            }
        }
    }

    let mut rest = Begins(with);
    let _ = fmt::Write::write_fmt(&mut rest, format_args!("{error}"));
    rest.0.is_empty()
}

/// As [`OneLine`], in quotes.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

/// A span in whole milliseconds, rounded up, and one at least, so that lines group.
pub(crate) struct Millis(pub(crate) Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_nanos().div_ceil(1_000_000).max(1);
        let span = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
        fmt::Debug::fmt(&span, f)
    }
}

/// A span as a person says it: in whole milliseconds below a minute, in days, hours, minutes and seconds above.
pub(crate) struct Short(pub(crate) Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds < 60 {
            return Millis(self.0).fmt(f);
        }
        let mut gap = "";
        for (unit, count) in [
            ("d", seconds / 86_400),
            ("h", seconds / 3600 % 24),
            ("m", seconds / 60 % 60),
            ("s", seconds % 60),
        ] {
            if count > 0 {
                write!(f, "{gap}{count}{unit}")?;
                gap = " ";
            }
        }
        Ok(())
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_line_and_reads_as_it_is() {
        for (text, line) in [
            ("payments", "payments"),
            (
                "their \"db\" doesn't move, c:\\x",
                "their \"db\" doesn't move, c:\\x",
            ),
            ("Zahlung für नमस्ते", "Zahlung für नमस्ते"),
            ("a\nb\r\tc", r"a\nb\r\tc"),
            ("\u{1b}[31mred", r"\u{1b}[31mred"),
            ("pay\u{202e}stnem", r"pay\u{202e}stnem"),
            (
                "a\u{2028}b\u{200b}c\u{feff}d",
                r"a\u{2028}b\u{200b}c\u{feff}d",
            ),
            ("\u{9b}\u{85}\u{0}\u{2066}", r"\u{9b}\u{85}\0\u{2066}"),
        ] {
            assert_eq!(OneLine(text).to_string(), line);
        }
        assert_eq!(Quoted("a\"\n\u{202e}").to_string(), r#""a\"\n\u{202e}""#);
    }

    #[test]
    fn a_long_span_is_in_days_hours_minutes_and_seconds() {
        for (seconds, text) in [
            (0.0, "1ms"),
            (59.5, "59.5s"),
            (60.0, "1m"),
            (3725.9, "1h 2m 5s"),
            (86_401.0, "1d 1s"),
        ] {
            assert_eq!(Short(Duration::from_secs_f64(seconds)).to_string(), text);
        }
    }

    #[test]
    fn a_span_is_in_whole_milliseconds_and_never_nothing() {
        for (span, text) in [
            (Duration::ZERO, "1ms"),
            (Duration::from_nanos(1), "1ms"),
            (Duration::from_micros(1001), "2ms"),
            (Duration::from_millis(200), "200ms"),
            (Duration::from_micros(4_999_400), "5s"),
            (Duration::from_millis(1500), "1.5s"),
            (Duration::MAX, "18446744073709551.615s"),
        ] {
            assert_eq!(Millis(span).to_string(), text);
        }
    }
}
