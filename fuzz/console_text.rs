//! The console's writer: whatever a text has in it, the page has no markup of it, nothing that is not seen, and all of the rest.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// What a browser reads where this was written.
fn read(mut written: &str) -> String {
    let mut read = String::new();
    while let Some(char) = written.chars().next() {
        let known = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&#34;", '"'), ("&#39;", '\''), ("&#96;", '`')];
        let entity = known.into_iter().find(|(entity, _)| written.starts_with(entity));
        let (length, char) = entity.map_or((char.len_utf8(), char), |(entity, char)| (entity.len(), char));
        assert!(char != '&' || length > 1, "an entity of its own");
        read.push(char);
        written = &written[length..];
    }
    read
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let written = breaker_console::escaped(&text);
    assert!(!written.contains(['<', '>', '"', '\'', '`']), "{written:?}");
    let is_unseen = |char: char| char.is_control() || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!written.contains(is_unseen), "{written:?}");
    let mut expected = String::new();
    for char in text.chars() {
        let shown = breaker_console::escaped(char.encode_utf8(&mut [0; 4]));
        match shown.starts_with("\\u") {
            true => expected.push_str(&shown),
            false => expected.push(char),
        }
    }
    assert_eq!(read(&written), expected);
});
