//! What an operator tells the whole fleet, or a zone of it.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::wire;

/// A longer note or name is cut off.
const LONGEST_NOTE: usize = 300;
/// A longer text is no order.
const LONGEST_TEXT: usize = 4096;
/// No order lasts longer.
const LONGEST: Duration = Duration::from_secs(100 * 24 * 3600);

/// What an operator tells every process of the fleet, or of a zone of it.
///
/// It is kept in the store, so that a process that starts later does it, too, and each does it once. The next order for
/// the same target takes its place.
///
/// ```
/// use std::time::Duration;
/// use breaker_fleet::Order;
///
/// let order = Order::isolate("payments")
///     .zone("eu-1a")
///     .because("their database moves")
///     .by("ann")
///     .lasts(Duration::from_secs(3600));
/// assert_eq!(order.to_string(), "isolate payments in zone eu-1a for 3600s, because their database moves (ann)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "it does nothing until `Fleet::order` gives it"]
pub struct Order {
    act: Act,
    circuit: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lasts_ms: Option<u64>,
}

/// What an order has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Act {
    /// See [`Circuit::isolate`](breaker_layer::Circuit::isolate).
    Isolate,
    /// See [`Circuit::disable`](breaker_layer::Circuit::disable).
    Disable,
    /// See [`Circuit::observe_only`](breaker_layer::Circuit::observe_only).
    ObserveOnly,
    /// See [`Circuit::reset`](breaker_layer::Circuit::reset).
    Reset,
}

impl Act {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Isolate => "isolate",
            Self::Disable => "disable",
            Self::ObserveOnly => "observe_only",
            Self::Reset => "reset",
        }
    }
}

impl Order {
    /// Rejects every call to the downstream of this circuit, or of every key of the table of this name.
    pub fn isolate(circuit: impl Into<String>) -> Self {
        Self::new(Act::Isolate, circuit.into())
    }

    /// Lets every call pass, uncounted.
    pub fn disable(circuit: impl Into<String>) -> Self {
        Self::new(Act::Disable, circuit.into())
    }

    /// Rejects nothing, and says what it would have done.
    pub fn observe_only(circuit: impl Into<String>) -> Self {
        Self::new(Act::ObserveOnly, circuit.into())
    }

    /// Starts afresh, and ends what an earlier order or command said.
    pub fn reset(circuit: impl Into<String>) -> Self {
        Self::new(Act::Reset, circuit.into())
    }

    fn new(act: Act, circuit: String) -> Self {
        let (note, by) = (String::new(), String::new());
        Self {
            act,
            circuit,
            key: None,
            zone: None,
            note,
            by,
            lasts_ms: None,
        }
    }

    /// Only for this key of the table. It is done once the key has a circuit.
    pub fn key(self, key: impl Into<String>) -> Self {
        let key = Some(key.into());
        Self { key, ..self }
    }

    /// Only for the processes of this zone.
    pub fn zone(self, zone: impl Into<String>) -> Self {
        let zone = Some(zone.into());
        Self { zone, ..self }
    }

    /// Says why. The circuit's note has it.
    pub fn because(self, note: impl Into<String>) -> Self {
        let note = clipped(note.into());
        Self { note, ..self }
    }

    /// Says who gives it.
    pub fn by(self, who: impl Into<String>) -> Self {
        let by = clipped(who.into());
        Self { by, ..self }
    }

    /// Has it end after this long, up to 100 days: each process that did it then resets what is still under it, and one that starts later
    /// does not do it any more. An isolation ends also where nothing ticks any more. Unsaid, it lasts until the next one.
    pub fn lasts(self, span: Duration) -> Self {
        let millis = span.min(LONGEST).as_millis().max(1);
        let lasts_ms = u64::try_from(millis).ok();
        Self { lasts_ms, ..self }
    }

    /// What is to be done.
    pub const fn act(&self) -> Act {
        self.act
    }

    /// The circuit's name, or its table's.
    pub fn circuit(&self) -> &str {
        &self.circuit
    }

    /// Why, as [`Order::because`] says; empty if it is not said.
    pub fn reason(&self) -> &str {
        &self.note
    }

    /// Who gives it, as [`Order::by`] says; empty if it is not said.
    pub fn operator(&self) -> &str {
        &self.by
    }

    /// The key, if it is for one.
    pub fn of_key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The zone, if it is for one.
    pub fn of_zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// For how long it is in force, if that ends.
    pub fn span(&self) -> Option<Duration> {
        self.lasts_ms.map(Duration::from_millis)
    }

