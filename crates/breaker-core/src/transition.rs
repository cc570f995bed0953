//! A change of state: what happened, and why.

use core::{fmt, time::Duration};

use crate::{reason::Reason, time::Timestamp, verdict::State};

/// A change from one state into another: what happened, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) generation: u64,
    pub(crate) reason: Reason,
    pub(crate) failures: u32,
    /// In milliseconds; zero if nothing was asked.
    pub(crate) asked: u32,
    pub(crate) at: Timestamp,
    pub(crate) open_for: Option<Duration>,
}

impl Transition {
    /// The state that was left.
    pub const fn from(&self) -> State {
        self.from
    }

    /// The state that was entered.
    pub const fn to(&self) -> State {
        self.to
    }

    /// The generation that began with this transition.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Why.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The failures that counted in the state that was left.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// When.
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// For how long the circuit will reject every call; `None` unless it opened, or was isolated
    /// with an end.
    pub const fn open_for(&self) -> Option<Duration> {
        self.open_for
    }

    /// For how long the response asked to be left alone that opened the circuit, to the millisecond and 49 days at the
    /// most; `None` unless one did. It has been granted within
    /// [`OpenTime::longest_asked`](crate::OpenTime::longest_asked), and is part of [`Transition::open_for`].
    pub const fn asked_for(&self) -> Option<Duration> {
        match self.asked {
            0 => None,
            millis => Some(Duration::from_millis(millis as u64)),
        }
    }
}

/// As one line: `closed -> open, 3 failures in a row, response asked for 30s, for 30s`.
impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}, {}", self.from, self.to, self.reason)?;
        if let Some(asked) = self.asked_for() {
            write!(f, ", response asked for {asked:?}")?;
        }
        if let Some(open_for) = self.open_for {
            // As a rejection says it, in whole milliseconds.
            let millis = u64::try_from(open_for.as_millis()).unwrap_or(u64::MAX);
            write!(f, ", for {:?}", Duration::from_millis(millis))?;
        }
        Ok(())
    }
}
