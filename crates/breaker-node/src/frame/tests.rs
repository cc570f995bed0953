use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::*;

const LIMIT: usize = 64;

/// A frame that outlives the input.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Object(String, Position),
    Bad(Flaw, Position),
}

fn limit(bytes: usize) -> NonZeroUsize {
    NonZeroUsize::new(bytes).unwrap()
}

/// The frames of an input that arrives in these chunks.
fn frames<'c>(limit: NonZeroUsize, chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Found> {
    let mut framer = Framer::new(limit);
    let mut found = Vec::new();
    let mut add = |frame: Frame<'_>| {
        found.push(match frame {
            Frame::Object(text, at) => {
                Found::Object(String::from_utf8_lossy(text).into_owned(), at)
            }
            Frame::Bad(flaw, at) => Found::Bad(flaw, at),
        });
    };
    for mut chunk in chunks {
        while let Some(frame) = framer.next(&mut chunk) {
            add(frame);
        }
        assert!(
            framer.kept.len() <= limit.get(),
            "the framer keeps more than one object"
        );
    }
    framer.finish().into_iter().for_each(add);
    found
}

fn read(input: &str) -> Vec<Found> {
    frames(limit(LIMIT), [input.as_bytes()])
}

fn object(text: &str, line: u64, column: u64) -> Found {
    Found::Object(text.into(), Position { line, column })
}

fn bad(flaw: Flaw, line: u64, column: u64) -> Found {
    Found::Bad(flaw, Position { line, column })
}

#[test]
fn an_object_is_complete_at_its_closing_brace() {
    let mut framer = Framer::new(limit(LIMIT));
    assert_eq!(framer.next(&mut &b"{\"a\": [1, {}]"[..]), None);
    let mut end = &b"}"[..];
    assert_eq!(
        framer.next(&mut end),
        Some(Frame::Object(b"{\"a\": [1, {}]}", Position::START))
    );
}

#[test]
fn several_objects_stand_on_a_line_and_one_on_several() {
    assert_eq!(
        read("{} {}{\n\"a\": 1\r\n}"),
        [
            object("{}", 1, 1),
            object("{}", 1, 4),
            object("{\n\"a\": 1\r\n}", 1, 6)
        ]
    );
}

#[test]
fn brackets_and_quotes_within_a_string_are_text() {
    let text = r#"{"a}]": "\"}", "b\\": "{["}"#;
    assert_eq!(read(text), [object(text, 1, 1)]);
}

#[test]
fn blanks_and_byte_order_marks_between_objects_are_skipped() {
    assert_eq!(
        read("\u{feff}{} \t\r\n\n\u{feff} {}\u{feff}\n"),
        [object("{}", 1, 4), object("{}", 3, 5)]
    );
}

#[test]
fn half_a_byte_order_mark_is_no_blank() {
    let broken = |bytes: &'static [u8]| frames(limit(LIMIT), [bytes]);
    assert_eq!(
        broken(b"\xef\xbb{}\n{}"),
        [bad(Flaw::NotAnObject, 1, 3), object("{}", 2, 1)]
    );
    assert_eq!(broken(b"\xef\xbb"), [bad(Flaw::NotAnObject, 1, 3)]);
}

#[test]
fn anything_else_between_objects_costs_the_rest_of_its_line() {
    assert_eq!(
        read("{} x {}\n{}"),
        [
            object("{}", 1, 1),
            bad(Flaw::NotAnObject, 1, 4),
            object("{}", 2, 1)
        ]
    );
    assert_eq!(
        read("]\n[{}]\n\0\n"),
        [1, 2, 3].map(|line| bad(Flaw::NotAnObject, line, 1))
    );
}

#[test]
fn a_line_that_begins_with_a_brace_begins_an_object() {
    assert_eq!(
        read("{\"a\": [1,\n{\"b\": 2}"),
        [bad(Flaw::Unfinished, 1, 1), object("{\"b\": 2}", 2, 1)]
    );
    assert_eq!(
        read("{\n{\n{}"),
        [
            bad(Flaw::Unfinished, 1, 1),
            bad(Flaw::Unfinished, 2, 1),
            object("{}", 3, 1)
        ]
    );
}

#[test]
fn an_indented_brace_goes_on_with_the_object() {
    assert_eq!(read("{\"a\":\n {}}"), [object("{\"a\":\n {}}", 1, 1)]);
}

#[test]
fn the_end_of_the_input_cuts_an_object_off() {
    assert_eq!(
        read("{}\n {\"a\": \""),
        [object("{}", 1, 1), bad(Flaw::CutOff, 2, 2)]
    );
}

