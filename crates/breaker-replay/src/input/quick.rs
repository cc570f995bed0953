//! Objects as programs write them, cut in the shortest way: no escape in them, no control character, nothing but UTF-8.
//! Whatever else there is, right or wrong, is left to serde.

use memchr::memchr;

use super::{
    fields::{Fields, Value},
    json::{Paths, Place},
    unit::decimal,
};

/// Objects may be so deep in one another.
const DEEPEST: u8 = 16;
/// So many names are remembered.
const MOST: usize = 256;

/// What stands before each value in the line before: the comma, the name, the colon; and what the name leads to. Most lines of a
/// log have the same names in the same order.
#[derive(Debug, Default)]
pub(crate) struct Before(Vec<(Vec<u8>, Option<usize>)>);

/// Puts what an object says into the fields; `None` where somebody else must look, and what is in them counts for nothing.
pub(crate) fn fields<'a>(
    line: &'a [u8],
    paths: &Paths,
    before: &mut Before,
    fields: &mut Fields<'a>,
) -> Option<()> {
    if !is_plain(line) {
        return None;
    }
    let mut rest = Rest(line);
    rest.line(paths, before, fields)?;
    rest.0.is_empty().then_some(())
}

/// Whether there is no escape and no control character in it, and it is UTF-8.
fn is_plain(line: &[u8]) -> bool {
    let (mut is_special, mut all) = (false, 0);
    // To look at all of them is faster than to stop at the first.
    for byte in line {
        is_special |= (*byte < b' ') | (*byte == b'\\');
        all |= byte;
    }
    !is_special && (all < 0x80 || str::from_utf8(line).is_ok())
}

/// What comes next in an object.
enum Next {
    /// A value, and where its name is, if it has a place.
    Value(Option<usize>),
    End,
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// The outermost object.
    fn line(&mut self, paths: &Paths, before: &mut Before, fields: &mut Fields<'a>) -> Option<()> {
        for at in 0.. {
            let next = match before.0.get(at) {
                Some((text, place)) if self.0.starts_with(text) => {
                    self.0 = &self.0[text.len()..];
                    self.skip_blanks();
                    Next::Value(*place)
                }
                _ => self.next(at, paths, before)?,
            };
            let Next::Value(place) = next else {
                return Some(());
            };
            match place {
                Some(place) => self.value(paths.at(place), fields, DEEPEST)?,
                None => self.pass(DEEPEST)?,
            }
        }
        None
    }

    /// What leads to the next value is read, and remembered.
    fn next(&mut self, at: usize, paths: &Paths, Before(before): &mut Before) -> Option<Next> {
        let whole = self.0;
        if at == 0 {
            self.eat(b'{')?;
            if self.eat(b'}').is_some() {
                return Some(Next::End);
            }
        } else if self.eat(b',').is_none() {
            return self.eat(b'}').map(|()| Next::End);
        }
        let place = paths.find(self.name()?);
        let text = &whole[..whole.len() - self.0.len()];
        match before.get_mut(at) {
            Some(known) => {
                known.0.clear();
                known.0.extend_from_slice(text);
                known.1 = place;
            }
            None if at < MOST => before.push((text.into(), place)),
            None => {}
        }
        Some(Next::Value(place))
    }

    fn object(&mut self, paths: &Paths, fields: &mut Fields<'a>, depth: u8) -> Option<()> {
        self.eat(b'{')?;
        if self.eat(b'}').is_some() {
            return Some(());
        }
        loop {
            let name = self.name()?;
            match paths.find(name) {
                Some(place) => self.value(paths.at(place), fields, depth)?,
                None => self.pass(depth)?,
            }
            if self.eat(b',').is_none() {
                return self.eat(b'}');
            }
        }
    }

    /// A value that stands for something.
    fn value(&mut self, place: &Place, fields: &mut Fields<'a>, depth: u8) -> Option<()> {
        let value = match self.0.first()? {
            b'"' => Value::text(self.text()?),
            b'{' => return self.object(&place.inner, fields, depth.checked_sub(1)?),
            b'[' => return self.pass(depth),
            b'n' => self.word(b"null").map(|()| Value::Nothing)?,
            b't' => self.word(b"true").map(|()| Value::Bool(true))?,
            b'f' => self.word(b"false").map(|()| Value::Bool(false))?,
            _ => Value::Number(decimal(self.number()?)?),
        };
        match &place.slots[..] {
            // Most stand for one thing.
            [slot] => fields.set(*slot, value),
            slots => slots
                .iter()
                .for_each(|slot| fields.set(*slot, value.clone())),
        }
        Some(())
    }

    /// A value that stands for nothing.
    fn pass(&mut self, depth: u8) -> Option<()> {
        match self.0.first()? {
            b'"' => self.text().map(|_| ()),
            b'{' => self.pass_object(depth.checked_sub(1)?),
            b'[' => self.pass_list(depth.checked_sub(1)?),
            b'n' => self.word(b"null"),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            _ => self.number().map(|_| ()),
        }
    }

    fn pass_object(&mut self, depth: u8) -> Option<()> {
        self.eat(b'{')?;
        if self.eat(b'}').is_some() {
            return Some(());
        }
        loop {
            self.name()?;
            self.pass(depth)?;
            if self.eat(b',').is_none() {
                return self.eat(b'}');
            }
        }
    }

    fn pass_list(&mut self, depth: u8) -> Option<()> {
        self.eat(b'[')?;
        if self.eat(b']').is_some() {
            return Some(());
        }
        loop {
            self.pass(depth)?;
            if self.eat(b',').is_none() {
                return self.eat(b']');
            }
        }
    }

