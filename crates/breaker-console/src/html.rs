//! The writer of all markup. What is not written in this crate's source is escaped: there is no other way in.

use std::{
    fmt::{self, Display, Write as _},
    time::Duration,
};

/// A piece of HTML, and a print of it that leaves out what grows with time alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Html {
    out: String,
    print: u64,
}

impl Html {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Markup of ours, which stands in the source.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.print = fnv(self.print, markup.as_bytes());
        self.out.push_str(markup);
        self
    }

    /// Anything else, escaped for text and for quoted attributes alike.
    pub(crate) fn text(&mut self, text: impl Display) -> &mut Self {
        let before = self.out.len();
        let mut escaping = Escaping(&mut self.out);
        // Writing into a string fails only where the value's own `fmt` does; what it wrote till then stands.
        let _ = write!(escaping, "{text}");
        self.print = fnv(self.print, &self.out.as_bytes()[before..]);
        self
    }

    /// A user's text that may be written from right to left: it does not turn its surroundings.
    pub(crate) fn name(&mut self, text: &str) -> &mut Self {
        self.raw("<bdi>").text(Clip(text, 120)).raw("</bdi>")
    }

    /// A link within the console, as the value of an attribute.
    pub(crate) fn link(&mut self, query: &[(&'static str, &str)]) -> &mut Self {
        self.text(Query(query))
    }

    /// A span that goes on growing.
    pub(crate) fn age(&mut self, age: Duration) -> &mut Self {
        self.span("age", age)
    }

    /// A span that goes on shrinking.
    pub(crate) fn left(&mut self, left: Duration) -> &mut Self {
        let seconds = left.as_millis().div_ceil(1000).try_into().unwrap_or(0);
        self.span("left", Duration::from_secs(seconds))
    }

    /// The print leaves it out: a row is not another one because time passes.
    fn span(&mut self, what: &'static str, span: Duration) -> &mut Self {
        let print = self.print;
        self.raw("<time data-")
            .raw(what)
            .raw("=\"")
            .text(span.as_secs())
            .raw("\">")
            .text(Short(span))
            .raw("</time>");
        self.print = print;
        self
    }

    /// Another piece.
    pub(crate) fn piece(&mut self, piece: &Self) -> &mut Self {
        self.print = fnv(self.print, &piece.print.to_le_bytes());
        self.out.push_str(&piece.out);
        self
    }

    /// Equal for two pieces that say the same, whenever they were written.
    pub(crate) const fn print(&self) -> u64 {
        self.print
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.out
    }

    pub(crate) fn into_string(self) -> String {
        self.out
    }
}

struct Escaping<'a>(&'a mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            match char {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&#34;"),
                '\'' => self.0.push_str("&#39;"),
                '`' => self.0.push_str("&#96;"),
                _ if is_unseen(char) => write!(self.0, "{}", char.escape_unicode())?,
                _ => self.0.push(char),
            }
        }
        Ok(())
    }
}

/// Control characters, and those that are not seen but change what is: they turn a line around, or hide in a name.
const fn is_unseen(char: char) -> bool {
    matches!(char,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// The first characters of a text, and a sign where there are more.
pub(crate) struct Clip<'a>(pub(crate) &'a str, pub(crate) usize);

impl Display for Clip<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(self.1) {
            Some((end, _)) => write!(f, "{}…", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

/// A query of a link: it holds wherever the console is mounted.
pub(crate) struct Query<'a>(pub(crate) &'a [(&'static str, &'a str)]);

impl Display for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (name, value)) in self.0.iter().enumerate() {
            write!(f, "{}{name}=", if number == 0 { '?' } else { '&' })?;
            for &byte in value.as_bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                        f.write_char(byte.into())?;
                    }
                    _ => write!(f, "%{byte:02X}")?,
                }
            }
        }
        Ok(())
    }
}

/// A span as a person says it: its two largest units.
pub(crate) struct Short(pub(crate) Duration);

impl Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..60 => write!(f, "{seconds}s"),
            60..3600 => write!(f, "{}m {}s", seconds / 60, seconds % 60),
            3600..86_400 => write!(f, "{}h {}m", seconds / 3600, seconds / 60 % 60),
            _ => write!(f, "{}d {}h", seconds / 86_400, seconds / 3600 % 24),
        }
    }
}

/// FNV-1a, also of what is known at compile time.
pub(crate) const fn fnv(seed: u64, bytes: &[u8]) -> u64 {
    let mut hash = seed ^ 0xcbf2_9ce4_8422_2325;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_users_text_is_markup() {
        for (text, escaped) in [
            ("<script>", "&lt;script&gt;"),
            ("\"'`&", "&#34;&#39;&#96;&amp;"),
            ("a\0b\n", r"a\u{0}b\u{a}"),
            ("pay\u{202e}stnem", r"pay\u{202e}stnem"),
            ("नमस्ते", "नमस्ते"),
        ] {
            assert_eq!(Html::new().text(text).as_str(), escaped);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(Clip("öööö", 2).to_string(), "öö…");
        assert_eq!(Clip("öö", 2).to_string(), "öö");
    }

    #[test]
    fn a_link_keeps_what_is_in_it() {
        let query = Query(&[("circuit", "a&b=c/../ö"), ("key", "\"<")]);
        assert_eq!(
            query.to_string(),
            "?circuit=a%26b%3Dc%2F..%2F%C3%B6&key=%22%3C"
        );
    }

    #[test]
    fn time_alone_does_not_change_a_print() {
        let print = |age| {
            Html::new()
                .raw("for ")
                .age(Duration::from_secs(age))
                .print()
        };
        assert_eq!(print(1), print(2));
        assert_ne!(print(1), Html::new().raw("by ").age(Duration::ZERO).print());
    }
}
