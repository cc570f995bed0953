//! What observers are told.

use std::{borrow::Cow, fmt, time::Duration};

use breaker_core::{Config, Outcome, Refusal, Transition};

use crate::{
    failure::LastFailures,
    snapshot::Snapshot,
    storage::{Change, Reconfigured, RecordedOutcome, Subject},
    text::OneLine,
};

/// A transition, and the circuit that made it.
#[derive(Clone)]
pub struct TransitionEvent<'a>(pub(super) Cow<'a, Change>);

impl TransitionEvent<'_> {
    /// The circuit's name. One of a table's circuits is called what
    /// `KeyedBuilder::name_by` says, or else as the table.
    pub fn circuit(&self) -> &str {
        &self.0.subject.name
    }

    /// The name of the table that the circuit belongs to, if it does.
    pub fn table(&self) -> Option<&str> {
        self.0.subject.table.as_deref()
    }

    /// What happened, and why.
    pub fn transition(&self) -> Transition {
        self.0.transition
    }

    /// What failed before the circuit opened, as far as it is known.
    pub fn last_failures(&self) -> Option<&LastFailures> {
        self.0.failures.as_deref()
    }

    /// What the operator said who made this transition: see [`Circuit::because`](crate::Circuit::because).
    pub fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// Whether the circuit only observes, so that this is what it would have done: it rejects nothing.
    pub fn is_observe_only(&self) -> bool {
        self.0.observe_only
    }

    /// The circuit as it is by now, which may be later; `None` once it is gone.
    pub fn snapshot(&self) -> Option<Snapshot> {
        Snapshot::of_weak(self.0.subject.circuit)
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn subject(&self) -> &Subject {
        &self.0.subject
    }

    /// The same, to keep.
    pub fn into_owned(self) -> TransitionEvent<'static> {
        TransitionEvent(Cow::Owned(self.0.into_owned()))
    }
}

/// As one line: `payments: closed -> open, 5 failures in a row, for 5s`. What would break the line is escaped.
impl fmt::Display for TransitionEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change {
            subject,
            transition,
            note,
            observe_only,
            failures,
        } = &*self.0;
        write!(f, "{subject}: {transition}")?;
        if let Some(failures) = failures {
            write!(f, " ({failures})")?;
        }
        if let Some(note) = note {
            write!(f, ", because {}", OneLine(note))?;
        }
        if *observe_only {
            f.write_str(", only observing")?;
        }
        Ok(())
    }
}

impl fmt::Debug for TransitionEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransitionEvent({self})")
    }
}

/// A change of a circuit's settings.
#[derive(Clone)]
pub struct ReconfiguredEvent<'a>(pub(super) Cow<'a, Reconfigured>);

impl ReconfiguredEvent<'_> {
    /// The circuit's name: see [`TransitionEvent::circuit`].
    pub fn circuit(&self) -> &str {
        &self.0.subject.name
    }

    /// The name of the table that the circuit belongs to, if it does.
    pub fn table(&self) -> Option<&str> {
        self.0.subject.table.as_deref()
    }

    /// The settings before.
    pub fn before(&self) -> Config {
        self.0.configs[0]
    }

    /// The settings from now on.
    pub fn after(&self) -> Config {
        self.0.configs[1]
    }

    /// The circuit as it is by now, which may be later; `None` once it is gone.
    pub fn snapshot(&self) -> Option<Snapshot> {
        Snapshot::of_weak(self.0.subject.circuit)
    }

    /// What the operator said who made the change: see [`Circuit::because`](crate::Circuit::because).
    pub fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn subject(&self) -> &Subject {
        &self.0.subject
    }

    /// The same, to keep.
    pub fn into_owned(self) -> ReconfiguredEvent<'static> {
        ReconfiguredEvent(Cow::Owned(self.0.into_owned()))
    }
}