    /// A name and its colon.
    fn name(&mut self) -> Option<&'a [u8]> {
        let name = self.text()?;
        self.eat(b':')?;
        Some(name)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let [b'"', rest @ ..] = self.0 else {
            return None;
        };
        let end = memchr(b'"', rest)?;
        let (text, rest) = rest.split_at(end);
        self.0 = &rest[1..];
        Some(text)
    }

    /// A number without sign and exponent, as most are.
    fn number(&mut self) -> Option<&'a [u8]> {
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut count = digits(self.0);
        if count == 0 || count > 1 && self.0[0] == b'0' {
            return None;
        }
        if let Some(b'.') = self.0.get(count) {
            let part = digits(&self.0[count + 1..]);
            count += 1 + part;
            if part == 0 {
                return None;
            }
        }
        let (number, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(number)
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(word)?;
        Some(())
    }

    /// A sign of punctuation, with the blanks around it.
    fn eat(&mut self, sign: u8) -> Option<()> {
        self.skip_blanks();
        match self.0 {
            [first, rest @ ..] if *first == sign => self.0 = rest,
            _ => return None,
        }
        self.skip_blanks();
        Some(())
    }

    fn skip_blanks(&mut self) {
        while let [b' ', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::{
        fields::{Field, Names},
        json::by_serde,
    };

    fn paths() -> Paths {
        let mut names = Names::default();
        names.add(Field::Time, &["t".to_owned()]);
        names.add(Field::Service, &["a.b".to_owned(), "a".to_owned()]);
        names.add(Field::Status, &["b".to_owned(), "a.t".to_owned()]);
        names.add(Field::Ok, &["c".to_owned()]);
        Paths::new(&names)
    }

    const FIELDS: [Field; 4] = [Field::Time, Field::Service, Field::Status, Field::Ok];

    /// Whether it was taken; if so it says what serde says.
    fn agrees(line: &[u8], before: &mut Before) -> bool {
        let (mut quick, mut slow) = (Fields::default(), Fields::default());
        if fields(line, &paths(), before, &mut quick).is_none() {
            return false;
        }
        let shown = String::from_utf8_lossy(line);
        by_serde(line, &paths(), &mut slow).unwrap_or_else(|error| panic!("{shown}: {error}"));
        for field in FIELDS {
            match (quick.get(field), slow.get(field)) {
                // Serde's numbers may be off by their last bit.
                (Value::Number(quick), Value::Number(slow)) => {
                    assert!((quick - slow).abs() <= slow.abs() * 1e-15, "{shown}");
                }
                (quick, slow) => assert_eq!(quick, slow, "{shown}"),
            }
        }
        true
    }

    fn json() -> impl Strategy<Value = String> {
        let name = || prop::sample::select(vec!["a", "b", "c", "t", "ä", "a.b", "longer", ""]);
        let leaf = prop_oneof![
            prop::sample::select(vec!["null", "true", "false", "0", "-1", "1e3", "\"\\n\""])
                .prop_map(str::to_owned),
            (0_u32..100_000).prop_map(|number| number.to_string()),
            (0.0..1e6).prop_map(|number: f64| format!("{number:.3}")),
            "[ -!#-\\[a-zäö]{0,9}".prop_map(|text| format!("\"{text}\"")),
        ];
        let value = leaf.prop_recursive(3, 24, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|all| format!("[{}]", all.join(","))),
                object(name(), inner),
            ]
        });
        object(name(), value)
    }

    fn object(
        name: impl Strategy<Value = &'static str> + 'static,
        value: impl Strategy<Value = String> + 'static,
    ) -> BoxedStrategy<String> {
        let blank = || prop::sample::select(vec!["", "", " ", "  "]);
        let pair = (blank(), name, blank(), blank(), value);
        let pair = pair.prop_map(|(a, name, b, c, value)| format!("{a}\"{name}\"{b}:{c}{value}"));
        let pairs = (prop::collection::vec(pair, 0..6), blank());
        pairs
            .prop_map(|(all, end)| format!("{{{}{end}}}", all.join(",")))
            .boxed()
    }

    proptest! {
        #[test]
        fn what_is_taken_says_what_serde_says(
            lines in prop::collection::vec((json(), prop::option::of((any::<prop::sample::Index>(), any::<u8>()))), 1..6),
        ) {
            let mut before = Before::default();
            for (line, change) in lines {
                let mut line = line.into_bytes();
                if let Some((at, byte)) = change {
                    let at = at.index(line.len());
                    line[at] = byte;
                }
                agrees(&line, &mut before);
            }
        }
    }

    #[test]
    fn lines_as_programs_write_them_are_taken_whatever_stood_before() {
        let mut before = Before::default();
        for line in [
            r#"{"t":"2026","a":{"b":"x","t":200},"other":[1,{"a":2}],"c":true}"#,
            r#"{"t": 17.5, "a": {"b": "x"}, "b": 0, "c": null}"#,
            r#"{"b":503,"t":"2026","longer":"ö"}"#,
            r#"{"t":"2026","a":{"b":"x","t":200},"other":[],"c":false,"more":{}}"#,
            r#" { } "#,
        ] {
            assert!(agrees(line.as_bytes(), &mut before), "{line}");
        }
        for line in [
            r#"{"t":"\u0032"}"#,
            "{\"t\":\"\t\"}",
            "{\"t\":1}}",
            "{\"t\":01}",
            "{\"t\":1.}",
            "{\"other\":1.2.3}",
            "{\"other\":01}",
            "{\"t\":1,}",
        ] {
            assert!(!agrees(line.as_bytes(), &mut before), "{line}");
        }
    }
}
