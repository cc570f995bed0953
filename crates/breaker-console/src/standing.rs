//! What a circuit's state and mode are to somebody who looks at the page.

use breaker_layer::{Circuit, Snapshot, State};

/// A circuit's state and mode as one word, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    Open,
    Isolated,
    HalfOpen,
    Disabled,
    Observes,
    Closed,
}

impl Standing {
    pub(crate) const ALL: [Self; 6] = [
        Self::Open,
        Self::Isolated,
        Self::HalfOpen,
        Self::Disabled,
        Self::Observes,
        Self::Closed,
    ];

    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self::of_mode(snapshot.state, || snapshot.observe_only)
    }

    /// As [`Standing::of`], and cheaper: of ten thousand circuits most are only sorted.
    pub(crate) fn of_circuit(circuit: &Circuit) -> Self {
        Self::of_mode(circuit.state(), || circuit.is_observe_only())
    }

    fn of_mode(state: State, is_observe_only: impl FnOnce() -> bool) -> Self {
        match state {
            State::Isolated => Self::Isolated,
            State::Disabled => Self::Disabled,
            _ if is_observe_only() => Self::Observes,
            state => Self::of_state(state),
        }
    }

    /// Of a state without its mode.
    pub(crate) const fn of_state(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::HalfOpen => Self::HalfOpen,
            State::Isolated => Self::Isolated,
            State::Disabled => Self::Disabled,
            _ => Self::Closed,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Isolated => "isolated",
            Self::HalfOpen => "half-open",
            Self::Disabled => "disabled",
            Self::Observes => "observes",
            Self::Closed => "closed",
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|standing| standing.word() == word)
    }

    /// A shape of its own, for whoever does not see colours.
    pub(crate) const fn shape(self) -> &'static str {
        match self {
            Self::Open => {
                "<svg class=\"s open\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><path d=\"M1 1h8v8H1z\"/></svg>"
            }
            Self::Isolated => {
                "<svg class=\"s isolated\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><path d=\"M2 0 5 3 8 0 10 2 7 5 10 8 8 10 5 7 2 10 0 8 3 5 0 2z\"/></svg>"
            }
            Self::HalfOpen => {
                "<svg class=\"s half-open\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><path d=\"M5 0 10 5 5 10 0 5z\"/></svg>"
            }
            Self::Disabled => {
                "<svg class=\"s disabled\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><path d=\"M0 3.5h10v3H0z\"/></svg>"
            }
            Self::Observes => {
                "<svg class=\"s observes\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><path fill-rule=\"evenodd\" d=\"M5 0a5 5 0 1 0 .01 0zM5 2a3 3 0 1 1-.01 0z\"/></svg>"
            }
            Self::Closed => {
                "<svg class=\"s closed\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><path d=\"M5 .5a4.5 4.5 0 1 0 .01 0z\"/></svg>"
            }
        }
    }

    /// The icon of a page on which this is the worst.
    pub(crate) const fn icon(self) -> &'static str {
        match self {
            Self::Open => {
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><path fill=\"#c62828\" d=\"M1 1h14v14H1z\"/></svg>"
            }
            Self::Isolated => {
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><path fill=\"#8e24aa\" d=\"M4 1l4 4 4-4 3 3-4 4 4 4-3 3-4-4-4 4-3-3 4-4-4-4z\"/></svg>"
            }
            Self::HalfOpen => {
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><path fill=\"#d98200\" d=\"M8 0l8 8-8 8-8-8z\"/></svg>"
            }
            Self::Disabled => {
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><path fill=\"#607d8b\" d=\"M0 6h16v4H0z\"/></svg>"
            }
            Self::Observes => {
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"6\" fill=\"none\" stroke=\"#1976d2\" stroke-width=\"3\"/></svg>"
            }
            Self::Closed => {
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"7\" fill=\"#2e7d32\"/></svg>"
            }
        }
    }
}
