//! What goes into a decision and what comes out of it.

use core::{fmt, time::Duration};

use crate::time::Timestamp;

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
    /// The operator has every call rejected.
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
    Isolated,
}

impl Refusal {
    /// When it is worth trying again, from the moment of the refusal, which is never at once; `None` if only an operator
    /// can tell.
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Open { retry_after }
            | Self::ProbesTaken { retry_after }
            | Self::Recovering { retry_after } => Some(retry_after),
            Self::Isolated => None,
        }
    }
}

/// Why a circuit changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// So many failures in a row, as many as the threshold or more.
    ConsecutiveFailures {
        /// The failures in a row.
        failures: u32,
    },
    /// The evidence for a failing downstream reached its threshold.
    Evidence {
        /// The score, in thousandths.
        score: u32,
        /// The threshold, in thousandths.
        threshold: u32,
        /// The calls since the score was last zero.
        calls: u32,
    },
    /// A rule counted so many of so many calls in a window.
    Window {
        /// Which rule.
        rule: Rule,
        /// The failed or slow calls in the window.
        counted: u32,
        /// All calls in the window.
        calls: u32,
        /// The threshold: millionths of the calls, or calls.
        threshold: u32,
    },
    /// So many calls in a row were given up, and none was answered: see [`Cancelled`](crate::Cancelled).
    GivenUp {
        /// The calls in a row.
        calls: u32,
    },
    /// A policy of the user's own said so, for this reason of its own.
    Custom {
        /// The policy's own number for its reason.
        code: u32,
    },
    /// As many probes failed as make the required successes unreachable.
    ProbesFailed {
        /// The failed probes.
        failures: u32,
        /// The probes that were recorded.
        probes: u32,
    },
    /// Too many probes were slow.
    ProbesSlow {
        /// The slow probes.
        slow: u32,
        /// The probes that were recorded.
        probes: u32,
    },
    /// Half-open's deadline passed while a probe was under way.
    ProbeTimedOut,
    /// The open time is over, or a call was drawn as a probe.
    ProbeDue,
    /// The probes succeeded.
    ProbesSucceeded {
        /// The probes that were recorded.
        probes: u32,
    },
    /// The results of so many probes were ignored, and no probe failed.
    ProbesIgnored {
        /// The ignored probes.
        probes: u32,
    },
    /// The operator said so.
    Operator,
}

/// The rule of a window that tripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Failed calls against all calls.
    FailureRate,
    /// Failed calls.
    Failures,
    /// Slow calls against all calls.
    SlowRate,
}

impl Reason {
    /// One word for the kind of reason, the same whatever its figures: for metrics and log fields.
    ///
    /// `consecutive_failures`, `evidence`, `failure_rate`, `failures`, `slow_rate`, `given_up`, `custom`, `probes_failed`,
    /// `probes_slow`, `probe_timed_out`, `probe_due`, `probes_succeeded`, `probes_ignored` or `operator`.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::ConsecutiveFailures { .. } => "consecutive_failures",
            Self::Evidence { .. } => "evidence",
            Self::Window { rule, .. } => match rule {
                Rule::FailureRate => "failure_rate",
                Rule::Failures => "failures",
                Rule::SlowRate => "slow_rate",
            },
            Self::GivenUp { .. } => "given_up",
            Self::Custom { .. } => "custom",
            Self::ProbesFailed { .. } => "probes_failed",
            Self::ProbesSlow { .. } => "probes_slow",
            Self::ProbeTimedOut => "probe_timed_out",
            Self::ProbeDue => "probe_due",
            Self::ProbesSucceeded { .. } => "probes_succeeded",
            Self::ProbesIgnored { .. } => "probes_ignored",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ConsecutiveFailures { failures } => {
                write!(f, "{} in a row", Many(failures, "failure"))
            }
            Self::Evidence {
                score,
                threshold,
                calls,
            } => write!(
                f,
                "evidence {} ≥ {} after {}",
                Thousandths(score),
                Thousandths(threshold),
                Many(calls, "call")
            ),
            Self::Window {
                rule,
                counted,
                calls,
                threshold,
            } => {
                let calls = Many(calls, "call");
                match rule {
                    Rule::SlowRate => write!(f, "{counted} of {calls} {} slow", were(counted))?,
                    Rule::FailureRate | Rule::Failures => write!(f, "{counted} of {calls} failed")?,
                }
                match rule {
                    Rule::FailureRate | Rule::SlowRate => {
                        write!(f, ", threshold {} %", f64::from(threshold) / 1e4)
                    }
                    Rule::Failures => write!(f, ", threshold {threshold}"),
                }
            }
            Self::GivenUp { calls } => {
                let (many, were) = (Many(calls, "call"), were(calls));
                write!(f, "{many} in a row {were} given up, none was answered")
            }
            Self::Custom { code } => write!(f, "the custom policy, reason {code}"),
            Self::ProbesFailed { failures, probes } => {
                write!(f, "{failures} of {} failed", Many(probes, "probe"))
            }
            Self::ProbesSlow { slow, probes } => {
                write!(f, "{slow} of {} {} slow", Many(probes, "probe"), were(slow))
            }
            Self::ProbeTimedOut => f.write_str("probe timed out"),
            Self::ProbeDue => f.write_str("a probe is due"),
            Self::ProbesSucceeded { probes } => write!(f, "{} succeeded", Many(probes, "probe")),
            Self::ProbesIgnored { probes } => {
                let (many, were) = (Many(probes, "probe"), were(probes));
                write!(f, "{many} {were} ignored, none failed")
            }
            Self::Operator => f.write_str("operator"),
        }
    }
}

/// So many of something, in words.
struct Many(u32, &'static str);

impl fmt::Display for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} {}{ending}", self.0, self.1)
    }
}

const fn were(count: u32) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// A number in thousandths, shown with one decimal, cut off: a score below its threshold is never shown as equal to it.
struct Thousandths(u32);

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 1000, self.0 / 100 % 10)
    }
}

/// A change from one state into another: what happened, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) generation: u16,
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
    pub const fn generation(&self) -> u16 {
        self.generation
    }

    /// The same transition, its generation counted from another one: that with which the circuit began.
    pub const fn since_generation(mut self, first: u16) -> Self {
        self.generation = self.generation.wrapping_sub(first);
        self
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

    /// For how long the circuit will reject every call; `None` unless it opened.
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
            write!(f, ", for {open_for:?}")?;
        }
        Ok(())
    }
}