/// As one line, of what is different: `payments: reconfigured, slow_after 2s -> 1s, because they are faster now`.
impl fmt::Display for ReconfiguredEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reconfigured {
            subject,
            configs,
            note,
        } = &*self.0;
        write!(f, "{subject}: reconfigured")?;
        let [old, mut new] = configs.each_ref().map(told);
        for (name, before) in old {
            let at = new.iter().position(|(other, _)| *other == name);
            let after = at.map(|at| new.remove(at).1);
            match after {
                Some(after) if after == before => {}
                Some(after) => write!(f, ", {name} {before} -> {after}")?,
                None => write!(f, ", {name} {before} -> none")?,
            }
        }
        for (name, after) in new {
            write!(f, ", {name} none -> {after}")?;
        }
        if let Some(note) = note {
            write!(f, ", because {}", OneLine(note))?;
        }
        Ok(())
    }
}

/// Each setting's name and value.
fn told(config: &Config) -> Vec<(String, String)> {
    let mut told = Vec::new();
    config.each_setting(|setting| {
        let text = setting.to_string();
        if let Some((name, value)) = text.split_once(" = ") {
            told.push((name.to_owned(), value.to_owned()));
        }
    });
    told
}

impl fmt::Debug for ReconfiguredEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReconfiguredEvent({self})")
    }
}

/// A call that was rejected.
pub struct RejectedEvent<'a> {
    pub(super) subject: &'a Subject,
    pub(super) refusal: Refusal,
}

impl RejectedEvent<'_> {
    /// The circuit's name: see [`TransitionEvent::circuit`].
    pub fn circuit(&self) -> &str {
        &self.subject.name
    }

    /// The name of the table that the circuit belongs to, if it does.
    pub fn table(&self) -> Option<&str> {
        self.subject.table.as_deref()
    }

    /// Why, and for how long.
    pub const fn refusal(&self) -> Refusal {
        self.refusal
    }
}

impl fmt::Debug for RejectedEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RejectedEvent({}: {:?})", self.subject, self.refusal)
    }
}

/// A call whose outcome was recorded.
pub struct RecordedEvent<'a> {
    pub(super) subject: &'a Subject,
    pub(super) call: &'a RecordedOutcome,
}

impl RecordedEvent<'_> {
    /// The circuit's name: see [`TransitionEvent::circuit`].
    pub fn circuit(&self) -> &str {
        &self.subject.name
    }

    /// The name of the table that the circuit belongs to, if it does.
    pub fn table(&self) -> Option<&str> {
        self.subject.table.as_deref()
    }

    /// How it went; `None` if it was cancelled.
    pub const fn outcome(&self) -> Option<Outcome> {
        self.call.outcome
    }

    /// How long it took, from its admission on. `None` where the observer came after its admission.
    pub const fn took(&self) -> Option<Duration> {
        self.call.took
    }

    /// Whether it took longer than [`slow_after`](crate::CircuitBuilder::slow_after).
    pub const fn is_slow(&self) -> bool {
        self.call.is_slow
    }

    /// Whether it began before a transition, and so counted for nothing.
    pub const fn is_straggler(&self) -> bool {
        self.call.is_straggler
    }
}

impl fmt::Debug for RecordedEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (outcome, took) = (self.outcome(), self.took());
        write!(f, "RecordedEvent({}: {outcome:?}, {took:?})", self.subject)
    }
}

/// A circuit that is gone, and what it counted to the last.
pub struct EndedEvent<'a> {
    pub(super) subject: &'a Subject,
    pub(super) last: &'a Snapshot,
}

impl EndedEvent<'_> {
    /// The circuit's name: see [`TransitionEvent::circuit`].
    pub fn circuit(&self) -> &str {
        &self.subject.name
    }

    /// The name of the table that the circuit belonged to, if it did.
    pub fn table(&self) -> Option<&str> {
        self.subject.table.as_deref()
    }

    /// Its totals, which are final; calls that were under way when it ended are not among them.
    pub const fn last(&self) -> &Snapshot {
        self.last
    }

    #[cfg(feature = "metrics")]
    pub(crate) const fn subject(&self) -> &Subject {
        self.subject
    }
}

impl fmt::Debug for EndedEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndedEvent({}: {:?})", self.subject, self.last)
    }
}
