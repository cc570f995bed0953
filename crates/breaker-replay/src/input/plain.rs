//! Text as a terminal may show it.

use std::fmt::Write;

/// With control characters, and what turns the direction of writing, as `\x1b` or `\u{202e}`.
pub(crate) fn plain(text: &str) -> String {
    escaped(text, |_| false)
}

/// As [`plain`], of several lines.
pub(crate) fn plain_lines(text: &str) -> String {
    escaped(text, |letter| letter == '\n')
}

fn escaped(text: &str, is_fine: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        // Writing to a string cannot fail.
        let _ = match letter {
            letter if is_fine(letter) => write!(safe, "{letter}"),
            letter if letter.is_control() => write!(safe, "\\x{:02x}", u32::from(letter)),
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                write!(safe, "\\u{{{:x}}}", u32::from(letter))
            }
            letter => write!(safe, "{letter}"),
        };
    }
    safe
}

/// JSON in which no control character stands as itself: inside of texts, where alone they can be, each may be escaped.
pub(crate) fn plain_json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => safe.push('\n'),
            letter if letter.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{:04x}", u32::from(letter));
            }
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_stays_as_it_is() {
        assert_eq!(plain("x\u{1b}[31mRED\n"), "x\\x1b[31mRED\\x0a");
        assert_eq!(plain("\u{9b}31m\u{202e}ö"), "\\x9b31m\\u{202e}ö");
        assert_eq!(plain_lines("a\r\nb"), "a\\x0d\nb");
        assert_eq!(
            plain_json("{\"a\":\"\u{7f}\u{9b}\"}\n"),
            "{\"a\":\"\\u007f\\u009b\"}\n"
        );
    }
}
