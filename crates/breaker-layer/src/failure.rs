//! What failed: the kinds of the last failures, and the error that tripped a circuit.

use std::{error::Error, fmt, sync::OnceLock};

use crate::{
    fault::{chain, kind_of},
    quiet::quietly,
    text::bounded,
};

/// What is known of a failure beside that it is one. Nothing is made of it unless it trips the circuit.
///
/// ```
/// use breaker_layer::{Circuit, Outcome, Trip, classify::Failure};
///
/// let circuit = Circuit::builder("disk").trip(Trip::consecutive_failures(1)).build()?;
/// let permit = circuit.try_acquire().unwrap();
/// if let Err(error) = std::fs::read("/no/such/file") {
///     permit.record_failure(Outcome::Failure, Failure::new(Some("missing"), Some(&error)));
/// }
/// let failures = circuit.snapshot().last_failures.unwrap();
/// assert_eq!(failures.kinds().collect::<Vec<_>>(), [("missing", 1)]);
/// assert_eq!(failures.error(), Some("No such file or directory (os error 2)"));
/// # Ok::<(), breaker_layer::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Failure<'a> {
    kind: Option<&'static str>,
    error: Option<&'a (dyn Error + 'static)>,
}

impl<'a> Failure<'a> {
    /// Of this kind, and this error. Where the kind is unsaid, it is that of an `io::Error` among the error's sources.
    pub const fn new(kind: Option<&'static str>, error: Option<&'a (dyn Error + 'static)>) -> Self {
        Self { kind, error }
    }

    /// The number of its kind; `None` where nothing is known of it.
    #[inline]
    pub(crate) fn kind(&self) -> Option<u8> {
        match (self.kind, self.error) {
            (None, None) => None,
            _ => Some(self.find_kind()),
        }
    }

    #[cold]
    fn find_kind(&self) -> u8 {
        let kind = self.kind.or_else(|| self.error.and_then(kind_of));
        kind.map_or(OTHER, number)
    }

    /// The error's text and that of its sources, on one line. Nothing if that panics.
    pub(crate) fn text(&self) -> Option<Box<str>> {
        let error = self.error?;
        quietly(|| Some(bounded(&Chain(error), MOST_BYTES).into_boxed_str()))
    }
}

const MOST_BYTES: usize = 256;

/// `connect: connection refused`.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)?;
        chain(self.0)
            .skip(1)
            .try_for_each(|source| write!(f, ": {source}"))
    }
}

/// The kinds of failures that there are: few, as they stand in the programs' texts.
static NAMES: [OnceLock<&'static str>; 64] = [const { OnceLock::new() }; 64];

const NONE: u8 = 0;
const OTHER: u8 = u8::MAX;

/// The number of a kind, from 1 on.
fn number(kind: &'static str) -> u8 {
    let mut names = (1..).zip(&NAMES);
    let known = names.find(|(_, name)| *name.get_or_init(|| kind) == kind);
    known.map_or(OTHER, |(number, _)| number)
}

fn name(number: u8) -> &'static str {
    let name = NAMES.get(usize::from(number).wrapping_sub(1));
    name.and_then(OnceLock::get).unwrap_or(&"other")
}

/// The kinds of the last failures, as numbers.
// It fits into what a cache line of the circuit had left.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    last: [u8; 12],
    next: u8,
}

impl Kinds {
    #[inline]
    pub(crate) fn add(&mut self, kind: u8) {
        let next = usize::from(self.next) % 12;
        self.last[next] = kind;
        self.next = next as u8 + 1;
    }

    /// Whether there is one with a name.
    fn are_known(&self) -> bool {
        self.last.iter().any(|kind| ![NONE, OTHER].contains(kind))
    }
}

/// What failed before a circuit opened: the kinds of its last failures, twelve at the most, and the error that tripped it.
///
/// It reads `9 × timed out, 2 × connection refused; the last: connect: connection refused`.
#[derive(Clone, PartialEq, Eq)]
pub struct LastFailures {
    kinds: Kinds,
    error: Option<Box<str>>,
}

impl LastFailures {
    /// `None` where nothing is known of them.
    pub(crate) fn of(kinds: Kinds, failure: &Failure<'_>) -> Option<Self> {
        let error = failure.text();
        let is_known = error.is_some() || kinds.are_known();
        is_known.then_some(Self { kinds, error })
    }

    /// How many of the last failures were of each kind, the commonest first. The kind is what the classifier
    /// [says](crate::Classify::kind), or else what the error tells that can be looked into: an `io::Error` or a timeout among its
    /// sources, or with the feature `hyper` a fault of an HTTP client; or `other`. A failure of which nothing is known is not
    /// among them.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let mut counts: Vec<(&'static str, u32)> = Vec::new();
        for &kind in self.kinds.last.iter().filter(|&&kind| kind != NONE) {
            let name = name(kind);
            match counts.iter_mut().find(|(other, _)| *other == name) {
                Some((_, count)) => *count += 1,
                None => counts.push((name, 1)),
            }
        }
        counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        counts.into_iter()
    }

    /// The text of the error that tripped the circuit, with those of its sources, where it can be looked into: on one line, in 256
    /// bytes at the most.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

impl fmt::Display for LastFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        if self.kinds.are_known() {
            for (kind, count) in self.kinds() {
                write!(f, "{gap}{count} × {kind}")?;
                gap = ", ";
            }
        }
        match self.error() {
            Some(error) if gap.is_empty() => f.write_str(error),
            Some(error) => write!(f, "; the last: {error}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for LastFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LastFailures({self})")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for LastFailures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        struct ByKind<'a>(&'a LastFailures);
        impl serde::Serialize for ByKind<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.kinds())
            }
        }
        let mut failures = serializer.serialize_struct("LastFailures", 2)?;
        failures.serialize_field("kinds", &ByKind(self))?;
        failures.serialize_field("error", &self.error())?;
        failures.end()
    }
}