#[test]
fn a_bracket_that_does_not_match_spoils_the_object_up_to_the_next() {
    let rest = "{\"a\": }]\nx\n} {}\n\n \u{feff}{} {}";
    let expected = [
        bad(Flaw::Unmatched(']'), 1, 4),
        object("{}", 5, 5),
        object("{}", 5, 8),
    ];
    assert_eq!(
        read("{[}\n{}"),
        [bad(Flaw::Unmatched('}'), 1, 3), object("{}", 2, 1)]
    );
    assert_eq!(
        read(&rest.replace("\"a\": }", "[]")),
        expected.map(|found| match found {
            Found::Bad(flaw, _) => bad(flaw, 1, 4),
            object => object,
        })
    );
}

#[test]
fn a_line_that_begins_with_what_spoils_an_object_is_a_part_of_it() {
    let unmatched = bad(Flaw::Unmatched(']'), 2, 1);
    assert_eq!(read("{\n]\nx\n{}"), [unmatched, object("{}", 4, 1)]);
}

#[test]
fn a_control_character_spoils_the_object_whose_string_it_is_in() {
    assert_eq!(
        read("{\"a\n{}"),
        [bad(Flaw::ControlCharacter(b'\n'), 1, 4), object("{}", 2, 1)]
    );
    assert_eq!(
        read("{\"\\\0\"}{}\n {}"),
        [bad(Flaw::ControlCharacter(0), 1, 4), object("{}", 2, 2)]
    );
}

