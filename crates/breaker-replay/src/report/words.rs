//! Numbers and spans of time as people read them.

/// With a comma after each three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 trip`, `2 trips`.
pub(crate) fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(number))
}

/// Two units at most, or one with a decimal.
pub(crate) fn span(nanos: u64) -> String {
    let seconds = nanos as f64 / 1e9;
    match seconds {
        _ if seconds < 0.9995 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 59.95 => format!("{seconds:.1} s"),
        _ if seconds < 3599.5 => {
            let whole = seconds.round() as u64;
            format!("{} min {} s", whole / 60, whole % 60)
        }
        _ if seconds < 48.0 * 3600.0 => format!("{:.1} h", seconds / 3600.0),
        _ if seconds < 1000.0 * 86400.0 => format!("{:.1} days", seconds / 86400.0),
        _ => format!("{:.1} years", seconds / 31_556_952.0),
    }
}

/// As [`span`], for a narrow column: `2m0s`.
pub(crate) fn brief(nanos: u64) -> String {
    let seconds = nanos as f64 / 1e9;
    match seconds {
        _ if (59.95..3599.5).contains(&seconds) => {
            let whole = seconds.round() as u64;
            format!("{}m{}s", whole / 60, whole % 60)
        }
        _ => span(nanos)
            .replace(" ", "")
            .replace("days", "d")
            .replace("years", "y"),
    }
}

/// In lines of at most so many characters, each with its end; what goes on is set in.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    const GOES_ON: &str = "      ";
    let indent = text.len() - text.trim_start().len();
    let mut lines = text[..indent].to_owned();
    let mut used = indent;
    let mut is_first = true;
    for word in text.trim_start().split(' ') {
        let length = word.chars().count();
        if !is_first && used + 1 + length > width {
            lines += "\n";
            lines += GOES_ON;
            used = GOES_ON.len();
        } else if !is_first {
            lines += " ";
            used += 1;
        }
        lines += word;
        used += length;
        is_first = false;
    }
    lines + "\n"
}

/// So many calls in a time, in the unit in which that is a number.
pub(crate) fn rate(calls: u64, nanos: u64) -> String {
    let per_second = calls as f64 / (nanos.max(1) as f64 / 1e9);
    let (number, unit) = match per_second {
        _ if per_second >= 0.95 || calls == 0 => (per_second, "s"),
        _ if per_second * 60.0 >= 0.95 => (per_second * 60.0, "min"),
        _ if per_second * 3600.0 >= 0.95 => (per_second * 3600.0, "h"),
        _ => (per_second * 86400.0, "day"),
    };
    if number >= 9.95 {
        format!("{} calls/{unit}", count(number.round() as u64))
    } else {
        format!("{number:.1} calls/{unit}")
    }
}

/// A part of a whole.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    let percent = 100.0 * part as f64 / whole as f64;
    match percent {
        _ if part == 0 => "0 %".to_owned(),
        _ if percent < 0.1 => "under 0.1 %".to_owned(),
        _ if percent < 10.0 => format!("{percent:.1} %"),
        _ if part < whole && percent > 99.0 => format!("{:.1} %", percent.min(99.9)),
        _ => format!("{percent:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(counted(1, "trip"), "1 trip");
        assert_eq!(counted(1000, "trip"), "1,000 trips");
    }

    #[test]
    fn spans_have_the_unit_that_fits() {
        let second = 1_000_000_000;
        assert_eq!(span(0), "0 ms");
        assert_eq!(span(999_400_000), "999 ms");
        assert_eq!(span(999_900_000), "1.0 s");
        assert_eq!(span(61 * second), "1 min 1 s");
        assert_eq!(span(119 * second + second * 6 / 10), "2 min 0 s");
        assert_eq!(span(2 * 3600 * second), "2.0 h");
        assert_eq!(span(u64::MAX), "584.6 years");
    }

    #[test]
    fn a_long_text_is_wrapped_at_blanks_and_goes_on_set_in() {
        assert_eq!(wrapped("  one two", 80), "  one two\n");
        assert_eq!(wrapped("  one two three", 10), "  one two\n      three\n");
        assert_eq!(wrapped("averylongword x", 5), "averylongword\n      x\n");
        assert_eq!(wrapped("", 5), "\n");
    }

    #[test]
    fn a_span_is_brief_in_a_column() {
        let second = 1_000_000_000;
        assert_eq!(
            [61 * second, 1_500_000_000, 7200 * second].map(brief),
            ["1m1s", "1.5s", "2.0h"]
        );
    }

    #[test]
    fn a_rate_that_is_not_0_never_reads_as_0() {
        let second = 1_000_000_000;
        for (calls, seconds, text) in [
            (5000, 1, "5,000 calls/s"),
            (30, 20, "1.5 calls/s"),
            (1, 3600 * 20 / 60, "3.0 calls/h"),
            (2, 60, "2.0 calls/min"),
            (1, 2 * 86400, "0.5 calls/day"),
        ] {
            assert_eq!(rate(calls, seconds * second), text);
        }
    }

    #[test]
    fn a_share_that_is_not_all_never_reads_as_all() {
        assert_eq!(share(999_999, 1_000_000), "99.9 %");
        assert_eq!(share(1, 1_000_000), "under 0.1 %");
        assert_eq!(share(7, 7), "100 %");
        assert_eq!(share(0, 0), "0 %");
    }
}
