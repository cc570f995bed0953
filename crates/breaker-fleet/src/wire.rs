//! The texts in the store. What others wrote is read with care: anything that is not exactly this is `None`.

use std::{
    fmt::Write,
    sync::{Mutex, PoisonError},
};

use breaker_layer::fleet::Level;

/// Of the layout: two versions side by side have other keys, and do not hear each other.
pub(crate) const VERSION: &str = "v1";

/// A longer name of a process or a zone is none.
pub(crate) const LONGEST: usize = 64;
/// A circuit whose written name is longer is not voted on.
const LONGEST_NAME: usize = 256;

/// What a process says of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Closed,
    Open,
    HalfOpen,
    /// It has the lease to probe for its zone.
    Probing,
    /// As long as its lease goes on after it has probed in vain.
    Probed,
    /// It has closed again a short while ago.
    Back,
    /// It only observes, in whatever state.
    Watching,
}

impl Standing {
    /// Whether it rejects calls.
    pub(crate) const fn is_up(self) -> bool {
        match self {
            Self::Open | Self::HalfOpen | Self::Probing | Self::Probed => true,
            Self::Closed | Self::Back | Self::Watching => false,
        }
    }
}

/// A vote, as it stands in the store: `zone:level:sequence:standing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said<'a> {
    pub(crate) zone: &'a str,
    pub(crate) level: Level,
    pub(crate) sequence: u64,
    pub(crate) standing: Standing,
}

impl<'a> Said<'a> {
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(':');
        let (zone, level) = (parts.next()?, parts.next()?);
        let (sequence, standing) = (parts.next()?, parts.next()?);
        let level = number(level).filter(|level| *level <= 16)?;
        let said = Self {
            zone: word(zone)?,
            level: Level::from_quarters(u32::try_from(level).ok()?),
            sequence: number(sequence)?,
            standing: match standing {
                "c" => Standing::Closed,
                "o" => Standing::Open,
                "h" => Standing::HalfOpen,
                "p" => Standing::Probing,
                "v" => Standing::Probed,
                "b" => Standing::Back,
                "w" => Standing::Watching,
                _ => return None,
            },
        };
        parts.next().is_none().then_some(said)
    }

    pub(crate) fn write(&self) -> String {
        let standing = match self.standing {
            Standing::Closed => 'c',
            Standing::Open => 'o',
            Standing::HalfOpen => 'h',
            Standing::Probing => 'p',
            Standing::Probed => 'v',
            Standing::Back => 'b',
            Standing::Watching => 'w',
        };
        let (zone, level, sequence) = (self.zone, self.level.quarters(), self.sequence);
        format!("{zone}:{level}:{sequence}:{standing}")
    }
}

/// The sign of life of a process: `zone:sequence`.
pub(crate) fn alive(text: &str) -> Option<(&str, u64)> {
    let (zone, sequence) = text.split_once(':')?;
    Some((word(zone)?, number(sequence)?))
}

/// The name of a process, a zone or a namespace: 1 to 64 of `A-Z`, `a-z`, `0-9`, `-`, `_` and `.`.
pub(crate) fn word(text: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_word = (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain);
    is_word.then_some(text)
}

/// The same text to all that ask for it, for as long as the program runs: a process has one zone, and reasons carry its name.
pub(crate) fn kept_for_ever(text: &str) -> &'static &'static str {
    static KEPT: Mutex<Vec<&&str>> = Mutex::new(Vec::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.iter().copied().find(|known| **known == text) {
        return known;
    }
    let text: &'static str = Box::leak(text.into());
    let new: &'static &'static str = Box::leak(Box::new(text));
    kept.push(new);
    new
}

/// A number as it is written, without a sign, a blank or zeros before it.
pub(crate) fn number(text: &str) -> Option<u64> {
    let number = text.parse().ok()?;
    let is_plain = !text.starts_with('+') && (text == "0" || !text.starts_with('0'));
    is_plain.then_some(number)
}

/// The written name of a circuit: `NAME` or `NAME/KEY`, with `%` and two digits for whatever is no word's. `None` if it is too long.
pub(crate) fn circuit(name: &str, key: Option<&str>) -> Option<String> {
    let mut written = String::new();
    escape(name, &mut written);
    if let Some(key) = key {
        written.push('/');
        escape(key, &mut written);
    }
    (written.len() <= LONGEST_NAME).then_some(written)
}

/// The name and the key of a circuit that is written so; `None` if none is.
pub(crate) fn parts(written: &str) -> Option<(String, Option<String>)> {
    let (name, key) = match written.split_once('/') {
        Some((name, key)) => (unescape(name)?, Some(unescape(key)?)),
        None => (unescape(written)?, None),
    };
    // There is one way to write a name.
    let is_written_so = circuit(&name, key.as_deref()).as_deref() == Some(written);
    is_written_so.then_some((name, key))
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn escape(text: &str, written: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            written.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(written, "%{byte:02X}");
        }
        if written.len() > LONGEST_NAME {
            break;
        }
    }
}

