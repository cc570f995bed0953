//! What goes into a decision and what comes out of it.

use core::{fmt, time::Duration};

/// The state of a circuit, as its callers meet it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Calls pass.
    Closed,
    /// Calls are rejected until the open time is over.
    Open,
    /// A few calls pass as probes; their outcomes decide.
    HalfOpen,
    /// The operator has every call rejected, for a time or until another command.
    Isolated,
    /// The operator has every call pass, uncounted.
    Disabled,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::Isolated => "isolated",
            Self::Disabled => "disabled",
        })
    }
}

/// What a call's result means for the circuit.
///
/// A call that was given up has none: its permit was dropped, which the circuit takes as *cancelled*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The downstream did its work; the caller's own mistakes are successes too.
    Success,
    /// The downstream failed.
    Failure,
    /// The result says nothing about the downstream.
    Ignored,
    /// The downstream failed and asked to be left alone for a while (`Retry-After`, gRPC pushback).
    ///
    /// It counts as a failure. If it opens the circuit, it stays open for at least that long, within
    /// [`OpenTime::longest_asked`](crate::OpenTime::longest_asked).
    Overload {
        /// For how long the downstream asked.
        retry_after: Duration,
    },
}

/// Why a call was refused.
///
/// Each wait is worth waiting: whoever asks again after it, and after the wait of the next refusal, and so on, asks only a
/// few times before a call is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The circuit is open.
    Open {
        /// The time left until a call may be a probe. Where a call may already be drawn as one, and this one was not: as long
        /// again as the circuit has been open, the shortest open time at least, and until the next call is a probe for
        /// certain at the most.
        retry_after: Duration,
    },
    /// The circuit is half-open and has as many probes as it wants.
    ProbesTaken {
        /// As long again as probes have been under way, 50 ms at least, and until half-open's deadline at the most.
        retry_after: Duration,
    },
    /// The circuit is closing gradually and has no allowance left.
    Recovering {
        /// The time until the allowance has room again, 1 ms at least.
        retry_after: Duration,
    },
    /// The operator isolated the circuit.
    Isolated {
        /// The time left until the isolation ends; `None` if the operator set no end.
        retry_after: Option<Duration>,
    },
}

impl Refusal {
    /// When it is worth trying again, from the moment of the refusal, which is never at once; `None` if only an operator
    /// can tell.
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Open { retry_after }
            | Self::ProbesTaken { retry_after }
            | Self::Recovering { retry_after } => Some(retry_after),
            Self::Isolated { retry_after } => retry_after,
        }
    }
}