#[test]
fn brackets_nest_128_deep_and_no_deeper() {
    let nested = |depth: usize| {
        format!(
            "{{\"a\":{}{}}}\n",
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    let text = nested(128);
    assert_eq!(
        frames(limit(1000), [text.as_bytes()]),
        [object(text.trim_end(), 1, 1)]
    );
    let text = nested(129) + "{}";
    assert_eq!(
        frames(limit(1000), [text.as_bytes()]),
        [bad(Flaw::TooDeep, 1, 133), object("{}", 2, 1)]
    );
}

#[test]
fn an_object_of_just_the_limit_passes_and_one_byte_more_is_told_of_at_once() {
    let text = format!("{{{}}}", " ".repeat(LIMIT - 2));
    assert_eq!(read(&text), [object(&text, 1, 1)]);
    let mut framer = Framer::new(limit(LIMIT));
    let text = format!("{{{}", " ".repeat(LIMIT));
    let mut input = text.as_bytes();
    assert_eq!(
        framer.next(&mut input),
        Some(Frame::Bad(Flaw::TooLong(limit(LIMIT)), Position::START))
    );
    assert_eq!(
        framer.next(&mut &b"}{}\n{}"[..]),
        Some(Frame::Object(b"{}", Position { line: 2, column: 1 }))
    );
}

#[test]
fn a_line_that_the_limit_falls_on_can_begin_an_object() {
    let full = format!("{{{}\n", " ".repeat(LIMIT - 2));
    assert_eq!(
        read(&format!("{full}{{}}")),
        [bad(Flaw::Unfinished, 1, 1), object("{}", 2, 1)]
    );
    assert_eq!(
        read(&format!("{full} {{}}")),
        [bad(Flaw::TooLong(limit(LIMIT)), 1, 1), object("{}", 2, 2)]
    );
}

/// What [`Framer`] should find, by the rules of the protocol read off the whole input at once.
fn model(input: &[u8], limit: NonZeroUsize) -> Vec<Found> {
    let place = |at: usize| {
        let line_start = input[..at]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let line = 1 + input[..at].iter().filter(|&&byte| byte == b'\n').count();
        Position {
            line: line as u64,
            column: (at - line_start + 1) as u64,
        }
    };
    let (mut found, mut at, mut spoilt) = (Vec::new(), 0, false);
    while at < input.len() {
        let rest = &input[at..];
        if rest[0].is_ascii_whitespace() && rest[0] != b'\x0c' {
            at += 1;
        } else if rest.starts_with("\u{feff}".as_bytes()) {
            at += 3;
        } else if rest[0] == b'{' {
            let (length, flaw) = model_object(rest, limit);
            let end = at + length;
            let (begin, here) = (place(at), place(end));
            found.push(match flaw {
                None => Found::Object(String::from_utf8_lossy(&input[at..end]).into_owned(), begin),
                Some(flaw) => Found::Bad(flaw, flaw.place(begin, here)),
            });
            spoilt = flaw.is_some();
            at = if spoilt && here.column > 1 {
                next_line(input, end)
            } else {
                end
            };
        } else {
            let of_mark = rest
                .iter()
                .zip("\u{feff}".as_bytes())
                .take_while(|(a, b)| a == b)
                .count();
            if !spoilt {
                found.push(Found::Bad(Flaw::NotAnObject, place(at + of_mark)));
            }
            at = next_line(input, at);
        }
    }
    found
}

fn next_line(input: &[u8], at: usize) -> usize {
    input[at..]
        .iter()
        .position(|&byte| byte == b'\n')
        .map_or(input.len(), |newline| at + newline + 1)
}

/// How long an object is, and what is wrong with it.
fn model_object(input: &[u8], limit: NonZeroUsize) -> (usize, Option<Flaw>) {
    let (mut open, mut quoted, mut escaped) = (Vec::new(), false, false);
    for (at, &byte) in input.iter().enumerate() {
        let flaw = match byte {
            b'{' if at > 0 && input[at - 1] == b'\n' => Some(Flaw::Unfinished),
            _ if at >= limit.get() => Some(Flaw::TooLong(limit)),
            0..=31 if quoted => Some(Flaw::ControlCharacter(byte)),
            b'{' | b'[' if !quoted && open.len() == 128 => Some(Flaw::TooDeep),
            b'}' if !quoted && open.last() != Some(&b'{') => Some(Flaw::Unmatched('}')),
            b']' if !quoted && open.last() != Some(&b'[') => Some(Flaw::Unmatched(']')),
            _ => None,
        };
        if flaw.is_some() {
            return (at, flaw);
        }
        match byte {
            b'{' | b'[' if !quoted => open.push(byte),
            b'}' | b']' if !quoted => drop(open.pop()),
            b'"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && byte == b'\\' && !escaped;
        if open.is_empty() {
            return (at + 1, None);
        }
    }
    (input.len(), Some(Flaw::CutOff))
}

/// Bytes that mean something to the framer are frequent, and so are whole messages.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(&b"{}[]\"\\\n,: \0\r\xef\xbb\xbf"[..]).prop_map(|byte| vec![byte]),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => prop::sample::select(vec!["{\n", "\n]", "\n {", "\n{\"", "[\n"]).prop_map(|text| text.into()),
        1 => Just(b"\n{\"a\": [1, \"}\"]}\n".to_vec()),
        1 => (1..140_usize, prop::sample::select(&b"[{\" "[..])).prop_map(|(count, byte)| vec![byte; count]),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Bad input which ends its line, and how many errors it is worth.
fn bad_stretch() -> impl Strategy<Value = (Vec<u8>, usize)> {
    let garbage = prop::collection::vec("[^\\s{\u{feff}][^\n]{0,20}", 1..4)
        .prop_map(|lines| (format!("{}\n", lines.join("\n")).into_bytes(), lines.len()));
    let cut = (1..20_usize).prop_map(|at| {
        (
            format!("{}\n", &r#"{"a": [1, {"b": "}"}], "c": 3}"#[..at]).into_bytes(),
            1,
        )
    });
    let spoilt = (
        "\\{\\[[}]|\\{\"\0|\\{ {80}",
        prop::collection::vec("[^\\s{\u{feff}][^\n]{0,20}", 0..4),
    )
        .prop_map(|(head, lines)| (format!("{head}\n{}\n", lines.join("\n")).into_bytes(), 1));
    let no_text = Just((b"\xff\xfe\0\x80\n".to_vec(), 1));
    prop_oneof![garbage, cut, spoilt, no_text]
}

proptest! {
    #[test]
    fn the_framer_finds_what_the_rules_say(input in input(), bytes in 1..200_usize) {
        prop_assert_eq!(frames(limit(bytes), [&input[..]]), model(&input, limit(bytes)));
    }

    #[test]
    fn where_the_input_is_cut_into_chunks_changes_nothing(input in input(), bytes in 1..200_usize, size in 1..20_usize) {
        prop_assert_eq!(frames(limit(bytes), input.chunks(size)), frames(limit(bytes), [&input[..]]));
    }

    #[test]
    fn a_stretch_of_bad_input_costs_one_error_and_no_message(
        stretches in prop::collection::vec(bad_stretch(), 0..10),
        size in 1..40_usize,
    ) {
        let (mut input, mut errors) = (Vec::new(), 0);
        for (bytes, count) in &stretches {
            input.extend_from_slice(bytes);
            input.extend_from_slice(b"{\"good\": \"message\"}\n");
            errors += count;
        }
        let found = frames(limit(LIMIT), input.chunks(size));
        let good = found.iter().filter(|found| matches!(found, Found::Object(text, _) if text == "{\"good\": \"message\"}"));
        prop_assert_eq!(good.count(), stretches.len());
        prop_assert_eq!(found.len(), stretches.len() + errors);
    }
}
