//! A part of a value that a service may be named by: `request:template` is the path of a request with its numbers left out.

use std::borrow::Cow;

/// The part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Derive {
    #[default]
    Whole,
    Method,
    Host,
    Path,
    /// The path, with numbers, hashes and the like as `*`.
    Template,
}

impl Derive {
    /// A name, and the part that it asks for after a colon.
    pub(crate) fn of(name: &str) -> (&str, Self) {
        let parts = [
            (":method", Self::Method),
            (":host", Self::Host),
            (":path", Self::Path),
            (":template", Self::Template),
        ];
        let found = parts
            .into_iter()
            .find_map(|(part, derive)| Some((name.strip_suffix(part)?, derive)));
        found.unwrap_or((name, Self::Whole))
    }

    pub(crate) fn part(self, text: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Whole => Cow::Borrowed(text),
            Self::Method => Cow::Borrowed(text.split(|byte| *byte == b' ').next().unwrap_or(text)),
            Self::Host => Cow::Borrowed(host(text)),
            Self::Path => Cow::Borrowed(path(text)),
            Self::Template => Cow::Owned(template(path(text))),
        }
    }
}

/// The target of `GET /a HTTP/1.1`, or the text itself.
fn target(text: &[u8]) -> &[u8] {
    let mut words = text.split(|byte| *byte == b' ');
    match (words.next(), words.next()) {
        (Some(_), Some(target)) => target,
        _ => text,
    }
}

/// What follows the scheme, if there is one.
fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::find(target, b"://")?;
    Some(&target[at + 3..])
}

fn host(text: &[u8]) -> &[u8] {
    let target = target(text);
    let rest = after_scheme(target).unwrap_or(target);
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
    let host = &rest[..end.unwrap_or(rest.len())];
    match host.iter().rposition(|byte| *byte == b':') {
        // An IPv6 address has colons of its own, and stands in brackets before a port.
        Some(at)
            if host[at + 1..].iter().all(u8::is_ascii_digit) && !host[..at].ends_with(b":") =>
        {
            &host[..at]
        }
        _ => host,
    }
}

fn path(text: &[u8]) -> &[u8] {
    let target = target(text);
    let path = match after_scheme(target) {
        Some(rest) => match memchr::memchr(b'/', rest) {
            Some(at) => &rest[at..],
            None => b"/",
        },
        None => target,
    };
    let end = path
        .iter()
        .position(|byte| matches!(byte, b'?' | b'#' | b';'));
    &path[..end.unwrap_or(path.len())]
}

fn template(path: &[u8]) -> Vec<u8> {
    let mut made = Vec::with_capacity(path.len());
    for (place, segment) in path.split(|byte| *byte == b'/').enumerate() {
        if place > 0 {
            made.push(b'/');
        }
        made.extend_from_slice(if is_variable(segment) { b"*" } else { segment });
    }
    made
}

/// Whether it looks like a number, a hash or a UUID; a version such as `v1` does not.
fn is_variable(segment: &[u8]) -> bool {
    let digits = segment.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_hex = || {
        segment
            .iter()
            .all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
    };
    digits > 0 && (digits == segment.len() || digits >= 4 || segment.len() >= 8 && is_hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_is_asked_for_comes_out() {
        for (derive, text, part) in [
            (Derive::Method, "GET /a HTTP/1.1", "GET"),
            (Derive::Path, "GET /a/7?x=/y HTTP/1.1", "/a/7"),
            (Derive::Path, "/a/7?x", "/a/7"),
            (
                Derive::Path,
                "GET https://x.example:443/a/7 HTTP/1.1",
                "/a/7",
            ),
            (
                Derive::Template,
                "GET /v1/users/17/posts/8f14e45f HTTP/1.1",
                "/v1/users/*/posts/*",
            ),
            (
                Derive::Template,
                "/o/123e4567-e89b-12d3-a456-426614174000",
                "/o/*",
            ),
            (Derive::Host, "https://x.example:8443/a", "x.example"),
            (Derive::Host, "10.0.0.1:80", "10.0.0.1"),
            (Derive::Host, "[2001:db8::1]:80", "[2001:db8::1]"),
            (Derive::Host, "2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(derive.part(text.as_bytes()), part.as_bytes(), "{text}");
        }
        assert_eq!(Derive::of("request:path"), ("request", Derive::Path));
        assert_eq!(Derive::of("host"), ("host", Derive::Whole));
    }
}