    /// For whom it is: the next order for the same takes its place. `None` if a name is too long, or the zone is none.
    pub(crate) fn target(&self) -> Option<String> {
        let zone = match &self.zone {
            Some(zone) => wire::word(zone)?,
            None => "*",
        };
        let circuit = wire::circuit(&self.circuit, self.key.as_deref())?;
        Some(format!("{zone}:{circuit}"))
    }

    /// What the circuit's note says.
    pub(crate) fn note(&self, id: &str) -> String {
        let note = if self.note.is_empty() {
            self.act.name()
        } else {
            &self.note
        };
        let by = if self.by.is_empty() { "" } else { ", by " };
        format!("{note}{by}{} (fleet order {id})", self.by)
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.act.name(), self.circuit.escape_debug())?;
        if let Some(key) = &self.key {
            write!(f, " for {}", key.escape_debug())?;
        }
        if let Some(zone) = &self.zone {
            write!(f, " in zone {}", zone.escape_debug())?;
        }
        if let Some(span) = self.span() {
            write!(f, " for {span:?}")?;
        }
        if !self.note.is_empty() {
            write!(f, ", because {}", self.note.escape_debug())?;
        }
        if !self.by.is_empty() {
            write!(f, " ({})", self.by.escape_debug())?;
        }
        Ok(())
    }
}

fn clipped(mut text: String) -> String {
    if text.len() > LONGEST_NOTE {
        let end = (0..=LONGEST_NOTE)
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
    }
    text
}

/// An order as it stands in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) id: String,
    /// Later orders have larger numbers.
    pub(crate) number: u64,
    #[serde(flatten)]
    pub(crate) order: Order,
}

impl Kept {
    /// What stands in this field, and for whom; `None` if it is none, or another one's.
    pub(crate) fn read(field: &str, text: &str) -> Option<(String, Self)> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        let mut kept: Self = serde_json::from_str(text).ok()?;
        wire::word(&kept.id)?;
        let order = &mut kept.order;
        order.note = clipped(std::mem::take(&mut order.note));
        order.by = clipped(std::mem::take(&mut order.by));
        let target = order.target()?;
        let has_span = order.span().is_none_or(|span| span <= LONGEST);
        (has_span && kept.field(&target) == field).then_some((target, kept))
    }

    /// Each order has a field of its own, so that whoever removes one removes no other.
    pub(crate) fn field(&self, target: &str) -> String {
        format!("{target}:{}", self.id)
    }

    /// Of two for the same target the later one is in force; of two that were given at the same time either, and everywhere the same.
    pub(crate) fn place(&self) -> (u64, &str) {
        (self.number, &self.id)
    }

    pub(crate) fn write(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        let order = Order::isolate("pay:ments")
            .because("x".repeat(400))
            .by("ann");
        Kept {
            id: "7f".into(),
            number: 3,
            order: order.lasts(Duration::from_secs(9)),
        }
    }

    #[test]
    fn an_order_is_read_as_it_was_written_and_under_its_own_target_only() {
        let (text, target) = (kept().write().unwrap(), kept().order.target().unwrap());
        let field = kept().field(&target);
        assert_eq!(field, "*:pay%3Aments:7f");
        assert_eq!(Kept::read(&field, &text), Some((target, kept())));
        assert_eq!(Kept::read("*:other:7f", &text), None);
        assert_eq!(Kept::read("*:pay%3Aments:8f", &text), None);
        assert_eq!(
            kept().order.note("7f").len(),
            300 + ", by ann (fleet order 7f)".len()
        );
    }

    #[test]
    fn garbage_is_no_order() {
        let good = r#"{"id":"a","number":1,"act":"reset","circuit":"c"}"#;
        assert!(Kept::read("*:c:a", good).is_some());
        for garbage in [
            "",
            "null",
            "[]",
            r#"{"id":"a b","number":1,"act":"reset","circuit":"c"}"#,
            r#"{"id":"a","number":-1,"act":"reset","circuit":"c"}"#,
            r#"{"id":"a","number":1,"act":"explode","circuit":"c"}"#,
            r#"{"id":"a","number":1,"act":"reset","circuit":"d"}"#,
            r#"{"id":"a","number":1,"act":"reset","circuit":"c","zone":"a b"}"#,
            r#"{"id":"a","number":1,"act":"reset","circuit":"c","lasts_ms":18446744073709551615}"#,
        ] {
            assert_eq!(Kept::read("*:c:a", garbage), None, "{garbage}");
        }
        let long = good.replace("}", &format!(r#","note":"{}"}}"#, "x".repeat(5000)));
        assert_eq!(Kept::read("*:c:a", &long), None);
    }
}