/// The names of the hashes and leases of a namespace. They share one hash tag, so that they are on one node of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    pub(crate) fn new(namespace: &str) -> Self {
        let prefix = format!("{{breaker:{VERSION}:{namespace}}}:");
        Self { prefix }
    }

    /// Process to sign of life.
    pub(crate) fn living(&self) -> String {
        self.of("living")
    }

    /// The circuits that anybody says anything of.
    pub(crate) fn hot(&self) -> String {
        self.of("hot")
    }

    /// Process to vote.
    pub(crate) fn circuit(&self, name: &str) -> String {
        self.of("c:") + name
    }

    pub(crate) fn probe(&self, zone: &str, name: &str) -> String {
        self.of("lease:") + zone + ":" + name
    }

    /// Target and id to order.
    pub(crate) fn orders(&self) -> String {
        self.of("orders")
    }

    /// Under [`STAMP`] the id of the last order.
    pub(crate) fn stamp(&self) -> String {
        self.of("stamp")
    }

    /// The lease that lasts as long as the order.
    pub(crate) fn until(&self, order: &str) -> String {
        self.of("until:") + order
    }

    /// The processes that have applied an order.
    pub(crate) fn applied(&self, order: &str) -> String {
        self.of("applied:") + order
    }

    fn of(&self, what: &str) -> String {
        let mut key = self.prefix.clone();
        key.push_str(what);
        key
    }
}

/// The field that changes with each order.
pub(crate) const STAMP: &str = "!";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let text = "eu-1a:7:12:o";
        let said = Said::read(text).unwrap();
        assert_eq!((said.level.quarters(), said.sequence), (7, 12));
        assert_eq!(said.write(), text);
        for garbage in [
            "",
            ":",
            "::::",
            "eu:7:12",
            "eu:17:12:o",
            "eu:7:12:x",
            "eu:7:12:o:",
            "e u:7:12:o",
            "eu:-1:12:o",
            "eu:+1:12:o",
            "eu:7:012:o",
            "eu:7:99999999999999999999:o",
            ":7:12:o",
            "eu:7:12:oo",
            "eu:256:1:o",
            "\u{fffd}:7:12:o",
        ] {
            assert_eq!(Said::read(garbage), None, "{garbage}");
        }
        assert_eq!(alive("eu:3"), Some(("eu", 3)));
        for garbage in ["", "eu", "eu:", ":3", "eu:3:4", "eu:x"] {
            assert_eq!(alive(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn two_circuits_are_never_written_alike() {
        let names = [
            ("a", Some("b")),
            ("a/b", None),
            ("a", None),
            ("a%2Fb", None),
            ("a", Some("")),
        ];
        let written: std::collections::BTreeSet<_> = names
            .iter()
            .map(|(name, key)| circuit(name, *key).unwrap())
            .collect();
        assert_eq!(written.len(), names.len());
        let read: Vec<_> = written.iter().map(|name| parts(name).unwrap()).collect();
        assert!(
            names.iter().all(|(name, key)| {
                read.contains(&((*name).to_owned(), key.map(str::to_owned)))
            })
        );
        for garbage in ["a b", "%", "%4", "%zz", "%41", "a/b/c", "a%2fb", "!", "%FF"] {
            assert_eq!(parts(garbage), None, "{garbage}");
        }
        assert_eq!(circuit(&"x".repeat(257), None), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,300}", key in proptest::option::of(".{0,20}")) {
            let _ = (Said::read(&text), alive(&text), parts(&text));
            if let Some(name) = circuit(&text, key.as_deref()) {
                prop_assert_eq!(parts(&name), Some((text, key)));
            }
        }
    }
}
