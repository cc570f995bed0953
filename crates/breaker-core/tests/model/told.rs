//! What the model knows of what has happened.

use breaker_core::{Ending, State};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    Closed,
    Open { attempt: u32, at: u64, until: u64 },
    HalfOpen { attempt: u32 },
    Isolated { until: Option<u64> },
    Disabled,
}

impl Mode {
    pub(crate) fn state(self) -> State {
        match self {
            Self::Closed => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
            Self::Isolated { .. } => State::Isolated,
            Self::Disabled => State::Disabled,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Admitted { generation: u64, at: u64 },
    Ended { generation: u64, ending: Ending },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Permit {
    pub(crate) generation: u64,
    pub(crate) counted: bool,
}

/// A transition, as far as the model knows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) generation: u64,
    pub(crate) why: Why,
    pub(crate) failures: u32,
    pub(crate) at: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Why {
    Row(u32),
    Evidence {
        score: f64,
        threshold: f64,
        calls: u32,
    },
    ProbesFailed(u32, u32),
    ProbesSucceeded(u32),
    ProbesIgnored(u32),
    GivenUp(u32),
    TimedOut,
    Due,
    Operator,
}
