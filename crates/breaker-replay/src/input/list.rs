//! Lists as nginx writes them where it has asked several upstreams: `0.1, 0.2 : 0.3`.

/// The items of a list; of what is none, itself.
pub(crate) fn items(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b' ')
        .filter(|item| !matches!(*item, b":" | b""))
        .map(|item| item.strip_suffix(b",").unwrap_or(item))
}

/// How many items a text has that may be a list.
pub(crate) fn length(text: &[u8]) -> usize {
    if memchr::memchr2(b',', b' ', text).is_none() {
        return 1;
    }
    let is_list =
        memchr::memmem::find(text, b", ").is_some() || memchr::memmem::find(text, b" : ").is_some();
    if is_list { items(text).count() } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_items_and_anything_else_is_one() {
        for (text, count) in [
            ("502", 1),
            ("502, 200", 2),
            ("502, 504 : 200", 3),
            ("10.0.0.1:80, unix:/run/a.sock", 2),
            ("a name", 1),
            ("1,5", 1),
        ] {
            assert_eq!(length(text.as_bytes()), count, "{text}");
        }
        let all: Vec<_> = items(b"502, 504 : -").collect();
        assert_eq!(all, [&b"502"[..], b"504", b"-"]);
    }
}
