//! What stands around the lines of a log where something else has written it down: Docker, Kubernetes, syslog.

use std::borrow::Cow;

/// What the lines are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wrap {
    /// `{"log":"…\n","stream":"stdout","time":"…"}`
    Docker,
    /// `2026-10-10T13:55:36.123Z stdout F …`
    Cri,
    /// `<190>Oct 10 13:55:36 host nginx[7]: …`, or with a time of RFC 3339, or after RFC 5424.
    Syslog,
    /// `web-1  | …`
    Compose,
    #[default]
    None,
}

impl Wrap {
    pub(crate) const ALL: [Self; 5] = [
        Self::Docker,
        Self::Cri,
        Self::Syslog,
        Self::Compose,
        Self::None,
    ];

    /// As people know it.
    pub(crate) const fn text(self) -> Option<&'static str> {
        match self {
            Self::Docker => Some("in Docker's JSON"),
            Self::Cri => Some("after Kubernetes' prefix"),
            Self::Syslog => Some("after a head of syslog"),
            Self::Compose => Some("after the container's name"),
            Self::None => None,
        }
    }

    /// What is inside of a line; `None` if it is not in this.
    pub(crate) fn inside(self, line: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Docker => docker(line),
            Self::Cri => cri(line).map(Cow::Borrowed),
            Self::Syslog => syslog(line).map(Cow::Borrowed),
            Self::Compose => compose(line).map(Cow::Borrowed),
            Self::None => Some(Cow::Borrowed(line)),
        }
    }
}

fn docker(line: &[u8]) -> Option<Cow<'_, [u8]>> {
    #[derive(serde::Deserialize)]
    struct Entry {
        log: String,
        #[serde(rename = "stream")]
        _stream: serde::de::IgnoredAny,
    }
    if !line.starts_with(b"{\"log\"") {
        return None;
    }
    let Entry { log, .. } = serde_json::from_slice(line).ok()?;
    Some(Cow::Owned(log.trim_end().into()))
}

fn cri(line: &[u8]) -> Option<&[u8]> {
    let (time, rest) = word(line)?;
    let (stream, rest) = word(rest)?;
    let (part, rest) = word(rest)?;
    let is_cri =
        is_rfc3339(time) && matches!(stream, b"stdout" | b"stderr") && matches!(part, b"F" | b"P");
    is_cri.then_some(rest)
}

fn syslog(line: &[u8]) -> Option<&[u8]> {
    let rest = match line.strip_prefix(b"<") {
        Some(rest) => {
            let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
            &rest[end + 1..]
        }
        None => line,
    };
    if let Some(rest) = rest.strip_prefix(b"1 ") {
        return rfc5424(rest);
    }
    let rest = match after_clock(rest) {
        Some(rest) => rest,
        None => {
            let (time, rest) = word(rest)?;
            is_rfc3339(time).then_some(rest)?
        }
    };
    let (_host, rest) = word(rest)?;
    let (tag, rest) = word(rest)?;
    tag.ends_with(b":").then_some(rest)
}

/// What follows a version: time, host, app, process, message's kind, data.
fn rfc5424(rest: &[u8]) -> Option<&[u8]> {
    let (time, mut rest) = word(rest)?;
    for _ in 0..4 {
        (_, rest) = word(rest)?;
    }
    let rest = match rest.strip_prefix(b"-") {
        Some(rest) => rest,
        None => &rest[memchr::memmem::find(rest, b"] ")? + 1..],
    };
    (is_rfc3339(time) || time == b"-").then(|| rest.trim_ascii_start())
}

/// What follows `Oct 10 13:55:36 `.
fn after_clock(rest: &[u8]) -> Option<&[u8]> {
    let (clock, rest) = rest.split_at_checked(16)?;
    let is_at = |place: usize, sign| clock[place] == sign;
    let is_clock = clock[..3].iter().all(u8::is_ascii_alphabetic)
        && [3, 6, 15].into_iter().all(|place| is_at(place, b' '))
        && [9, 12].into_iter().all(|place| is_at(place, b':'));
    is_clock.then_some(rest)
}

fn compose(line: &[u8]) -> Option<&[u8]> {
    let (name, rest) = word(line)?;
    let rest = rest.trim_ascii_start().strip_prefix(b"|")?;
    (!name.is_empty()).then(|| rest.strip_prefix(b" ").unwrap_or(rest))
}

/// The text up to a blank, and what follows.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b' ', text)?;
    Some((&text[..end], &text[end + 1..]))
}

fn is_rfc3339(text: &[u8]) -> bool {
    matches!(text, [_, _, _, _, b'-', _, _, b'-', _, _, b'T', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_comes_out() {
        for (wrap, line) in [
            (
                Wrap::Docker,
                r#"{"log":"a \"b\" c\n","stream":"stdout","time":"2026-10-10T13:55:36.123456789Z"}"#,
            ),
            (
                Wrap::Cri,
                r#"2026-10-10T13:55:36.123456789Z stdout F a "b" c"#,
            ),
            (Wrap::Syslog, r#"<190>Oct  9 13:55:36 web nginx: a "b" c"#),
            (Wrap::Syslog, r#"Oct 10 13:55:36 web nginx[17]: a "b" c"#),
            (
                Wrap::Syslog,
                r#"2026-10-10T13:55:36.123+02:00 web haproxy[1]: a "b" c"#,
            ),
            (
                Wrap::Syslog,
                r#"<134>1 2026-10-10T13:55:36Z web haproxy 17 - - a "b" c"#,
            ),
            (
                Wrap::Syslog,
                r#"<134>1 2026-10-10T13:55:36Z web haproxy 17 ID [x@1 y="z"] a "b" c"#,
            ),
            (Wrap::Compose, r#"web-1  | a "b" c"#),
            (Wrap::None, r#"a "b" c"#),
        ] {
            let inside = wrap.inside(line.as_bytes()).unwrap();
            assert_eq!(String::from_utf8_lossy(&inside), r#"a "b" c"#, "{line}");
        }
    }

    #[test]
    fn a_line_that_is_not_in_it_is_none() {
        let line = br#"192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 5"#;
        for wrap in Wrap::ALL {
            assert_eq!(wrap.inside(line).is_some(), wrap == Wrap::None, "{wrap:?}");
        }
    }
}
