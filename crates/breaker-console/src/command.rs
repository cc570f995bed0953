//! What an operator can have done.

use std::{sync::Arc, time::Duration};

use breaker_layer::{Circuit, Registry, keyed::AllKeys};

use crate::{html::Clip, query::Params};

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Isolate,
    Reset,
    Trip,
    HalfOpen,
    Close,
    ObserveOnly,
    Disable,
}

impl Act {
    /// Isolate comes first because a browser presses the first button where somebody presses Enter, and it asks once more.
    pub(crate) const ALL: [Self; 7] = [
        Self::Isolate,
        Self::Reset,
        Self::Trip,
        Self::HalfOpen,
        Self::Close,
        Self::ObserveOnly,
        Self::Disable,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Isolate => "isolate",
            Self::Reset => "reset",
            Self::Trip => "trip",
            Self::HalfOpen => "half_open",
            Self::Close => "close",
            Self::ObserveOnly => "observe_only",
            Self::Disable => "disable",
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Isolate => "Isolate",
            Self::Reset => "Reset",
            Self::Trip => "Open",
            Self::HalfOpen => "Half-open",
            Self::Close => "Close",
            Self::ObserveOnly => "Observe only",
            Self::Disable => "Disable",
        }
    }

    pub(crate) const fn does(self) -> &'static str {
        match self {
            Self::Isolate => {
                "Rejects every call: until another command says otherwise, or for so long, after which probes decide."
            }
            Self::Reset => {
                "Starts afresh: closed, with nothing counted, and under no command any more."
            }
            Self::Trip => "Rejects calls as if it had tripped, then lets probes pass.",
            Self::HalfOpen => "Lets a few calls pass as probes; they decide.",
            Self::Close => "Lets calls pass, and counts them as usual.",
            Self::ObserveOnly => {
                "Rejects nothing, and says what it would have done, until another command says otherwise."
            }
            Self::Disable => {
                "Lets every call pass, uncounted and unprotected, until another command says otherwise."
            }
        }
    }

    /// Whether it is asked once more.
    pub(crate) const fn is_confirmed(self) -> bool {
        matches!(self, Self::Isolate | Self::Disable)
    }

    /// What its time is called in a form that has several; `None` where it has none.
    pub(crate) const fn span_name(self) -> Option<&'static str> {
        match self {
            Self::Isolate => Some("isolate_for"),
            Self::Trip => Some("trip_for"),
            Self::Reset | Self::HalfOpen | Self::Close | Self::ObserveOnly | Self::Disable => None,
        }
    }

    pub(crate) const fn is_for_tables(self) -> bool {
        matches!(
            self,
            Self::Isolate | Self::Disable | Self::ObserveOnly | Self::Reset
        )
    }
}

/// A command with all that belongs to it.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) act: Act,
    pub(crate) reason: String,
    /// For so long, where it can be.
    pub(crate) span: Option<Duration>,
    pub(crate) is_confirmed: bool,
}

impl Order {
    /// What a form says; otherwise what is wrong with it.
    pub(crate) fn of(form: &Params) -> Result<Self, &'static str> {
        let command = form.get("command").unwrap_or_default();
        let act = Act::ALL.into_iter().find(|act| act.name() == command);
        let reason = form.get("reason").unwrap_or_default().trim();
        let act = act.ok_or("there is no such command")?;
        if reason.is_empty() {
            return Err("a reason is required: say it in `reason`");
        }
        let of_act = || act.span_name().and_then(|name| form.get(name));
        let span = match form.get("for").or_else(of_act).unwrap_or_default() {
            "" => None,
            _ if act.span_name().is_none() => {
                return Err("only `isolate` and `trip` take `for`");
            }
            seconds => Some(span(seconds).ok_or("`for` is a number of seconds, from 1 on")?),
        };
        Ok(Self {
            act,
            reason: Clip(reason, 300).to_string(),
            span,
            is_confirmed: form.get("confirmed") == Some("yes"),
        })
    }

    /// The note that the circuit keeps: who it was, and why.
    fn note(&self, who: &str) -> Arc<str> {
        format!("{}: {}", Clip(who, 80), self.reason).into()
    }

    /// Does it; says what is wrong if it cannot.
    pub(crate) fn carry_out(&self, target: &Target, who: &str) -> Result<(), &'static str> {
        match target {
            Target::Circuit { circuit, .. } => self.command(circuit, who),
            Target::Table(_) if !self.act.is_for_tables() => {
                return Err("a whole table has no such command");
            }
            Target::Table(table) => self.command_all(table.clone().because(self.note(who))),
        }
        Ok(())
    }

    fn command(&self, circuit: &Circuit, who: &str) {
        let operator = circuit.because(self.note(who));
        match (self.act, self.span) {
            (Act::Isolate, None) => operator.isolate(),
            (Act::Isolate, Some(span)) => operator.isolate_for(span),
            (Act::Reset, _) => operator.reset(),
            (Act::Trip, None) => operator.trip(),
            (Act::Trip, Some(span)) => operator.trip_for(span),
            (Act::HalfOpen, _) => operator.half_open(),
            (Act::Close, _) => operator.close(),
            (Act::ObserveOnly, _) => operator.observe_only(),
            (Act::Disable, _) => operator.disable(),
        }
    }

    fn command_all(&self, table: AllKeys) {
        match (self.act, self.span) {
            (Act::Isolate, None) => table.isolate(),
            (Act::Isolate, Some(span)) => table.isolate_for(span),
            (Act::Disable, _) => table.disable(),
            (Act::ObserveOnly, _) => table.observe_only(),
            (Act::Reset, _) => table.reset(),
            (Act::Trip | Act::HalfOpen | Act::Close, _) => {}
        }
    }
}

fn span(seconds: &str) -> Option<Duration> {
    let seconds = seconds.parse().ok().filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(seconds))
}

/// What a request is about.
pub(crate) enum Target {
    Circuit {
        name: String,
        key: Option<String>,
        circuit: Circuit,
    },
    Table(AllKeys),
}

impl Target {
    /// What the query names; `None` if there is nothing like that.
    pub(crate) fn of(registry: &Registry, query: &Params) -> Option<Self> {
        if let Some(table) = query.get("table") {
            return registry.table(table).map(Self::Table);
        }
        let (name, key) = (query.get("circuit")?, query.get("key"));
        let circuit = registry.find(name, key)?;
        Some(Self::Circuit {
            name: name.to_owned(),
            key: key.map(str::to_owned),
            circuit,
        })
    }

    pub(crate) fn name(&self) -> &str {
        self.parts().0
    }

    /// The name, the key, and whether it is a whole table.
    pub(crate) fn parts(&self) -> (&str, Option<&str>, bool) {
        match self {
            Self::Circuit { name, key, .. } => (name, key.as_deref(), false),
            Self::Table(table) => (table.name(), None, true),
        }
    }
}
