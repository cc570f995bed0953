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
    fn a_share_that_is_not_all_never_reads_as_all() {
        assert_eq!(share(999_999, 1_000_000), "99.9 %");
        assert_eq!(share(1, 1_000_000), "under 0.1 %");
        assert_eq!(share(7, 7), "100 %");
        assert_eq!(share(0, 0), "0 %");
    }
}
