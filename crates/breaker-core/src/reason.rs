//! Why a circuit changed its state.

use core::fmt;

use crate::{fleet::Peers, relative::Ratio};

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
    /// A failure of its own, and what the peers of this process say: see [`Credit`](crate::Credit).
    Peers {
        /// The failures of its own.
        failures: u32,
        /// Who speaks against the downstream.
        peers: Peers,
    },
    /// So many of the calls failed, among members of a group of which fewer fail.
    Relative {
        /// The failures.
        failures: u32,
        /// The calls since the score was last zero.
        calls: u32,
        /// What the others do.
        others: Ratio,
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
    /// Half-open's deadline passed while a probe was under way, and there was no verdict yet.
    NoVerdict,
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
    /// `consecutive_failures`, `evidence`, `failure_rate`, `failures`, `slow_rate`, `given_up`, `custom`, `peers`, `relative`,
    /// `probes_failed`, `probes_slow`, `no_verdict`, `probe_due`, `probes_succeeded`, `probes_ignored` or `operator`.
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
            Self::Peers { .. } => "peers",
            Self::Relative { .. } => "relative",
            Self::ProbesFailed { .. } => "probes_failed",
            Self::ProbesSlow { .. } => "probes_slow",
            Self::NoVerdict => "no_verdict",
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
            } => fmt_evidence(f, [score, threshold, calls]),
            Self::Window {
                rule,
                counted,
                calls,
                threshold,
            } => fmt_window(f, rule, [counted, calls, threshold]),
            Self::GivenUp { calls } => {
                let (many, were) = (Many(calls, "call"), were(calls));
                write!(f, "{many} in a row {were} given up, none was answered")
            }
            Self::Custom { code } => write!(f, "the custom policy, reason {code}"),
            Self::Peers { failures, peers } => {
                write!(f, "{} of its own, and {peers}", Many(failures, "failure"))
            }
            Self::Relative {
                failures,
                calls,
                others,
            } => {
                let (calls, share) = (Many(calls, "call"), f64::from(others.millionths() / 1000));
                write!(
                    f,
                    "{failures} of {calls} failed, of the others' {} %",
                    share / 10.0
                )
            }
            Self::ProbesFailed { failures, probes } => {
                write!(f, "{failures} of {} failed", Many(probes, "probe"))
            }
            Self::ProbesSlow { slow, probes } => {
                write!(f, "{slow} of {} {} slow", Many(probes, "probe"), were(slow))
            }
            Self::NoVerdict => f.write_str("no verdict in time"),
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

fn fmt_evidence(f: &mut fmt::Formatter<'_>, [score, threshold, calls]: [u32; 3]) -> fmt::Result {
    let (score, threshold) = (Thousandths(score), Thousandths(threshold));
    write!(
        f,
        "evidence {score} ≥ {threshold} after {}",
        Many(calls, "call")
    )
}

fn fmt_window(
    f: &mut fmt::Formatter<'_>,
    rule: Rule,
    [counted, calls, threshold]: [u32; 3],
) -> fmt::Result {
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
