//! JSON lines, read without building anything.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    fields::{Fields, Names, Slot, Value},
    quick::{self, Before},
};

/// Names of an object's values. One that is inside of another object is a path, such as `request.host`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paths(Vec<(Vec<u8>, Place)>);

/// What a name leads to: fields, and names of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) slots: Vec<Slot>,
    pub(crate) inner: Paths,
}

impl Paths {
    pub(crate) fn new(names: &Names) -> Self {
        let mut paths = Self::default();
        for (name, slot) in names.iter() {
            paths.add(name, slot);
        }
        paths
    }

    /// A name with dots may be one name, or a path, or something between.
    fn add(&mut self, name: &str, slot: Slot) {
        self.place(name).slots.push(slot);
        let dots = name.match_indices('.').take(8);
        for (at, _) in dots {
            let (first, rest) = (&name[..at], &name[at + 1..]);
            if !first.is_empty() && !rest.is_empty() {
                self.place(first).inner.add(rest, slot);
            }
        }
    }

    fn place(&mut self, name: &str) -> &mut Place {
        let known = self
            .0
            .iter()
            .position(|(known, _)| known == name.as_bytes());
        let at = known.unwrap_or_else(|| {
            self.0.push((name.into(), Place::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// Where the name is among these.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        self.0.iter().position(|(known, _)| known == name)
    }

    pub(crate) fn at(&self, place: usize) -> &Place {
        &self.0[place].1
    }
}

/// Puts what an object says into the fields.
///
/// # Errors
///
/// What is wrong with the line.
pub(crate) fn fields<'a>(
    line: &'a [u8],
    paths: &Paths,
    before: &mut Before,
    fields: &mut Fields<'a>,
) -> Result<(), serde_json::Error> {
    if quick::fields(line, paths, before, fields).is_some() {
        return Ok(());
    }
    *fields = Fields::default();
    by_serde(line, paths, fields)
}

pub(super) fn by_serde<'a>(
    line: &'a [u8],
    paths: &Paths,
    fields: &mut Fields<'a>,
) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(line);
    json.deserialize_map(Object(paths, fields))?;
    json.end()
}

/// Puts what an object has into the fields.
struct Object<'p, 'f, 'de>(&'p Paths, &'f mut Fields<'de>);

impl<'de> Visitor<'de> for Object<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Key(self.0))? {
            match place {
                Some(place) => map.next_value_seed(Inside(place, self.1))?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Key<'p>(&'p Paths);

impl<'de, 'p> DeserializeSeed<'de> for Key<'p> {
    type Value = Option<&'p Place>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for Key<'p> {
    type Value = Option<&'p Place>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.find(name.as_bytes()).map(|place| self.0.at(place)))
    }
}

/// A value that has a name, or an object in which some have one.
struct Inside<'p, 'f, 'de>(&'p Place, &'f mut Fields<'de>);

impl<'de> DeserializeSeed<'de> for Inside<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Inside<'_, '_, 'de> {
    fn set<E>(self, value: &Value<'de>) -> Result<(), E> {
        for slot in &self.0.slots {
            self.1.set(*slot, value.clone());
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Inside<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        self.set(&Value::text(text.as_bytes()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.set(&Value::Text(Cow::Owned(text.as_bytes().to_vec())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.set(&Value::Number(number as f64))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.set(&Value::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.set(&Value::Number(number))
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<(), E> {
        self.set(&Value::Bool(is))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.set(&Value::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        Object(&self.0.inner, self.1).visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// The value at a path, where a name with dots may be one name.
pub(crate) fn at<'v>(value: &'v serde_json::Value, path: &str) -> Option<&'v serde_json::Value> {
    let object = value.as_object()?;
    object.get(path).or_else(|| {
        path.match_indices('.')
            .find_map(|(dot, _)| at(object.get(&path[..dot])?, &path[dot + 1..]))
    })
}

/// The names of an object's values, as far as they are not objects, in the notation of paths.
pub(crate) fn names(line: &[u8]) -> Vec<String> {
    fn walk(value: &serde_json::Value, prefix: &str, all: &mut Vec<String>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            let path = format!("{prefix}{name}");
            match value {
                serde_json::Value::Object(_) => walk(value, &format!("{path}."), all),
                _ => all.push(path),
            }
        }
    }
    let mut all = vec![];
    if let Ok(value) = serde_json::from_slice(line) {
        walk(&value, "", &mut all);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::fields::Field;

    fn host(line: &str) -> Value<'_> {
        let mut names = Names::default();
        names.add(
            Field::Service,
            &["request.host".to_owned(), "host".to_owned()],
        );
        let mut found = Fields::default();
        let (paths, before) = (Paths::new(&names), &mut Before::default());
        fields(line.as_bytes(), &paths, before, &mut found).unwrap();
        found.get(Field::Service).clone()
    }

    #[test]
    fn a_name_inside_an_object_is_a_path_and_may_be_one_name_with_a_dot() {
        for line in [
            r#"{"request":{"host":"a","list":[{"host":"b"}]},"host":"c"}"#,
            r#"{"host":"c","request.host":"a"}"#,
            r#"{"request":{"host":"-"},"host":"a"}"#,
            r#"{"request":"x","host":"a"}"#,
        ] {
            assert_eq!(host(line), Value::text(b"a"), "{line}");
        }
        assert_eq!(host(r#"{"request":{"host":null}}"#), Value::Nothing);
        assert_eq!(host(r#"{"request":{"port":1}}"#), Value::Missing);
    }

    #[test]
    fn the_names_of_an_object_are_told_as_paths() {
        assert_eq!(names(br#"{"a":1,"b":{"c":2}}"#), ["a", "b.c"]);
    }
}
